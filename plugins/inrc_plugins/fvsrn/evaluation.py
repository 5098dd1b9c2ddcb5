"""Fast evaluation of `fvsrn` on the CPU, with NumPy alone.

Three identities make it cheap. SnakeAlt is `x / 2 + sin(x)^2 = (x - cos(2 x)) / 2 + 1 / 2`, so each
layer costs one cosine, and the factors fold into the next matrix. The first layer is linear, so it
is applied to the grid's nodes once instead of to every sample. And on an outer product of positions
the interpolation is separable: leading axes are contracted once per row, and along the last axis
interpolation, Fourier features and first layer are together one matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from codec.contracts import Floats, Positions
from inrc_plugins.fvsrn.config import FvsrnConfig, active_axes

# Samples evaluated together: a few hundred kilobytes of activations, which stay in a core's cache.
_CHUNK = 4096
_ROW = 512


class FvsrnEvaluator:
    """An `fvsrn` model on the CPU.

    Args:
        config: its shape.
        shape: the item's dims.
        parameters: float32 tensors in coding order.
    """

    def __init__(
        self, config: FvsrnConfig, shape: tuple[int, ...], parameters: Sequence[Floats]
    ) -> None:
        self._config = config
        self._shape = shape
        self._axes = active_axes(shape)
        grid, *layers = parameters
        matrices, vectors = layers[0::2], layers[1::2]
        inputs = config.axes * (1 + 2 * config.octaves)
        # Everything is scaled by 2: a layer then delivers the 2 x that the cosine needs.
        self._features = 2 * matrices[0][:, :inputs]
        self._first_vector = 2 * vectors[0]
        nodes = np.tensordot(2 * matrices[0][:, inputs:], grid, axes=1)
        self._nodes = np.ascontiguousarray(np.moveaxis(nodes, 0, -1))
        self._layers = [
            _fold(matrix, vector, 2 if index < config.layers - 1 else 1)
            for index, (matrix, vector) in enumerate(zip(matrices[1:], vectors[1:], strict=True))
        ]
        self._components = matrices[-1].shape[0]

    def on_axes(self, positions: Sequence[Positions]) -> Floats:
        """See `codec.contracts.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        active = [positions[axis] / (self._shape[axis] - 1) for axis in self._axes]
        out = np.empty((self._components, *(len(axis) for axis in active)), dtype=np.float32)
        if out.size:
            biases = [
                _fourier(axis, self._config.octaves).astype(np.float32)
                @ self._axis_matrix(number).T
                for number, axis in enumerate(active[:-1])
            ]
            self._fill(out, active, self._nodes, biases, self._first_vector)
        # Inactive axes have one sample, and every position along them is that sample.
        kept = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        full = out.reshape(self._components, *kept)
        return np.broadcast_to(full, (self._components, *lengths))

    def _axis_matrix(self, number: int) -> Floats:
        """Columns of the first layer that belong to one axis: position, cosines, sines."""
        return self._features[:, number :: self._config.axes]

    def _fill(
        self,
        out: Floats,
        active: Sequence[Positions],
        nodes: Floats,
        biases: Sequence[Floats],
        bias: Floats,
    ) -> None:
        """Fill out (components, n_a, ..., n_last); `nodes` has only the axes still to do."""
        if len(active) > 2:
            lower, weight = _cells(active[0], nodes.shape[0])
            for index, (k, t) in enumerate(zip(lower, weight, strict=True)):
                plane = (1 - t) * nodes[k] + t * nodes[k + 1]
                self._fill(out[:, index], active[1:], plane, biases[1:], bias + biases[0][index])
            return
        if len(active) == 1:
            self._fill_rows(out[:, None], active[0], nodes[None], bias[None])
            return
        rows = max(1, _CHUNK // min(len(active[1]), _ROW))
        lower, weight = _cells(active[0], nodes.shape[0])
        for start in range(0, len(active[0]), rows):
            part = slice(start, start + rows)
            t = weight[part, None, None]
            contracted = (1 - t) * nodes[lower[part]] + t * nodes[lower[part] + 1]
            self._fill_rows(out[:, part], active[1], contracted, bias + biases[0][part])

    def _fill_rows(self, out: Floats, axis: Positions, nodes: Floats, bias: Floats) -> None:
        """Fill out (components, rows, n) from nodes (rows, G, H) and bias (rows, H)."""
        rows = len(nodes)
        for part, lower, basis in self._row_bases(axis, nodes.shape[1]):
            used = nodes[:, lower : lower + basis.shape[0] - self._tail]
            tail = np.broadcast_to(
                self._axis_matrix(self._config.axes - 1).T, (rows, self._tail - 1, bias.shape[1])
            )
            stacked = np.concatenate([used, tail, bias[:, None]], axis=1)
            first = np.matmul(stacked.transpose(2, 0, 1).reshape(-1, basis.shape[0]), basis)
            values = self._network(first.reshape(bias.shape[1], -1))
            out[:, :, part] = values.reshape(self._components, rows, -1)

    @property
    def _tail(self) -> int:
        """Rows of a basis that are not hat functions: position, Fourier features, one."""
        return 2 + 2 * self._config.octaves

    def _row_bases(self, axis: Positions, size: int) -> Iterator[tuple[slice, int, Floats]]:
        """Pieces of the last axis, each with its first grid node and its basis (K, n)."""
        for start in range(0, len(axis), _ROW):
            part = slice(start, start + _ROW)
            lower, weight = _cells(axis[part], size)
            first, last = int(lower.min()), int(lower.max()) + 1
            columns = np.arange(len(lower))
            hats = np.zeros((last - first + 1, len(lower)), dtype=np.float32)
            hats[lower - first, columns] = 1 - weight
            hats[lower - first + 1, columns] += weight
            features = _fourier(axis[part], self._config.octaves).T.astype(np.float32)
            ones = np.ones((1, len(lower)), dtype=np.float32)
            yield part, first, np.concatenate([hats, features, ones])

    def at(self, points: Positions) -> Floats:
        """See `codec.contracts.Evaluator`."""
        out = np.empty((self._components, len(points)), dtype=np.float32)
        for start in range(0, len(points), _CHUNK):
            part = slice(start, start + _CHUNK)
            out[:, part] = self._at_chunk(points[part])
        return out

    def _at_chunk(self, points: Positions) -> Floats:
        active = [points[:, axis] / (self._shape[axis] - 1) for axis in self._axes]
        first = np.tile(self._first_vector[:, None], (1, len(points)))
        cells = []
        for number, axis in enumerate(active):
            features = _fourier(axis, self._config.octaves).astype(np.float32)
            first += self._axis_matrix(number) @ features.T
            cells.append(_cells(axis, self._config.grid[number]))
        for corner in np.ndindex(*(2,) * len(active)):
            index = tuple(lower + up for (lower, _), up in zip(cells, corner, strict=True))
            weight = np.ones(len(points), dtype=np.float32)
            for (_, t), up in zip(cells, corner, strict=True):
                weight *= t if up else 1 - t
            first += (self._nodes[index] * weight[:, None]).T
        return self._network(first)

    def _network(self, doubled: Floats) -> Floats:
        """All layers after the first; `doubled` (H, n) is twice its output, and is overwritten."""
        extended = np.empty((doubled.shape[0] + 1, doubled.shape[1]), dtype=np.float32)
        extended[-1] = 1
        activations = extended[:-1]
        for matrix in self._layers:
            np.cos(doubled, out=activations)
            activations *= -2
            activations += doubled
            doubled = matrix @ extended
        return doubled


def _fold(matrix: Floats, vector: Floats, gain: int) -> Floats:
    """[matrix | vector] for inputs v = 2 x - 2 cos 2 x, of which SnakeAlt(x) = v / 4 + 1 / 2."""
    folded = np.concatenate([matrix / 4, (vector + matrix.sum(axis=1) / 2)[:, None]], axis=1)
    return np.ascontiguousarray(gain * folded)


def _fourier(axis: Positions, octaves: int) -> Positions:
    """(n, 1 + 2 octaves): position, cosines, sines, in float64."""
    angles = 2 * np.pi * axis[:, None] * 2.0 ** np.arange(octaves)
    return np.concatenate([axis[:, None], np.cos(angles), np.sin(angles)], axis=1)


def _cells(axis: Positions, size: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Floats]:
    """Lower node and weight of the upper node for positions in [0, 1]."""
    scaled = np.clip(axis, 0, 1) * (size - 1)
    lower = np.minimum(np.floor(scaled).astype(np.int64), size - 2)
    return lower, (scaled - lower).astype(np.float32)
