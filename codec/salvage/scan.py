"""The sections of a damaged file: those that are intact, and what lies between them.

A section is intact where its CRC is right, wherever it lies. After damage the next one is searched
for by its head.
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from codec.errors import CorruptError, FormatError, LimitError, TruncatedError
from codec.files.byte_sources import ByteSource
from codec.format.compression import BROTLI, NONE, ZSTD, decompress
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.format.section_index import decode_index, read_type, section_head
from codec.format.section_types import SECTION_TYPES, section_type
from codec.format.sections import (
    CRC_BYTES,
    HEADER_BYTES,
    MAJOR,
    MINOR,
    SIGNATURE,
    read_header,
)
from codec.limits import Limits

_HEADERS = tuple(SIGNATURE + bytes([MAJOR, MINOR, level, 0]) for level in (1, 2))
_HEAD_BYTES = 4 + 1 + 9
# A HEAD takes less than 20 bytes, an ITEM more than these.
_SHORTEST_ITEM = 30
# Bytes that are searched for heads at once.
_SEARCHED = 1 << 20
# What looks like a head costs a checksum; so many times the size of a file may be spent on these.
_EFFORT = 16


@dataclass(frozen=True)
class Piece:
    """A stretch of a damaged file.

    Attributes:
        type: of the section that it is or was; "" where that is unknown.
        start, end: of its bytes, after signature and header.
        intact: whether it is a section with the right CRC.
        attribute: how the payload of an intact section is compressed.
        payload_offset: of an intact section.
        digest: that the index has of its integers, empty where that is not known.
    """

    type: str
    start: int
    end: int
    intact: bool = False
    attribute: int = NONE
    payload_offset: int = 0
    digest: bytes = b""

    @property
    def digested(self) -> bool:
        """Whether it is or was a section that the digest of the file covers."""
        return bool(self.type) and section_type(self.type).digested


class DamagedFile:
    """The pieces of a file that may be damaged.

    Args:
        source: its bytes.
        limits: what a section may ask for.

    Attributes:
        pieces: in file order; one of no bytes stands for what is missing at the end.
        damage: what is not intact.
        indexed: whether an intact index tells which sections there were.

    Raises:
        UnsupportedError: the file is of another version, with a right checksum.
        CorruptError: no section is intact, or they are certainly mixed up.
        LimitError: it has too many sections, or what looks like sections.
    """

    def __init__(self, source: ByteSource, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._spent = 0
        self.pieces = tuple(self._pieces())
        if not any(piece.intact for piece in self.pieces):
            raise CorruptError("no section is intact: this is no .inrc file, or none of it is left")
        if self.pieces[0].type != "HEAD":
            # Nothing tells how much of the beginning is missing.
            self.pieces = (Piece("", 0, self.pieces[0].start), *self.pieces)
        if not any(piece.type == "ENDS" for piece in self.pieces):
            self.pieces = (*self.pieces, Piece("", source.size, source.size))
        found = self._damaged()
        self.indexed = self._use_index()
        if not self.indexed:
            self._check_ends()
        self.damage = self._damaged() or found

    def _damaged(self) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.pieces if not piece.intact)

    def _check_ends(self) -> None:
        """Where the first or the last section lies elsewhere, others do, and nobody knows which."""
        types = [piece.type for piece in self.pieces if piece.intact]
        if "HEAD" in types[1:] or "ENDS" in types[:-1]:
            raise CorruptError("the sections are not in the order in which they were written")

    def stored(self, piece: Piece) -> bytes:
        """The stored payload of an intact section."""
        size = piece.end - CRC_BYTES - piece.payload_offset
        return self._source.read_at(piece.payload_offset, size)

    def read(self, piece: Piece) -> bytes:
        """The payload of an intact section.

        Raises:
            FormatError: it cannot be decompressed, or is over the limits.
        """
        allowed = section_type(piece.type).limit
        stored = self.stored(piece)
        if piece.attribute == NONE:
            self._limits.check(allowed, len(stored), section=piece.type)
            return stored
        size, position = decode_uleb(stored)
        self._limits.check(allowed, size, section=piece.type)
        return decompress(piece.attribute, stored[position:], size, piece.type)

    def intact(self, name: str) -> list[Piece]:
        """All intact sections of one type, in file order."""
        return [piece for piece in self.pieces if piece.intact and piece.type == name]

    @property
    def digest(self) -> bytes | None:
        """The beginning of the digest of all its integers; None where this is lost."""
        end = self._end
        return None if end is None else end[1]

    @property
    def whole(self) -> bool:
        """Whether as many bytes are left as were written."""
        end = self._end
        return end is not None and end[0] == self._source.size

    @property
    def shortened(self) -> bool:
        """Whether bytes are gone, and with them perhaps sections, of which nothing else tells."""
        end = self._end
        return end is not None and end[0] > self._source.size

    @property
    def complete(self) -> bool:
        """Whether all that was written is intact, and only other bytes lie in between."""
        end = self._end
        sizes = sum(piece.end - piece.start for piece in self.pieces if piece.intact)
        return end is not None and end[0] == HEADER_BYTES + sizes

    @property
    def _end(self) -> tuple[int, bytes] | None:
        """Of an intact ENDS the length of the file and the digest."""
        for piece in self.intact("ENDS"):
            try:
                payload = self.read(piece)
                total, position = decode_uleb(payload)
                _, position = decode_uleb(payload, position)
            except FormatError:
                continue
            return total, payload[position:]
        return None

    def _pieces(self) -> Iterator[Piece]:
        position = HEADER_BYTES
        count = 0
        while position < self._source.size:
            found = self._section_at(position)
            if found is None:
                # Of a file that lost its beginning the next can lie before this.
                found = self._next_section(0 if position == HEADER_BYTES else position + 1)
                end = self._source.size if found is None else found.start
                if end > position:
                    yield from self._between(position, end)
                position = end
            else:
                yield found
                position = found.end
            count += 1
            self._limits.check("sections", count, offset=position)

    def _head_at(self, position: int) -> Piece | None:
        """What the head at a position says, be it true or not."""
        head = self._source.read_at(position, _HEAD_BYTES)
        try:
            name, attribute = read_type(head, 0)
            size, used = decode_uleb(head, 5)
        except FormatError:
            return None
        payload = position + used
        end = payload + size + CRC_BYTES
        return Piece(name, position, end, attribute=attribute, payload_offset=payload)

    def _section_at(self, position: int) -> Piece | None:
        """The intact section that begins at a position, or None."""
        piece = self._head_at(position)
        if piece is None or piece.end > self._source.size:
            return None
        covered = self._source.read_at(position, piece.end - position)
        for before in self._covered_before(piece):
            crc = zlib.crc32(covered[:-CRC_BYTES], zlib.crc32(before))
            if crc == int.from_bytes(covered[-CRC_BYTES:], "little"):
                if before not in (b"", *_HEADERS):
                    # An intact header of something else.
                    read_header(self._source)
                return replace(piece, intact=True)
        self._spend(len(covered), position)
        return None

    def _covered_before(self, piece: Piece) -> tuple[bytes, ...]:
        """What the CRC of a section may cover before it: the first section's covers the header."""
        if piece.type != "HEAD":
            return (b"",)
        if piece.start == HEADER_BYTES:
            return (*_HEADERS, self._source.read_at(0, HEADER_BYTES))
        return _HEADERS

    def _spend(self, size: int, position: int) -> None:
        self._spent += size
        if self._spent > _EFFORT * self._source.size:
            raise LimitError("too much in the file looks like sections", offset=position)

    def _next_section(self, position: int) -> Piece | None:
        """The first intact section from a position on."""
        names = b"|".join(sorted(name.encode() for name in SECTION_TYPES))
        heads = re.compile(b"(?:" + names + b")[\0-\2]")
        while position < self._source.size:
            data = self._source.read_at(position, _SEARCHED + _HEAD_BYTES)
            for match in heads.finditer(data):
                found = self._section_at(position + match.start())
                if found is not None:
                    return found
            position += _SEARCHED
        return None

    def _between(self, start: int, end: int) -> Iterator[Piece]:
        """What lies between two intact sections: one with a damaged head, or damaged ones."""
        mended = self._with_another_head(start, end)
        if mended is not None:
            yield mended
            return
        found: list[Piece] = []
        position = start
        while position < end:
            piece = self._head_at(position)
            if piece is None or piece.type not in SECTION_TYPES:
                break
            found.append(replace(piece, end=min(piece.end, self._source.size)))
            position = piece.end
        # The last section of a file that was cut short ends behind it.
        if position == end or (position > end == self._source.size):
            yield from found
        else:
            only_head = start == HEADER_BYTES and end - start < _SHORTEST_ITEM
            yield Piece("HEAD" if only_head else "", start, end)

    def _with_another_head(self, start: int, end: int) -> Piece | None:
        """The section that all of a gap is, if only its head is damaged: its CRC tells the head."""
        for size_bytes in range(1, 10):
            size = end - start - 5 - size_bytes - CRC_BYTES
            if size >= 0 and len(encode_uleb(size)) == size_bytes:
                break
        else:
            return None
        payload = self._source.read_at(start + 5 + size_bytes, size + CRC_BYTES)
        self._spend(len(payload), start)
        body, crc = payload[:-CRC_BYTES], int.from_bytes(payload[-CRC_BYTES:], "little")
        for name in sorted(SECTION_TYPES):
            for attribute in (NONE, ZSTD, BROTLI):
                head = section_head(name, attribute, size)
                for before in _HEADERS if name == "HEAD" else (b"",):
                    if zlib.crc32(body, zlib.crc32(before + head)) == crc:
                        at = start + 5 + size_bytes
                        return Piece(name, start, end, True, attribute, at)
        return None

    def _use_index(self) -> bool:
        """Replace the pieces before an intact index by what it lists, if there is one."""
        for found in self.intact("tIDX"):
            listed: list[Piece] = []
            position = HEADER_BYTES
            try:
                for entry in decode_index(self.read(found)):
                    self._limits.check("sections", len(listed) + 1, section="tIDX")
                    end = position + len(entry.head) + entry.stored_bytes + CRC_BYTES
                    listed.append(Piece(entry.type, position, end, digest=entry.digest))
                    position = end
            except (CorruptError, TruncatedError):
                return False
            before = [piece for piece in self.pieces if piece.start < found.start]
            after = self.pieces[len(before) :]
            self.pieces = (*_listed(listed, before, found.start - position), *after)
            return True
        return False


def _listed(listed: Sequence[Piece], present: Sequence[Piece], shift: int) -> list[Piece]:
    """The sections that an index lists: those present that are certainly these, the others lost.

    Args:
        listed: where they were.
        present: pieces of the damaged file.
        shift: how far the index lies from its place.
    """
    intact = {piece.start: piece for piece in present if piece.intact}

    def at(one: Piece, moved: int) -> Piece | None:
        piece = intact.get(one.start + moved)
        alike = piece is not None and (piece.type, piece.end) == (one.type, one.end + moved)
        return replace(piece, digest=one.digest) if piece is not None and alike else None

    if shift == 0:
        return [at(one, 0) or one for one in listed]
    # Something was put in or is missing: what is before it lies at its place, and what is behind
    # it at the same distance from the index as ever.
    first = dict(itertools.takewhile(_is_found, ((n, at(one, 0)) for n, one in enumerate(listed))))
    behind = range(len(listed) - 1, -1, -1)
    last = dict(itertools.takewhile(_is_found, ((n, at(listed[n], shift)) for n in behind)))
    # Sections of equal size in a row may fit both ways; then nobody knows which they are.
    twice = _starts(first) & _starts(last)
    return [
        next((one for one in (first.get(n), last.get(n)) if one and one.start not in twice), lost)
        for n, lost in enumerate(listed)
    ]


def _starts(found: Mapping[int, Piece | None]) -> set[int]:
    return {piece.start for piece in found.values() if piece is not None}


def _is_found(entry: tuple[int, Piece | None]) -> bool:
    return entry[1] is not None
