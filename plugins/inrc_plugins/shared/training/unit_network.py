"""Networks over coordinates in [0, 1], evaluated by torch in full float32 (accuracy class F)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch

from codec.arrays import Float32Array, Float64Array
from inrc_plugins.shared.block_evaluation import BlockEvaluator
from inrc_plugins.shared.training.exact_products import exact_products

Forward: TypeAlias = Callable[[Any, dict[str, torch.Tensor], list[torch.Tensor]], torch.Tensor]
"""y (components, n) of a config and its tensors, for one float64 tensor per active axis."""


class UnitNetworkEvaluator(BlockEvaluator):
    """A network on a torch device.

    Args:
        config: its shape, as its functions take it.
        shape: the item's dims.
        components: outputs.
        tensors: by name, on the device.
        device: a torch device, "cuda" for example.
        samples: of a block, at most.
        on_product: the function on an outer product of coordinates.
        at_points: the function at points.
    """

    def __init__(
        self,
        config: Any,
        shape: tuple[int, ...],
        components: int,
        tensors: dict[str, torch.Tensor],
        device: str,
        *,
        samples: int,
        on_product: Forward,
        at_points: Forward,
    ) -> None:
        super().__init__(shape, components, samples)
        self._config = config
        self._tensors = tensors
        self._device = device
        self._forward = on_product, at_points
        self._lock = threading.Lock()

    def _on_product(self, active: Sequence[Float64Array]) -> Float32Array:
        return self._computed(self._forward[0], active)

    def _at_points(self, active: Sequence[Float64Array]) -> Float32Array:
        return self._computed(self._forward[1], active)

    def _computed(self, forward: Forward, active: Sequence[Float64Array]) -> Float32Array:
        # float64 until the features are made: the phase of high octaves needs the digits.
        units = [
            torch.from_numpy(indices / (self._shape[axis] - 1)).to(self._device)
            for axis, indices in zip(self._axes, active, strict=True)
        ]
        with exact_products(self._lock):
            found: Float32Array = forward(self._config, self._tensors, units).cpu().numpy()
        return found
