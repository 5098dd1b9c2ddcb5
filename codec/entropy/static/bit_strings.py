"""Strings of bits, most significant bit first, as the head of a static stream has them."""

from __future__ import annotations

import numpy as np

from codec.arrays import UInt8Array
from codec.errors import CorruptError


class BitWriter:
    """Bits, padded with zeros to whole bytes at the end."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def number(self, value: int, width: int) -> None:
        """A number from 0 to 2^width - 1."""
        self._parts.append(format(value, f"0{width}b"))

    def digits(self, text: str) -> None:
        """A string of the digits 0 and 1."""
        self._parts.append(text)

    def to_bytes(self) -> bytes:
        text = "".join(self._parts)
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big") if text else b""


class BitReader:
    """The numbers that `BitWriter` wrote.

    Attributes:
        bits: uint8, one bit per element.
        at: the next bit.

    Raises:
        CorruptError: from every method, if the bits end too early.
    """

    def __init__(self, data: bytes) -> None:
        self.bits: UInt8Array = np.unpackbits(np.frombuffer(data, np.uint8))
        self.at = 0

    def number(self, width: int) -> int:
        """A number of so many bits."""
        end = self.at + width
        if end > len(self.bits):
            raise CorruptError("the head of coded coefficients is cut short", section="TENS")
        value = 0
        for bit in self.bits[self.at : end].tolist():
            value = value << 1 | bit
        self.at = end
        return value

    def end(self) -> int:
        """Byte after the padding, which must be zeros."""
        if self.number(-self.at % 8):
            raise CorruptError("padding bits are set", section="TENS")
        return self.at // 8
