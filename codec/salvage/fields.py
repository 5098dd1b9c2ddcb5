"""Fields made whole again: a tile for every place, and what of a field is lost."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from codec.container.items import Dim, Item
from codec.container.provenance import BOUND, SAMPLES
from codec.container.tile_grid import Box, box_samples, core_of
from codec.errors import CorruptError
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
    """

    header: Item
    saved: SavedItem | None = None
    hidden: tuple[Box, ...] = ()

    @property
    def box(self) -> Box:
        """All samples of the field that the item holds."""
        origin = self.header.origin or (0,) * len(self.header.dims)
        return tuple(
            slice(start, start + size)
            for start, size in zip(origin, self.header.shape, strict=True)
        )


@dataclass(frozen=True)
class WholeFields:
    """The items of all fields.

    Attributes:
        places: in the order in which they are written.
        losses: of samples and bounds.
        unplaced: number of lost items of which nothing says where they were.
    """

    places: tuple[Place, ...]
    losses: tuple[LostRegion, ...]
    unplaced: int


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
    missing = items.total - len(items.headers)
    for numbers in groups.values():
        found = [_place(items, number) for number in numbers]
        gaps = _gaps([items.headers[number] for number in numbers], limits)
        missing -= len(gaps)
        found = _hidden([*found, *map(Place, gaps)])
        losses += _losses(found)
        places += found
    return WholeFields(tuple(places), tuple(losses), max(0, missing))


def _place(items: SavedItems, number: int) -> Place:
    saved = items.saved.get(number)
    header = items.headers[number]
    return Place(lost_header(header)) if saved is None else Place(saved.header, saved)


@dataclass(frozen=True)
class _Interval:
    """A part of an axis: its tiles' core, and what they hold before and after it."""

    start: int
    end: int
    before: int
    after: int


def _gaps(headers: Sequence[Item], limits: Limits) -> list[Item]:
    """Constants for the tiles of a field that are missing."""
    if any(header.origin is None for header in headers):
        return []
    cores = [core_of(header) for header in headers]
    axes = [
        _whole_axis({_Interval(*core[axis]) for core in cores})
        for axis in range(len(headers[0].dims))
    ]
    present = {tuple(part[0] for part in core) for core in cores}
    limits.check("sections", math.prod(map(len, axes)) - len(present))
    return [
        _tile(headers[0], intervals)
        for intervals in itertools.product(*axes)
        if tuple(interval.start for interval in intervals) not in present
    ]


def _whole_axis(known: set[_Interval]) -> list[_Interval]:
    """The intervals of an axis with those that no tile is left of."""
    found: list[_Interval] = []
    end = 0
    for interval in sorted(known, key=lambda one: one.start):
        if interval.start < end:
            raise CorruptError("tiles that are left overlap", section="ITEM")
        if interval.start > end:
            # Where tiles share samples, both of two neighbours must (TILE-2); one is enough.
            before = min(1, found[-1].after) if found else 0
            found.append(_Interval(end, interval.start, before, min(1, interval.before)))
        found.append(interval)
        end = interval.end
    if found[-1].after:
        # So far, at least, the field went on.
        found.append(_Interval(end, end + found[-1].after, 1, 0))
    return found


def _tile(sibling: Item, intervals: Sequence[_Interval]) -> Item:
    dims = tuple(
        Dim(one.end - one.start + one.before + one.after, dim.name)
        for one, dim in zip(intervals, sibling.dims, strict=True)
    )
    overlap = tuple((one.before, one.after) for one in intervals)
    return replace(
        lost_header(sibling),
        dims=dims,
        origin=tuple(one.start - one.before for one in intervals),
        overlap=overlap if any(map(any, overlap)) else (),
    )


def _hidden(places: Sequence[Place]) -> list[Place]:
    """The tiles of a field; samples that one shares with a lost one are blended with nothing."""
    if not any(place.header.overlap for place in places):
        return list(places)
    lost = [place.box for place in places if place.saved is None]
    return [
        place if place.saved is None else replace(place, hidden=tuple(_shared(place.box, lost)))
        for place in places
    ]


def _shared(box: Box, others: Sequence[Box]) -> Iterator[Box]:
    """What of other boxes lies in a box, in its own samples."""
    for other in others:
        found = tuple(
            slice(max(a.start, b.start) - a.start, min(a.stop, b.stop) - a.start)
            for a, b in zip(box, other, strict=True)
        )
        if all(part.start < part.stop for part in found):
            yield found


def _losses(places: Sequence[Place]) -> Iterator[LostRegion]:
    samples = math.prod(
        max(part.stop for part in parts) for parts in zip(*(one.box for one in places), strict=True)
    )
    for place in places:
        if place.saved is not None and place.saved.bounded:
            continue
        kind = SAMPLES if place.saved is None else BOUND
        ranges = tuple((part.start, part.stop) for part in place.box)
        for component in place.header.components:
            yield LostRegion(kind, component.name, ranges, box_samples(place.box) / samples)
