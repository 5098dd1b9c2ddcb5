"""Evaluation of `neurcomp` on a GPU, with torch; float64 for the reason that the CPU's is."""

from __future__ import annotations

import numpy as np
import torch

from codec.arrays import Float64Array
from inrc_plugins.architectures.neurcomp.evaluation import coordinates
from inrc_plugins.architectures.neurcomp.training import network
from inrc_plugins.shared.training.device_network import DeviceNetwork


class DeviceEvaluator(DeviceNetwork):
    """A `neurcomp` model on a torch device; arguments as of the base."""

    # Bounds the activations: 128 MB of them for 64 units.
    block_samples = 1 << 18
    precision = np.float64

    def coordinates(self, indices: Float64Array, axis: int) -> Float64Array:
        return coordinates(indices, self._shape[axis], max(self._shape))

    def forward_product(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        return network.forward(self._config, self._tensors, coordinates)

    def forward_points(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        return network.forward_points(self._config, self._tensors, coordinates)
