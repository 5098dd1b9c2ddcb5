"""Finished tiles put into a file in the making, each at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from codec.coding.write_file import FileParts, IntegerSection
from codec.encoding.encode_tile import EncodedTile
from codec.encoding.tile_plan import FieldGroup
from codec.format.headers import Item
from codec.format.leb128 import decode_uleb, encode_uleb


def place_tiles(
    parts: FileParts,
    groups: Sequence[FieldGroup],
    tiles: Mapping[int, EncodedTile],
    starts: Sequence[Sequence[int]] = (),
) -> None:
    """Append the tiles of all groups, in the order of their numbers.

    Args:
        tiles: by number.
        starts: for each group, where its samples begin in fields that were there before, so that
            these are cut in any case; empty for new fields.
    """
    for position, group in enumerate(groups):
        grid = group.grid
        for number, place in zip(grid.numbers, np.ndindex(*grid.counts), strict=True):
            origin = [interval.start for interval in grid.cover(place)]
            if starts:
                origin = [at + start for at, start in zip(origin, starts[position], strict=True)]
            placed = tuple(origin) if starts or group.tiled else None
            place_tile(parts, tiles[number], placed, grid.overlap(place))


def place_tile(
    parts: FileParts,
    tile: EncodedTile,
    origin: tuple[int, ...] | None,
    overlap: tuple[tuple[int, int], ...] = (),
) -> None:
    """Append a finished tile.

    Args:
        origin: of the tile, None for a field that is not cut.
        overlap: samples before and after its core, empty where it shares none.
    """
    masks = [parts.add_mask(section) for section in tile.masks]
    header = Item.from_bytes(tile.item)
    components = tuple(
        entry if entry.mask is None else replace(entry, mask=masks[entry.mask])
        for entry in header.components
    )
    sparse = tuple((tensor, masks[mask]) for tensor, mask in header.tensor_masks)
    header = replace(
        header, components=components, tensor_masks=sparse, origin=origin, overlap=overlap
    )
    number = len(parts.items)
    integers = [renumbered(section, number) for section in tile.integers]
    parts.add_coded(header.to_bytes(), integers, tile.multiply_adds, tile.parameters)


def renumbered(section: IntegerSection, item: int) -> IntegerSection:
    """A TENS or RESD section, as that of this item."""
    return replace(section, stored=partial(_renumbered, section, item))


def _renumbered(section: IntegerSection, item: int) -> bytes:
    payload = section.stored()
    _, position = decode_uleb(payload)
    return encode_uleb(item) + payload[position:]
