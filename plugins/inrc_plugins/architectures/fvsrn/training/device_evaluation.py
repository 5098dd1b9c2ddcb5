"""Evaluation of `fvsrn` on a GPU, with torch; full float32, so of accuracy class F."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from codec.arrays import Float32Array
from inrc_plugins.architectures.fvsrn.bands import nodal_grid
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.training import network
from inrc_plugins.shared.training.device_network import DeviceNetwork


class DeviceEvaluator(DeviceNetwork):
    """An `fvsrn` model on a torch device, its latent grid as nodes; arguments as of the base."""

    block_samples = 1 << 20

    def __init__(
        self,
        config: FvsrnConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
    ) -> None:
        grid, layers = nodal_grid(config, parameters)
        super().__init__(config.nodal, shape, components, [grid, *layers], device)

    def forward_product(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        return network.forward(self._config, self._tensors, coordinates)

    def forward_points(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        return network.forward_points(self._config, self._tensors, coordinates)
