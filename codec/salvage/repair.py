"""A damaged file written anew: what is intact, and places for what is lost."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.coding.mask_section import encode_mask_section
from codec.coding.verbatim_section import decode_verbatim, within_limits
from codec.coding.write_file import FileParts, UnfittedSection, mask_section
from codec.encoding.place_tiles import renumbered
from codec.encoding.written_file import written_file
from codec.errors import CorruptError, InvalidInputError
from codec.files.atomic import check_writable
from codec.files.byte_sources import open_source
from codec.format.compression import compress
from codec.format.headers import Head, Item
from codec.format.provenance import METADATA, VARIABLE, Loss, Provenance
from codec.format.sections import KNOWN_TYPES, ONCE_TYPES
from codec.limits import Limits, within_memory
from codec.media.dataset import Metadata
from codec.media.metadata_section import (
    Forms,
    check_tree,
    decode_metadata,
    encode_metadata,
)
from codec.media.remaining import fill_value, named_in, remaining
from codec.reports import LostRegion, RepairReport
from codec.salvage.fields import Place, WholeFields, whole_fields
from codec.salvage.items import SavedItems, patterns_of, without_samples
from codec.salvage.numbering import holes_for
from codec.salvage.scan import DamagedFile

_log = logging.getLogger("inrc")

# What a file is whose HEAD is lost.
_KINDS = {"image": "image", "mesh": "sdf"}
# Media of one array, image or surface.
_WITHOUT_VARIABLES = frozenset({"npy", "image", "mesh"})
_CODED = frozenset({"HEAD", "ITEM", "MASK", "TENS", "RESD", "tIDX", "ENDS"})


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
        kept = _Kept(file, fields, limits)
        if not fields.places and not kept.verbatim:
            raise CorruptError("no field and no variable can be saved")
        kind = _KINDS.get(kept.medium, "volume") if head is None else head.kind
        parts = FileParts(kind, kept.sections())
        _Placing(items, kept, limits, parts).place(fields)
        with written_file(target, parts, overwrite=overwrite) as written:
            written.check_metadata()
            written.check_digest()
        return RepairReport(
            path=Path(target),
            source_bytes=opened.size,
            file_bytes=final.stat().st_size,
            intact=sum(piece.intact for piece in file.pieces),
            damage=tuple(
                (piece.type, piece.start, piece.end - piece.start) for piece in file.damage
            ),
            losses=kept.losses,
            seconds=time.perf_counter() - started,
        )
    finally:
        opened.close()


def _forms(fields: WholeFields) -> Forms:
    """What is known of the fields; where their end is lost, they may have been larger."""
    found: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    for place in fields.places:
        ends = tuple(part.stop for part in place.box)
        for one in place.header.components:
            known = found.get(one.name, (ends,))[0]
            found[one.name] = tuple(map(max, ends, known)), np.dtype(one.dtype)
    return found


def _head(file: DamagedFile) -> Head | None:
    found = file.intact("HEAD")
    return Head.from_bytes(file.read(found[0])) if found else None


class _Kept:
    """What is not fitted, as far as it is left.

    Attributes:
        verbatim: names of the variables that are kept.
        medium, metadata: of the file, without what is gone.
        losses: of all kinds.
    """

    def __init__(self, file: DamagedFile, fields: WholeFields, limits: Limits) -> None:
        self._file = file
        self._forms = _forms(fields)
        payloads = map(file.read, file.intact("VERB"))
        self.verbatim = set(decode_verbatim(within_limits(payloads, limits)))
        self.medium, found = self._read_metadata()
        fitted = {one.name for place in fields.places for one in place.header.components}
        self._names = fitted | self.verbatim
        self.metadata, gone = remaining(self.medium, found, self._names)
        self._changed = bool(gone)
        losses = [*fields.losses, *(LostRegion(VARIABLE, name, (), 1.0) for name in gone)]
        if not gone and (
            fields.unplaced or self._may_lack_variables(explained=bool(fields.losses))
        ):
            losses.append(LostRegion(VARIABLE, "", (), 1.0))
        some_gone = file.damage or file.shortened
        if self._unsound or (some_gone and not file.intact("mETa")):
            losses.append(LostRegion(METADATA, "", (), 1.0))
        self.losses = tuple(losses)

    def _may_lack_variables(self, *, explained: bool) -> bool:
        """Whether verbatim variables may be lost that nothing names.

        Args:
            explained: fields have lost something.
        """
        if any(piece.type == "VERB" for piece in self._file.damage):
            return True
        named = named_in(self.medium, self.metadata)
        # Metadata that name one name all.
        if self._file.complete or self.verbatim & named:
            return False
        # A section is gone without a trace; if no field lacks one, it held variables.
        traceless = self._file.shortened and not self._file.damage
        if traceless and not (explained and named <= self._names):
            return True
        if self.medium in _WITHOUT_VARIABLES:
            return False
        # Writers put metadata behind variables; without these anything may have stood anywhere.
        pieces = self._file.pieces
        behind = next((at for at, piece in enumerate(pieces) if piece.type == "mETa"), len(pieces))
        unknown = any(not piece.type for piece in pieces[:behind])
        return unknown or bool(holes_for(pieces, "VERB"))

    def _read_metadata(self) -> tuple[str, Metadata]:
        """Medium and tree; nothing where they break a rule, for no reader would use them."""
        self._unsound = False
        for piece in self._file.intact("mETa")[:1]:
            try:
                medium, tree = decode_metadata(self._file.read(piece))
                check_tree(medium, tree, self._forms)
            except CorruptError as error:
                _log.warning("leaving out the metadata: %s", error)
                self._unsound = True
            else:
                return medium, tree
        return "", {}

    def _made(self) -> Provenance:
        """How the file was made, and what it lost since."""
        made = Provenance()
        for piece in self._file.intact("pROv")[:1]:
            try:
                made = Provenance.from_bytes(self._file.read(piece))
            except CorruptError as error:
                _log.warning("ignoring %s", error)
        losses = (Loss(one.kind, one.name, one.ranges) for one in self.losses)
        return replace(made, losses=(*made.losses, *losses))

    def sections(self) -> list[UnfittedSection]:
        """As they will be written."""
        replaced: dict[str, bytes] = {}
        if self._changed:
            replaced["mETa"] = encode_metadata(self.medium, self.metadata)
        if self.losses:
            replaced["pROv"] = self._made().to_bytes()
        # Readers would use the first of these.
        single = {piece.type: piece for piece in reversed(self._file.pieces) if piece.intact}
        copied = [
            (piece.type, piece.attribute, self._file.stored(piece))
            for piece in self._file.pieces
            if piece.intact
            and piece.type not in _CODED
            and piece.type not in replaced
            and not (self._unsound and piece.type == "mETa")
            and not (piece.type in ONCE_TYPES and piece != single[piece.type])
            and (piece.type in KNOWN_TYPES or piece.type[3].islower())
        ]
        return copied + [(name, *compress(payload)) for name, payload in replaced.items()]


@dataclass
class _Placing:
    """Puts the items of the new file together.

    Attributes:
        items: what is saved of the damaged file.
        kept: its metadata.
        limits: what it may ask for.
        parts: of the new file.
    """

    items: SavedItems
    kept: _Kept
    limits: Limits
    parts: FileParts

    def place(self, fields: WholeFields) -> None:
        """Append all items, and the masks that they name, equal ones once."""
        self._patterns: Mapping[str, Array] = patterns_of(self.items)
        self._numbers: dict[bytes, int] = {}
        self._mask_samples = 0
        for place in fields.places:
            self._add(place)

    def _add(self, place: Place) -> None:
        number = len(self.parts.items)
        header = self._with_masks(place).to_bytes()
        saved = place.saved
        if saved is None:
            self.parts.add_coded(header, [], 0, 0)
            return
        integers = [renumbered(section, number) for section in saved.integers]
        self.parts.add_coded(header, integers, saved.multiply_adds, saved.parameters)

    def _with_masks(self, place: Place) -> Item:
        header = place.header
        components = []
        for one in header.components:
            coded = None if one.mask is None else self.items.masks[one.mask]
            mask = None
            if place.saved is None or place.hidden:
                whole = tuple(slice(0, size) for size in header.shape)
                boxes = place.hidden or (whole,)
                fill = self._fill(one.name, one.dtype)
                self._check_room(header.shape)
                payload = without_samples(coded, header.shape, boxes, fill)
                mask = self._mask(payload, header.shape)
            elif coded is not None:
                mask = self._mask(encode_mask_section(coded), header.shape)
            components.append(replace(one, mask=mask))
        masks = [(tensor, self.items.masks[index]) for tensor, index in header.tensor_masks]
        sparse = tuple(
            (tensor, self._mask(encode_mask_section(coded), coded.mask.shape))
            for tensor, coded in masks
        )
        return replace(header, components=tuple(components), tensor_masks=sparse)

    def _check_room(self, shape: tuple[int, ...]) -> None:
        """Before a mask of a shape is made."""
        samples = self._mask_samples + math.prod(shape)
        self.limits.check("mask_samples", samples, section="MASK")

    def _mask(self, payload: bytes, shape: tuple[int, ...]) -> int:
        """The number of a mask in the new file."""
        if payload not in self._numbers:
            self._check_room(shape)
            self._mask_samples += math.prod(shape)
            self._numbers[payload] = len(self._numbers)
            self.parts.append_mask(mask_section(payload))
        return self._numbers[payload]

    def _fill(self, name: str, dtype: str) -> Array:
        """What an invalid sample of a field holds: as others do, as the metadata says, or NaN, the
        least integer."""
        if name in self._patterns:
            return self._patterns[name].view(dtype)
        found = fill_value(self.kept.medium, self.kept.metadata, name)
        kind = np.dtype(dtype)
        if kind.kind == "f":
            return np.array([np.nan if found is None else found], kind)
        limits = np.iinfo(kind)
        fits = isinstance(found, int) and limits.min <= found <= limits.max
        return np.array([found if fits else limits.min], kind)
