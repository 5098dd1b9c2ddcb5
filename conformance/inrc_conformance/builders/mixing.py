"""Encoders of sections 7.4 and 8.2: they use the models of the decoder with other bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..decoder.lattice import Lattice
from ..decoder.lattice_model import LatticeModel
from ..decoder.mixed_mask import code_mixed_bits
from ..decoder.mixing import BitDecoder
from .streams import Ints, stream, uleb

_ALL = 2**40 - 1


class BitEncoder:
    """The range encoder that belongs to `BitDecoder`."""

    def __init__(self) -> None:
        self._lower, self._upper = 0, _ALL
        self._out = bytearray()

    def bit(self, chance: int, value: int) -> int:
        """Encode one bit."""
        middle = self._lower + ((self._upper - self._lower) * chance >> 16)
        if value:
            self._upper = middle
        else:
            self._lower = middle + 1
        while self._lower >> 32 == self._upper >> 32:
            self._out.append(self._lower >> 32)
            self._lower = self._lower << 8 & _ALL
            self._upper = (self._upper << 8 & _ALL) + 255
        return value

    def finish(self) -> bytes:
        """Return the fewest bytes; those past the end are 0."""
        for count in range(6):
            unit = 1 << (40 - 8 * count)
            point = -(-self._lower // unit) * unit
            if point <= self._upper:
                self._out += point.to_bytes(6, "big")[1 : 1 + count]
                break
        return bytes(self._out).rstrip(b"\0")


def mixing_stream(count: int, data: bytes) -> bytes:
    """Write a stream of coder 5 from its parts."""
    return stream(5, count, b"", data)


def lattice_streams(lattice: Lattice, integers: Ints, counts: Sequence[int]) -> list[bytes]:
    """Encode the integers of a lattice in streams of `counts` coefficients, each whole levels.

    What is left after the last count is not encoded. In the low band an integer may be too far from
    its prediction for any code.
    """
    model = LatticeModel(lattice)
    out: list[bytes] = []
    start = 0
    for count in counts:
        encoder = BitEncoder()
        part = list(integers[start : start + count])
        if model.code(encoder, part) != part:
            raise ValueError("an integer of a lattice cannot be coded")
        out.append(mixing_stream(count, encoder.finish()))
        start += count
    return out


def array_stream(lengths: Sequence[int], integers: Ints) -> bytes:
    """Encode integers as a stream of coder 7."""
    lattice = array_lattice(lengths)
    encoder, part = BitEncoder(), list(integers)
    if len(part) != lattice.entries or LatticeModel(lattice).code(encoder, part) != part:
        raise ValueError("the integers of an array cannot be coded")
    return raw_array_stream(len(part), lengths, encoder.finish())


def raw_array_stream(count: int, lengths: Sequence[int], data: bytes) -> bytes:
    """Write a stream of coder 7 from its parts, right or wrong."""
    return stream(7, count, bytes([len(lengths)]) + b"".join(map(uleb, lengths)), data)


def array_lattice(lengths: Sequence[int]) -> Lattice:
    """Return the lattice that an array is coded as (STR-9)."""
    a, b, c, d = [1] * (4 - len(lengths)) + list(lengths)
    return Lattice((a, b, c, d), (0, 0, 0, 0))


def array_integers(lengths: Sequence[int], data: bytes) -> list[int]:
    """Return the integers of any bytes, taken for a stream of coder 7."""
    lattice = array_lattice(lengths)
    return LatticeModel(lattice).code(BitDecoder(data), [0] * lattice.entries)


def lattice_integers(lattice: Lattice, data: bytes) -> list[int]:
    """Return the integers of any bytes, taken for the only stream of a lattice."""
    return LatticeModel(lattice).code(BitDecoder(data), [0] * lattice.entries)


def mixed_mask_data(bits: npt.NDArray[np.bool_]) -> bytes:
    """Encode mask bits with method 2."""
    encoder = BitEncoder()
    code_mixed_bits(encoder, bits.astype(np.uint8))
    return encoder.finish()


def mixed_mask_bits(shape: Sequence[int], data: bytes) -> npt.NDArray[np.bool_]:
    """Return the mask of any bytes, taken for data of method 2."""
    wanted = np.zeros(tuple(shape), dtype=np.uint8)
    return code_mixed_bits(BitDecoder(data), wanted).astype(np.bool_)
