"""Signature, header and sections: the outermost layer of an `.inrc` file.

Normative text: format_spec/inrc-1.md, sections 2 and 3.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from codec.container.compression import BROTLI, NONE, ZSTD, decompress
from codec.container.leb128 import decode_uleb, encode_uleb
from codec.errors import CorruptError, TruncatedError, UnsupportedError
from codec.limits import Limits

SIGNATURE = b"\x89INR\r\n\x1a\n"
MAJOR = 1
MINOR = 0
HEADER_BYTES = len(SIGNATURE) + 4
CRC_BYTES = 4
DIGEST_SIZES = (8, 16, 32)

KNOWN_TYPES = frozenset({"HEAD", "ITEM", "TENS", "RESD", "MASK", "VERB", "mETa", "ENDS"})
ONCE_TYPES = frozenset({"HEAD", "mETa", "ENDS"})


class ByteSource(Protocol):
    """Random access to the bytes of a file."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes from `offset`; fewer only where the file ends."""
        ...


@dataclass(frozen=True)
class Section:
    """Where a section lies in the file.

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
    def ancillary(self) -> bool:
        """True where a reader that does not know the type may skip the section."""
        return self.type[0].islower()


class SectionWriter:
    """Writes signature, header and sections to a binary stream.

    Args:
        stream: written strictly forward, never read or seeked.
        level: conformance level the file needs, 1 or 2.
    """

    def __init__(self, stream: BinaryIO, level: int = 1) -> None:
        self._stream = stream
        self._position = 0
        self._pending = SIGNATURE + bytes([MAJOR, MINOR, level, 0])

    @property
    def position(self) -> int:
        """Bytes written so far."""
        return self._position

    def add(self, section_type: str, stored: bytes, attribute: int = NONE) -> None:
        """Append a section; `attribute` says how `stored` is compressed."""
        head = section_type.encode("ascii") + bytes([attribute]) + encode_uleb(len(stored))
        covered = self._pending + head + stored
        self._pending = b""
        self._stream.write(covered + zlib.crc32(covered).to_bytes(CRC_BYTES, "little"))
        self._position += len(covered) + CRC_BYTES

    def finish(self, digest: bytes) -> int:
        """Append ENDS with the total length and `digest`; returns the total length in bytes."""
        fixed = self._position + 4 + 1 + 1 + len(digest) + CRC_BYTES
        total = fixed + 1
        while fixed + len(encode_uleb(total)) != total:
            total = fixed + len(encode_uleb(total))
        self.add("ENDS", encode_uleb(total) + digest)
        return total


class SectionReader:
    """The sections of one file, found by a scan of their heads when the object is made.

    Args:
        source: the bytes of the file.
        limits: what the reader accepts.
        allow_truncated: take the complete sections of a file that ends early; `truncated` says so.

    Raises:
        TruncatedError, CorruptError, UnsupportedError, LimitError: see the format specification.
    """

    def __init__(
        self, source: ByteSource, limits: Limits | None = None, *, allow_truncated: bool = False
    ) -> None:
        self._source = source
        self.limits = limits or Limits()
        self.minor, self.level = _read_header(source)
        found: list[Section] = []
        self.truncated = False
        try:
            found.extend(self._scan())
        except TruncatedError:
            # What was found so far is kept only where the caller can do with less.
            found = list(self._complete()) if allow_truncated else []
            if not found:
                raise
            self.truncated = True
        self.sections = tuple(found)
        self._check_order()
        self.digest = b"" if self.truncated else self._read_end()
        self._refuse_unknown()

    def _complete(self) -> Iterator[Section]:
        """The sections before the place where the file ends early."""
        try:
            yield from self._scan()
        except TruncatedError:
            return

    def _scan(self) -> Iterator[Section]:
        position = len(SIGNATURE) + 4
        count = 0
        while True:
            section = _read_section_head(self._source, position, first=count == 0)
            count += 1
            self.limits.check("sections", count, offset=position)
            if section.type not in KNOWN_TYPES:
                self.stored(section)
            yield section
            position = section.end
            if section.type == "ENDS":
                return

    def _refuse_unknown(self) -> None:
        """After the whole file is framed: a truncated file is truncated, whatever it holds."""
        for section in self.sections:
            if section.type not in KNOWN_TYPES and not section.ancillary:
                raise UnsupportedError(
                    "an unknown section that must be understood",
                    section=section.type,
                    offset=section.start,
                )

    def _check_order(self) -> None:
        types = [section.type for section in self.sections]
        if types[0] != "HEAD":
            raise CorruptError("the first section is not HEAD", offset=HEADER_BYTES)
        for section_type in ONCE_TYPES:
            if types.count(section_type) > 1:
                raise CorruptError(
                    "a section that may stand once is repeated", section=section_type
                )

    def _read_end(self) -> bytes:
        section = self.sections[-1]
        payload = self.read(section)
        total, position = decode_uleb(payload)
        if total != section.end:
            raise CorruptError("the recorded length is not the file's", section="ENDS")
        if self._source.size != section.end:
            raise CorruptError("bytes follow the last section", offset=section.end)
        if len(payload) - position not in DIGEST_SIZES:
            raise CorruptError("the digest has no valid size", section="ENDS")
        return payload[position:]

    def stored(self, section: Section) -> bytes:
        """The stored payload, its CRC checked."""
        covered = self._source.read_at(section.start, section.end - section.start)
        if len(covered) < section.end - section.start:
            raise TruncatedError("the file ends inside a section", section=section.type)
        body, crc = covered[:-CRC_BYTES], covered[-CRC_BYTES:]
        if zlib.crc32(body) != int.from_bytes(crc, "little"):
            raise CorruptError("checksum mismatch", section=section.type, offset=section.start)
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
            allowed = self._allowed(section)
            self.limits.check(allowed, len(stored), section=section.type)
            return stored
        raw_bytes, position = decode_uleb(stored)
        self.limits.check(
            self._allowed(section), raw_bytes, section=section.type, offset=section.payload_offset
        )
        return decompress(section.attribute, stored[position:], raw_bytes, section.type)

    def _allowed(self, section: Section) -> str:
        return "metadata_bytes" if section.type in ("HEAD", "ITEM", "mETa") else "verbatim_bytes"

    def of_type(self, section_type: str) -> list[Section]:
        """All sections of one type, in file order."""
        return [section for section in self.sections if section.type == section_type]

    def check_all(self) -> None:
        """Read every section once, so that any damage anywhere in the file is found."""
        for section in self.sections:
            self.stored(section)


def _read_header(source: ByteSource) -> tuple[int, int]:
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


def _read_section_head(source: ByteSource, position: int, *, first: bool) -> Section:
    head = source.read_at(position, 4 + 1 + 9)
    if len(head) < 6:
        raise TruncatedError("the file ends before its last section", offset=position)
    letters = head[:4]
    if not (letters.isalpha() and letters.isascii()) or not 65 <= letters[2] <= 90:
        raise CorruptError("no section starts here", offset=position)
    name = letters.decode("ascii")
    attribute = head[4]
    if attribute not in (NONE, ZSTD, BROTLI):
        raise CorruptError(
            f"section attribute {attribute} is invalid", section=name, offset=position
        )
    stored_bytes, used = decode_uleb(head, 5)
    section = Section(name, attribute, 0 if first else position, position + used, stored_bytes)
    if section.end > source.size:
        raise TruncatedError("the file ends inside a section", section=name, offset=position)
    return section
