"""How the items of a file make up its fields: names, and tiles that fit together (section 5)."""

from __future__ import annotations

from collections.abc import Sequence

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
            _check_grid([_box(item) for item in tiles])


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
"""The interval of a tile along each axis: where it begins, and where it ends."""


def _box(item: Item) -> Box:
    return tuple(
        (start, start + size) for start, size in zip(item.origin or (), item.dims, strict=True)
    )


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
