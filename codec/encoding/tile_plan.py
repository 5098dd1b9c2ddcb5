"""Plan that cuts the fields of a file into tiles, each of which becomes an item."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codec.encoding.tile_layout import TileSettings, brick_cuts, margins_of
from codec.encoding.tile_size import (
    TILE_SAMPLES,
    WHOLE_SAMPLES,
    Cuts,
    automatic_tile,
    cuts_of,
)
from codec.errors import InvalidOptionError
from codec.format.tile_grid import TileGrid, box_samples
from codec.media.dataset import Field
from codec.options.encode import AUTOMATIC_TILE, WHOLE

_MOST_ITEMS = 1 << 20


@dataclass(frozen=True)
class FieldGroup:
    """Fields that share their models, and how these are cut.

    Attributes:
        names: of the fields.
        grid: of the tiles; its numbers are those of the items in the file.
    """

    names: tuple[str, ...]
    grid: TileGrid

    @property
    def tiled(self) -> bool:
        """Whether there is more than one tile."""
        return len(self.grid.numbers) > 1

    @property
    def samples(self) -> int:
        """Samples of all tiles and fields; what tiles share counts for each of them."""
        return sum(map(box_samples, self.grid.covers())) * len(self.names)


@dataclass(frozen=True)
class TilePlan:
    """Plan of an encode: fields, and the tiles of all of them.

    Attributes:
        fields: in file order.
        groups: those that share their models, each with its grid; a field that is not cut is a
            grid of one tile.
    """

    fields: Sequence[Field]
    groups: Sequence[FieldGroup]

    @property
    def tiled(self) -> bool:
        """Whether any field is cut."""
        return any(group.tiled for group in self.groups)

    @property
    def samples(self) -> int:
        """Samples of all tiles and fields; what tiles share counts for each of them."""
        return sum(group.samples for group in self.groups)

    @property
    def by_name(self) -> dict[str, Field]:
        """The fields, by their names."""
        return {field.name: field for field in self.fields}


def plan_groups(
    groups: Sequence[Sequence[Field]],
    tile: str | tuple[int, ...],
    samples_of_tiles: Callable[[Sequence[Field]], int] = lambda group: TILE_SAMPLES,
    layout: TileSettings | None = None,
) -> list[FieldGroup]:
    """Cut fields into tiles.

    Args:
        groups: fields that share a model, with the same shape.
        tile: "auto", "none", or the size of a tile: it holds for all fields with so many axes, and
            others are cut as with "auto".
        samples_of_tiles: for "auto", how many samples a tile of a group should hold; asked only of
            fields that are large enough to be cut.
        layout: how tiles lie beyond their size; bricks hold like sizes.

    Raises:
        InvalidOptionError: no field has so many axes, or there are too many tiles.
    """
    layout = layout or TileSettings()
    ranks = {len(group[0].shape) for group in groups}
    ranks_in_words = " or ".join(map(str, sorted(ranks)))
    if isinstance(tile, tuple) and len(tile) not in ranks:
        raise InvalidOptionError(f"--tile: {len(tile)} sizes for fields of {ranks_in_words} axes")
    if layout.bricks and len(layout.bricks) not in ranks:
        raise InvalidOptionError(
            f"tile.bricks: {len(layout.bricks)} numbers for fields of {ranks_in_words} axes"
        )
    planned: list[FieldGroup] = []
    number = 0
    for group in groups:
        cuts = _cuts(group, tile, samples_of_tiles, layout)
        count = TileGrid(cuts, ()).count
        if number + count > _MOST_ITEMS:
            raise InvalidOptionError(f"--tile: {number + count} tiles; use larger ones")
        numbers = tuple(range(number, number + count))
        grid = TileGrid(cuts, numbers, margins_of(cuts, layout.overlap))
        planned.append(FieldGroup(tuple(field.name for field in group), grid))
        number += count
    return planned


def _cuts(
    group: Sequence[Field],
    tile: str | tuple[int, ...],
    samples_of_tiles: Callable[[Sequence[Field]], int],
    layout: TileSettings,
) -> Cuts:
    shape = group[0].shape
    if len(layout.bricks) == len(shape):
        return brick_cuts(shape, layout.bricks)
    size = tile if isinstance(tile, tuple) else shape
    if tile == AUTOMATIC_TILE or (tile != WHOLE and len(size) != len(shape)):
        size = shape
        if math.prod(shape) * len(group) >= WHOLE_SAMPLES:
            size = automatic_tile(shape, len(group), samples_of_tiles(group))
    return cuts_of(shape, size)
