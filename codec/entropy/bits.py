"""Bit strings, most significant bit first, padded with zeros to whole bytes."""

from __future__ import annotations

import numpy as np

from codec.arrays import Int64Array
from codec.errors import CorruptError


def pack(values: Int64Array, widths: Int64Array | int) -> bytes:
    """Each of `values` (>= 0, 1-D) in its number of bits, 0 to 32, one after the other."""
    widths = np.broadcast_to(np.asarray(widths, dtype=np.int64), values.shape)
    widest = int(widths.max()) if len(values) else 0
    positions = np.arange(widest - 1, -1, -1, dtype=np.int64)
    bits = (values[:, None] >> positions) & 1
    return np.packbits(bits[positions[None, :] < widths[:, None]].astype(np.uint8)).tobytes()


def unpack(data: bytes, widths: Int64Array) -> Int64Array:
    """The inverse of `pack`; `data` must be exactly as long as the widths ask, padding zero.

    Raises:
        CorruptError: another length, or padding bits that are set.
    """
    total = int(widths.sum())
    if len(data) != (total + 7) // 8:
        raise CorruptError("packed bits have another length than declared")
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8)).astype(np.int64)
    if bits[total:].any():
        raise CorruptError("padding bits are set")
    if len(widths) == 0 or total == 0:
        return np.zeros(len(widths), dtype=np.int64)
    ends = np.cumsum(widths)
    owner = np.repeat(np.arange(len(widths)), widths)
    place = ends[owner] - 1 - np.arange(total)
    return np.bincount(owner, bits[:total] << place, minlength=len(widths)).astype(np.int64)


def encode_exp_golomb(values: Int64Array, order: int) -> bytes:
    """Exponential Golomb codes of the given order for `values` in [0, 2**32)."""
    quotients = (values >> order) + 1
    lengths = np.array([int(quotient).bit_length() for quotient in quotients], dtype=np.int64)
    text = "".join(
        "0" * (length - 1)
        + format(int(quotient), "b")
        + (format(int(value) & ((1 << order) - 1), f"0{order}b") if order else "")
        for value, quotient, length in zip(values, quotients, lengths, strict=True)
    )
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def decode_exp_golomb(data: bytes, position: int, count: int, order: int) -> tuple[Int64Array, int]:
    """`count` values from byte `position`, and the position of the byte after the padding.

    Raises:
        CorruptError: the data ends too early, a value needs more than 32 bits, or padding is set.
    """
    values = np.empty(count, dtype=np.int64)
    bit = position * 8
    end = len(data) * 8

    def take(width: int) -> int:
        nonlocal bit
        if bit + width > end:
            raise CorruptError("a table is cut short", offset=position)
        first, last = bit // 8, (bit + width + 7) // 8
        window = int.from_bytes(data[first:last], "big") >> (last * 8 - bit - width)
        bit += width
        return window & ((1 << width) - 1)

    for index in range(count):
        zeros = 0
        while take(1) == 0:
            zeros += 1
            if zeros > 32:
                raise CorruptError("a count needs more than 32 bits", offset=position)
        quotient = (1 << zeros | take(zeros)) - 1
        values[index] = quotient << order | take(order)
    padding = -bit % 8
    if padding and take(padding):
        raise CorruptError("padding bits are set", offset=position)
    return values, bit // 8
