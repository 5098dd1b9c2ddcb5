"""What is to be encoded, cut into tasks of one tile each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from codec.coding.normalise import FieldRange
from codec.encoding.tile_layout import TileSettings, brick_cuts, margins_of
from codec.encoding.tile_size import (
    TILE_SAMPLES,
    WHOLE_SAMPLES,
    Cuts,
    automatic_tile,
    cuts_of,
)
from codec.errors import InvalidOptionError
from codec.format.tile_grid import Box, TileGrid, box_samples
from codec.media.dataset import Field
from codec.options.encode import AUTOMATIC_TILE, WHOLE, EncodeOptions, ignore_progress
from codec.plugin_api.architecture import ItemGoal

_MOST_ITEMS = 1 << 20
# Bytes of a tile's origin, and of its sections in the index.
_TILE_OVERHEAD = 100


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
class TileTask:
    """One tile to encode; small, so that it can be sent to another process.

    Attributes:
        number: of the item in the file.
        names: of the fields that share the model.
        box: the samples of these fields.
        ranges: of the whole fields.
        goal: the target for this tile alone.
        own_range: whether it is normalised by its own range instead.
    """

    number: int
    names: tuple[str, ...]
    box: Box
    ranges: tuple[FieldRange, ...]
    goal: ItemGoal
    own_range: bool = False

    @property
    def samples(self) -> int:
        """Samples of the tile, over all its fields."""
        return box_samples(self.box) * len(self.names)


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
    found = " or ".join(map(str, sorted(ranks)))
    if isinstance(tile, tuple) and len(tile) not in ranks:
        raise InvalidOptionError(f"--tile: {len(tile)} sizes for fields of {found} axes")
    if layout.bricks and len(layout.bricks) not in ranks:
        raise InvalidOptionError(
            f"tile.bricks: {len(layout.bricks)} numbers for fields of {found} axes"
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


@dataclass(frozen=True)
class TileGoals:
    """The target of the file, shared by its tiles.

    One PSNR for all means that each has the same mean squared error, for it is relative to the
    range of the whole field; a number of bytes is shared by the number of samples.

    Attributes:
        psnr: dB, or None.
        bytes: for all tiles together, or None.
        samples: of all tiles together.
    """

    psnr: float | None
    bytes: int | None
    samples: int

    def goal(self, samples: int) -> ItemGoal:
        """Of a tile of so many samples."""
        if self.bytes is None:
            return ItemGoal(psnr=self.psnr)
        # What the place in the field and in the index takes is not the model's.
        return ItemGoal(file_bytes=max(1, self.bytes * samples // self.samples - _TILE_OVERHEAD))


def tasks_of(
    groups: Sequence[FieldGroup],
    ranges: dict[str, FieldRange],
    share: TileGoals,
    *,
    own_range: bool = False,
) -> list[TileTask]:
    """The tasks of all groups, in the order of their items."""
    tasks = []
    for group in groups:
        spans = tuple(ranges[name] for name in group.names)
        for number, box in zip(group.grid.numbers, group.grid.covers(), strict=True):
            samples = box_samples(box) * len(group.names)
            goal = share.goal(samples)
            tasks.append(TileTask(number, group.names, box, spans, goal, own_range))
    return tasks


def is_tiled(groups: Sequence[FieldGroup]) -> bool:
    """Whether any field is cut."""
    return any(group.tiled for group in groups)


def without_callbacks(options: EncodeOptions) -> EncodeOptions:
    """The options as another process can have them."""
    return replace(options, on_progress=ignore_progress)
