"""A damaged file written anew: intact sections, and placeholders for lost items."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from codec.arrays import Array
from codec.coding.mask_section import encode_mask_section
from codec.coding.write_file import FileParts, mask_section
from codec.encoding.place_tiles import renumbered
from codec.encoding.written_file import written_file
from codec.errors import CorruptError, InvalidInputError
from codec.files.atomic import check_writable
from codec.files.byte_sources import open_source
from codec.format.headers import Head, Item
from codec.limits import Limits, within_memory
from codec.media.table import medium_of
from codec.reports import RepairReport
from codec.salvage.description import SavedDescription, saved_description
from codec.salvage.fields import Place, WholeFields, whole_fields
from codec.salvage.items import SavedItems, patterns_of, without_samples
from codec.salvage.scan import DamagedFile


@within_memory()
def repair_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    limits: Limits,
    *,
    overwrite: bool = False,
) -> RepairReport:
    """See `codec.repair`."""
    started = time.perf_counter()
    final = check_writable(target, overwrite=overwrite)
    if final.exists() and os.path.exists(source) and os.path.samefile(source, final):
        raise InvalidInputError(f"{target}: is the input itself; name another file")
    opened = open_source(source)
    try:
        file = DamagedFile(opened, limits)
        head = _head(file)
        items = SavedItems(file, None if head is None else head.items, limits)
        fields = whole_fields(items, limits)
        description = saved_description(file, fields, limits)
        if not fields.places and not description.verbatim:
            raise CorruptError("no field and no variable can be saved")
        kind = medium_of(description.medium).kind if head is None else head.kind
        parts = FileParts(kind, description.sections)
        _Placing(items, description, limits, parts).place(fields)
        with written_file(target, parts, overwrite=overwrite) as written:
            written.metadata.check()
            written.check_digest()
        return RepairReport(
            path=Path(target),
            source_bytes=opened.size,
            file_bytes=final.stat().st_size,
            intact=sum(piece.intact for piece in file.pieces),
            damage=tuple(
                (piece.type, piece.start, piece.end - piece.start) for piece in file.damage
            ),
            losses=description.losses,
            seconds=time.perf_counter() - started,
        )
    finally:
        opened.close()


def _head(file: DamagedFile) -> Head | None:
    pieces = file.intact("HEAD")
    return Head.from_bytes(file.read(pieces[0])) if pieces else None


class _Placing:
    """Puts the items of the new file together.

    Args:
        items: models that are saved of the damaged file.
        description: metadata of the file.
        limits: bounds on what the file may ask for.
        parts: parts of the new file.
    """

    def __init__(
        self, items: SavedItems, description: SavedDescription, limits: Limits, parts: FileParts
    ) -> None:
        self._items = items
        self._description = description
        self._limits = limits
        self._patterns: Mapping[str, Array] = patterns_of(items)
        self._parts = parts
        self._mask_numbers: dict[bytes, int] = {}
        self._mask_samples = 0

    def place(self, fields: WholeFields) -> None:
        """Append all items, and the masks that they name; equal masks are stored once."""
        for place in fields.places:
            self._add(place)

    def _add(self, place: Place) -> None:
        number = len(self._parts.items)
        header = self._with_masks(place).to_bytes()
        saved = place.saved
        if saved is None:
            self._parts.add_coded(header, [], 0, 0)
            return
        integers = [renumbered(section, number) for section in saved.integers]
        self._parts.add_coded(header, integers, saved.multiply_adds, saved.parameters)

    def _with_masks(self, place: Place) -> Item:
        header = place.header
        components = []
        for component in header.components:
            coded = None if component.mask is None else self._items.masks[component.mask]
            mask = None
            if place.saved is None or place.hidden:
                whole = tuple(slice(0, size) for size in header.shape)
                boxes = place.hidden or (whole,)
                fill = self._fill(component.name, component.dtype)
                self._check_room(header.shape)
                payload = without_samples(coded, header.shape, boxes, fill)
                mask = self._mask(payload, header.shape)
            elif coded is not None:
                mask = self._mask(encode_mask_section(coded), header.shape)
            components.append(replace(component, mask=mask))
        masks = [(tensor, self._items.masks[index]) for tensor, index in header.tensor_masks]
        sparse = tuple(
            (tensor, self._mask(encode_mask_section(coded), coded.mask.shape))
            for tensor, coded in masks
        )
        return replace(header, components=tuple(components), tensor_masks=sparse)

    def _check_room(self, shape: tuple[int, ...]) -> None:
        """Refuse a mask of this shape, before it is made, where all masks would be too many."""
        samples = self._mask_samples + math.prod(shape)
        self._limits.check("mask_samples", samples, section="MASK")

    def _mask(self, payload: bytes, shape: tuple[int, ...]) -> int:
        """The number of a mask in the new file."""
        if payload not in self._mask_numbers:
            self._check_room(shape)
            self._mask_samples += math.prod(shape)
            self._mask_numbers[payload] = len(self._mask_numbers)
            self._parts.append_mask(mask_section(payload))
        return self._mask_numbers[payload]

    def _fill(self, name: str, dtype: str) -> Array:
        """Value of an invalid sample of a field, an array of one.

        The value is that of other invalid samples of the field, or the one that the metadata name,
        or NaN, or the least integer.
        """
        if name in self._patterns:
            return self._patterns[name].view(dtype)
        rules = medium_of(self._description.medium).metadata
        value = rules.fill_value(self._description.metadata, name)
        kind = np.dtype(dtype)
        if kind.kind == "f":
            return np.array([np.nan if value is None else value], kind)
        limits = np.iinfo(kind)
        fits = isinstance(value, int) and limits.min <= value <= limits.max
        return np.array([value if fits else limits.min], kind)
