"""A tile, fitted, decoded again and measured; its sections can be put anywhere in a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from codec.arrays import Array
from codec.coding.item_sections import SECTION_OVERHEAD
from codec.coding.normalise import NormalisedField, normalise
from codec.coding.write_file import FileParts, IntegerSection
from codec.encoding.add_item import Workplace, add_item
from codec.encoding.tile_tasks import TileTask
from codec.errors import TargetError
from codec.measuring.bounds import bounds_of, exceeds, met_fill
from codec.measuring.quality import Deviation, deviation, error_unit
from codec.media.dataset import Field
from codec.options.encode import EncodeOptions
from codec.plugin_api.tasks import ItemGoal
from codec.reading.contents import reopened

# Minimum PSNR of a tile that is nearly flat compared with its field.
_LEAST_PSNR = 6.0


@dataclass(frozen=True)
class EncodedTile:
    """Parts that a tile adds to a file.

    Attributes:
        item: payload of its ITEM section, with the masks counted within the tile and no origin.
        masks, integers: its other sections, which name item 0 where they name one.
        multiply_adds, parameters: numbers that the limits of a reader are compared with.
        deviations: errors of the samples decoded from these sections, one per component.
    """

    item: bytes
    masks: tuple[IntegerSection, ...]
    integers: tuple[IntegerSection, ...]
    multiply_adds: int
    parameters: int
    deviations: tuple[Deviation, ...]


def encode_tile(
    task: TileTask, fields: Mapping[str, Field], options: EncodeOptions, threads: int
) -> EncodedTile:
    """Fit one tile, decode it again and measure it.

    Args:
        fields: the whole fields, of which only the tile is read.

    Raises:
        InvalidInputError: the samples cannot be read or fitted.
        TargetError: an error bound cannot be kept.
    """
    parts = [fields[name].part(task.box) for name in task.names]
    normalised = [
        normalise(part, None if task.own_range else span)
        for part, span in zip(parts, task.ranges, strict=True)
    ]
    bounds = bounds_of(options.goal, normalised)
    goal = _goal_in_range_of_tile(task, normalised) if task.own_range else task.goal
    file = FileParts()
    add_item(
        file, normalised, lambda parts: _without_masks(goal, parts), options, Workplace(threads)
    )
    # Normalised values are as large as the tile; they are not needed to measure it.
    originals = [entry.stored for entry in normalised]
    del normalised
    deviations = _measured(file, task, parts, originals, threads)
    _check(task, bounds, deviations)
    return EncodedTile(
        file.items[0],
        tuple(file.masks),
        tuple(file.integers[0]),
        file.multiply_adds,
        file.parameters,
        deviations,
    )


def _measured(
    file: FileParts,
    task: TileTask,
    parts: Sequence[Field],
    originals: Sequence[Array],
    threads: int,
) -> tuple[Deviation, ...]:
    """The deviations of the fields in a file of this tile alone."""
    units = [
        error_unit(part, span.low, span.high) for part, span in zip(parts, task.ranges, strict=True)
    ]
    with reopened(file.to_bytes(), threads) as coded:
        return tuple(
            deviation(part, original, coded.fields[part.name][...], unit)
            for part, original, unit in zip(parts, originals, units, strict=True)
        )


def _check(task: TileTask, bounds: Sequence[float], deviations: Sequence[Deviation]) -> None:
    """Refuse a tile whose decoded samples break the error bound or the mask."""
    for name, measured in zip(task.names, deviations, strict=True):
        if not measured.intact:
            raise met_fill(name)
    for name, bound, measured in zip(task.names, bounds, deviations, strict=False):
        if exceeds(measured.greatest, bound):
            raise TargetError(
                f"{name}: error {measured.greatest:g} where {bound:g} (in stored values) was "
                "asked for; nothing is written"
            )


def _goal_in_range_of_tile(task: TileTask, fields: Sequence[NormalisedField]) -> ItemGoal:
    """The tile's target relative to its own range, where it is set relative to the field's."""
    if task.goal.psnr is None:
        return task.goal
    shares = [
        entry.half_range / span.half_range
        for entry, span in zip(fields, task.ranges, strict=True)
        if entry.half_range and span.half_range
    ]
    gain = 20 * math.log10(max(shares, default=1.0))
    return replace(task.goal, psnr=max(_LEAST_PSNR, task.goal.psnr + gain))


def _without_masks(goal: ItemGoal, parts: FileParts) -> ItemGoal:
    """The target for the model, where that for the tile counts its validity masks."""
    if goal.file_bytes is None:
        return goal
    taken = sum(len(mask.stored()) + SECTION_OVERHEAD for mask in parts.masks)
    return replace(goal, file_bytes=max(1, goal.file_bytes - taken))
