"""The sections of a damaged file: those that are intact, and the pieces between them.

A section is intact where its CRC is right, wherever it lies. Behind damage the next section is
searched for by its head.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
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
# Fewest bytes of an ITEM; a HEAD takes less than 20.
_SHORTEST_ITEM = 30
# Bytes that are searched for heads at once.
_SEARCHED = 1 << 20
# Bytes that may be read for checksums of what looks like a head, as a multiple of the file's size.
_EFFORT = 16


@dataclass(frozen=True)
class Piece:
    """A stretch of a damaged file.

    Attributes:
        type: type of the section that it is or was; "" where that is unknown.
        start, end: offsets of its first byte, after signature and header, and behind its last.
        intact: whether it is a section with the right CRC.
        attribute: compression of the payload of an intact section.
        payload_offset: offset of the payload of an intact section.
        digest: digest of its integers in the index, empty where that is not known.
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
        source: bytes of the file.
        limits: bounds on what a section may ask for.

    Attributes:
        pieces: all pieces in file order; one of no bytes stands for what is missing at the end.
        damage: pieces that are not intact.
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
            # The length of the missing beginning is unknown.
            self.pieces = (Piece("", 0, self.pieces[0].start), *self.pieces)
        if not any(piece.type == "ENDS" for piece in self.pieces):
            self.pieces = (*self.pieces, Piece("", source.size, source.size))
        damaged = self._damaged()
        self.indexed = self._use_index()
        if not self.indexed:
            self._check_ends()
        self.damage = self._damaged() or damaged

    def _damaged(self) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.pieces if not piece.intact)

    def _check_ends(self) -> None:
        """Refuse a file whose first or last section lies elsewhere: others may as well."""
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
        """Whether bytes are gone, and with them perhaps sections that nothing else tells of."""
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
        """Length of the file and digest, from an intact ENDS."""
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
            section = self._section_at(position)
            if section is None:
                # The next section can lie before this, if the file lost its beginning.
                section = self._next_section(0 if position == HEADER_BYTES else position + 1)
                end = self._source.size if section is None else section.start
                if end > position:
                    yield from self._between(position, end)
                position = end
            else:
                yield section
                position = section.end
            count += 1
            self._limits.check("sections", count, offset=position)

    def _head_at(self, position: int) -> Piece | None:
        """The section that the head at a position tells of, be it true or not."""
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
                    # The header is intact, and of another version.
                    read_header(self._source)
                return replace(piece, intact=True)
        self._spend(len(covered), position)
        return None

    def _covered_before(self, piece: Piece) -> tuple[bytes, ...]:
        """Bytes before a section that its CRC may cover: that of the first covers the header."""
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
                section = self._section_at(position + match.start())
                if section is not None:
                    return section
            position += _SEARCHED
        return None

    def _between(self, start: int, end: int) -> Iterator[Piece]:
        """Pieces between two intact sections: one with a damaged head, or damaged sections."""
        mended = self._with_another_head(start, end)
        if mended is not None:
            yield mended
            return
        damaged: list[Piece] = []
        position = start
        while position < end:
            piece = self._head_at(position)
            if piece is None or piece.type not in SECTION_TYPES:
                break
            damaged.append(replace(piece, end=min(piece.end, self._source.size)))
            position = piece.end
        # The last section of a file that was cut short ends behind it.
        if position == end or (position > end == self._source.size):
            yield from damaged
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
        """Replace the pieces before an intact index, if there is one, by what it lists."""
        for index in self.intact("tIDX"):
            listed: list[Piece] = []
            position = HEADER_BYTES
            try:
                for entry in decode_index(self.read(index)):
                    self._limits.check("sections", len(listed) + 1, section="tIDX")
                    end = position + len(entry.head) + entry.stored_bytes + CRC_BYTES
                    listed.append(Piece(entry.type, position, end, digest=entry.digest))
                    position = end
            except (CorruptError, TruncatedError):
                return False
            before = [piece for piece in self.pieces if piece.start < index.start]
            after = self.pieces[len(before) :]
            self.pieces = (*_listed(listed, before, index.start - position), *after)
            return True
        return False


def _listed(listed: Sequence[Piece], present: Sequence[Piece], shift: int) -> list[Piece]:
    """The sections that an index lists, each intact if a section present is certainly it.

    Args:
        listed: the sections at the places where they were written.
        present: pieces of the damaged file.
        shift: distance in bytes of the index from its place.
    """
    intact = {piece.start: piece for piece in present if piece.intact}

    def at(entry: Piece, moved: int) -> Piece | None:
        piece = intact.get(entry.start + moved)
        alike = piece is not None and (piece.type, piece.end) == (entry.type, entry.end + moved)
        return replace(piece, digest=entry.digest) if piece is not None and alike else None

    if shift == 0:
        return [at(entry, 0) or entry for entry in listed]
    # Bytes were put in or are missing: the sections before these lie at their places, and those
    # behind at the same distance from the index as ever.
    numbers = range(len(listed))
    first = _run_of((number, at(listed[number], 0)) for number in numbers)
    last = _run_of((number, at(listed[number], shift)) for number in reversed(numbers))
    # Sections of equal size in a row may fit both ways; then nobody knows which they are.
    twice = {piece.start for piece in first.values()} & {piece.start for piece in last.values()}
    return [
        next(
            (
                piece
                for piece in (first.get(number), last.get(number))
                if piece is not None and piece.start not in twice
            ),
            lost,
        )
        for number, lost in enumerate(listed)
    ]


def _run_of(pieces: Iterable[tuple[int, Piece | None]]) -> dict[int, Piece]:
    """The pieces by their number, up to the first that is missing."""
    run: dict[int, Piece] = {}
    for number, piece in pieces:
        if piece is None:
            break
        run[number] = piece
    return run
