"""Entropy coders and streams written from the format text.

Clear rather than fast; nothing here is meant for real files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..decoder.context_bits import Bits, Positions, code_bits
from ..decoder.tables import Table, laplace_half_width, laplace_shift, laplace_table, static_table

_WORD = 2**32 - 1
_STATE = 2**64 - 1
TOTAL = 2**24
Ints = Sequence[int]


def uleb(value: int) -> bytes:
    """Encode an unsigned integer in its shortest form."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def zigzag(value: int) -> int:
    """Return the zigzag code of a signed integer."""
    return 2 * value if value >= 0 else -2 * value - 1


def pack_bits(bits: str) -> bytes:
    """Pack a string of 0 and 1, padded with zero bits to whole bytes."""
    padded = bits + "0" * (-len(bits) % 8)
    return bytes(int(padded[i : i + 8], 2) for i in range(0, len(padded), 8))


def words(values: Ints) -> bytes:
    """Write 32-bit words."""
    return b"".join(value.to_bytes(4, "little") for value in values)


def ans_encode(symbols: Sequence[tuple[int, int]]) -> bytes:
    """Encode symbols given as (f, c); the exact inverse of the decoder."""
    state = 0
    out: list[int] = []
    for f, c in reversed(symbols):
        if state >= f << 40:
            out.append(state & _WORD)
            state >>= 32
        state = (state // f << 24) + c + state % f
    while state:
        out.append(state & _WORD)
        state >>= 32
    return words(out)


class RangeEncoder:
    """A range encoder with carry propagation into the words already written."""

    def __init__(self) -> None:
        self._lower = 0
        self._range = _STATE
        self._words: list[int] = []

    def _add(self, amount: int) -> None:
        self._lower += amount
        if self._lower > _STATE:
            self._lower &= _STATE
            index = len(self._words) - 1
            while self._words[index] == _WORD:
                self._words[index] = 0
                index -= 1
            self._words[index] += 1

    def encode(self, f: int, c: int) -> None:
        """Encode one symbol of width f at c."""
        unit = self._range >> 24
        self._add(unit * c)
        self._range = unit * f
        if self._range <= _WORD:
            self._words.append(self._lower >> 32)
            self._lower = self._lower << 32 & _STATE
            self._range <<= 32

    def finish(self) -> bytes:
        """Return the words; the last one is the first multiple of 2^32 in the interval."""
        if self._range != _STATE:
            self._add(_WORD)
            self._words.append(self._lower >> 32)
        return words(self._words)


def range_encode(symbols: Sequence[tuple[int, int]]) -> bytes:
    """Encode symbols given as (f, c)."""
    encoder = RangeEncoder()
    for f, c in symbols:
        encoder.encode(f, c)
    return encoder.finish()


def entropy_encode(coder: int, symbols: Sequence[tuple[int, int]]) -> bytes:
    """Encode with ANS (1) or the range coder (2)."""
    return ans_encode(symbols) if coder == 1 else range_encode(symbols)


def intervals(table: Table, symbols: Ints) -> list[tuple[int, int]]:
    """Return (f, c) of each symbol."""
    return [(table.frequencies[s], table.cumulative[s]) for s in symbols]


def stream(coder: int, count: int, parameters: bytes, data: bytes) -> bytes:
    """Write a stream from its parts."""
    return bytes([coder]) + uleb(count) + parameters + uleb(len(data)) + data


def raw_stream(values: Ints, offset: int | None = None, width: int | None = None) -> bytes:
    """Write a raw stream."""
    base = offset if offset is not None else min(values, default=0)
    bits = width if width is not None else (max(values, default=base) - base).bit_length()
    text = "".join(format(v - base, f"0{bits}b") for v in values) if bits else ""
    parameters = uleb(zigzag(base)) + bytes([bits])
    return stream(0, len(values), parameters, pack_bits(text))


def golomb(counts: Ints, order: int) -> str:
    """Write exponential Golomb codes as a bit string."""
    text = ""
    for count in counts:
        quotient = format((count >> order) + 1, "b")
        low = format(count & ((1 << order) - 1), f"0{order}b") if order else ""
        text += "0" * (len(quotient) - 1) + quotient + low
    return text


def static_parameters(offset: int, counts: Ints, order: int) -> bytes:
    """Write the parameters of model 0, its number included."""
    codes = pack_bits(golomb(counts, order))
    return b"\0" + uleb(zigzag(offset)) + uleb(len(counts)) + bytes([order]) + codes


def static_stream(coder: int, values: Ints, order: int = 0) -> bytes:
    """Write a stream of model 0 with the true counts."""
    offset = min(values, default=0)
    n = max(2, max(values, default=0) - offset + 1)
    counts = [0] * n
    for value in values:
        counts[value - offset] += 1
    if not any(counts):
        counts[0] = 1
    table = static_table(counts)
    data = entropy_encode(coder, intervals(table, [v - offset for v in values]))
    return stream(coder, len(values), static_parameters(offset, counts, order), data)


def laplace_parameters(segments: Sequence[tuple[int, Ints]]) -> bytes:
    """Write the parameters of model 1, its number included."""
    out = b"\1" + uleb(len(segments))
    for index, (laplace_class, values) in enumerate(segments):
        out += bytes([laplace_class])
        if index < len(segments) - 1:
            out += uleb(len(values))
    return out


def laplace_data(coder: int, segments: Sequence[tuple[int, Ints]]) -> tuple[bytes, str, bytes]:
    """Return the coded words, the low bits and the escapes."""
    symbols: list[tuple[int, int]] = []
    low, escapes = "", b""
    for laplace_class, values in segments:
        table = laplace_table(laplace_class)
        shift, half = laplace_shift(laplace_class), laplace_half_width(laplace_class)
        for value in values:
            high = value >> shift
            if abs(high) > half:
                symbols += intervals(table, [2 * half + 1])
                escapes += uleb(zigzag(value))
                continue
            symbols += intervals(table, [high + half])
            if shift:
                low += format(value & ((1 << shift) - 1), f"0{shift}b")
    return entropy_encode(coder, symbols), low, escapes


def laplace_stream(coder: int, segments: Sequence[tuple[int, Ints]]) -> bytes:
    """Write a stream of model 1."""
    coded, low, escapes = laplace_data(coder, segments)
    data = uleb(len(coded) // 4) + coded + pack_bits(low) + escapes
    count = sum(len(values) for _, values in segments)
    return stream(coder, count, laplace_parameters(segments), data)


def byte_stream(coder: int, values: Ints, width: int) -> bytes:
    """Write a zstd (3) or brotli (4) stream."""
    content = b"".join(v.to_bytes(width, "little", signed=True) for v in values)
    return stream(coder, len(values), bytes([width]), compress(coder - 2, content))


def compress(attribute: int, content: bytes) -> bytes:
    """Compress with zstd (1) or brotli (2)."""
    if attribute == 1:
        import zstandard

        return zstandard.ZstdCompressor(level=9).compress(content)
    import brotli

    return bytes(brotli.compress(content, quality=9))


def stored_zstd(content: bytes, checksum: bytes = b"") -> bytes:
    """Write a zstd frame by hand: one raw block of less than 2^17 bytes."""
    descriptor = 0xA0 | (4 if checksum else 0)
    block = (len(content) << 3 | 1).to_bytes(3, "little")
    size = len(content).to_bytes(4, "little")
    return b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + size + block + content + checksum


def zstd_checksum(content: bytes) -> bytes:
    """Return the checksum that a zstd frame of some content may end with."""
    import zstandard

    return zstandard.ZstdCompressor(write_checksum=True).compress(content)[-4:]


def declaring_zstd(content: bytes, size: int) -> bytes:
    """Write a zstd frame by hand that declares another size than it has."""
    frame = stored_zstd(content)
    return frame[:5] + size.to_bytes(4, "little") + frame[9:]


def windowed_zstd(content: bytes, window: int) -> bytes:
    """Write a zstd frame by hand, with a window descriptor and without the size."""
    return b"\x28\xb5\x2f\xfd\0" + bytes([window]) + stored_zstd(content)[9:]


def repeated_zstd(start: bytes, byte: bytes, times: int) -> bytes:
    """Write a zstd frame by hand: a raw block, and blocks that repeat one byte `times` times."""
    size = (len(start) + times).to_bytes(4, "little")
    out = b"\x28\xb5\x2f\xfd\xa0" + size + (len(start) << 3).to_bytes(3, "little") + start
    while times > 0:
        block = min(times, 2**17)
        times -= block
        out += (block << 3 | 2 | (times == 0)).to_bytes(3, "little") + byte
    return out


def stored_brotli(content: bytes, large_window: bool = False) -> bytes:
    """Write a brotli stream by hand: one uncompressed block of at most 2^16 bytes."""
    fields = [(0, 1)] if not large_window else [(0x11, 8), (24, 6)]
    fields += [(0, 1), (0, 2), (len(content) - 1, 16), (1, 1)]
    value = bits = 0
    for field, width in fields:
        value |= field << bits
        bits += width
    return value.to_bytes((bits + 7) // 8, "little") + content + b"\3"


def context_data(bits: npt.NDArray[np.bool_]) -> bytes:
    """Encode mask bits with method 1."""
    axes = tuple(size for size in bits.shape if size > 1) or (1,)
    truth: Bits = bits.astype(np.uint8).reshape(axes).reshape(-1)
    encoder = RangeEncoder()

    def coder(f1: int, positions: Positions) -> Bits:
        coded: Bits = truth[positions]
        f0 = TOTAL - f1
        for bit in coded.tolist():
            encoder.encode(f1 if bit else f0, f0 if bit else 0)
        return coded

    code_bits(bits.shape, coder)
    return encoder.finish()
