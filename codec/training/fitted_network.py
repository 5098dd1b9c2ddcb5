"""A network after its float fit, on its way through pruning and quantisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from codec.arrays import BoolArray
from codec.plugin_api.models import TensorSpec
from codec.plugin_api.stages import UnitKind
from codec.training.fitter import Fitter, Tensors


class Units(Protocol):
    """Units that can be removed from a network of one config."""

    def kinds(self) -> tuple[UnitKind, ...]:
        """Kinds, see `UnitNetwork.kinds`."""
        ...

    def without(
        self, tensors: Tensors, kind: UnitKind, chosen: Sequence[int], batches: Sequence[Any]
    ) -> tuple[FittedNetwork, Tensors]:
        """The smaller network.

        Args:
            tensors: of the network; they stay.
            kind, chosen: one unit of each layer.
            batches: that the units' means are taken over.
        """
        ...


@dataclass(frozen=True)
class FittedNetwork:
    """A network that was fitted.

    Attributes:
        specs: of its tensors, in coding order.
        config: config map of the file.
        fitter: trains it.
        rates: learning rates of the float fit.
        units: what can be removed from it, if its family says so.
    """

    specs: Sequence[TensorSpec]
    config: dict[int, Any]
    fitter: Fitter[Any]
    rates: Mapping[str, float]
    units: Units | None = None


@dataclass(frozen=True)
class FittedState:
    """A point of the search: a network, its float tensors, what is pruned, and the curvature."""

    network: FittedNetwork
    tensors: Tensors
    masks: Mapping[str, BoolArray]
    curvature: Tensors

    @property
    def count(self) -> int:
        """Parameters in all."""
        return sum(tensor.numel() for tensor in self.tensors.values())

    @property
    def coded(self) -> Tensors:
        """Entries that are coded, of tensors with a mask: bool of the same shape."""
        return {
            name: torch.from_numpy(mask).to(self.tensors[name].device).expand_as(self.tensors[name])
            for name, mask in self.masks.items()
        }
