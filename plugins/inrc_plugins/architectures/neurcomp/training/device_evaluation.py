"""Evaluation of `neurcomp` on a GPU, with torch; float64 for the reason that the CPU's is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch

from codec.arrays import Float32Array, Float64Array
from inrc_plugins.architectures.neurcomp.config import NeurcompConfig
from inrc_plugins.architectures.neurcomp.evaluation import coordinates
from inrc_plugins.architectures.neurcomp.training import network
from inrc_plugins.shared.block_evaluation import BlockEvaluator

# Bounds the activations: 128 MB of them for 64 units.
_POINTS = 1 << 18


class DeviceEvaluator(BlockEvaluator):
    """A `neurcomp` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: NeurcompConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
    ) -> None:
        super().__init__(shape, components, _POINTS, np.float64)
        self._config = config
        self._device = device
        self._lock = threading.Lock()
        self._tensors = {
            spec.name: torch.from_numpy(values.astype(np.float64)).to(device)
            for spec, values in zip(config.tensors(components), parameters, strict=True)
        }

    def _on_product(self, active: Sequence[Float64Array]) -> Float64Array:
        return self._computed(network.forward, active)

    def _at_points(self, active: Sequence[Float64Array]) -> Float64Array:
        return self._computed(network.forward_points, active)

    def _computed(
        self, forward: Callable[..., torch.Tensor], active: Sequence[Float64Array]
    ) -> Float64Array:
        places = [
            torch.from_numpy(coordinates(indices, self._shape[axis], max(self._shape)))
            for axis, indices in zip(self._axes, active, strict=True)
        ]
        with self._lock, torch.inference_mode():
            moved = [place.to(self._device) for place in places]
            found: Float64Array = forward(self._config, self._tensors, moved).cpu().numpy()
        return found
