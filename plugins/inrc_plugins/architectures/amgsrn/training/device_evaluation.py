"""Evaluation of `amgsrn` on a GPU, with torch; of accuracy class F."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch

from codec.arrays import Float32Array, Float64Array
from inrc_plugins.architectures.amgsrn.config import AmgsrnConfig
from inrc_plugins.architectures.amgsrn.training.network import GridsNetwork, features, perceptron
from inrc_plugins.shared.block_evaluation import BlockEvaluator, outer_product
from inrc_plugins.shared.training.exact_products import exact_products

# Samples evaluated together, for each of which there is a place in every grid.
_PLACES = 1 << 22


class DeviceEvaluator(BlockEvaluator):
    """An `amgsrn` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: AmgsrnConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
    ) -> None:
        super().__init__(shape, components, max(1, _PLACES // config.grids))
        self._config = config
        self._device = device
        self._lock = threading.Lock()
        self._tensors = {
            spec.name: torch.from_numpy(np.array(values)).to(device)
            for spec, values in zip(config.tensors(components), parameters, strict=True)
        }
        # Places in the grids need more digits than float32 has.
        self._transforms = self._tensors["transforms"].double()
        self._grids = self._tensors["grids"].double()
        self._network = GridsNetwork(config, [shape[axis] for axis in self._axes])

    def _on_product(self, active: Sequence[Float64Array]) -> Float32Array:
        return self._at_points(outer_product(active))

    def _at_points(self, active: Sequence[Float64Array]) -> Float32Array:
        with exact_products(self._lock):
            moved = [torch.from_numpy(np.ascontiguousarray(axis)) for axis in active]
            local = self._network.local(self._transforms, [axis.to(self._device) for axis in moved])
            found = features(self._grids, local).float()
            values: Float32Array = perceptron(self._config, self._tensors, found).cpu().numpy()
            return values
