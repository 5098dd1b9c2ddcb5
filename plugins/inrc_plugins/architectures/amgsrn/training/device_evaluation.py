"""Evaluation of `amgsrn` on a GPU, with torch; of accuracy class F."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from codec.arrays import Float32Array, Float64Array
from inrc_plugins.architectures.amgsrn.config import AmgsrnConfig
from inrc_plugins.architectures.amgsrn.training.network import GridsNetwork, features, perceptron
from inrc_plugins.shared.training.device_network import DeviceNetwork


class DeviceEvaluator(DeviceNetwork):
    """An `amgsrn` model on a torch device; arguments as of the base."""

    block_samples = 1 << 22

    def __init__(
        self,
        config: AmgsrnConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
    ) -> None:
        super().__init__(config, shape, components, parameters, device)
        # Each sample has a place in every grid.
        self._samples = max(1, self.block_samples // config.grids)
        # Places in the grids need more digits than float32 has.
        self._transforms = self._tensors["transforms"].double()
        self._grids = self._tensors["grids"].double()
        self._network = GridsNetwork(config, [shape[axis] for axis in self._axes])

    def coordinates(self, indices: Float64Array, axis: int) -> Float64Array:
        return indices

    def forward_product(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        points = torch.meshgrid(*coordinates, indexing="ij")
        return self.forward_points([axis.reshape(-1) for axis in points])

    def forward_points(self, coordinates: list[torch.Tensor]) -> torch.Tensor:
        local = self._network.local(self._transforms, coordinates)
        sampled = features(self._grids, local).float()
        return perceptron(self._config, self._tensors, sampled)
