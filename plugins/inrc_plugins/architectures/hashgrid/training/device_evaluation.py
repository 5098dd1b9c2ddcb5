"""Evaluation of `hashgrid` on a GPU, with torch; full float32, so of accuracy class F."""

from __future__ import annotations

import torch

from inrc_plugins.architectures.hashgrid.training import network
from inrc_plugins.shared.training.device_network import DeviceNetwork


class DeviceEvaluator(DeviceNetwork):
    """A `hashgrid` model on a torch device; arguments as of the base."""

    # Each sample has 2^axes entries per level at once, which take some 200 bytes in 3-D.
    block_samples = 1 << 18

    def forward_product(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        return network.forward(self._config, self._tensors, coordinates)

    def forward_points(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        return network.forward_points(self._config, self._tensors, coordinates)
