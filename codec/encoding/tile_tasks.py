"""Tiles of a plan as tasks, each with the ranges of its fields and its share of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codec.coding.normalise import FieldRange
from codec.encoding.tile_plan import FieldGroup
from codec.format.tile_grid import Box, box_samples
from codec.plugin_api.tasks import ItemGoal

# Bytes of a tile's origin, and of its sections in the index.
_TILE_OVERHEAD = 100


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
        """The target of a tile of so many samples."""
        if self.bytes is None:
            return ItemGoal(psnr=self.psnr)
        # Bytes of the place in the field and in the index are not the model's.
        return ItemGoal(file_bytes=max(1, self.bytes * samples // self.samples - _TILE_OVERHEAD))


def tasks_of(
    groups: Sequence[FieldGroup],
    ranges: Mapping[str, FieldRange],
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
