"""One field of an open file that is stored in tiles."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from codec.arrays import Array, Float64Array, Int64Array
from codec.coding.evaluate import Window, windows
from codec.coding.normalise import to_stored
from codec.errors import InvalidOptionError
from codec.format.tile_grid import TileGrid
from codec.limits import within_memory
from codec.reading.field import FieldView, ItemView, Selection

if TYPE_CHECKING:
    from codec.reading.item import DecodableItem

# A tile, samples of it, and where these go, per axis.
_Part = tuple[ItemView, Selection, "list[slice | Int64Array]"]
T = TypeVar("T")
R = TypeVar("R")


class TiledView(FieldView):
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
        super().__init__(first.file, self._component, dims, grid.shape, factors, level)

    def _level_factors(self, level: int) -> tuple[int, ...]:
        # A tile of one value has any level; the others decide where there are any.
        layered = [item for item in self._items if item.has_lattice] or list(self._items)
        deepest = max(item.deepest_level for item in layered)
        if not 0 <= level <= deepest:
            raise InvalidOptionError(
                f"{self._component.name}: level {level}; there are 0 to {deepest}"
            )
        found = [item.level_factors(min(level, item.deepest_level)) for item in layered]
        return tuple(max(factors) for factors in zip(*found, strict=True))

    @property
    def items(self) -> Sequence[DecodableItem]:
        return self._items

    def level(self, level: int) -> FieldView:
        return TiledView(self._grid, self._items, self._index, level)

    def _tile(self, place: Sequence[int]) -> ItemView:
        """The tile with these intervals, addressed by single samples of the full resolution."""
        item = self._items[self._grid.flat(place)]
        level = min(self._level, item.deepest_level)
        return ItemView(item, self._index, level, (1,) * len(place))

    @within_memory()
    def read(self, selection: Selection) -> Array:
        return self._read(selection, self._file.threads)

    def _read(self, selection: Selection, threads: int) -> Array:
        """Several tiles get a thread each; one alone has them all."""
        places = self._full_indices(selection)
        if self._grid.margins:
            return self._read_blended(places, threads)
        out = np.empty([len(axis) for axis in selection], self.dtype)

        def fill(part: _Part) -> None:
            tile, local, targets = part
            out[_window(targets)] = tile.read_with(local, each)

        parts = list(self._parts(places))
        each = threads if len(parts) == 1 else 1
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
            real = np.clip(tile.real(local, each), -largest, largest)
            for axis, weight in enumerate(weights):
                real *= weight.reshape(-1, *[1] * (self.ndim - 1 - axis))
            return _window(targets), real

        parts = list(self._weighted_parts(places))
        each = threads if len(parts) == 1 else 1
        for window, real in self._ahead(share, parts, threads):
            total[window] += real
        return total

    def _weighted_parts(self, places: Selection) -> Iterator[tuple[_Part, list[Float64Array]]]:
        """As `_parts`, for every tile with a weight above 0, with its weights per axis."""
        shares = [self._shares(axis, one) for axis, one in enumerate(places)]
        for corner in itertools.product(*(share.items() for share in shares)):
            place = [number for number, _ in corner]
            box = self._grid.cover(place)
            local = [
                axis[found] - part.start
                for axis, (_, (found, _)), part in zip(places, corner, box, strict=True)
            ]
            targets = [_span(found) for _, (found, _) in corner]
            yield (self._tile(place), local, targets), [weight for _, (_, weight) in corner]

    def _shares(self, axis: int, samples: Int64Array) -> dict[int, tuple[Int64Array, Float64Array]]:
        """Per interval of an axis, which of the samples it has a part in, and their weights."""
        first, second, weight = self._grid.sides(axis, samples.astype(np.float64))
        found = {}
        for number in np.unique(np.concatenate([first, second])).tolist():
            own = np.where(first == number, 1 - weight, 0.0) + np.where(
                (second == number) & (second != first), weight, 0.0
            )
            chosen = np.flatnonzero(own)
            found[number] = chosen, own[chosen]
        return {number: share for number, share in found.items() if len(share[0])}

    def read_windows(self, selection: Selection, samples: int) -> Iterator[tuple[Window, Array]]:
        def values(window: Window) -> tuple[Window, Array]:
            chosen = [axis[part] for axis, part in zip(selection, window, strict=True)]
            return window, self._read(chosen, 1)

        yield from self._ahead(values, self.windows(selection, samples), self._file.threads)

    @staticmethod
    def _ahead(work: Callable[[T], R], todo: Iterable[T], threads: int) -> Iterator[R]:
        """The results of work in its order, which is done for some of what comes next meanwhile.

        Most of the work, the decoding of integers above all, runs without Python's lock; so what
        one tile takes of one thread overlaps with that of others, and with what the caller does.
        """
        from threadpoolctl import threadpool_limits

        rest = iter(todo)
        first = list(itertools.islice(rest, 2))
        if threads == 1 or len(first) < 2:
            yield from map(work, itertools.chain(first, rest))
            return
        pool = ThreadPoolExecutor(threads)
        # Around that of each tile: what these find and restore is then the same for all.
        with threadpool_limits(1, "blas"):
            try:
                running: deque[Future[R]] = deque()
                for one in itertools.chain(first, rest):
                    running.append(pool.submit(work, one))
                    if len(running) > threads:
                        yield running.popleft().result()
                while running:
                    yield running.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _parts(self, places: Selection) -> Iterator[_Part]:
        """Each tile that is needed, the samples of it, and where these go, per axis."""
        intervals = [self._grid.intervals(axis, one) for axis, one in enumerate(places)]
        needed = [np.unique(found) for found in intervals]
        for corner in np.ndindex(*map(len, needed)):
            place = [int(found[number]) for found, number in zip(needed, corner, strict=True)]
            box = self._grid.cover(place)
            targets = [
                _span(np.flatnonzero(found == number))
                for found, number in zip(intervals, place, strict=True)
            ]
            local = [
                axis[target] - part.start
                for axis, target, part in zip(places, targets, box, strict=True)
            ]
            yield self._tile(place), local, targets

    def windows(self, selection: Selection, samples: int) -> Iterator[Window]:
        """As `FieldView.windows`; no part reaches into two tiles where the selection ascends."""
        places = self._full_indices(selection)
        runs = [_runs(self._grid.intervals(axis, one)) for axis, one in enumerate(places)]
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
        sides = [self._grid.sides(axis, one) for axis, one in enumerate(places.T)]
        first, last, share = (np.stack(found, 1) for found in zip(*sides, strict=True))
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
        distinct, owners = np.unique(intervals, axis=0, return_inverse=True)
        for number, place in enumerate(distinct.tolist()):
            chosen = np.flatnonzero(owners.reshape(-1) == number)
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
    """Where a sequence of intervals stays the same."""
    borders = [0, *(np.flatnonzero(np.diff(intervals)) + 1).tolist(), len(intervals)]
    return [slice(start, stop) for start, stop in itertools.pairwise(borders)]
