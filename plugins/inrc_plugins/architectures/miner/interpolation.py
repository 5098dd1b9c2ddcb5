"""Multilinear interpolation between the samples of a level, on axes and at points."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from codec.arrays import Float64Array, Int64Array
from inrc_plugins.shared.config_map import active_axes
from inrc_plugins.shared.sample_panels import ordered_product, ordered_sum


class InterpolatingEvaluator(ABC):
    """Evaluator that interpolates between the samples of one level, which subclasses compute.

    Args:
        shape: dims of the item.
        components: number of outputs.
        level: level of the samples; sample i of the level stands at index 2^level i of the item.
        sizes: number of samples along each active axis.
    """

    def __init__(
        self, shape: tuple[int, ...], components: int, level: int, sizes: tuple[int, ...]
    ) -> None:
        self._axes = active_axes(shape)
        self._components = components
        self._spacing = 2.0**level
        self._sizes = sizes

    @abstractmethod
    def samples(self, indices: Sequence[Int64Array]) -> Float64Array:
        """Samples (components, n_1, ..., n_d) on the outer product of sorted distinct indices.

        Args:
            indices: for each active axis, an array (n_i,) of sample indices.
        """

    @abstractmethod
    def samples_at(self, places: Int64Array) -> Float64Array:
        """Samples (components, n) at distinct indices (n, active axes)."""

    def on_axes(self, positions: Sequence[Float64Array]) -> Float64Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        if 0 in lengths:
            return np.empty((self._components, *lengths))
        cells = [
            self._cells(positions[axis], size)
            for axis, size in zip(self._axes, self._sizes, strict=True)
        ]
        # Upper neighbours are not needed for positions that lie exactly on a sample.
        needed = [np.unique(np.r_[lower, lower[t > 0] + 1]) for lower, t in cells]
        values = self.samples(needed)
        for number, ((lower, t), known) in enumerate(zip(cells, needed, strict=True)):
            values = _interpolated(values, number + 1, np.searchsorted(known, lower), t)
        computed = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        return np.broadcast_to(
            values.reshape(self._components, *computed), (self._components, *lengths)
        )

    def at(self, points: Float64Array) -> Float64Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        if len(points) == 0:
            return np.empty((self._components, 0))
        cells = [
            self._cells(points[:, axis], size)
            for axis, size in zip(self._axes, self._sizes, strict=True)
        ]
        lower = np.stack([low for low, _ in cells], axis=1)
        share = np.stack([t for _, t in cells], axis=1)
        corners, weights = [], []
        for up in itertools.product((0, 1), repeat=len(self._axes)):
            # Corners with a share of 0 have no weight and could lie outside the grid.
            corners.append(lower + np.array(up) * (share > 0))
            weights.append(ordered_product(np.where(up, share, 1 - share).T))
        distinct, places = distinct_samples(corners, self._sizes)
        values = self.samples_at(distinct)[:, places]
        return ordered_sum(np.moveaxis(values * np.array(weights), 1, 0))

    def _cells(self, axis: Float64Array, size: int) -> tuple[Int64Array, Float64Array]:
        """Lower neighbour of each position and weight of the upper neighbour."""
        scaled = np.clip(axis / self._spacing, 0, size - 1)
        lower = np.floor(scaled)
        return lower.astype(np.int64), scaled - lower


def distinct_samples(
    groups: Sequence[Int64Array], sizes: tuple[int, ...]
) -> tuple[Int64Array, Int64Array]:
    """Distinct indices (m, axes) among groups of indices (n, axes), and their inverse.

    Returns:
        The distinct indices, and for each index of each group its place among them, (groups, n).
    """
    flat = np.stack([np.ravel_multi_index(tuple(group.T), sizes) for group in groups])
    distinct, places = np.unique(flat, return_inverse=True)
    return np.stack(np.unravel_index(distinct, sizes), axis=1), places.reshape(flat.shape)


def _interpolated(
    values: Float64Array, axis: int, lower: Int64Array, t: Float64Array
) -> Float64Array:
    """Linear interpolation of `values` along one axis at the positions lower + t."""
    below = values.take(lower, axis)
    if not t.any():
        return below
    share = t.reshape(-1, *[1] * (values.ndim - axis - 1))
    above = values.take(np.where(t > 0, lower + 1, lower), axis)
    return (1 - share) * below + share * above
