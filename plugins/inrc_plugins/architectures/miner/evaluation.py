"""Evaluation of `miner` on the CPU, with NumPy alone.

Samples that are not requested are not computed, nor are samples of coarser levels on which no
requested sample depends. Arithmetic is float64 throughout, because the phases of the sines are
large and each layer multiplies the error of the layer before.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from codec.arrays import Float32Array, Float64Array, Int64Array
from inrc_plugins.architectures.miner.config import LevelGrid, MinerConfig
from inrc_plugins.architectures.miner.interpolation import InterpolatingEvaluator, distinct_samples
from inrc_plugins.shared.sample_panels import Affine, alike, from_panels, ordered_sum, to_panels

# Number of positions evaluated together: their activations stay in a core's cache.
_CHUNK = 2048


class MinerEvaluator(InterpolatingEvaluator):
    """Evaluator of a `miner` model on the CPU.

    Args:
        config: configuration of the model.
        shape: dims of the item.
        components: number of outputs.
        parameters: float32 tensors of the model, in coding order.
        level: resolution level; 0 is full resolution, and each further level halves it.
    """

    def __init__(
        self,
        config: MinerConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        level: int = 0,
    ) -> None:
        finest = min(level, config.levels - 1)
        super().__init__(shape, components, finest, config.grid(finest, shape).sizes)
        self._finest = finest
        per_level = config.layers + 1
        self._levels = []
        for number in range(config.levels):
            at = per_level * (config.levels - 1 - number)
            tensors = parameters[at : at + per_level]
            self._levels.append(BlockLevel(config, config.grid(number, shape), components, tensors))

    def samples(self, indices: Sequence[Int64Array]) -> Float64Array:
        return self._on_axes(self._finest, indices)

    def samples_at(self, places: Int64Array) -> Float64Array:
        return self._at(self._finest, places)

    def _on_axes(self, level: int, indices: Sequence[Int64Array]) -> Float64Array:
        """Sums of a level and all coarser ones on the outer product of sorted distinct indices."""
        block_level = self._levels[level]
        if level + 1 == len(self._levels):
            return block_level.on_axes(indices)
        sizes = self._levels[level + 1].grid.sizes
        pairs = [_parents(axis, size) for axis, size in zip(indices, sizes, strict=True)]
        needed = [np.unique(np.r_[below, above]) for below, above in pairs]
        values = self._on_axes(level + 1, needed)
        for number, ((below, above), known) in enumerate(zip(pairs, needed, strict=True)):
            first = values.take(np.searchsorted(known, below), number + 1)
            values = (first + values.take(np.searchsorted(known, above), number + 1)) / 2
        return values + block_level.on_axes(indices)

    def _at(self, level: int, places: Int64Array) -> Float64Array:
        """Sums of a level and all coarser ones at distinct samples (n, axes)."""
        block_level = self._levels[level]
        if level + 1 == len(self._levels):
            return block_level.at(places)
        sizes = self._levels[level + 1].grid.sizes
        pairs = [_parents(places[:, axis], size) for axis, size in enumerate(sizes)]
        corners = [np.stack(chosen, axis=1) for chosen in itertools.product(*pairs)]
        distinct, where = distinct_samples(corners, sizes)
        values = self._at(level + 1, distinct)[:, where]
        mean = ordered_sum(np.moveaxis(values, 1, 0)) / len(corners)
        return np.asarray(mean + block_level.at(places))


def _parents(indices: Int64Array, size: int) -> tuple[Int64Array, Int64Array]:
    """Indices of the two samples of the next coarser level whose mean is carried to a sample."""
    return indices // 2, np.minimum((indices + 1) // 2, size - 1)


class BlockLevel:
    """Block networks of one level.

    Args:
        config: configuration of the model.
        grid: samples and blocks of the level.
        components: number of outputs.
        tensors: float32 layers of the level.
    """

    def __init__(
        self, config: MinerConfig, grid: LevelGrid, components: int, tensors: Sequence[Float32Array]
    ) -> None:
        self.grid = grid
        self._config = config
        self._components = components
        layers = [tensor.reshape(len(tensor), -1) for tensor in tensors]
        # Blocks whose last layer is 0 have the value 0 and no network.
        active = np.flatnonzero(layers[-1].any(axis=0))
        self._rows = np.full(grid.count, -1)
        self._rows[active] = np.arange(len(active))
        self._layers = [np.ascontiguousarray(layer[:, active].T) for layer in layers]
        self._fans = config.fans(grid.number, len(grid.sizes), components)

    def on_axes(self, indices: Sequence[Int64Array]) -> Float64Array:
        """Outputs (components, ...) on the outer product of sorted indices."""
        out = np.zeros((self._components, *(len(axis) for axis in indices)))
        pieces = [list(_block_slices(axis, self.grid.block)) for axis in indices]
        for chosen in itertools.product(*pieces):
            row = self._row(np.array([block for block, _ in chosen]))
            if row < 0:
                continue
            local = [
                axis[part] - block * self.grid.block
                for axis, (block, part) in zip(indices, chosen, strict=True)
            ]
            places = np.stack(np.meshgrid(*local, indexing="ij"), axis=-1)
            values = self._network(row, places.reshape(-1, len(local)))
            window = (slice(None), *(part for _, part in chosen))
            out[window] = values.reshape(-1, *places.shape[:-1])
        return out

    def at(self, places: Int64Array) -> Float64Array:
        """Outputs (components, n) at samples (n, axes)."""
        out = np.zeros((self._components, len(places)))
        blocks = np.ravel_multi_index(tuple((places // self.grid.block).T), self.grid.blocks)
        order = np.argsort(blocks, kind="stable")
        _, starts = np.unique(blocks[order], return_index=True)
        for part in np.split(order, starts[1:]):
            row = self._rows[blocks[part[0]]]
            if row >= 0:
                out[:, part] = self._network(row, places[part] % self.grid.block)
        return out

    def _row(self, block: Int64Array) -> int:
        """Index of a block among the blocks with a network, or -1."""
        return int(self._rows[np.ravel_multi_index(tuple(block), self.grid.blocks)])

    def _network(self, row: int, local: Int64Array) -> Float64Array:
        """Outputs (components, n) of one block at sample indices (n, axes) within it."""
        layers = []
        for tensor, (into, out) in zip(self._layers, self._fans, strict=True):
            matrix = tensor[row].astype(np.float64).reshape(out, into + 1)
            layers.append(Affine(matrix[:, :-1], matrix[:, -1]))
        values = np.empty((self._components, len(local)))
        for start in range(0, len(local), _CHUNK):
            part = slice(start, start + _CHUNK)
            hidden = to_panels(_inputs(self._config, local[part]))
            for layer in layers[:-1]:
                hidden = self._activate(layer(hidden))
            values[:, part] = from_panels(layers[-1](hidden), len(local[part]))
        return values

    def _activate(self, z: Float64Array) -> Float64Array:
        if self._config.omega is not None:
            return np.asarray(np.sin(self._config.omega * z))
        return np.asarray(np.exp(-z * z / 2))


def _inputs(config: MinerConfig, local: Int64Array) -> Float64Array:
    """Inputs (inputs, n) of a network at sample indices (n, axes) within its block."""
    places = (2.0 * local / (config.block - 1) - 1).T
    if not config.octaves:
        return places
    angles = (2.0 ** np.arange(config.octaves)[:, None, None] * places).reshape(-1, places.shape[1])
    return np.concatenate([alike(np.sin, angles), alike(np.cos, angles)])


def _block_slices(indices: Int64Array, block: int) -> Iterator[tuple[int, slice]]:
    """Blocks in which sorted indices lie, each with the slice of the indices that lie in it."""
    blocks, starts = np.unique(indices // block, return_index=True)
    ends = [*starts[1:].tolist(), len(indices)]
    for number, start, end in zip(blocks.tolist(), starts.tolist(), ends, strict=True):
        yield number, slice(start, end)
