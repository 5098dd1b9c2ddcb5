"""Files taken apart and put together again, with right CRCs, index, length and digest."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from codec.errors import InrcError
from codec.files.byte_sources import open_source
from codec.format.compression import NONE, compress_frame, decompress
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.format.section_index import DIGEST_BYTES, file_digest, section_head
from codec.format.section_types import section_type
from codec.format.sections import CRC_BYTES, HEADER_BYTES, SectionReader
from codec.reading.contents import FileContents
from robustness.reading import SMALL

_UNKNOWN = bytes(DIGEST_BYTES)


@dataclass(frozen=True)
class Piece:
    """Section of a file.

    Attributes:
        type: four letters, or any four bytes as Latin-1.
        attribute: number of its compression.
        stored: bytes in the file.
        digest: digest of its integers, None if they are not known.
    """

    type: str
    attribute: int
    stored: bytes
    digest: bytes | None = None

    @property
    def payload(self) -> bytes:
        """The bytes without compression."""
        if self.attribute == NONE:
            return self.stored
        size, position = decode_uleb(self.stored)
        return decompress(self.attribute, self.stored[position:], size)

    def holding(self, payload: bytes) -> Piece:
        """The section with another payload, compressed as before; the integers are not known."""
        stored = payload
        if self.attribute != NONE:
            stored = encode_uleb(len(payload)) + compress_frame(self.attribute, payload)
        return replace(self, stored=stored, digest=None)

    @property
    def framed(self) -> bytes:
        """The bytes of the section before its CRC."""
        if self.type.isascii() and self.attribute < 256:
            return section_head(self.type, self.attribute, len(self.stored)) + self.stored
        name = self.type.encode("latin-1")
        return name + bytes([self.attribute]) + encode_uleb(len(self.stored)) + self.stored


@dataclass(frozen=True)
class Apart:
    """File without its index and end, which follow from the other sections.

    Attributes:
        header: signature and header.
        pieces: all other sections.
        indexed: whether there is an index.
        digest_bytes: size of the digest in ENDS.
        index_edit, end_edit: offset and value of a byte that is put into the payload of the index
            or of ENDS, None for a right payload.
    """

    header: bytes
    pieces: tuple[Piece, ...]
    indexed: bool
    digest_bytes: int
    index_edit: tuple[int, int] | None = None
    end_edit: tuple[int, int] | None = None

    @property
    def _digested(self) -> list[Piece]:
        return [piece for piece in self.pieces if section_type(piece.type).digested]

    @property
    def complete(self) -> bool:
        """Whether the digests of all its integers are known."""
        return all(piece.digest is not None for piece in self._digested)

    def digested(self) -> Apart:
        """The same with the digests of what the reader decodes; where it refuses, those known."""
        plain = replace(self, indexed=False, digest_bytes=32, index_edit=None, end_edit=None)
        try:
            with FileContents(plain.to_bytes(), device="cpu", threads=1, limits=SMALL) as file:
                digest = file.integer_digest()
            data = plain.to_bytes(digest)
            with FileContents(data, device="cpu", threads=1, limits=SMALL) as file:
                digests = file.section_digests()
                starts = [section.start for section in file.streams.sections.sections]
        except InrcError:
            return self
        pieces = [
            replace(piece, digest=digests.get(start, piece.digest))
            for piece, start in zip(self.pieces, starts, strict=False)
        ]
        return replace(self, pieces=tuple(pieces))

    def to_bytes(self, digest: bytes | None = None) -> bytes:
        """The file, with this digest of all integers or the one of its pieces' digests."""
        out = bytearray()
        for piece in self.pieces:
            _append(out, piece, self.header)
        if digest is None:
            digest = file_digest(piece.digest or _UNKNOWN for piece in self._digested)
        start = 0
        if self.indexed:
            start = len(out)
            _append(out, Piece("tIDX", NONE, _edited(_index(self.pieces), self.index_edit)))
        end_payload = encode_uleb(start) + digest[: self.digest_bytes]
        fixed = len(out) + 6 + len(end_payload) + CRC_BYTES
        total = fixed + 1
        while fixed + len(encode_uleb(total)) != total:
            total = fixed + len(encode_uleb(total))
        _append(out, Piece("ENDS", NONE, _edited(encode_uleb(total) + end_payload, self.end_edit)))
        return bytes(out)


def _append(out: bytearray, piece: Piece, header: bytes = b"") -> None:
    covered = piece.framed if out else header + piece.framed
    out += covered + zlib.crc32(covered).to_bytes(CRC_BYTES, "little")


def _edited(payload: bytes, edit: tuple[int, int] | None) -> bytes:
    if edit is None or not payload:
        return payload
    changed = bytearray(payload)
    changed[edit[0] % len(changed)] = edit[1]
    return bytes(changed)


def _index(pieces: Sequence[Piece]) -> bytes:
    out = bytearray()
    for piece in pieces:
        out += piece.type.encode("latin-1") + bytes([piece.attribute])
        out += encode_uleb(len(piece.stored))
        if section_type(piece.type).digested:
            out += piece.digest or _UNKNOWN
        if section_type(piece.type).owned:
            try:
                out += encode_uleb(decode_uleb(piece.payload)[0])
            except InrcError:
                out += encode_uleb(0)
    return bytes(out)


@lru_cache(maxsize=4096)
def take_apart(data: bytes) -> Apart:
    """A valid file in pieces."""
    reader = SectionReader(open_source(data))
    with FileContents(data, device="cpu", threads=1) as file:
        try:
            digests = file.section_digests()
        except InrcError:
            digests = {}
    pieces = [
        Piece(section.type, section.attribute, reader.stored(section), digests.get(section.start))
        for section in reader.sections
        if section.type not in ("tIDX", "ENDS")
    ]
    return Apart(data[:HEADER_BYTES], tuple(pieces), bool(reader.index), len(reader.digest))
