"""Sections that no model stands for: what the input says besides samples, and what is copied."""

from __future__ import annotations

from collections.abc import Mapping

from codec.coding.verbatim_section import VerbatimValue, encode_verbatim
from codec.format.compression import compress
from codec.format.provenance import Provenance
from codec.format.section_types import SECTION_TYPES, Copier, handler
from codec.format.sections import SectionReader
from codec.media.dataset import Metadata
from codec.media.described import Described
from codec.media.metadata_section import encode_metadata

# Type, attribute and stored payload of a section that no model stands for.
KeptSection = tuple[str, int, bytes]


def kept_sections(
    medium: str,
    metadata: Metadata,
    verbatim: Mapping[str, VerbatimValue],
    made: Provenance | None = None,
) -> list[KeptSection]:
    """All sections that describe the input, each compressed as well as it can be.

    Args:
        made: how the file is made, if the file shall say so.
    """
    described = Described(medium, metadata, verbatim)
    return [
        (row.name, *compress(payload))
        for row in SECTION_TYPES.values()
        if row.encode
        for payload in handler(row.encode)(described, made)
    ]


def copied_sections(sections: SectionReader, copier: Copier) -> list[KeptSection]:
    """The sections of an open file that somebody copies into a new file, as they are stored."""
    return [
        (section.type, section.attribute, sections.stored(section))
        for section in sections.sections
        if copier in section.row.copied_by
    ]


def verbatim_payloads(described: Described, made: Provenance | None) -> list[bytes]:
    """Payloads of the VERB sections."""
    del made
    return encode_verbatim(described.verbatim)


def metadata_payloads(described: Described, made: Provenance | None) -> list[bytes]:
    """Payload of the mETa section."""
    del made
    return [encode_metadata(described.medium, described.metadata)]


def provenance_payloads(described: Described, made: Provenance | None) -> list[bytes]:
    """Payload of the pROv section, if the file shall say how it was made."""
    del described
    return [] if made is None else [made.to_bytes()]
