"""Strings of bits with exponential Golomb codes, as the head of a static stream has them."""

from __future__ import annotations

from codec.errors import CorruptError
from codec.format.leb128 import unzigzag, zigzag

# Zeros that a code may begin with.
_MOST_ZEROS = 32


class BitWriter:
    """Bits, most significant first, padded with zeros to whole bytes at the end."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def number(self, value: int, width: int) -> None:
        """A number from 0 to 2^width - 1."""
        if width:
            self._parts.append(format(value, f"0{width}b"))

    def golomb(self, value: int, order: int) -> None:
        """The exponential Golomb code of a number >= 0."""
        quotient = (value >> order) + 1
        self.number(quotient, 2 * quotient.bit_length() - 1)
        self.number(value & ((1 << order) - 1), order)

    def signed(self, value: int, order: int) -> None:
        """The code of a number of either sign."""
        self.golomb(zigzag(value), order)

    def to_bytes(self) -> bytes:
        text = "".join(self._parts)
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big") if text else b""


class BitReader:
    """The numbers that `BitWriter` wrote.

    Raises:
        CorruptError: from every method, if the bits end too early or are none of its codes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, width: int) -> int:
        """A number of so many bits."""
        end = self._at + width
        last = (end + 7) // 8
        if last > len(self._data):
            raise CorruptError("the head of coded coefficients is cut short", section="TENS")
        window = int.from_bytes(self._data[self._at // 8 : last], "big") >> (8 * last - end)
        self._at = end
        return window & ((1 << width) - 1)

    def golomb(self, order: int) -> int:
        """A number >= 0 in the exponential Golomb code."""
        zeros = 0
        while self.number(1) == 0:
            zeros += 1
            if zeros > _MOST_ZEROS:
                raise CorruptError("a number of more than 32 bits", section="TENS")
        quotient = (1 << zeros | self.number(zeros)) - 1
        return quotient << order | self.number(order)

    def signed(self, order: int) -> int:
        """A number of either sign."""
        return unzigzag(self.golomb(order))

    def end(self) -> int:
        """Byte after the padding, which must be zeros."""
        if self.number(-self._at % 8):
            raise CorruptError("padding bits are set", section="TENS")
        return self._at // 8
