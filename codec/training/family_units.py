"""Removing units from networks of a family whose config can say that they are gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

import torch

from codec.plugin_api.stages import UnitKind
from codec.training.batches import Shard
from codec.training.fitted_network import FittedNetwork
from codec.training.fitter import Fitter, Tensors
from codec.training.network_family import ConfigT, UnitFamily


@dataclass(frozen=True)
class FamilyUnits(Generic[ConfigT]):
    """The units of one config.

    Attributes:
        family, config: of the network.
        fitter_of: trains a network of another config on the same samples.
    """

    family: UnitFamily[ConfigT]
    config: ConfigT
    fitter_of: Callable[[ConfigT], Fitter[Shard]]

    def kinds(self) -> tuple[UnitKind, ...]:
        return self.family.units(self.config)

    def without(
        self, tensors: Tensors, kind: UnitKind, chosen: Sequence[int], batches: Sequence[Shard]
    ) -> tuple[FittedNetwork, Tensors]:
        with torch.no_grad():
            per_batch = [
                self.family.unit_means(self.config, tensors, kind, batch.indices)
                for batch in batches
            ]
            means = [
                float(sum(layer[unit] for layer in layers)) / len(batches)
                for unit, layers in zip(chosen, zip(*per_batch, strict=True), strict=True)
            ]
            config, smaller = self.family.without(self.config, tensors, kind, chosen, means)
        return self.fitted(config), smaller

    def fitted(self, config: ConfigT) -> FittedNetwork:
        """A network of `config`, with its units."""
        return FittedNetwork(
            self.family.tensors(config),
            self.family.to_map(config),
            self.fitter_of(config),
            self.family.rates(config),
            FamilyUnits(self.family, config, self.fitter_of),
        )
