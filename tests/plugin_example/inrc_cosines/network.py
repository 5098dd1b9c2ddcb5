"""Sums of cosines of all sizes in PyTorch, for fitting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from codec.training.network_family import NetworkFamily
from inrc_cosines.config import CosinesConfig


class CosinesFamily(NetworkFamily[CosinesConfig]):
    """Sums with the same share of the possible terms along every axis."""

    def sized(self, parameters: int) -> CosinesConfig:
        share = (parameters / (self.components * math.prod(self.sizes))) ** (1 / len(self.sizes))
        return CosinesConfig(
            tuple(min(size, max(1, math.ceil(share * size))) for size in self.sizes)
        )

    def start(self, config: CosinesConfig, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"coefficients": torch.zeros(self.components, *config.terms)}

    def rates(self, config: CosinesConfig) -> dict[str, float]:
        return {"coefficients": self._settings.rate}

    def network(self, config: CosinesConfig) -> CosinesNetwork:
        return CosinesNetwork(config, self.sizes)


class CosinesNetwork:
    """Function of a config on outer products of sample indices: (components, samples)."""

    def __init__(self, config: CosinesConfig, sizes: Sequence[int]) -> None:
        self._terms, self._sizes = config.terms, sizes

    def __call__(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        values = tensors["coefficients"]
        for index, count, size in zip(indices, self._terms, self._sizes, strict=True):
            phases = torch.outer(torch.arange(count), (index + 0.5) * (math.pi / size))
            # The first of the remaining axes of terms becomes the last axis of samples.
            values = torch.tensordot(values, torch.cos(phases).to(values.dtype), ([1], [0]))
        return values.reshape(len(values), -1)
