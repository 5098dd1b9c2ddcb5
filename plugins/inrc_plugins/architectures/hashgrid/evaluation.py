"""Evaluation of `hashgrid` on the CPU, with NumPy alone.

Nodes of a level are looked up once each on an outer product of positions, not once per corner of
every sample, and interpolated along one axis after the other. Positions are float64, all other
values float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codec.arrays import Float32Array, Float64Array, Int64Array
from inrc_plugins.architectures.hashgrid.config import PRIMES, HashgridConfig, Level
from inrc_plugins.shared.block_evaluation import BlockEvaluator
from inrc_plugins.shared.sample_panels import Affine, from_panels, to_panels

# Number of samples evaluated together: a few hundred kilobytes of activations, which stay in a
# core's cache.
_CHUNK = 8192


class HashgridEvaluator(BlockEvaluator):
    """Evaluator of a `hashgrid` model on the CPU.

    Args:
        config: configuration of the model.
        shape: dims of the item.
        parameters: float32 tensors of the model, in coding order.
    """

    def __init__(
        self, config: HashgridConfig, shape: tuple[int, ...], parameters: Sequence[Float32Array]
    ) -> None:
        super().__init__(shape, len(parameters[-1]), _CHUNK)
        self._config = config
        self._tables = parameters[: config.levels]
        self._layers = [Affine(matrix) for matrix in parameters[config.levels :]]

    def _on_product(self, active: Sequence[Float64Array]) -> Float32Array:
        units = self._units(active)
        features = [self._on_axes(*level, units) for level in self._levels()]
        return self._network(np.concatenate(features))

    def _at_points(self, active: Sequence[Float64Array]) -> Float32Array:
        units = self._units(active)
        features = [self._at(*level, units) for level in self._levels()]
        return self._network(np.concatenate(features))

    def _units(self, active: Sequence[Float64Array]) -> list[Float64Array]:
        """Positions along each active axis, scaled from sample indices to [0, 1]."""
        sizes = (self._shape[axis] for axis in self._axes)
        return [axis / (size - 1) for axis, size in zip(active, sizes, strict=True)]

    def _levels(self) -> zip[tuple[Level, Float32Array]]:
        return zip(self._config.grids, self._tables, strict=True)

    def _on_axes(
        self, level: Level, table: Float32Array, units: Sequence[Float64Array]
    ) -> Float32Array:
        """Features (F, samples) on the outer product of positions in [0, 1] per active axis."""
        terms, steps = [], []
        for number, axis in enumerate(units):
            lower, weight = _cells(axis, level)
            nodes, places = np.unique(np.concatenate([lower, lower + 1]), return_inverse=True)
            shape = [1] * len(units)
            shape[number] = len(nodes)
            terms.append(_term(level, nodes, len(units) - 1 - number).reshape(shape))
            steps.append((places[: len(axis)], places[len(axis) :], weight))
        values = np.take(table, _entries(level, terms), axis=1)
        for number, (low, high, weight) in enumerate(steps):
            shape = [1] * values.ndim
            shape[number + 1] = len(weight)
            t = weight.reshape(shape)
            values = (
                np.take(values, low, number + 1) * (1 - t) + np.take(values, high, number + 1) * t
            )
        return values.reshape(len(table), -1)

    def _at(self, level: Level, table: Float32Array, units: Sequence[Float64Array]) -> Float32Array:
        """Features (F, points) at single points, one coordinate in [0, 1] per active axis."""
        cells = [_cells(axis, level) for axis in units]
        features = np.zeros((len(table), len(units[0])), dtype=np.float32)
        for corner in np.ndindex(*(2,) * len(units)):
            weight = np.ones(len(units[0]), dtype=np.float32)
            terms = []
            for number, ((lower, t), up) in enumerate(zip(cells, corner, strict=True)):
                weight *= t if up else 1 - t
                terms.append(_term(level, lower + up, len(units) - 1 - number))
            features += np.take(table, _entries(level, terms), axis=1) * weight
        return features

    def _network(self, features: Float32Array) -> Float32Array:
        hidden = to_panels(features)
        for layer in self._layers[:-1]:
            hidden = layer(hidden)
            np.maximum(hidden, 0, out=hidden)
        return from_panels(self._layers[-1](hidden), features.shape[1])


def _cells(axis: Float64Array, level: Level) -> tuple[Int64Array, Float32Array]:
    """Lower node and weight of the upper node of positions in [0, 1]."""
    scaled = np.clip(axis, 0, 1) * level.scale + 0.5
    lower = np.floor(scaled)
    return lower.astype(np.int64), (scaled - lower).astype(np.float32)


def _term(level: Level, nodes: Int64Array, axis: int) -> Int64Array:
    """Contribution of nodes along one axis of the encoding to the number of a table entry."""
    if level.dense:
        stride: int = level.resolution**axis
        return nodes * stride
    # Reduction modulo 2^32 is left out: the size of the table divides 2^32.
    return nodes * PRIMES[axis]


def _entries(level: Level, terms: Sequence[Int64Array]) -> Int64Array:
    """Numbers of table entries from the terms of all axes, which are broadcast."""
    numbers = terms[0]
    for term in terms[1:]:
        numbers = numbers + term if level.dense else numbers ^ term
    return numbers % level.entries
