"""Digests of sections, and the index (tIDX) that lists all sections at the end of a file.

Normative text: format_spec/inrc-1.md, section 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from codec.errors import CorruptError, TruncatedError
from codec.format.compression import BROTLI, NONE, ZSTD
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.format.section_types import section_type

DIGEST_BYTES = 8


def section_digest(layer: Iterable[bytes | memoryview]) -> bytes:
    """The digest of a section of integers from the pieces of its integer layer."""
    digest = hashlib.sha256()
    for piece in layer:
        digest.update(piece)
    return digest.digest()[:DIGEST_BYTES]


def file_digest(digests: Iterable[bytes]) -> bytes:
    """SHA-256 of the sections' digests in file order; ENDS holds its first bytes (END-2)."""
    return hashlib.sha256(b"".join(digests)).digest()


def section_head(name: str, attribute: int, stored_bytes: int) -> bytes:
    """The bytes that a section begins with."""
    return name.encode("ascii") + bytes([attribute]) + encode_uleb(stored_bytes)


@dataclass(frozen=True)
class IndexEntry:
    """Entry of the index: what it says of one section.

    Attributes:
        type, attribute, stored_bytes: the same as in the head of the section.
        digest: 8 bytes for a section that the digest of the file covers, else empty.
        item: number of the item that the section belongs to, None if it belongs to none.
    """

    type: str
    attribute: int
    stored_bytes: int
    digest: bytes = b""
    item: int | None = None

    @property
    def head(self) -> bytes:
        """The bytes that the section begins with."""
        return section_head(self.type, self.attribute, self.stored_bytes)


def encode_index(entries: Sequence[IndexEntry]) -> bytes:
    """The payload of the tIDX section."""
    return b"".join(
        entry.head + entry.digest + (b"" if entry.item is None else encode_uleb(entry.item))
        for entry in entries
    )


def decode_index(payload: bytes) -> Iterator[IndexEntry]:
    """The entries of a tIDX payload.

    Raises:
        CorruptError, TruncatedError: the payload breaks a rule of the format.
    """
    position = 0
    while position < len(payload):
        name, attribute = read_type(payload, position)
        stored_bytes, position = decode_uleb(payload, position + 5)
        digest, item = b"", None
        row = section_type(name)
        if row.digested:
            digest = payload[position : position + DIGEST_BYTES]
            position += DIGEST_BYTES
            if len(digest) < DIGEST_BYTES:
                raise TruncatedError("the index ends inside an entry", section="tIDX")
        if row.owned:
            item, position = decode_uleb(payload, position)
        yield IndexEntry(name, attribute, stored_bytes, digest, item)


def read_type(data: bytes, position: int, offset: int = 0) -> tuple[str, int]:
    """Type and attribute of the section head at `position`.

    Args:
        offset: offset of `data` in the file, for the message.

    Raises:
        CorruptError, TruncatedError: no section can begin so.
    """
    if len(data) < position + 6:
        raise TruncatedError("the data ends inside the head of a section", offset=offset + position)
    letters, attribute = data[position : position + 4], data[position + 4]
    if not (letters.isalpha() and letters.isascii()) or not 65 <= letters[2] <= 90:
        raise CorruptError("no section starts here", offset=offset + position)
    name = letters.decode("ascii")
    if attribute not in (NONE, ZSTD, BROTLI):
        raise CorruptError(
            f"section attribute {attribute} is invalid", section=name, offset=offset + position
        )
    return name, attribute
