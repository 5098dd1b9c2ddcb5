"""Signature, header and sections: the outermost layer of an `.inrc` file.

Normative text: format_spec/inrc-1.md, sections 2 and 3.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from codec.errors import CorruptError, TruncatedError, UnsupportedError
from codec.files.byte_sources import ByteSource
from codec.format.compression import NONE, compress, decompress
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.format.section_count import SMALLEST_SECTION, at_most
from codec.format.section_index import (
    DIGEST_BYTES,
    IndexEntry,
    decode_index,
    encode_index,
    file_digest,
    read_type,
    section_head,
)
from codec.format.section_types import SECTION_TYPES, SectionType, section_type
from codec.limits import Limits

SIGNATURE = b"\x89INR\r\n\x1a\n"
MAJOR = 1
MINOR = 0
HEADER_BYTES = len(SIGNATURE) + 4
CRC_BYTES = 4
DIGEST_SIZES = (8, 16, 32)

# A file of more sections gets an index; in a smaller one it would cost more than it saves.
UNINDEXED_SECTIONS = 16
# The longest ENDS that is stored as it is: type, attribute, length, two numbers, digest, CRC.
_LONGEST_END = 4 + 1 + 1 + 9 + 9 + 32 + CRC_BYTES


@dataclass(frozen=True, slots=True)
class Section:
    """Place of a section in the file.

    Attributes:
        type: four ASCII letters.
        attribute: 0 stored, 1 zstd, 2 brotli.
        start: offset of the first byte the CRC covers.
        payload_offset: offset of the stored payload.
        stored_bytes: size of the stored payload.
    """

    type: str
    attribute: int
    start: int
    payload_offset: int
    stored_bytes: int

    @property
    def end(self) -> int:
        """Offset of the byte after the section's CRC."""
        return self.payload_offset + self.stored_bytes + CRC_BYTES

    @property
    def head(self) -> bytes:
        """The bytes that it begins with (after signature and header, if it is the first)."""
        return section_head(self.type, self.attribute, self.stored_bytes)

    @property
    def row(self) -> SectionType:
        """The row of its type in the table of types."""
        return section_type(self.type)


class SectionWriter:
    """Writes signature, header and sections to a binary stream.

    Args:
        stream: written strictly forward, never read or seeked.
        level: conformance level the file needs, 1 or 2.
    """

    def __init__(self, stream: BinaryIO, level: int = 1) -> None:
        self._stream = stream
        self._position = 0
        self._entries: list[IndexEntry] = []
        self._pending = SIGNATURE + bytes([MAJOR, MINOR, level, 0])

    @property
    def position(self) -> int:
        """Bytes written so far."""
        return self._position

    def add(
        self,
        name: str,
        stored: bytes,
        attribute: int = NONE,
        *,
        digest: bytes = b"",
        item: int | None = None,
    ) -> None:
        """Append a section.

        Args:
            attribute: compression of `stored`.
            digest: digest of the integers, for a type that has one.
            item: number of the item that the section belongs to, for a type that has one.
        """
        self._entries.append(IndexEntry(name, attribute, len(stored), digest, item))
        covered = self._pending + section_head(name, attribute, len(stored)) + stored
        self._pending = b""
        self._stream.write(covered + zlib.crc32(covered).to_bytes(CRC_BYTES, "little"))
        self._position += len(covered) + CRC_BYTES

    def finish(self) -> int:
        """Append the index, if there are many sections, and ENDS; returns the file's length."""
        digest = file_digest(entry.digest for entry in self._entries)[:DIGEST_BYTES]
        index = 0
        if len(self._entries) > UNINDEXED_SECTIONS:
            index = self._position
            attribute, stored = compress(encode_index(self._entries))
            self.add("tIDX", stored, attribute)
        place_and_digest = encode_uleb(index) + digest
        fixed = self._position + 4 + 1 + 1 + len(place_and_digest) + CRC_BYTES
        total = fixed + 1
        while fixed + len(encode_uleb(total)) != total:
            total = fixed + len(encode_uleb(total))
        self.add("ENDS", encode_uleb(total) + place_and_digest)
        return total


class SectionReader:
    """The sections of one file, found when the object is made.

    Args:
        source: the bytes of the file.
        limits: bounds on what the file may ask for.
        allow_truncated: take the complete sections of a file that ends early; `truncated` says so.
        from_end: find the sections by the index of the file, if it has one, instead of a scan of
            their heads: for sources where many small reads are slow.

    Attributes:
        sections: all sections in file order.
        index: entries of the file's index for all sections but the last two; empty without one.
        digest: digest of the file's integers, empty where the file is truncated.

    Raises:
        TruncatedError, CorruptError, UnsupportedError, LimitError: see the format specification.
    """

    def __init__(
        self,
        source: ByteSource,
        limits: Limits | None = None,
        *,
        allow_truncated: bool = False,
        from_end: bool = False,
    ) -> None:
        self._source = source
        self.limits = limits or Limits()
        self.minor, self.level = read_header(source)
        self.truncated = False
        sections = self._from_end() if from_end else []
        if not sections:
            sections = self._from_start(allow_truncated)
        self.sections = tuple(sections)
        self._check_order()
        self.digest, self.index = b"", tuple[IndexEntry, ...]()
        if not self.truncated:
            start, self.digest = self._read_end(self.sections[-1])
            self.index = self._read_index(start)
        self._refuse_unknown()

    def _from_start(self, allow_truncated: bool) -> list[Section]:
        sections: list[Section] = []
        most = self.limits.max_sections
        if self._source.size > most * SMALLEST_SECTION:
            self.limits.check("sections", at_most(self._source, HEADER_BYTES, most))
        try:
            for section in self._scan():
                sections.append(section)
        except TruncatedError:
            # Only some callers can do with the sections so far.
            if not (allow_truncated and sections):
                raise
            self.truncated = True
        return sections

    def _from_end(self) -> list[Section]:
        """All sections by the index; none if the file has no index, or no whole ENDS."""
        end = _find_end(self._source)
        if end is None:
            return []
        start, _ = self._read_end(end)
        if start == 0:
            return []
        index = _read_section_head(self._source, start)
        sections: list[Section] = []
        position = HEADER_BYTES
        for entry in decode_index(self.read(index)):
            self.limits.check("sections", len(sections) + 3, section="tIDX")
            payload = position + len(entry.head)
            first = 0 if not sections else position
            section = Section(entry.type, entry.attribute, first, payload, entry.stored_bytes)
            sections.append(section)
            position = section.end
        if not sections or position != start:
            raise CorruptError("the index does not list the sections", section="tIDX", offset=start)
        return [*sections, index, end]

    def _scan(self) -> Iterator[Section]:
        position = HEADER_BYTES
        count = 0
        while True:
            section = _read_section_head(self._source, position)
            count += 1
            self.limits.check("sections", count, offset=position)
            if not section.row.known:
                self.stored(section)
            yield section
            position = section.end
            if section.type == "ENDS":
                return

    def _refuse_unknown(self) -> None:
        """Refuse unknown critical sections, once the whole file is known not to be truncated."""
        for section in self.sections:
            if not section.row.known and section.row.critical:
                raise UnsupportedError(
                    "an unknown section that must be understood",
                    section=section.type,
                    offset=section.start,
                )

    def _check_order(self) -> None:
        types = [section.type for section in self.sections]
        if types[0] != "HEAD":
            raise CorruptError("the first section is not HEAD", offset=HEADER_BYTES)
        for row in SECTION_TYPES.values():
            if row.at_most_once and types.count(row.name) > 1:
                raise CorruptError("a section that may stand once is repeated", section=row.name)

    def _read_end(self, section: Section) -> tuple[int, bytes]:
        """Offset of the index, and the digest."""
        payload = self.read(section)
        total, position = decode_uleb(payload)
        if total != section.end:
            raise CorruptError("the recorded length is not the file's", section="ENDS")
        if self._source.size != section.end:
            raise CorruptError("bytes follow the last section", offset=section.end)
        index, position = decode_uleb(payload, position)
        if len(payload) - position not in DIGEST_SIZES:
            raise CorruptError("the digest has no valid size", section="ENDS")
        return index, payload[position:]

    def _read_index(self, start: int) -> tuple[IndexEntry, ...]:
        """The index, compared with the sections."""
        sections = self.of_type("tIDX")
        if start != (sections[0].start if sections else 0):
            raise CorruptError("ENDS has another place for the index", section="ENDS")
        if not sections:
            return ()
        if sections[0] is not self.sections[-2]:
            raise CorruptError("the index is not the section before ENDS", section="tIDX")
        entries: list[IndexEntry] = []
        listed = decode_index(self.read(sections[0]))
        for section, entry in itertools.zip_longest(self.sections[:-2], listed):
            if section is None or entry is None or section.head != entry.head:
                raise CorruptError(
                    "the index does not list the sections", section="tIDX", offset=start
                )
            entries.append(entry)
        return tuple(entries)

    def indexed(self, name: str) -> list[IndexEntry]:
        """The entries of the index for one type; none without an index."""
        return [entry for entry in self.index if entry.type == name]

    def stored(self, section: Section) -> bytes:
        """The stored payload, its CRC checked."""
        covered = self._source.read_at(section.start, section.end - section.start)
        if len(covered) < section.end - section.start:
            raise TruncatedError("the file ends inside a section", section=section.type)
        body, crc = covered[:-CRC_BYTES], covered[-CRC_BYTES:]
        if zlib.crc32(body) != int.from_bytes(crc, "little"):
            raise CorruptError("checksum mismatch", section=section.type, offset=section.start)
        if not body[: section.payload_offset - section.start].endswith(section.head):
            raise CorruptError(
                "the index does not fit the section", section=section.type, offset=section.start
            )
        return body[section.payload_offset - section.start :]

    def peek(self, section: Section, size: int) -> bytes:
        """The first `size` bytes of the payload, unchecked; all of it where it is compressed."""
        if section.attribute != NONE:
            return self.read(section)
        return self._source.read_at(section.payload_offset, min(size, section.stored_bytes))

    def read(self, section: Section) -> bytes:
        """The payload, CRC checked and outer compression undone within the limits."""
        stored = self.stored(section)
        if section.attribute == NONE:
            self.limits.check(section.row.limit, len(stored), section=section.type)
            return stored
        raw_bytes, position = decode_uleb(stored)
        self.limits.check(
            section.row.limit, raw_bytes, section=section.type, offset=section.payload_offset
        )
        return decompress(section.attribute, stored[position:], raw_bytes, section.type)

    def of_type(self, name: str) -> list[Section]:
        """All sections of one type, in file order."""
        return self._by_type.get(name, [])

    @cached_property
    def _by_type(self) -> dict[str, list[Section]]:
        by_type: dict[str, list[Section]] = {}
        for section in self.sections:
            by_type.setdefault(section.type, []).append(section)
        return by_type

    def check_all(self) -> None:
        """Read every section once, so that any damage anywhere in the file is found."""
        for section in self.sections:
            self.stored(section)


def read_header(source: ByteSource) -> tuple[int, int]:
    start = source.read_at(0, HEADER_BYTES)
    if not start:
        raise TruncatedError("the file is empty", offset=0)
    if start[: len(SIGNATURE)] != SIGNATURE[: len(start)]:
        raise CorruptError("this is not an .inrc file", offset=0)
    if len(start) < HEADER_BYTES:
        raise TruncatedError("the file ends inside its header", offset=len(start))
    major, minor, level, flags = start[len(SIGNATURE) :]
    if major != MAJOR:
        raise UnsupportedError(
            f"format version {major}.{minor}; this reader knows version {MAJOR}", offset=8
        )
    if level not in (1, 2):
        raise UnsupportedError(f"conformance level {level} is unknown", offset=10)
    if flags:
        raise UnsupportedError(f"header flags {flags:#04x} are unknown", offset=11)
    return minor, level


def _read_section_head(source: ByteSource, position: int) -> Section:
    head = source.read_at(position, 4 + 1 + 9)
    if len(head) < 6:
        raise TruncatedError("the file ends before its last section", offset=position)
    name, attribute = read_type(head, 0, position)
    stored_bytes, used = decode_uleb(head, 5)
    start = 0 if position == HEADER_BYTES else position
    section = Section(name, attribute, start, position + used, stored_bytes)
    if section.end > source.size:
        raise TruncatedError("the file ends inside a section", section=name, offset=position)
    return section


def _find_end(source: ByteSource) -> Section | None:
    """A stored ENDS at the very end of the file, or None."""
    tail = source.read_at(max(0, source.size - _LONGEST_END), _LONGEST_END)
    first = source.size - len(tail)
    at = tail.rfind(b"ENDS\0")
    while at >= 0:
        covered, crc = tail[at:-CRC_BYTES], tail[-CRC_BYTES:]
        if at + 6 < len(tail) and zlib.crc32(covered) == int.from_bytes(crc, "little"):
            section = Section("ENDS", NONE, first + at, first + at + 6, tail[at + 5])
            if section.end == source.size:
                return section
        at = tail.rfind(b"ENDS\0", 0, at)
    return None
