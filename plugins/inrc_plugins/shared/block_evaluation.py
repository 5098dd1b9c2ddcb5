"""Base class of evaluators that compute one block of samples at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from codec.arrays import Array, Float64Array
from codec.coding.evaluate import windows
from inrc_plugins.shared.config_map import active_axes


class BlockEvaluator(ABC):
    """Evaluator (`codec.plugin_api.evaluator.Evaluator`) that computes its model in blocks.

    Args:
        shape: dims of the item.
        components: number of outputs.
        samples: maximum number of samples of a block, which bounds the memory for activations.
        dtype: float32 or float64, the dtype of the outputs.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        components: int,
        samples: int,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self._shape = shape
        self._axes = active_axes(shape)
        self._components = components
        self._samples = samples
        self._dtype = np.dtype(dtype)

    @abstractmethod
    def _on_product(self, active: Sequence[Float64Array]) -> Array:
        """Outputs (components, product of the lengths) on the outer product of sample indices.

        Args:
            active: sample indices along each active axis.
        """

    @abstractmethod
    def _at_points(self, active: Sequence[Float64Array]) -> Array:
        """Outputs (components, n) at n points.

        Args:
            active: for each active axis, the sample index of each point along it.
        """

    def on_axes(self, positions: Sequence[Float64Array]) -> Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        active = [positions[axis] for axis in self._axes]
        counts = [len(axis) for axis in active]
        out = np.empty((self._components, *counts), self._dtype)
        for window in windows(counts, self._samples) if out.size else ():
            block = [axis[part] for axis, part in zip(active, window, strict=True)]
            values = self._on_product(block)
            out[(slice(None), *window)] = values.reshape(-1, *(len(axis) for axis in block))
        # Inactive axes have one sample, and every position along them is that sample.
        computed = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        return np.broadcast_to(
            out.reshape(self._components, *computed), (self._components, *lengths)
        )

    def at(self, points: Float64Array) -> Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        out = np.empty((self._components, len(points)), self._dtype)
        for start in range(0, len(points), self._samples):
            part = slice(start, start + self._samples)
            out[:, part] = self._at_points([points[part, axis] for axis in self._axes])
        return out


def outer_product(active: Sequence[Float64Array]) -> list[Float64Array]:
    """Coordinates of all points of an outer product, in C order: one array per axis."""
    return [axis.ravel() for axis in np.meshgrid(*active, indexing="ij")]
