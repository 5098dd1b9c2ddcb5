"""Unsigned LEB128 in minimal form, and the zigzag map for signed integers."""

from __future__ import annotations

from codec.errors import CorruptError, TruncatedError

MAX_BYTES = 9


def encode_uleb(value: int) -> bytes:
    """`value` in [0, 2**63) as the shortest LEB128 byte string."""
    if not 0 <= value < 1 << (7 * MAX_BYTES):
        raise ValueError(f"LEB128 here holds 0 to 2**63 - 1, not {value}")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_uleb(data: bytes | memoryview, position: int = 0) -> tuple[int, int]:
    """The value at `position`, and the position after it.

    Raises:
        TruncatedError: `data` ends inside the number.
        CorruptError: the form is not minimal, or longer than nine bytes.
    """
    value = 0
    for count in range(MAX_BYTES):
        if position >= len(data):
            raise TruncatedError("the data ends inside a number", offset=position)
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            if byte == 0 and count:
                raise CorruptError("a number is not in minimal form", offset=position)
            return value, position
    raise CorruptError("a number is longer than nine bytes", offset=position)


def zigzag(value: int) -> int:
    """0, -1, 1, -2 ... to 0, 1, 2, 3 ..."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(value: int) -> int:
    """The inverse of `zigzag`."""
    return value >> 1 if not value & 1 else -((value + 1) >> 1)
