"""The index of the sections (section 3, tIDX)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import Malformed
from .numbers import Reader
from .sections import Section

DIGEST_SIZE = 8


@dataclass(frozen=True)
class Indexed:
    """Entry of a section MASK, TENS or RESD beside the bytes that the section begins with."""

    digest: bytes
    item: int | None
    """None for MASK."""


def check_offset(index: Section | None, offset: int) -> None:
    """Compare the offset of ENDS with the place of the index (END-4)."""
    if offset != (0 if index is None else index.offset):
        raise Malformed("END-4: not the offset of tIDX, or not 0 without one")


def check_index(payload: bytes, sections: Sequence[Section], integers: Sequence[Indexed]) -> None:
    """Compare an index with the sections before it (IDX-2).

    `integers` has what belongs to the sections MASK, TENS and RESD, in file order.
    """
    reader = Reader(payload)
    remaining = iter(integers)
    for section in sections:
        if reader.take(len(section.front)) != section.front:
            raise Malformed(f"IDX-2: the index has other bytes for section {section.type}")
        if section.type not in ("MASK", "TENS", "RESD"):
            continue
        wanted = next(remaining)
        if reader.take(DIGEST_SIZE) != wanted.digest:
            raise Malformed(f"IDX-2: the index has another digest for section {section.type}")
        if wanted.item is not None and reader.uleb() != wanted.item:
            raise Malformed(f"IDX-2: the index has another item for section {section.type}")
    reader.end("the index (IDX-2)")
