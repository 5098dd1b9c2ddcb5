"""Decoding of one field that is stored in tiles."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from codec.arrays import Array, Float64Array, Int64Array
from codec.coding.evaluate import Window, windows
from codec.coding.normalise import to_stored
from codec.errors import InvalidOptionError
from codec.format.tile_grid import TileGrid
from codec.limits import within_memory
from codec.reading.component_decoder import ComponentDecoder
from codec.reading.field_decoder import FieldDecoder
from codec.reading.item import DecodableItem
from codec.reading.selection import Selection

# A tile, samples of it, and where these go, per axis.
_Part = tuple[ComponentDecoder, Selection, list[slice | Int64Array]]
T = TypeVar("T")
R = TypeVar("R")


class TiledDecoder(FieldDecoder):
    """A field of several tiles; only those that are asked for are decoded.

    At a level, a sample stands at the greatest of the tiles' factors. Between two tiles, values are
    interpolated linearly from the last sample of one to the first of the other; tiles that share
    samples are blended there (TILE-4).
    """

    def __init__(
        self, grid: TileGrid, items: Sequence[DecodableItem], index: int, level: int = 0
    ) -> None:
        first = items[0]
        self._grid = grid
        self._items = tuple(items)
        self._index = index
        self._component = first.header.components[index]
        factors = self._level_factors(level) if level else (1,) * len(grid.shape)
        dims = first.header.dims
        super().__init__(first.streams, self._component, dims, grid.shape, factors, level)

    def _level_factors(self, level: int) -> tuple[int, ...]:
        # A tile of one value has any level; the others decide where there are any.
        layered = [item for item in self._items if item.has_lattice] or list(self._items)
        deepest = max(item.deepest_level for item in layered)
        if not 0 <= level <= deepest:
            raise InvalidOptionError(
                f"{self._component.name}: level {level}; there are 0 to {deepest}"
            )
        by_item = [item.level_factors(min(level, item.deepest_level)) for item in layered]
        return tuple(max(factors) for factors in zip(*by_item, strict=True))

    @property
    def items(self) -> Sequence[DecodableItem]:
        return self._items

    def at_level(self, level: int) -> TiledDecoder:
        return TiledDecoder(self._grid, self._items, self._index, level)

    def _tile(self, place: Sequence[int]) -> ComponentDecoder:
        """The tile with these intervals, addressed by single samples of the full resolution."""
        item = self._items[self._grid.flat(place)]
        level = min(self.level, item.deepest_level)
        return ComponentDecoder(item, self._index, level, (1,) * len(place))

    @within_memory()
    def read(self, selection: Selection) -> Array:
        return self._read(selection, self.streams.threads)

    def _read(self, selection: Selection, threads: int) -> Array:
        """Stored values; several tiles get a thread each, a single one has all threads."""
        places = self._full_indices(selection)
        if self._grid.margins:
            return self._read_blended(places, threads)
        out = np.empty([len(axis) for axis in selection], self.dtype)

        def fill(part: _Part) -> None:
            tile, local, targets = part
            out[_window(targets)] = tile.read_with(local, threads_per_tile)

        parts = list(self._parts(places))
        threads_per_tile = threads if len(parts) == 1 else 1
        for _ in self._ahead(fill, parts, threads):
            pass
        return out

    def _read_blended(self, places: Selection, threads: int) -> Array:
        """Values where tiles share samples: sums, then rounded, and fill values put in."""
        out = to_stored(self.blended(places, threads), self.dtype)
        for tile, local, targets in self._parts(places):
            chosen = out[_window(targets)]
            tile.put_fill(chosen, local)
            out[_window(targets)] = chosen
        return out

    def blended(self, places: Selection, threads: int) -> Float64Array:
        """Weighted sums of what the tiles give, before rounding, and without fill values.

        Args:
            places: per axis, indices of samples at full resolution.
        """
        total = np.zeros([len(axis) for axis in places])
        largest = np.finfo(np.float64).max

        def share(part: tuple[_Part, list[Float64Array]]) -> tuple[Any, Float64Array]:
            (tile, local, targets), weights = part
            real = np.clip(tile.real(local, threads_per_tile), -largest, largest)
            for axis, weight in enumerate(weights):
                real *= weight.reshape(-1, *[1] * (self.ndim - 1 - axis))
            return _window(targets), real

        parts = list(self._weighted_parts(places))
        threads_per_tile = threads if len(parts) == 1 else 1
        for window, real in self._ahead(share, parts, threads):
            total[window] += real
        return total

    def _weighted_parts(self, places: Selection) -> Iterator[tuple[_Part, list[Float64Array]]]:
        """Parts as `_parts` has them, of all tiles with a weight above 0; and weights per axis."""
        shares = [self._shares(axis, samples) for axis, samples in enumerate(places)]
        for corner in itertools.product(*(share.items() for share in shares)):
            place = [number for number, _ in corner]
            box = self._grid.cover(place)
            local = [
                axis[positions] - part.start
                for axis, (_, (positions, _)), part in zip(places, corner, box, strict=True)
            ]
            targets = [_span(positions) for _, (positions, _) in corner]
            yield (self._tile(place), local, targets), [weight for _, (_, weight) in corner]

    def _shares(self, axis: int, samples: Int64Array) -> dict[int, tuple[Int64Array, Float64Array]]:
        """Positions of the samples that each interval of an axis has a part in, and weights."""
        first, second, weight = self._grid.sides(axis, samples.astype(np.float64))
        shares = {}
        for number in np.unique(np.concatenate([first, second])).tolist():
            weights = np.where(first == number, 1 - weight, 0.0) + np.where(
                (second == number) & (second != first), weight, 0.0
            )
            positions = np.flatnonzero(weights)
            shares[number] = positions, weights[positions]
        return {number: share for number, share in shares.items() if len(share[0])}

    def read_windows(self, selection: Selection, samples: int) -> Iterator[tuple[Window, Array]]:
        def values(window: Window) -> tuple[Window, Array]:
            chosen = [axis[part] for axis, part in zip(selection, window, strict=True)]
            return window, self._read(chosen, 1)

        yield from self._ahead(values, self.windows(selection, samples), self.streams.threads)

    @staticmethod
    def _ahead(work: Callable[[T], R], todo: Iterable[T], threads: int) -> Iterator[R]:
        """Results of work in order; some of the tasks ahead are worked on meanwhile.

        Most of the work, the decoding of integers above all, runs without Python's lock; so the
        single thread of a tile overlaps with those of other tiles, and with what the caller does.
        """
        from threadpoolctl import threadpool_limits

        later = iter(todo)
        first = list(itertools.islice(later, 2))
        if threads == 1 or len(first) < 2:
            yield from map(work, itertools.chain(first, later))
            return
        pool = ThreadPoolExecutor(threads)
        # The limit holds around those of single tiles, which then all find and restore the same.
        with threadpool_limits(1, "blas"):
            try:
                running: deque[Future[R]] = deque()
                for task in itertools.chain(first, later):
                    running.append(pool.submit(work, task))
                    if len(running) > threads:
                        yield running.popleft().result()
                while running:
                    yield running.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _parts(self, places: Selection) -> Iterator[_Part]:
        """Each tile that is needed, the samples of it, and where these go, per axis."""
        intervals = [self._grid.intervals(axis, samples) for axis, samples in enumerate(places)]
        needed = [np.unique(numbers) for numbers in intervals]
        for corner in np.ndindex(*map(len, needed)):
            place = [int(numbers[at]) for numbers, at in zip(needed, corner, strict=True)]
            box = self._grid.cover(place)
            targets = [
                _span(np.flatnonzero(numbers == number))
                for numbers, number in zip(intervals, place, strict=True)
            ]
            local = [
                axis[target] - part.start
                for axis, target, part in zip(places, targets, box, strict=True)
            ]
            yield self._tile(place), local, targets

    def windows(self, selection: Selection, samples: int) -> Iterator[Window]:
        """Parts that do not reach into two tiles, where the selection ascends."""
        places = self._full_indices(selection)
        runs = [_runs(self._grid.intervals(axis, samples)) for axis, samples in enumerate(places)]
        for corner in np.ndindex(*map(len, runs)):
            box = [axis[number] for axis, number in zip(runs, corner, strict=True)]
            for window in windows([part.stop - part.start for part in box], samples):
                yield tuple(
                    slice(part.start + inner.start, part.start + inner.stop)
                    for part, inner in zip(box, window, strict=True)
                )

    @within_memory()
    def at(self, points: Any) -> Float64Array:
        places = self._checked_points(points)
        sides = [self._grid.sides(axis, samples) for axis, samples in enumerate(places.T)]
        first, last, share = (np.stack(columns, 1) for columns in zip(*sides, strict=True))
        total, weights = np.zeros(len(places)), np.zeros(len(places))
        invalid = np.zeros(len(places), np.bool_)
        for corner in np.ndindex(*(2,) * self.ndim):
            upper = np.array(corner, np.bool_)
            shares = np.where(upper, share, 1 - share)
            used = np.flatnonzero(shares.all(axis=1))
            values = self._in_tiles(places[used], np.where(upper, last, first)[used])
            weight = np.where(np.isnan(values), 0.0, shares[used].prod(axis=1))
            invalid[used] |= np.isnan(values) & (shares[used] >= 0.5).all(axis=1)
            weights[used] += weight
            total[used] += weight * np.nan_to_num(values)
        invalid |= weights == 0
        total[~invalid] /= weights[~invalid]
        total[invalid] = np.nan
        return total

    def _in_tiles(self, places: Float64Array, intervals: Int64Array) -> Float64Array:
        """Values at positions, each moved into the tile named for it."""
        values = np.empty(len(places))
        distinct, tiles = np.unique(intervals, axis=0, return_inverse=True)
        for number, place in enumerate(distinct.tolist()):
            chosen = np.flatnonzero(tiles.reshape(-1) == number)
            starts = np.array([part.start for part in self._grid.cover(place)], np.float64)
            values[chosen] = self._tile(place).at(places[chosen] - starts)
        return values


def _span(positions: Int64Array) -> slice | Int64Array:
    """Positions as a slice, where they follow one another."""
    first, count = int(positions[0]), len(positions)
    return slice(first, first + count) if positions[-1] - first + 1 == count else positions


def _window(targets: Sequence[slice | Int64Array]) -> Any:
    """An index for the outer product of places per axis."""
    if all(isinstance(target, slice) for target in targets):
        return tuple(targets)
    return np.ix_(*map(_positions, targets))


def _positions(target: slice | Int64Array) -> Int64Array:
    return np.arange(target.start, target.stop) if isinstance(target, slice) else target


def _runs(intervals: Int64Array) -> list[slice]:
    """Runs of positions at which a sequence of intervals stays the same."""
    borders = [0, *(np.flatnonzero(np.diff(intervals)) + 1).tolist(), len(intervals)]
    return [slice(start, stop) for start, stop in itertools.pairwise(borders)]
