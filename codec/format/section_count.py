"""Number of sections of a file, told by their lengths alone."""

from __future__ import annotations

from codec.errors import FormatError
from codec.files.byte_sources import ByteSource
from codec.format.leb128 import MAX_BYTES, decode_uleb

_BLOCK_BYTES = 1 << 12
# Type and attribute come before the length of a section, its CRC after the payload.
_BEFORE, _AFTER = 5, 4
SMALLEST_SECTION = _BEFORE + 1 + _AFTER


def at_most(source: ByteSource, first: int, most: int) -> int:
    """The number of sections, or `most` + 1 where there are more.

    The count is cheap: a file of millions of empty sections is refused before anything is made of
    them. Damage ends the count; whoever reads the sections will find it.

    Args:
        source: the bytes of the file.
        first: offset of the first section.
        most: largest number that is counted.
    """
    count, position = 0, first
    block, start = b"", first
    while count <= most and position + SMALLEST_SECTION <= source.size:
        at = position - start + _BEFORE
        if at + MAX_BYTES > len(block):
            block, start = source.read_at(position, _BLOCK_BYTES), position
            at = _BEFORE
        stored = block[at]
        if stored >= 0x80:
            try:
                stored, end = decode_uleb(block, at)
            except FormatError:
                break
            position += end - at - 1
        position += SMALLEST_SECTION + stored
        count += 1
    return count
