"""Fast evaluation of `fvsrn` on the CPU, with NumPy alone.

Three identities make it cheap. SnakeAlt is `(x - cos(2 f x)) / (2 f) + 1 / (2 f)`, so each layer
costs one cosine, and the factors fold into the next matrix. The first layer is linear, so it is
applied to the grid's nodes once instead of to every sample. And on an outer product of positions
the interpolation is separable: leading axes are contracted once per row, and along the last axis
interpolation, Fourier features and first layer are together one matrix product. (Of a Gaussian row,
leading axes turn the two weights by their share of the phase.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from codec.arrays import Float32Array, Float64Array
from inrc_plugins.architectures.fvsrn.bands import nodal_grid
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.fourier import axis_features, row_matrix
from inrc_plugins.shared.config_map import active_axes

# Samples evaluated together: a few hundred kilobytes of activations, which stay in a core's cache.
_CHUNK = 4096
_ROW = 512


@dataclass(frozen=True)
class _LeadingAxis:
    """What positions along an axis add: (n, H) to the first layer, (n, M) turns to the rows."""

    bias: Float32Array
    turns: Float64Array


class FvsrnEvaluator:
    """An `fvsrn` model on the CPU.

    Args:
        config: its shape.
        shape: the item's dims.
        parameters: float32 tensors in coding order.
    """

    def __init__(
        self, config: FvsrnConfig, shape: tuple[int, ...], parameters: Sequence[Float32Array]
    ) -> None:
        self._config = config
        self._shape = shape
        self._axes = active_axes(shape)
        grid, layers = nodal_grid(config, parameters)
        matrices, vectors = layers[0::2], layers[1::2]
        inputs, rows = config.position_inputs, config.row_count
        # Everything is scaled by 2 f: a layer then delivers the 2 f x that the cosine needs.
        frequency = config.snake_frequency
        self._gain = 2 * frequency
        first = self._gain * matrices[0]
        self._axis_weights = [
            np.ascontiguousarray(first[:, config.columns(axis)].T) for axis in range(config.axes)
        ]
        self._cosine_weights = np.ascontiguousarray(first[:, inputs : inputs + rows].T)
        self._sine_weights = np.ascontiguousarray(first[:, inputs + rows : inputs + 2 * rows].T)
        self._rows = row_matrix(config)
        self._first_vector = self._gain * vectors[0]
        nodes = np.tensordot(first[:, inputs + 2 * rows :], grid, axes=1)
        self._nodes = np.ascontiguousarray(np.moveaxis(nodes, 0, -1))
        self._layers = [
            _fold(matrix, vector, frequency, self._gain if index < config.layers - 1 else 1)
            for index, (matrix, vector) in enumerate(zip(matrices[1:], vectors[1:], strict=True))
        ]
        self._components = matrices[-1].shape[0]

    def on_axes(self, positions: Sequence[Float64Array]) -> Float32Array:
        """See `codec.plugin_api.architecture.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        active = [positions[axis] / (self._shape[axis] - 1) for axis in self._axes]
        out = np.empty((self._components, *(len(axis) for axis in active)), dtype=np.float32)
        if out.size:
            leading = [
                _LeadingAxis(
                    self._features(axis, number).astype(np.float32) @ self._axis_weights[number],
                    axis[:, None] * self._rows[:, number],
                )
                for number, axis in enumerate(active[:-1])
            ]
            turn = np.zeros(len(self._rows))
            self._fill(out, active, self._nodes, leading, self._first_vector, turn)
        # Inactive axes have one sample, and every position along them is that sample.
        kept = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        full = out.reshape(self._components, *kept)
        return np.broadcast_to(full, (self._components, *lengths))

    def _features(self, axis: Float64Array, number: int) -> Float64Array:
        """Inputs that belong to one axis, (n, as many as it has)."""
        config = self._config
        return axis_features(axis, config.raw(number), config.octaves_of(number))

    def _fill(
        self,
        out: Float32Array,
        active: Sequence[Float64Array],
        nodes: Float32Array,
        leading: Sequence[_LeadingAxis],
        bias: Float32Array,
        turn: Float64Array,
    ) -> None:
        """Fill out (components, n_a, ..., n_last); `nodes` has only the axes still to do."""
        if len(active) > 2:
            lower, weight = _cells(active[0], nodes.shape[0])
            axis = leading[0]
            for index, (k, t) in enumerate(zip(lower, weight, strict=True)):
                plane = (1 - t) * nodes[k] + t * nodes[k + 1]
                self._fill(
                    out[:, index], active[1:], plane, leading[1:],
                    bias + axis.bias[index], turn + axis.turns[index],
                )  # fmt: skip
            return
        if len(active) == 1:
            self._fill_rows(out[:, None], active[0], nodes[None], bias[None], turn[None])
            return
        rows = max(1, _CHUNK // min(len(active[1]), _ROW))
        lower, weight = _cells(active[0], nodes.shape[0])
        for start in range(0, len(active[0]), rows):
            part = slice(start, start + rows)
            t = weight[part, None, None]
            contracted = (1 - t) * nodes[lower[part]] + t * nodes[lower[part] + 1]
            biases, turns = bias + leading[0].bias[part], turn + leading[0].turns[part]
            self._fill_rows(out[:, part], active[1], contracted, biases, turns)

    def _fill_rows(
        self,
        out: Float32Array,
        axis: Float64Array,
        nodes: Float32Array,
        bias: Float32Array,
        turns: Float64Array,
    ) -> None:
        """Fill out (components, rows, n) from nodes (rows, G, H), bias (rows, H), and turns."""
        rows, width = bias.shape
        tail = np.concatenate([
            np.broadcast_to(self._axis_weights[-1], (rows, *self._axis_weights[-1].shape)),
            self._turned_weights(turns),
            bias[:, None],
        ], axis=1)  # fmt: skip
        for part, lower, basis in self._row_bases(axis, nodes.shape[1]):
            used = nodes[:, lower : lower + basis.shape[0] - tail.shape[1]]
            stacked = np.concatenate([used, tail], axis=1)
            first = np.matmul(stacked.transpose(2, 0, 1).reshape(-1, basis.shape[0]), basis)
            values = self._network(first.reshape(width, -1))
            out[:, :, part] = values.reshape(self._components, rows, -1)

    def _turned_weights(self, turns: Float64Array) -> Float32Array:
        """Weights (rows, 2 M, H) of cosines and sines along the last axis, after `turns`."""
        angles = 2 * np.pi * turns[:, :, None]
        cosine, sine = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        of_cosine = cosine * self._cosine_weights + sine * self._sine_weights
        of_sine = cosine * self._sine_weights - sine * self._cosine_weights
        return np.concatenate([of_cosine, of_sine], axis=1)

    def _row_bases(
        self, axis: Float64Array, size: int
    ) -> Iterator[tuple[slice, int, Float32Array]]:
        """Pieces of the last axis, each with its first grid node and its basis (K, n)."""
        for start in range(0, len(axis), _ROW):
            part = slice(start, start + _ROW)
            lower, weight = _cells(axis[part], size)
            first, last = int(lower.min()), int(lower.max()) + 1
            columns = np.arange(len(lower))
            hats = np.zeros((last - first + 1, len(lower)), dtype=np.float32)
            hats[lower - first, columns] = 1 - weight
            hats[lower - first + 1, columns] += weight
            features = self._features(axis[part], self._config.axes - 1).T
            angles = 2 * np.pi * self._rows[:, -1:] * axis[part]
            ones = np.ones((1, len(lower)))
            tail = np.concatenate([features, np.cos(angles), np.sin(angles), ones])
            yield part, first, np.concatenate([hats, tail.astype(np.float32)])

    def at(self, points: Float64Array) -> Float32Array:
        """See `codec.plugin_api.architecture.Evaluator`."""
        out = np.empty((self._components, len(points)), dtype=np.float32)
        for start in range(0, len(points), _CHUNK):
            part = slice(start, start + _CHUNK)
            out[:, part] = self._at_chunk(points[part])
        return out

    def _at_chunk(self, points: Float64Array) -> Float32Array:
        active = [points[:, axis] / (self._shape[axis] - 1) for axis in self._axes]
        first = np.tile(self._first_vector[:, None], (1, len(points)))
        cells = []
        for number, axis in enumerate(active):
            features = self._features(axis, number).astype(np.float32)
            first += self._axis_weights[number].T @ features.T
            cells.append(_cells(axis, self._config.grid[number]))
        angles = 2 * np.pi * (self._rows @ np.stack(active))
        first += self._cosine_weights.T @ np.cos(angles).astype(np.float32)
        first += self._sine_weights.T @ np.sin(angles).astype(np.float32)
        for corner in np.ndindex(*(2,) * len(active)):
            index = tuple(lower + up for (lower, _), up in zip(cells, corner, strict=True))
            weight = np.ones(len(points), dtype=np.float32)
            for (_, t), up in zip(cells, corner, strict=True):
                weight *= t if up else 1 - t
            first += (self._nodes[index] * weight[:, None]).T
        return self._network(first)

    def _network(self, doubled: Float32Array) -> Float32Array:
        """All layers after the first; `doubled` (H, n) is 2 f its output, and is overwritten."""
        extended = np.empty((doubled.shape[0] + 1, doubled.shape[1]), dtype=np.float32)
        extended[-1] = 1
        activations = extended[:-1]
        for matrix in self._layers:
            np.cos(doubled, out=activations)
            activations *= -self._gain
            activations += doubled
            doubled = matrix @ extended
        return doubled


def _fold(
    matrix: Float32Array, vector: Float32Array, frequency: float, gain: float
) -> Float32Array:
    """[matrix | vector] for v = 2 f (x - cos 2 f x): SnakeAlt is v / (4 f^2) + 1 / (2 f)."""
    shifted = vector + matrix.sum(axis=1) / (2 * frequency)
    folded = np.concatenate([matrix / (4 * frequency**2), shifted[:, None]], axis=1)
    return np.ascontiguousarray(gain * folded)


def _cells(
    axis: Float64Array, size: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Float32Array]:
    """Lower node and weight of the upper node for positions in [0, 1]."""
    scaled = np.clip(axis, 0, 1) * (size - 1)
    lower = np.minimum(np.floor(scaled).astype(np.int64), size - 2)
    return lower, (scaled - lower).astype(np.float32)
