"""Grids of items that are tiles of one field (ITEM-10, ITEM-11, TILE-1 to TILE-4).

The tiles of a field form a rectilinear grid: along each axis the field is cut into intervals, and
every combination of intervals is the core of one tile. Tiles may reach into their neighbours; there
they are blended.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from codec.arrays import Float64Array, Int64Array
from codec.errors import CorruptError
from codec.format.headers import MAX_SIZE, Item

Box = tuple[slice, ...]
# Numbers of samples that tiles hold before and after their core: per axis, for every interval.
Margins = tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True)
class TileGrid:
    """The items that one group of fields is made of.

    Attributes:
        cuts: 0, the borders between intervals, and the size of the field, per axis.
        numbers: numbers of the items, in C order of the intervals.
        margins: samples that tiles share; empty if no tile reaches beyond its core.
    """

    cuts: tuple[tuple[int, ...], ...]
    numbers: tuple[int, ...]
    margins: Margins = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the field."""
        return tuple(axis[-1] for axis in self.cuts)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of intervals per axis."""
        return tuple(len(axis) - 1 for axis in self.cuts)

    @property
    def count(self) -> int:
        """Number of tiles."""
        return math.prod(self.counts)

    def flat(self, place: Sequence[int]) -> int:
        """Position in `numbers` of the tile with these intervals, one number per axis."""
        return int(np.ravel_multi_index(tuple(place), self.counts))

    def box(self, place: Sequence[int]) -> Box:
        """The core of the tile with these intervals."""
        return tuple(
            slice(axis[number], axis[number + 1])
            for axis, number in zip(self.cuts, place, strict=True)
        )

    def boxes(self) -> list[Box]:
        """The cores of all tiles, in the order of `numbers`."""
        return [self.box(place) for place in np.ndindex(*self.counts)]

    def overlap(self, place: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Samples of a tile before and after its core, per axis; empty where there are none."""
        pairs = tuple(axis[number] for axis, number in zip(self.margins, place, strict=False))
        return pairs if any(map(any, pairs)) else ()

    def cover(self, place: Sequence[int]) -> Box:
        """All samples of the field that the tile with these intervals holds."""
        core = self.box(place)
        pairs = self.overlap(place) or ((0, 0),) * len(core)
        return tuple(
            slice(part.start - before, part.stop + after)
            for part, (before, after) in zip(core, pairs, strict=True)
        )

    def covers(self) -> list[Box]:
        """The samples that all tiles hold, in the order of `numbers`."""
        return [self.cover(place) for place in np.ndindex(*self.counts)]

    def sides(
        self, axis: int, positions: Float64Array
    ) -> tuple[Int64Array, Int64Array, Float64Array]:
        """The two intervals between which real positions lie, and the second one's weight (TILE-4).

        Returns:
            (first, second, weight), each as long as `positions`; where only one tile reaches, it
            is both, and the weight is 0.
        """
        borders = np.array(self.cuts[axis][1:-1], np.int64)
        core = np.searchsorted(borders, positions, side="right").astype(np.int64)
        if not len(borders):
            return core, core, np.zeros(len(positions))
        low, high = self._shared(axis, borders)

        def weight(border: Int64Array) -> Float64Array:
            width = high[border] - low[border]
            share: Float64Array = np.clip((positions - low[border]) / width, 0.0, 1.0)
            return share

        left = np.where(core > 0, weight(np.maximum(core - 1, 0)), 1.0)
        right = np.where(core < len(borders), weight(np.minimum(core, len(borders) - 1)), 0.0)
        first = np.where(left < 1, core - 1, core)
        second = np.where((left == 1) & (right > 0), core + 1, core)
        return first, second, np.where(left < 1, left, right)

    def _shared(self, axis: int, borders: Int64Array) -> tuple[Int64Array, Int64Array]:
        """First and last sample where a tile gives way to the next, for each border of an axis."""
        if not self.margins:
            return borders - 1, borders
        pairs = np.array(self.margins[axis], np.int64)
        before, after = pairs[1:, 0], pairs[:-1, 1]
        low = borders - np.maximum(before, 1)
        return low, np.where(before > 0, borders + after - 1, borders)

    def intervals(self, axis: int, samples: Int64Array) -> Int64Array:
        """Numbers of the intervals in which sample indices along an axis lie."""
        borders = np.array(self.cuts[axis][1:-1], np.int64)
        return np.searchsorted(borders, samples, side="right").astype(np.int64)


def box_samples(box: Box) -> int:
    """Number of samples in a box."""
    samples = 1
    for part in box:
        samples *= part.stop - part.start
    return samples


def grids_of(items: Sequence[Item]) -> list[TileGrid]:
    """The items of a file, grouped to fields; a field that is one item has a grid of one tile.

    Raises:
        CorruptError: the tiles of a field do not fit together, or two fields have the same name.
    """
    groups: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        groups.setdefault(item.components[0].name, []).append(number)
    names = [
        component.name for group in groups.values() for component in items[group[0]].components
    ]
    if len(set(names)) != len(names):
        _fail("two fields have the same name")
    return [_grid(items, numbers) for numbers in groups.values()]


def _grid(items: Sequence[Item], numbers: Sequence[int]) -> TileGrid:
    first = items[numbers[0]]
    name = first.components[0].name
    if len(numbers) > 1 and any(items[number].origin is None for number in numbers):
        _fail(f"two fields are called {name!r}, and one of them is no tile")
    if any(_kind(items[number]) != _kind(first) for number in numbers):
        _fail(f"the tiles of {name!r} have different components or dims")
    cores = [core_of(items[number]) for number in numbers]
    axes = range(len(first.dims))
    cuts = tuple(_cuts(name, {core[axis][:2] for core in cores}) for axis in axes)
    margins: Margins = ()
    if any(items[number].overlap for number in numbers):
        margins = tuple(_margins(name, {core[axis] for core in cores}) for axis in axes)
    grid = TileGrid(cuts, (), margins)
    if grid.count != len(numbers):
        _fail(f"the tiles of {name!r} are no grid")
    interval_at = [{start: number for number, start in enumerate(axis)} for axis in cuts]
    placed: dict[int, int] = {}
    for number, core in zip(numbers, cores, strict=True):
        place = [number_at[part[0]] for number_at, part in zip(interval_at, core, strict=True)]
        placed[grid.flat(place)] = number
    if len(placed) != len(numbers):
        _fail(f"two tiles of {name!r} are at the same place")
    return replace(grid, numbers=tuple(placed[index] for index in range(len(placed))))


def _kind(item: Item) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Components and names of dims, which all tiles of a field have in common."""
    components = tuple((component.name, component.dtype) for component in item.components)
    return components, tuple(dim.name for dim in item.dims)


def core_of(item: Item) -> list[tuple[int, int, int, int]]:
    """Start and end of the core of a tile, and its samples before and after, per axis."""
    origin = item.origin or (0,) * len(item.dims)
    overlap = item.overlap or ((0, 0),) * len(item.dims)
    return [
        (start + before, start + size - after, before, after)
        for start, size, (before, after) in zip(origin, item.shape, overlap, strict=True)
    ]


def _cuts(name: str, intervals: set[tuple[int, ...]]) -> tuple[int, ...]:
    cuts = [0]
    for start, end in sorted(intervals):
        if start != cuts[-1]:
            _fail(f"the tiles of {name!r} overlap or leave a gap")
        cuts.append(end)
    if cuts[-1] > MAX_SIZE:
        _fail(f"{name!r} has an axis of more than 2^48 samples")
    return tuple(cuts)


def _margins(name: str, intervals: set[tuple[int, int, int, int]]) -> tuple[tuple[int, int], ...]:
    """Margins of the intervals of one axis, in order; they must fit (TILE-1, TILE-2)."""
    ordered = sorted(intervals)
    starts = {start for start, *_ in ordered}
    if len(starts) != len(ordered):
        _fail(f"tiles of {name!r} with the same core along an axis reach differently far")
    befores, afters = [part[2] for part in ordered], [part[3] for part in ordered]
    if befores[0] or afters[-1]:
        _fail(f"a tile of {name!r} reaches out of the field")
    for after, before in zip(afters[:-1], befores[1:], strict=True):
        if (after == 0) != (before == 0):
            _fail(f"two tiles of {name!r} meet, and only one of them reaches into the other")
    reaching = zip(ordered, [0, *afters[:-1]], [*befores[1:], 0], strict=True)
    for (start, end, *_), after, before in reaching:
        if after + before > end - start:
            _fail(f"three tiles of {name!r} share a sample along one axis")
    return tuple(zip(befores, afters, strict=True))


def _fail(message: str) -> None:
    raise CorruptError(message, section="ITEM")
