"""Strings of bits inside sections: numbers of some bits and exponential Golomb codes."""

from __future__ import annotations

from .errors import Malformed
from .numbers import Reader

_MAX_ZEROS = 32


class BitReader:
    """Reads a bit string, most significant bit of each byte first; `rule` is named in errors."""

    def __init__(self, reader: Reader, rule: str) -> None:
        self._reader = reader
        self._rule = rule
        self._held = 0
        self._bits = 0

    def read(self, count: int) -> int:
        """Read a number of `count` bits."""
        while self._bits < count:
            self._held = self._held << 8 | self._reader.u8()
            self._bits += 8
        self._bits -= count
        value = self._held >> self._bits
        self._held &= (1 << self._bits) - 1
        return value

    def golomb(self, order: int) -> int:
        """Read an exponential Golomb code (section 7.1)."""
        zeros = 0
        while self.read(1) == 0:
            zeros += 1
            if zeros > _MAX_ZEROS:
                raise Malformed(f"{self._rule}: a code has more than 32 leading zeros")
        quotient = (1 << zeros) + self.read(zeros)
        return (quotient - 1) << order | self.read(order)

    def end(self) -> None:
        """Refuse unread bits of the last byte that are not 0."""
        if self._held:
            raise Malformed(f"{self._rule}: padding bits are not 0")
