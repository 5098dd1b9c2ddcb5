"""Evaluation of `neurcomp` on the CPU, with NumPy alone, in float64.

Rounding errors may grow with every sine, so that float32 would meet the tolerances of class F
for some models only. The first layer, on an outer product of positions, is a sum over the axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codec.arrays import Float32Array, Float64Array
from inrc_plugins.architectures.neurcomp.config import NeurcompConfig
from inrc_plugins.shared.block_evaluation import BlockEvaluator
from inrc_plugins.shared.sample_panels import Affine, from_panels, to_panels

# Number of samples evaluated together: about a megabyte of activations.
_CHUNK = 2048


class NeurcompEvaluator(BlockEvaluator):
    """Evaluator of a `neurcomp` model on the CPU.

    Args:
        config: configuration of the model.
        shape: dims of the item.
        parameters: float32 tensors of the model, in coding order.
    """

    def __init__(
        self, config: NeurcompConfig, shape: tuple[int, ...], parameters: Sequence[Float32Array]
    ) -> None:
        super().__init__(shape, len(parameters[-1]), _CHUNK, np.float64)
        doubles = [tensor.astype(np.float64) for tensor in parameters]
        frequency = config.frequency
        self._first = frequency * doubles[0]
        self._first_vector = frequency * doubles[1]
        self._blocks = [
            (
                Affine(frequency * s * doubles[at], frequency * doubles[at + 1]),
                Affine(frequency * doubles[at + 2], frequency * doubles[at + 3]),
                r,
            )
            for at, (s, r) in zip(range(2, len(doubles) - 2, 4), config.gains, strict=True)
        ]
        self._last = Affine(doubles[-2], doubles[-1])

    def _on_product(self, active: Sequence[Float64Array]) -> Float64Array:
        counts = [len(axis) for axis in active]
        total = self._first_vector.reshape(-1, *[1] * len(counts))
        for number, axis in enumerate(active):
            shape = [1] * len(counts)
            shape[number] = counts[number]
            total = total + self._phases(axis, number).reshape(-1, *shape)
        return self._network(total.reshape(len(self._first), -1))

    def _at_points(self, active: Sequence[Float64Array]) -> Float64Array:
        total = self._first_vector[:, None]
        for number, axis in enumerate(active):
            total = total + self._phases(axis, number)
        return self._network(total)

    def _phases(self, axis: Float64Array, number: int) -> Float64Array:
        """Terms (H, n) that positions along one axis add to the phases of the first layer."""
        size = self._shape[self._axes[number]]
        return np.outer(self._first[:, number], coordinates(axis, size, max(self._shape)))

    def _network(self, phases: Float64Array) -> Float64Array:
        """Outputs (components, n) from the phases of the first layer, (H, n)."""
        hidden = to_panels(phases)
        np.sin(hidden, out=hidden)
        for first, second, gain in self._blocks:
            inner = first(hidden)
            inner = second(np.sin(inner, out=inner))
            hidden += np.sin(inner, out=inner)
            hidden *= gain
        return from_panels(self._last(hidden), phases.shape[1])


def coordinates(axis: Float64Array, size: int, longest: int) -> Float64Array:
    """Coordinates of real indices along an axis; the longest axis runs from -1 to 1."""
    scaled: Float64Array = (2 * axis - (size - 1)) / (longest - 1)
    return scaled
