"""Fields made whole again: a tile for every place, and the regions that are lost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from codec.arrays import Int64Array
from codec.errors import CorruptError
from codec.format.headers import Dim, Item
from codec.format.provenance import BOUND, SAMPLES
from codec.format.tile_grid import Box, box_samples, core_of
from codec.limits import Limits
from codec.reports import LostRegion
from codec.salvage.items import SavedItem, SavedItems, lost_header


@dataclass(frozen=True)
class Place:
    """An item of the file that will be written.

    Attributes:
        header: header in the damaged file, or that of a constant if the item is lost.
        saved: the item, if it is whole.
        hidden: boxes, in samples of the item, that are valid no more.
        reach: how many samples more, before and after its own along each axis, a tile of which
            nothing is left may have shared with its neighbours; empty where that is known.
    """

    header: Item
    saved: SavedItem | None = None
    hidden: tuple[Box, ...] = ()
    reach: tuple[tuple[int, int], ...] = ()

    @property
    def box(self) -> Box:
        """All samples of the field that the item holds."""
        origin = self.header.origin or (0,) * len(self.header.dims)
        return tuple(
            slice(start, start + size)
            for start, size in zip(origin, self.header.shape, strict=True)
        )

    @property
    def touched(self) -> Box:
        """All samples that may have depended on the item."""
        pairs = self.reach or ((0, 0),) * len(self.header.dims)
        return tuple(
            slice(part.start - before, part.stop + after)
            for part, (before, after) in zip(self.box, pairs, strict=True)
        )


@dataclass(frozen=True)
class WholeFields:
    """The items of all fields.

    Attributes:
        places: items in the order in which they are written.
        losses: lost samples and bounds.
        unplaced: whether something is lost of which nothing says where it was: whole items, or the
            end of a field.
    """

    places: tuple[Place, ...]
    losses: tuple[LostRegion, ...]
    unplaced: bool


def whole_fields(items: SavedItems, limits: Limits) -> WholeFields:
    """Every field whose shape is known, its lost tiles as constants without a valid sample.

    Raises:
        CorruptError: the tiles that are left do not fit together.
        LimitError: too many are missing.
    """
    groups: dict[str, list[int]] = {}
    for number in sorted(items.headers):
        groups.setdefault(items.headers[number].components[0].name, []).append(number)
    places: list[Place] = []
    losses: list[LostRegion] = []
    missing, open_end = items.total - len(items.headers), False
    for numbers in groups.values():
        if len({len(items.headers[number].dims) for number in numbers}) > 1:
            raise CorruptError("the items of a field differ in number of axes", section="ITEM")
        group = [_place(items, number) for number in numbers]
        gaps, unbounded = _gaps([items.headers[number] for number in numbers], limits)
        missing -= len(gaps)
        open_end |= unbounded
        group = _hidden([*group, *gaps])
        losses += _losses(group)
        places += group
    limits.check("samples", sum(place.header.samples for place in places))
    return WholeFields(tuple(places), tuple(losses), missing > 0 or open_end)


def _place(items: SavedItems, number: int) -> Place:
    saved = items.saved.get(number)
    header = items.headers[number]
    return Place(lost_header(header)) if saved is None else Place(saved.header, saved)


@dataclass(frozen=True)
class _Interval:
    """A part of an axis: the core of its tiles, and the samples that they hold around it.

    Attributes:
        start, end: samples of the core.
        before, after: number of samples that the tiles hold before and after it.
        reach: how many more they may have held, where no tile is left.
    """

    start: int
    end: int
    before: int
    after: int
    reach: tuple[int, int] = (0, 0)

    @property
    def size(self) -> int:
        return self.end - self.start


def _gaps(headers: Sequence[Item], limits: Limits) -> tuple[list[Place], bool]:
    """Constants for the tiles of a field that are missing, and whether it went on behind them."""
    if any(header.origin is None for header in headers):
        return [], False
    cores = [core_of(header) for header in headers]
    axes = [
        _whole_axis({_Interval(*core[axis]) for core in cores})
        for axis in range(len(headers[0].dims))
    ]
    known = tuple(max(core[axis][1] for core in cores) for axis in range(len(axes)))
    unbounded = any(axis[-1].end > end for axis, end in zip(axes, known, strict=True))
    present = {tuple(part[0] for part in core) for core in cores}
    limits.check("sections", math.prod(map(len, axes)) - len(present))
    gaps = [
        _tile(headers[0], intervals)
        for intervals in itertools.product(*axes)
        if tuple(interval.start for interval in intervals) not in present
    ]
    return gaps, unbounded


def _whole_axis(known: set[_Interval]) -> list[_Interval]:
    """All intervals of an axis, with those of which no tile is left."""
    intervals: list[_Interval] = []
    end = 0
    ordered = sorted(known, key=lambda interval: interval.start)
    for interval, following in itertools.zip_longest(ordered, ordered[1:]):
        if interval.start < end:
            raise CorruptError("the remaining tiles of a field overlap", section="ITEM")
        if interval.start > end:
            beside = following is not None and following.start == interval.end
            room = interval.size - (following.before if beside else 0)
            lost = _lost_interval(intervals, end, interval.start, interval.before, room)
            intervals.append(lost)
        intervals.append(interval)
        end = interval.end
    if intervals[-1].after:
        # The field went on so far, at least.
        intervals.append(_lost_interval(intervals, end, end + intervals[-1].after, 0, 0))
    return intervals


def _lost_interval(
    before: Sequence[_Interval], start: int, end: int, shared: int, room: int
) -> _Interval:
    """An interval of which no tile is left.

    Where tiles share samples, both of two neighbours must (TILE-2), and one sample is enough.

    Args:
        before: the intervals in front of it.
        start, end: samples of its core.
        shared: number of its samples that the interval behind it holds.
        room: largest number of samples that it may have held of that interval.
    """
    margins, rooms = [0, min(1, shared)], [0, room]
    if before:
        margins[0] = min(1, before[-1].after)
        rooms[0] = before[-1].size - (before[-2].after if len(before) > 1 else 0)
    reach = [space - margin if margin else 0 for space, margin in zip(rooms, margins, strict=True)]
    return _Interval(start, end, margins[0], margins[1], (reach[0], reach[1]))


def _tile(sibling: Item, intervals: Sequence[_Interval]) -> Place:
    dims = tuple(
        Dim(interval.size + interval.before + interval.after, dim.name)
        for interval, dim in zip(intervals, sibling.dims, strict=True)
    )
    overlap = tuple((interval.before, interval.after) for interval in intervals)
    header = replace(
        lost_header(sibling),
        dims=dims,
        origin=tuple(interval.start - interval.before for interval in intervals),
        overlap=overlap if any(map(any, overlap)) else (),
    )
    return Place(header, reach=tuple(interval.reach for interval in intervals))


def _hidden(places: Sequence[Place]) -> list[Place]:
    """The tiles of a field, with the samples hidden that they share with lost tiles.

    Such samples would be blended with nothing.
    """
    if not any(place.header.overlap for place in places):
        return list(places)
    boxes = [place.touched for place in places if place.saved is None]
    if not boxes:
        return list(places)
    # Arrays are fast, and there may be tens of thousands of tiles and of boxes.
    starts = np.array([[part.start for part in box] for box in boxes])
    stops = np.array([[part.stop for part in box] for box in boxes])
    return [
        place
        if place.saved is None
        else replace(place, hidden=tuple(_shared(place.box, starts, stops)))
        for place in places
    ]


def _shared(box: Box, starts: Int64Array, stops: Int64Array) -> Iterator[Box]:
    """The parts of other boxes that lie in a box, in samples of that box."""
    start, stop = np.array([part.start for part in box]), np.array([part.stop for part in box])
    first, last = np.maximum(starts, start) - start, np.minimum(stops, stop) - start
    for number in np.flatnonzero((first < last).all(axis=1)):
        yield tuple(map(slice, first[number].tolist(), last[number].tolist()))


def _losses(places: Sequence[Place]) -> Iterator[LostRegion]:
    samples = math.prod(
        max(part.stop for part in parts)
        for parts in zip(*(place.box for place in places), strict=True)
    )
    for place in places:
        if place.saved is not None and place.saved.bounded:
            continue
        kind = SAMPLES if place.saved is None else BOUND
        box = place.touched
        ranges = tuple((part.start, part.stop) for part in box)
        for component in place.header.components:
            yield LostRegion(kind, component.name, ranges, box_samples(box) / samples)
