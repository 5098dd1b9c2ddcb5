"""L0: signature, header and sections (sections 2 and 3)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from .compression import brotli_stream, zstd_frame
from .errors import Malformed, Unsupported
from .limits import Limits, require
from .numbers import Reader

SIGNATURE = bytes.fromhex("89494E520D0A1A0A")
KNOWN = ("HEAD", "ITEM", "TENS", "RESD", "MASK", "VERB", "mETa", "pROv", "tIDX", "ENDS")
_ONCE = ("HEAD", "mETa", "tIDX", "ENDS")
_HEADER_LIKE = ("HEAD", "ITEM", "mETa")
_DIGEST_SIZES = (8, 16, 32)


@dataclass(frozen=True)
class Section:
    """One section, its CRC already checked."""

    type: str
    attribute: int
    stored: bytes
    offset: int
    """Number among the sections of its type."""
    front: bytes
    """First bytes of the section: `type attribute length`."""


@dataclass(frozen=True)
class File:
    """The header fields and the sections of a file."""

    minor: int
    level: int
    sections: list[Section]


class Budget:
    """Counts the payload bytes of a whole file against the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.used = self.verbatim = 0

    def payload(self, section: Section) -> bytes:
        """Return the decoded payload of a section (SEC-5)."""
        if section.attribute == 0:
            self._admit(section.type, len(section.stored))
            return section.stored
        reader = Reader(section.stored)
        size = reader.uleb()
        self._admit(section.type, size)
        self.used += size
        require(self.used, self.limits.total_payload_bytes, "decompressed payloads")
        frame = reader.take(reader.left)
        if section.attribute == 1:
            return zstd_frame(frame, size, "SEC-5")
        return brotli_stream(frame, size, "SEC-5")

    def _admit(self, name: str, size: int) -> None:
        """Check the decoded size of one payload, or of the VERB payloads so far (LIM-2)."""
        if name == "VERB":
            self.verbatim += size
            require(self.verbatim, self.limits.payload_bytes, "VERB payloads")
            return
        headers = name in _HEADER_LIKE
        allowed = self.limits.header_bytes if headers else self.limits.payload_bytes
        require(size, allowed, f"payload of {name}")


def parse_file(data: bytes, limits: Limits) -> File:
    """Check the frame of a file: header, section types, CRCs, order and end.

    A file that is cut is malformed, whatever it holds, and so the number of its sections is
    compared with the limit only at the end; no more of them are kept.
    """
    minor, level = _header(data)
    reader = Reader(data, 12)
    sections: list[Section] = []
    seen: set[str] = set()
    count, last = 0, ""
    while last != "ENDS":
        if not reader.left:
            raise Malformed("FILE-7: the file ends before its ENDS section")
        section = _section(reader, first=count == 0)
        if (section.type == "HEAD") != (count == 0):
            raise Malformed("FILE-6: HEAD is the first section and no other")
        if section.type in _ONCE and section.type in seen:
            raise Malformed(f"SEC-6: {section.type} occurs twice")
        if last == "tIDX" and section.type != "ENDS":
            raise Malformed("IDX-1: tIDX is not the section before ENDS")
        last = section.type
        seen.add(last)
        count += 1
        if count <= limits.sections:
            sections.append(section)
    reader.end("ENDS (FILE-6)")
    require(count, limits.sections, "sections")
    for section in sections:
        if section.type not in KNOWN and section.type[0].isupper():
            raise Unsupported(f"SEC-2: critical section {section.type}")
    return File(minor, level, sections)


def _header(data: bytes) -> tuple[int, int]:
    """Return minor and level (FILE-1 to FILE-5)."""
    if data[:8] != SIGNATURE:
        raise Malformed("FILE-1: no signature")
    if len(data) < 12:
        raise Malformed("FILE-7: the file ends in its header")
    major, minor, level, flags = data[8:12]
    if major != 1:
        raise Unsupported(f"FILE-2: major version {major}")
    if level not in (1, 2):
        raise Unsupported(f"FILE-4: level {level}")
    if flags:
        raise Unsupported(f"FILE-5: flags {flags:#04x}")
    return minor, level


def _section(reader: Reader, first: bool) -> Section:
    """Read one section and check its type, CRC and attribute."""
    offset = reader.position
    start = 0 if first else offset
    name = reader.take(4)
    if not (name.isalpha() and name.isascii()):
        raise Malformed("SEC-1: a section type is not four ASCII letters")
    attribute = reader.u8()
    length = reader.uleb()
    front = reader.data[offset : reader.position]
    stored = reader.take(length)
    crc = zlib.crc32(reader.data[start : reader.position])
    if int.from_bytes(reader.take(4), "little") != crc:
        raise Malformed(f"SEC-4: wrong CRC of section {name.decode('ascii')}")
    if not name[2:3].isupper():
        raise Malformed("SEC-1: the third letter of a section type is lower case")
    if attribute > 2:
        raise Malformed(f"SEC-5: attribute {attribute}")
    return Section(name.decode("ascii"), attribute, stored, offset, front)


@dataclass(frozen=True)
class Ends:
    """The content of ENDS: the offset of the index, and the digest."""

    index: int
    digest: bytes


def parse_ends(payload: bytes, file_size: int) -> Ends:
    """Check `total` and the size of the digest (END-1, END-2)."""
    reader = Reader(payload)
    if reader.uleb() != file_size:
        raise Malformed("END-1: total is not the length of the file")
    index = reader.uleb()
    digest = reader.take(reader.left)
    if len(digest) not in _DIGEST_SIZES:
        raise Malformed(f"END-2: a digest of {len(digest)} bytes")
    return Ends(index, digest)
