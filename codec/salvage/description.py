"""Description of the input in a damaged file: metadata, variables and how the file was made."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from codec.coding.described_sections import KeptSection
from codec.coding.verbatim_section import decode_verbatim, within_limits
from codec.errors import CorruptError
from codec.format.compression import compress
from codec.format.provenance import METADATA, VARIABLE, Loss, Provenance
from codec.format.section_types import Copier, section_type
from codec.limits import Limits
from codec.media.dataset import Metadata
from codec.media.metadata_rules import Forms
from codec.media.metadata_section import check_tree, decode_metadata, encode_metadata
from codec.media.table import medium_of
from codec.reports import LostRegion
from codec.salvage.fields import WholeFields
from codec.salvage.numbering import holes_for
from codec.salvage.scan import DamagedFile, Piece

_log = logging.getLogger("inrc")


@dataclass(frozen=True)
class SavedDescription:
    """The part of the description of the input that is left.

    Attributes:
        verbatim: names of the variables that are left.
        medium, metadata: medium and tree of the file, without names of what is lost.
        losses: losses of all kinds, of fields too.
        sections: the sections to write, in their order.
    """

    verbatim: frozenset[str]
    medium: str
    metadata: Metadata
    losses: tuple[LostRegion, ...]
    sections: tuple[KeptSection, ...]


def saved_description(file: DamagedFile, fields: WholeFields, limits: Limits) -> SavedDescription:
    """The description without what is lost.

    Raises:
        FormatError: the variables break a rule of the format, or are over the limits.
    """
    payloads = map(file.read, file.intact("VERB"))
    verbatim = frozenset(decode_verbatim(within_limits(payloads, limits)))
    read = _read_metadata(file, _forms(fields))
    fitted = {component.name for place in fields.places for component in place.header.components}
    names = fitted | verbatim
    metadata, lost_names = medium_of(read.medium).metadata.without(read.tree, names)
    losses = [*fields.losses, *(LostRegion(VARIABLE, name, (), 1.0) for name in lost_names)]
    variables = _Variables(file, read.medium, metadata, verbatim, names)
    if not lost_names and (
        fields.unplaced or variables.may_lack_some(explained=bool(fields.losses))
    ):
        losses.append(LostRegion(VARIABLE, "", (), 1.0))
    some_lost = file.damage or file.shortened
    if read.unsound or (some_lost and not file.intact("mETa")):
        losses.append(LostRegion(METADATA, "", (), 1.0))
    replaced: dict[str, bytes] = {}
    if lost_names:
        replaced["mETa"] = encode_metadata(read.medium, metadata)
    if losses:
        replaced["pROv"] = _provenance(file, losses).to_bytes()
    left_out = {"mETa"} if read.unsound else set[str]()
    sections = _copied(file, left_out | replaced.keys())
    sections += [(name, *compress(payload)) for name, payload in replaced.items()]
    return SavedDescription(verbatim, read.medium, metadata, tuple(losses), tuple(sections))


def _forms(fields: WholeFields) -> Forms:
    """Shape and dtype of each field; one whose end is lost may have been larger."""
    forms: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
    for place in fields.places:
        ends = tuple(part.stop for part in place.box)
        for component in place.header.components:
            known = forms.get(component.name, (ends,))[0]
            forms[component.name] = tuple(map(max, ends, known)), np.dtype(component.dtype)
    return forms


@dataclass(frozen=True)
class _ReadMetadata:
    """Medium and tree of the file; `unsound` where there are some, but they break a rule."""

    medium: str = ""
    tree: Metadata = field(default_factory=dict)
    unsound: bool = False


def _read_metadata(file: DamagedFile, forms: Forms) -> _ReadMetadata:
    """The metadata; nothing where they break a rule, for no reader would use them."""
    pieces = file.intact("mETa")
    if not pieces:
        return _ReadMetadata()
    try:
        medium, tree = decode_metadata(file.read(pieces[0]))
        check_tree(medium, tree, forms)
    except CorruptError as error:
        _log.warning("leaving out the metadata: %s", error)
        return _ReadMetadata(unsound=True)
    return _ReadMetadata(medium, tree)


@dataclass(frozen=True)
class _Variables:
    """The verbatim variables of a damaged file.

    Attributes:
        file: its sections.
        medium, metadata: medium and tree, without names of what is lost.
        verbatim: names of the variables that are left.
        names: names of these and of all fields.
    """

    file: DamagedFile
    medium: str
    metadata: Metadata
    verbatim: frozenset[str]
    names: Set[str]

    def may_lack_some(self, *, explained: bool) -> bool:
        """Whether variables may be lost that nothing names.

        Args:
            explained: fields have lost something.
        """
        if any(piece.type == "VERB" for piece in self.file.damage):
            return True
        named = medium_of(self.medium).metadata.names(self.metadata)
        # Metadata that name one variable name all.
        if self.file.complete or self.verbatim & named:
            return False
        # A section is gone without a trace; if no field lacks one, it held variables.
        traceless = self.file.shortened and not self.file.damage
        if traceless and not (explained and named <= self.names):
            return True
        if not medium_of(self.medium).verbatim:
            return False
        # Writers put metadata behind variables; without these anything may have stood anywhere.
        pieces = self.file.pieces
        metadata_at = (at for at, piece in enumerate(pieces) if piece.type == "mETa")
        before = pieces[: next(metadata_at, len(pieces))]
        return any(not piece.type for piece in before) or bool(holes_for(pieces, "VERB"))


def _provenance(file: DamagedFile, losses: Iterable[LostRegion]) -> Provenance:
    """The provenance of the file, with its losses."""
    made = Provenance()
    for piece in file.intact("pROv")[:1]:
        try:
            made = Provenance.from_bytes(file.read(piece))
        except CorruptError as error:
            _log.warning("ignoring %s", error)
    added = (Loss(region.kind, region.name, region.ranges) for region in losses)
    return replace(made, losses=(*made.losses, *added))


def _copied(file: DamagedFile, left_out: Set[str]) -> list[KeptSection]:
    """The intact sections that repair copies, but those of some types."""
    first: dict[str, Piece] = {}
    copied = []
    for piece in file.pieces:
        if not piece.intact:
            continue
        row = section_type(piece.type)
        # Readers would use the first section of a type that may stand once.
        repeated = row.at_most_once and first.setdefault(piece.type, piece) != piece
        if Copier.REPAIR in row.copied_by and piece.type not in left_out and not repeated:
            copied.append((piece.type, piece.attribute, file.stored(piece)))
    return copied
