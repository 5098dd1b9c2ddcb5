"""Fields made whole again: a tile for every place, and what of a field is lost."""

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
        header: as in the damaged file, or, of one that is lost, a constant.
        saved: the item, if it is whole.
        hidden: samples, in those of the item, that are valid no more.
        reach: of a tile of which nothing is left, per axis, how many samples before and after
            these it may have shared with its neighbours; empty where that is known.
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
        places: in the order in which they are written.
        losses: of samples and bounds.
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
            raise CorruptError("items of a field have other numbers of axes", section="ITEM")
        found = [_place(items, number) for number in numbers]
        gaps, unbounded = _gaps([items.headers[number] for number in numbers], limits)
        missing -= len(gaps)
        open_end |= unbounded
        found = _hidden([*found, *gaps])
        losses += _losses(found)
        places += found
    limits.check("samples", sum(place.header.samples for place in places))
    return WholeFields(tuple(places), tuple(losses), missing > 0 or open_end)


def _place(items: SavedItems, number: int) -> Place:
    saved = items.saved.get(number)
    header = items.headers[number]
    return Place(lost_header(header)) if saved is None else Place(saved.header, saved)


@dataclass(frozen=True)
class _Interval:
    """A part of an axis: its tiles' core, and what they hold before and after it.

    `reach` is how much more they may have held, where no tile is left of it.
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
    """The intervals of an axis with those that no tile is left of."""
    found: list[_Interval] = []
    end = 0
    ordered = sorted(known, key=lambda one: one.start)
    for interval, following in itertools.zip_longest(ordered, ordered[1:]):
        if interval.start < end:
            raise CorruptError("tiles that are left overlap", section="ITEM")
        if interval.start > end:
            beside = following is not None and following.start == interval.end
            room = interval.size - (following.before if beside else 0)
            found.append(_lost_interval(found, end, interval.start, interval.before, room))
        found.append(interval)
        end = interval.end
    if found[-1].after:
        # So far, at least, the field went on.
        found.append(_lost_interval(found, end, end + found[-1].after, 0, 0))
    return found


def _lost_interval(
    before: Sequence[_Interval], start: int, end: int, shared: int, room: int
) -> _Interval:
    """Where tiles share samples, both of two neighbours must (TILE-2), and one is enough.

    Args:
        before: the intervals in front of it.
        shared: what the one behind it holds of it.
        room: what it may have held of that one at most.
    """
    margins, rooms = [0, min(1, shared)], [0, room]
    if before:
        margins[0] = min(1, before[-1].after)
        rooms[0] = before[-1].size - (before[-2].after if len(before) > 1 else 0)
    reach = [space - margin if margin else 0 for space, margin in zip(rooms, margins, strict=True)]
    return _Interval(start, end, margins[0], margins[1], (reach[0], reach[1]))


def _tile(sibling: Item, intervals: Sequence[_Interval]) -> Place:
    dims = tuple(
        Dim(one.end - one.start + one.before + one.after, dim.name)
        for one, dim in zip(intervals, sibling.dims, strict=True)
    )
    overlap = tuple((one.before, one.after) for one in intervals)
    header = replace(
        lost_header(sibling),
        dims=dims,
        origin=tuple(one.start - one.before for one in intervals),
        overlap=overlap if any(map(any, overlap)) else (),
    )
    return Place(header, reach=tuple(one.reach for one in intervals))


def _hidden(places: Sequence[Place]) -> list[Place]:
    """The tiles of a field; samples that one shares with a lost one are blended with nothing."""
    if not any(place.header.overlap for place in places):
        return list(places)
    boxes = [place.touched for place in places if place.saved is None]
    if not boxes:
        return list(places)
    # As arrays, for there may be tens of thousands of both.
    starts = np.array([[part.start for part in box] for box in boxes])
    stops = np.array([[part.stop for part in box] for box in boxes])
    return [
        place
        if place.saved is None
        else replace(place, hidden=tuple(_shared(place.box, starts, stops)))
        for place in places
    ]


def _shared(box: Box, starts: Int64Array, stops: Int64Array) -> Iterator[Box]:
    """What of other boxes lies in a box, in its own samples."""
    own = np.array([part.start for part in box]), np.array([part.stop for part in box])
    first, last = np.maximum(starts, own[0]) - own[0], np.minimum(stops, own[1]) - own[0]
    for number in np.flatnonzero((first < last).all(axis=1)):
        yield tuple(map(slice, first[number].tolist(), last[number].tolist()))


def _losses(places: Sequence[Place]) -> Iterator[LostRegion]:
    samples = math.prod(
        max(part.stop for part in parts) for parts in zip(*(one.box for one in places), strict=True)
    )
    for place in places:
        if place.saved is not None and place.saved.bounded:
            continue
        kind = SAMPLES if place.saved is None else BOUND
        box = place.touched
        ranges = tuple((part.start, part.stop) for part in box)
        for component in place.header.components:
            yield LostRegion(kind, component.name, ranges, box_samples(box) / samples)
