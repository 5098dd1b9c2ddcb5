"""Bytes that the samples of a field will take, estimated from a few boxes that are coded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from codec.coding.normalise import FieldRange
from codec.encoding.encode_tile import encode_tile
from codec.encoding.field_range import find_range
from codec.encoding.tile_size import LEAST_TILE_SAMPLES, TILE_SAMPLES, automatic_tile, tile_samples
from codec.encoding.tile_tasks import TileTask
from codec.errors import TargetError
from codec.format.tile_grid import Box, box_samples
from codec.media.dataset import Field
from codec.options.encode import EncodeOptions
from codec.plugin_api import registry
from codec.plugin_api.tasks import ItemGoal

# Where boxes lie, as shares of the way along each axis.
_PLACES = (0.25, 0.5, 0.75)


def samples_of_tiles(
    group: Sequence[Field], fields: Sequence[Field], options: EncodeOptions
) -> int:
    """Number of samples that a tile of these fields should hold.

    Args:
        group: fields that share a model.
        fields: all that are encoded, among which a number of bytes is shared.
        options: with a goal and an architecture.
    """
    if registry.architecture(options.architecture).staged:
        return TILE_SAMPLES
    goal = options.goal
    if goal.ratio is not None:
        return tile_samples(group[0].dtype.itemsize / goal.ratio)
    if goal.bytes is not None:
        return tile_samples(goal.bytes / sum(math.prod(field.shape) for field in fields))
    return tile_samples(_measured(group, options))


def _measured(group: Sequence[Field], options: EncodeOptions) -> float:
    """Bytes per sample of some boxes; 0 where they cannot be coded as they are."""
    boxes = _boxes(group)
    names = tuple(field.name for field in group)
    spans = tuple(_range(field, boxes) for field in group)
    quick = replace(options, effort=0)
    total = 0
    try:
        for box in boxes:
            task = TileTask(0, names, box, spans, ItemGoal(psnr=options.goal.psnr))
            tile = encode_tile(task, {field.name: field for field in group}, quick, 1)
            total += sum(len(section.stored()) for section in tile.integers)
    except TargetError:
        # A bound that cannot be kept in a part may be in the whole, and is refused there otherwise.
        return 0.0
    return total / (len(group) * sum(map(box_samples, boxes)))


def _boxes(group: Sequence[Field]) -> list[Box]:
    shape = group[0].shape
    sizes = automatic_tile(shape, len(group), LEAST_TILE_SAMPLES)
    return [
        tuple(
            slice(start := int(place * (length - size)), start + size)
            for length, size in zip(shape, sizes, strict=True)
        )
        for place in _PLACES
    ]


def _range(field: Field, boxes: Sequence[Box]) -> FieldRange:
    ranges = [find_range(field.part(box)) for box in boxes]
    low, high = min(span.low for span in ranges), max(span.high for span in ranges)
    return FieldRange.of(field, low, high)
