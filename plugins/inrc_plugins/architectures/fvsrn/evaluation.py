"""Fast evaluation of `fvsrn` on the CPU, with NumPy alone.

Three identities make it cheap. SnakeAlt is `(x - cos(2 f x)) / (2 f) + 1 / (2 f)`, so each layer
costs one cosine, and the factors fold into the next matrix. The first layer is linear, so it is
applied to the grid's nodes once instead of to every sample. And on an outer product of positions
the interpolation is separable: leading axes are contracted once per row, and along the last axis
interpolation, Fourier features and first layer are together one matrix product. (Of a Gaussian row,
leading axes turn the two weights by their share of the phase.)

The nodes of that product are those of a window of the grid, which depends on the position alone and
not on what else is asked for: a sample has the same bits in every region.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from codec.arrays import Float32Array, Float64Array, Int64Array
from inrc_plugins.architectures.fvsrn.bands import nodal_grid
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.fourier import axis_features, row_matrix
from inrc_plugins.shared.config_map import active_axes
from inrc_plugins.shared.sample_panels import (
    Affine,
    affine,
    alike,
    from_panels,
    ordered_sum,
    tiles,
    to_panels,
)

# Samples evaluated together: a few hundred kilobytes of activations, which stay in a core's cache.
_CHUNK = 4096
_ROW = 512
# Cells of the grid whose nodes are multiplied together along the last axis.
_WINDOW = 16


@dataclass(frozen=True)
class _LeadingAxis:
    """What positions along an axis add: (n, tiles, 4) to the first layer, (n, M) turns to rows."""

    bias: Float32Array
    turns: Float64Array


@dataclass(frozen=True)
class _Piece:
    """Positions of the last axis that lie in one window of the grid.

    Attributes:
        places: where they stand on the axis.
        nodes: of the window.
        basis: panels of the weights of the nodes, features, cosines and sines of the rows.
    """

    places: slice | Int64Array
    count: int
    nodes: slice
    basis: Float32Array


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
        self._width = len(first)
        matrix_of_axis = [first[:, config.columns(axis)] for axis in range(config.axes)]
        self._axis_layers = [Affine(matrix) for matrix in matrix_of_axis]
        # Weights of the last axis and of the rows, as sums take them.
        self._last_tiles = tiles(matrix_of_axis[-1])
        self._cosine_tiles = tiles(first[:, inputs : inputs + rows])
        self._sine_tiles = tiles(first[:, inputs + rows : inputs + 2 * rows])
        self._rows = row_matrix(config)
        self._start = _in_tiles(self._gain * vectors[0])
        self._on_points = Affine(first[:, : inputs + 2 * rows], self._gain * vectors[0])
        nodes = Affine(first[:, inputs + 2 * rows :]).on_rows(grid.reshape(len(grid), -1))
        # (G_1, ..., G_(d-1), tiles, G_d, 4)
        self._nodes = tiles(np.moveaxis(nodes.reshape(-1, *grid.shape[1:]), 0, -2))
        self._layers = [
            _fold(matrix, vector, frequency, self._gain if index < config.layers - 1 else 1)
            for index, (matrix, vector) in enumerate(zip(matrices[1:], vectors[1:], strict=True))
        ]
        self._components = matrices[-1].shape[0]

    @cached_property
    def _point_nodes(self) -> Float32Array:
        """(G_1, ..., G_d, H): what points look up, corner by corner."""
        rows = np.moveaxis(self._nodes, -3, -2)
        return np.ascontiguousarray(rows.reshape(*rows.shape[:-2], -1)[..., : self._width])

    def on_axes(self, positions: Sequence[Float64Array]) -> Float32Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        active = [positions[axis] / (self._shape[axis] - 1) for axis in self._axes]
        out = np.empty((self._components, *(len(axis) for axis in active)), dtype=np.float32)
        if out.size:
            leading = [
                _LeadingAxis(
                    _in_tiles(layer.on_rows(self._features(axis, number).T).T),
                    axis[:, None] * self._rows[:, number],
                )
                for number, (axis, layer) in enumerate(
                    zip(active[:-1], self._axis_layers, strict=False)
                )
            ]
            pieces = list(self._pieces(active[-1]))
            turn = np.zeros(len(self._rows))
            self._fill(out, active[:-1], pieces, self._nodes, leading, self._start, turn)
        # Inactive axes have one sample, and every position along them is that sample.
        kept = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        full = out.reshape(self._components, *kept)
        return np.broadcast_to(full, (self._components, *lengths))

    def _features(self, axis: Float64Array, number: int) -> Float32Array:
        """Inputs that belong to one axis, (n, as many as it has)."""
        config = self._config
        inputs = axis_features(axis, config.raw(number), config.octaves_of(number))
        return inputs.astype(np.float32)

    def _fill(
        self,
        out: Float32Array,
        active: Sequence[Float64Array],
        pieces: Sequence[_Piece],
        nodes: Float32Array,
        leading: Sequence[_LeadingAxis],
        start: Float32Array,
        turn: Float64Array,
    ) -> None:
        """Fill out (components, n_a, ..., n_last); `nodes` and `active` have only the leading axes
        still to do."""
        if len(active) > 1:
            lower, weight = _cells(active[0], nodes.shape[0])
            axis = leading[0]
            for index, (k, t) in enumerate(zip(lower, weight, strict=True)):
                plane = (1 - t) * nodes[k] + t * nodes[k + 1]
                self._fill(
                    out[:, index], active[1:], pieces, plane, leading[1:],
                    start + axis.bias[index], turn + axis.turns[index],
                )  # fmt: skip
            return
        if not active:
            for piece in pieces:
                used = nodes[None, :, piece.nodes]
                self._fill_rows(out[:, None], piece, used, start[None], turn[None])
            return
        lower, weight = _cells(active[0], nodes.shape[0])
        for piece in pieces:
            rows = max(1, _CHUNK // piece.count)
            for first in range(0, len(lower), rows):
                part = slice(first, first + rows)
                t = weight[part, None, None, None]
                used = nodes[:, :, piece.nodes]
                contracted = (1 - t) * used[lower[part]] + t * used[lower[part] + 1]
                starts, turns = start + leading[0].bias[part], turn + leading[0].turns[part]
                self._fill_rows(out[:, part], piece, contracted, starts, turns)

    def _fill_rows(
        self,
        out: Float32Array,
        piece: _Piece,
        nodes: Float32Array,
        starts: Float32Array,
        turns: Float64Array,
    ) -> None:
        """Fill a piece of out (components, rows, n) from its nodes (rows, tiles, nodes, 4), starts
        (rows, tiles, 4) and turns."""
        rows = len(nodes)
        tail = np.broadcast_to(self._last_tiles, (rows, *self._last_tiles.shape))
        matrices = np.concatenate([nodes, tail, *self._turned_tiles(turns)], axis=2)
        first = affine(matrices, starts, piece.basis, self._width)
        values = self._network(first.reshape(-1, *first.shape[2:]))
        lanes = values.shape[-1]
        values = values.reshape(rows, -1, self._components, lanes).transpose(2, 0, 1, 3)
        whole = values.reshape(self._components, rows, -1)
        out[:, :, piece.places] = whole[:, :, : piece.count]

    def _turned_tiles(self, turns: Float64Array) -> tuple[Float32Array, Float32Array]:
        """Weights (rows, tiles, M, 4) of cosines and sines along the last axis, after `turns`."""
        angles = 2 * np.pi * turns
        cosine = alike(np.cos, angles).astype(np.float32)[:, None, :, None]
        sine = alike(np.sin, angles).astype(np.float32)[:, None, :, None]
        of_cosine = cosine * self._cosine_tiles + sine * self._sine_tiles
        return of_cosine, cosine * self._sine_tiles - sine * self._cosine_tiles

    def _pieces(self, axis: Float64Array) -> Iterator[_Piece]:
        """The last axis by windows of the grid."""
        size = self._nodes.shape[-2]
        lower, weight = _cells(axis, size)
        windows = lower // _WINDOW
        for window in np.unique(windows):
            first = int(window) * _WINDOW
            last = min(first + _WINDOW + 1, size)
            chosen = np.flatnonzero(windows == window)
            for start in range(0, len(chosen), _ROW):
                places = chosen[start : start + _ROW]
                basis = self._basis(
                    axis[places], lower[places] - first, weight[places], last - first
                )
                yield _Piece(_as_slice(places), len(places), slice(first, last), to_panels(basis))

    def _basis(
        self, axis: Float64Array, lower: Int64Array, weight: Float32Array, nodes: int
    ) -> Float32Array:
        """What the weights of the last axis are multiplied by, (terms, n): see `_Piece`."""
        columns = np.arange(len(axis))
        hats = np.zeros((nodes, len(axis)), np.float32)
        hats[lower, columns] = 1 - weight
        hats[lower + 1, columns] = weight
        angles = 2 * np.pi * self._rows[:, -1:] * axis
        waves = [alike(np.cos, angles), alike(np.sin, angles)]
        features = self._features(axis, self._config.axes - 1).T
        return np.concatenate([hats, features, *(wave.astype(np.float32) for wave in waves)])

    def at(self, points: Float64Array) -> Float32Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        out = np.empty((self._components, len(points)), dtype=np.float32)
        for start in range(0, len(points), _CHUNK):
            part = slice(start, start + _CHUNK)
            out[:, part] = self._at_chunk(points[part])
        return out

    def _at_chunk(self, points: Float64Array) -> Float32Array:
        active = [points[:, axis] / (self._shape[axis] - 1) for axis in self._axes]
        config = self._config
        features = np.empty(
            (config.position_inputs + 2 * config.row_count, len(points)), np.float32
        )
        cells = []
        for number, axis in enumerate(active):
            features[config.columns(number)] = self._features(axis, number).T
            cells.append(_cells(axis, config.grid[number]))
        turns = ordered_sum(
            self._rows[:, number, None] * axis for number, axis in enumerate(active)
        )
        waves = features[config.position_inputs :].reshape(2, -1, len(points))
        waves[0], waves[1] = (alike(wave, 2 * np.pi * turns) for wave in (np.cos, np.sin))
        latent = np.zeros((len(points), self._width), np.float32)
        for corner in np.ndindex(*(2,) * len(active)):
            index = tuple(lower + up for (lower, _), up in zip(cells, corner, strict=True))
            weight = np.ones(len(points), dtype=np.float32)
            for (_, t), up in zip(cells, corner, strict=True):
                weight *= t if up else 1 - t
            latent += self._point_nodes[index] * weight[:, None]
        first = self._on_points(to_panels(features))
        first += to_panels(latent.T)
        return from_panels(self._network(first), len(points))

    def _network(self, doubled: Float32Array) -> Float32Array:
        """All layers after the first; `doubled`, panels of 2 f its output, is overwritten."""
        for layer in self._layers:
            activations = np.cos(doubled)
            activations *= -self._gain
            activations += doubled
            doubled = layer(activations)
        return doubled


def _fold(matrix: Float32Array, vector: Float32Array, frequency: float, gain: float) -> Affine:
    """The layer after v = 2 f (x - cos 2 f x): SnakeAlt is v / (4 f^2) + 1 / (2 f)."""
    shifted = vector + matrix.sum(axis=1) / (2 * frequency)
    return Affine(gain * (matrix / (4 * frequency**2)), gain * shifted)


def _in_tiles(vectors: Float32Array) -> Float32Array:
    """Vectors (..., H) as sums start with them: (..., tiles, 4)."""
    return tiles(vectors[..., None])[..., 0, :]


def _as_slice(places: Int64Array) -> slice | Int64Array:
    """Ascending places as a slice, where they follow one another."""
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first + 1 == len(places) else places


def _cells(axis: Float64Array, size: int) -> tuple[Int64Array, Float32Array]:
    """Lower node and weight of the upper node for positions in [0, 1]."""
    scaled = np.clip(axis, 0, 1) * (size - 1)
    lower = np.minimum(np.floor(scaled).astype(np.int64), size - 2)
    return lower, (scaled - lower).astype(np.float32)
