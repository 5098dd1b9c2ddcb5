"""Evaluation of a sum of cosines with NumPy, in float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codec.arrays import Float32Array, Float64Array
from inrc_cosines.config import CosinesConfig


class CosinesEvaluator:
    """Sum of cosines on the CPU: see `codec.plugin_api.evaluator.Evaluator`."""

    def __init__(
        self, config: CosinesConfig, shape: tuple[int, ...], coefficients: Float32Array
    ) -> None:
        terms = iter(config.terms)
        self._terms = [next(terms) if size > 1 else 1 for size in shape]
        self._sizes = shape
        self._coefficients = coefficients.astype(np.float64).reshape(-1, *self._terms)

    def on_axes(self, positions: Sequence[Float64Array]) -> Float64Array:
        values = self._coefficients
        for indices, count, size in zip(positions, self._terms, self._sizes, strict=True):
            basis = np.cos(np.outer(np.arange(count), (np.asarray(indices) + 0.5) * np.pi / size))
            # Sums in one order for every sample, so that a region has the bits of the whole.
            values = sum(np.multiply.outer(values[:, term], basis[term]) for term in range(count))
        return values

    def at(self, points: Float64Array) -> Float64Array:
        return np.stack([self.on_axes([*point[:, None]]).reshape(-1) for point in points], 1)
