"""One tile as it comes out of the encoder: sections that can be put anywhere in a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from codec.coding.grouping import architecture_for, component_of
from codec.coding.item_sections import SECTION_OVERHEAD
from codec.coding.normalise import NormalisedField, normalise
from codec.coding.write_file import FileParts, mask_digest, tensor_sections
from codec.encoding.item_encoder import ItemEncoder
from codec.encoding.tile_plan import TileTask
from codec.errors import TargetError
from codec.format.headers import Dim, Item
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.format.tile_grid import Box
from codec.measuring.bounds import bounds_of, exceeds, met_fill
from codec.measuring.quality import Deviation, deviation, error_unit
from codec.media.dataset import Field
from codec.options.encode import EncodeOptions
from codec.plugin_api import registry
from codec.plugin_api.architecture import ItemGoal
from codec.reading.contents import reopened
from codec.training.devices import choose_device

# Of a tile that is nearly flat compared with its field.
_LEAST_PSNR = 6.0


@dataclass(frozen=True)
class CodedSection:
    """A MASK, TENS or RESD section; `payload` belongs to item 0 where it names one."""

    type: str
    payload: bytes
    digest: bytes


@dataclass(frozen=True)
class EncodedTile:
    """What a tile adds to a file.

    Attributes:
        item: payload of its ITEM section, with the masks counted within the tile and no origin.
        masks, integers: its other sections.
        multiply_adds, parameters: for the limits.
        deviations: of what was decoded from these sections, one per component.
    """

    item: bytes
    masks: tuple[CodedSection, ...]
    integers: tuple[CodedSection, ...]
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
    spans = task.ranges
    parts = [fields[name].part(task.box) for name in task.names]
    normalised = [
        normalise(part, None if task.own_range else span)
        for part, span in zip(parts, spans, strict=True)
    ]
    whole = fields[task.names[0]]
    file = FileParts()
    components = [component_of(entry, file) for entry in normalised]
    bounds = bounds_of(options.goal, normalised)
    dims = [Dim(size, name) for size, name in zip(parts[0].shape, whole.dims, strict=True)]
    encoder = ItemEncoder(
        number=0,
        architecture=architecture_for(registry.architecture(options.architecture), normalised),
        fields=normalised,
        components=components,
        dims=dims,
        bounds=bounds,
        first_mask=len(file.masks),
        options=options,
        device=choose_device(options.device),
        threads=threads,
        report=lambda stage, fraction, loss, psnr: None,
    )
    goal = _in_own_range(task, normalised) if task.own_range else task.goal
    sections = encoder.encode(_without_masks(goal, file.masks))
    file.add_item(sections)
    item = Item.from_bytes(sections.item)
    costs = encoder.multiply_adds(item), encoder.parameters(item)
    # Normalised values are as large as the tile; they are not needed to measure it.
    stored = [entry.stored for entry in normalised]
    del encoder, normalised
    units = [error_unit(part, span.low, span.high) for part, span in zip(parts, spans, strict=True)]
    with reopened(file.to_bytes(2), threads) as coded:
        deviations = tuple(
            deviation(part, original, coded.fields[part.name][...], unit)
            for part, original, unit in zip(parts, stored, units, strict=True)
        )
    _check(task, bounds, deviations)
    return EncodedTile(
        sections.item,
        tuple(CodedSection("MASK", mask, mask_digest(mask)) for mask in file.masks),
        tuple(
            CodedSection(section.type, section.stored(), section.digest)
            for section in tensor_sections(sections)
        ),
        *costs,
        deviations,
    )


def _check(task: TileTask, bounds: Sequence[float], deviations: Sequence[Deviation]) -> None:
    """Nothing is kept whose own decoding breaks a promise."""
    for name, found in zip(task.names, deviations, strict=True):
        if not found.intact:
            raise met_fill(name)
    for name, bound, found in zip(task.names, bounds, deviations, strict=False):
        if exceeds(found.greatest, bound):
            raise TargetError(
                f"{name}: error {found.greatest:g} where {bound:g} (in stored values) was asked "
                "for; nothing is written"
            )


def _in_own_range(task: TileTask, fields: Sequence[NormalisedField]) -> ItemGoal:
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


def _without_masks(goal: ItemGoal, masks: Sequence[bytes]) -> ItemGoal:
    """The target for the model, where that for the tile counts its validity masks."""
    if goal.file_bytes is None:
        return goal
    taken = sum(len(mask) + SECTION_OVERHEAD for mask in masks)
    return replace(goal, file_bytes=max(1, goal.file_bytes - taken))


def placed_item(
    item: bytes,
    masks: Sequence[int],
    origin: Sequence[int] | None,
    overlap: tuple[tuple[int, int], ...] = (),
) -> Item:
    """The header of a tile at its place in a file.

    Args:
        masks: for each mask of the tile, its number among those of the file.
        origin: of the tile, None for a field that is not cut.
        overlap: samples before and after its core, empty where it shares none.
    """
    header = Item.from_bytes(item)
    components = tuple(
        one if one.mask is None else replace(one, mask=masks[one.mask]) for one in header.components
    )
    sparse = tuple((tensor, masks[mask]) for tensor, mask in header.tensor_masks)
    placed = None if origin is None else tuple(origin)
    return replace(
        header, components=components, tensor_masks=sparse, origin=placed, overlap=overlap
    )


def placed_integers(payload: bytes, item: int) -> bytes:
    """The payload of a TENS or RESD section, as one of this item."""
    _, position = decode_uleb(payload)
    return encode_uleb(item) + payload[position:]


def origin_of(box: Box) -> tuple[int, ...]:
    """Where a tile begins."""
    return tuple(part.start for part in box)
