"""Bytes and numbers of section 1: a bounded reader, `uleb`, `zigzag` and packed bits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .errors import Malformed

Int64Array = npt.NDArray[np.int64]

_MAX_ULEB_BYTES = 9
_BITS_PER_STEP = 2**20


class Reader:
    """Reads from a byte string; reading past its end is `Malformed`."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position

    @property
    def left(self) -> int:
        """The number of bytes that are not read yet."""
        return len(self.data) - self.position

    def take(self, count: int) -> bytes:
        """Read `count` bytes."""
        if count > self.left:
            raise Malformed(f"{count} bytes wanted at byte {self.position}, {self.left} left")
        start = self.position
        self.position = start + count
        return self.data[start : self.position]

    def u8(self) -> int:
        """Read one byte as a number."""
        return self.take(1)[0]

    def uleb(self) -> int:
        """Read an unsigned LEB128 number in its shortest form (NUM-1, NUM-2)."""
        value = 0
        for index in range(_MAX_ULEB_BYTES):
            byte = self.u8()
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index > 0:
                    raise Malformed("NUM-1: a uleb is not in its shortest form")
                return value
        raise Malformed("NUM-2: a uleb is longer than 9 bytes")

    def end(self, what: str) -> None:
        """Refuse bytes after what was read."""
        if self.left:
            raise Malformed(f"{self.left} bytes follow {what}")


def unzigzag(value: int) -> int:
    """Return the signed integer of a zigzag code."""
    return value >> 1 if value % 2 == 0 else -((value + 1) >> 1)


def words_of(data: bytes, rule: str) -> list[int]:
    """Split bytes into little-endian 32-bit words (ANS-1, RNG-1)."""
    if len(data) % 4:
        raise Malformed(f"{rule}: {len(data)} bytes are not whole words")
    words: list[int] = np.frombuffer(data, dtype="<u4").tolist()
    return words


def read_packed(data: bytes, first_bit: int, count: int, width: int) -> Int64Array:
    """Read `count` numbers of `width` bits that start at bit `first_bit`, most significant first.

    The caller has made sure that the bits are there.
    """
    out = np.zeros(count, dtype=np.int64)
    if width == 0:
        return out
    weights = np.left_shift(np.int64(1), np.arange(width - 1, -1, -1, dtype=np.int64))
    step = max(1, _BITS_PER_STEP // width)
    for start in range(0, count, step):
        stop = min(count, start + step)
        low, high = first_bit + start * width, first_bit + stop * width
        chunk = np.frombuffer(data[low // 8 : (high + 7) // 8], dtype=np.uint8)
        bits = np.unpackbits(chunk)[low % 8 : low % 8 + high - low]
        out[start:stop] = bits.reshape(-1, width).astype(np.int64) @ weights
    return out


def check_padding(data: bytes, bits: int, rule: str) -> None:
    """Refuse padding bits of the last byte that are not zero."""
    if bits % 8 and data[bits // 8] & ((1 << (8 - bits % 8)) - 1):
        raise Malformed(f"{rule}: padding bits are not 0")
