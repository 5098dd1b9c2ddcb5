"""Fields made of the items of a file: names, and tiles that fit together (section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .errors import Malformed
from .headers import Item

_MAX_SIZE = 2**48


def fields_of(items: Sequence[Item]) -> list[list[Item]]:
    """Return the items that belong together: those whose first component has the same name."""
    fields: dict[str, list[Item]] = {}
    for item in items:
        fields.setdefault(item.components[0].name, []).append(item)
    return list(fields.values())


def check_names(fields: Sequence[Sequence[Item]]) -> None:
    """Refuse two components with the same name that are not tiles of one field (ITEM-10)."""
    seen: set[str] = set()
    for tiles in fields:
        names = {component.name for item in tiles for component in item.components}
        doubled = any(
            len({component.name for component in item.components}) != len(item.components)
            for item in tiles
        )
        if doubled or seen & names:
            raise Malformed("ITEM-10: two components have the same name")
        seen |= names


def check_tiles(fields: Sequence[Sequence[Item]]) -> None:
    """Refuse items that do not make up a whole field (ITEM-11)."""
    for tiles in fields:
        if len(tiles) > 1 or tiles[0].origin is not None:
            _check_alike(tiles)
            _check_shared([_shared(item) for item in tiles])
            _check_grid([core(item) for item in tiles])


def _check_alike(tiles: Sequence[Item]) -> None:
    first = tiles[0]
    parts = [(component.name, component.dtype) for component in first.components]
    for item in tiles:
        if item.origin is None:
            raise Malformed("ITEM-11: items with the same first component, one without an origin")
        if [(component.name, component.dtype) for component in item.components] != parts:
            raise Malformed("ITEM-11: the components of two tiles differ")
        if item.dim_names != first.dim_names:
            raise Malformed("ITEM-11: the dims of two tiles differ")


Box = tuple[tuple[int, int], ...]
"""The interval of a core along each axis: where it begins, and where it ends."""
Shared = tuple[int, int, int, int]
"""A core along one axis, and the samples before and after it."""


def overlap(item: Item) -> tuple[tuple[int, int], ...]:
    """Return the samples before and after the core of a tile along each axis."""
    return item.overlap or ((0, 0),) * len(item.dims)


def core(item: Item) -> Box:
    """Return the core of a tile (TILE-1)."""
    rows = zip(item.origin or (), item.dims, overlap(item), strict=True)
    return tuple((start + a, start + size - b) for start, size, (a, b) in rows)


def _shared(item: Item) -> tuple[Shared, ...]:
    return tuple((*a, *b) for a, b in zip(core(item), overlap(item), strict=True))


def _check_shared(tiles: Sequence[tuple[Shared, ...]]) -> None:
    """Refuse overlaps that differ, or do not fit together (TILE-1, TILE-2)."""
    for axis in zip(*tiles, strict=True):
        rows = sorted(set(axis))
        if len({row[:2] for row in rows}) != len(rows):
            raise Malformed("TILE-1: tiles with the same core and another overlap")
        check_meetings(rows)


def check_meetings(rows: Sequence[Shared]) -> None:
    """Check the overlaps of the cores of one axis, in ascending order (TILE-2)."""
    if rows[0][2] or rows[-1][3]:
        raise Malformed("TILE-2: samples beyond the field")
    for first, second in pairwise(rows):
        if (first[3] == 0) != (second[2] == 0):
            raise Malformed("TILE-2: only one of two tiles reaches into the other")
    from_before = [0, *(row[3] for row in rows[:-1])]
    from_behind = [*(row[2] for row in rows[1:]), 0]
    for row, a, b in zip(rows, from_before, from_behind, strict=True):
        if a + b > row[1] - row[0]:
            raise Malformed("TILE-2: other tiles share more of a core than it has")


def _check_grid(boxes: Sequence[Box]) -> None:
    """Refuse boxes that are not all combinations of adjacent intervals."""
    combinations = 1
    for intervals in zip(*boxes, strict=True):
        end = 0
        distinct = sorted(set(intervals))
        for start, stop in distinct:
            if start != end:
                raise Malformed("ITEM-11: a gap between tiles, or an overlap")
            end = stop
        if end > _MAX_SIZE:
            raise Malformed("ITEM-11: a field of more than 2^48 samples along an axis")
        combinations *= len(distinct)
    if len(set(boxes)) != len(boxes):
        raise Malformed("ITEM-11: a tile occurs twice")
    if len(boxes) != combinations:
        raise Malformed("ITEM-11: a tile is missing")
