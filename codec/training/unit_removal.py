"""A fitted network as a pruner of units sees it: what can go, what it matters, and what is left.

Where the family of a network can express smaller ones, units really go. Otherwise units are the
slices of the first axis of tensors that can be pruned, and go by masks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from codec.arrays import BoolArray, FloatArray
from codec.plugin_api.stages import UnitKind
from codec.training.fitted_network import FittedNetwork
from codec.training.fitter import StepReport, Tensors

# The finetune after a removal, as a share of the rates of the float fit.
_RATE_SHARE = 0.1


@runtime_checkable
class SignedGradients(Protocol):
    """A `Fitter` that can tell single samples apart, for the saliency of units."""

    def signed_gradients(self, tensors: Tensors, shards: Sequence[Any]) -> list[Tensors]:
        """Gradients, see `Trainer.signed_gradients`."""
        ...


@dataclass(frozen=True)
class RemovableNetwork:
    """See `codec.plugin_api.stages.UnitNetwork`.

    Attributes:
        network: as fitted, or smaller.
        tensors: of the network.
        masks: of the tensors, where units went by masks.
        batches: that errors are measured on.
        report: of training.
    """

    network: FittedNetwork
    tensors: Tensors
    masks: Mapping[str, BoolArray]
    batches: Sequence[Any]
    report: StepReport

    @property
    def parameters(self) -> int:
        return sum(
            int(self.masks[name].sum()) if name in self.masks else tensor.numel()
            for name, tensor in self.tensors.items()
        )

    def kinds(self) -> tuple[UnitKind, ...]:
        if self.network.units is not None:
            return self.network.units.kinds()
        unit_kinds = []
        for spec in self.network.specs:
            left = len(self._channels(spec.name)) if spec.prunable else 0
            if left > 1:
                freed = math.prod(spec.shape[1:])
                unit_kinds.append(UnitKind(spec.name, left, ((spec.name, 0),), freed))
        return tuple(unit_kinds)

    def saliency(self, kind: UnitKind) -> list[FloatArray] | None:
        fitter = self.network.fitter
        if not isinstance(fitter, SignedGradients):
            return None
        gradients = fitter.signed_gradients(self.tensors, self.batches)
        saliencies: list[FloatArray] = []
        for name, axis in kind.layers:
            tensor = self.tensors[name]
            others = [other for other in range(tensor.ndim) if other != axis]
            gates = [
                (tensor * sample_gradients[name]).sum(dim=others) for sample_gradients in gradients
            ]
            squares = torch.stack(gates).double().square().mean(dim=0).cpu().numpy()
            left = slice(-kind.count, None) if self.network.units else self._channels(name)
            saliencies.append(squares[left])
        return saliencies

    def error(self) -> float:
        return self.network.fitter.estimate(self.tensors, self.batches)

    def without(self, kind: UnitKind, chosen: Sequence[int]) -> RemovableNetwork:
        units = self.network.units
        if units is not None:
            network, tensors = units.without(self.tensors, kind, chosen, self.batches)
            return replace(self, network=network, tensors=tensors)
        channel = self._channels(kind.name)[chosen[0]]
        tensor = self.tensors[kind.name].clone()
        tensor[channel] = 0
        mask = self._mask(kind.name).copy()
        mask[channel] = False
        return replace(
            self,
            tensors={**self.tensors, kind.name: tensor},
            masks={**self.masks, kind.name: mask},
        )

    def trained(self, steps: int) -> RemovableNetwork:
        tensors = {name: tensor.clone() for name, tensor in self.tensors.items()}
        self.network.fitter.run(
            tensors,
            steps,
            {name: _RATE_SHARE * rate for name, rate in self.network.rates.items()},
            final_rate=0.1,
            transform=masking(tensors, self.masks),
            report=self.report,
        )
        apply = masking(tensors, self.masks)
        with torch.no_grad():
            tensors = {name: apply(name, tensor) for name, tensor in tensors.items()}
        return replace(self, tensors=tensors)

    def _mask(self, name: str) -> BoolArray:
        return self.masks.get(name, np.ones(tuple(self.tensors[name].shape), np.bool_))

    def _channels(self, name: str) -> list[int]:
        """Slices that are left."""
        mask = self._mask(name)
        return np.flatnonzero(mask.reshape(len(mask), -1).any(axis=1)).tolist()


def masking(
    tensors: Tensors, masks: Mapping[str, BoolArray]
) -> Callable[[str, torch.Tensor], torch.Tensor]:
    """The transform that puts 0 where masks say so."""
    coded = {
        name: torch.from_numpy(mask).to(tensors[name].device, tensors[name].dtype)
        for name, mask in masks.items()
    }
    return lambda name, tensor: tensor * coded[name] if name in coded else tensor
