"""Integers coded with the bank of 64 Laplace classes.

A class shifts its symbols right until their scale is at most 32; the bits shifted out are nearly
uniform and are packed as they are. A value beyond the half width of its class is coded as an
escape, and goes to a list at the end. Data: words:uleb, the words, the packed bits, the escapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from codec.arrays import Int32Array, Int64Array
from codec.entropy import bits
from codec.entropy.coders import WORD_BYTES, SymbolDecoder, SymbolEncoder
from codec.entropy.laplace_constants import ROWS
from codec.entropy.tables import best_laplace_class, laplace_frequencies
from codec.errors import CorruptError, TruncatedError
from codec.format.leb128 import decode_uleb, encode_uleb, unzigzag, zigzag

LaplaceSegment = tuple[int, int]


def encode_laplace(segments: Sequence[Int64Array], encoder: SymbolEncoder) -> tuple[bytes, bytes]:
    """Parameters (segment classes and lengths) and data for the concatenation of `segments`."""
    classed = _merge([(best_laplace_class(values), values) for values in segments if values.size])
    parameters = encode_uleb(len(classed))
    low_bits, widths, escapes = [], [], []
    for index, (laplace_class, values) in enumerate(classed):
        parameters += bytes([laplace_class])
        if index < len(classed) - 1:
            parameters += encode_uleb(len(values))
        symbols, low, escaped = split_symbols(values, laplace_class)
        encoder.add(symbols, laplace_frequencies(laplace_class))
        low_bits.append(low)
        widths.append(np.full(len(low), ROWS[laplace_class][0]))
        escapes += [encode_uleb(zigzag(int(value))) for value in escaped]
    words = encoder.finish()
    packed = bits.pack(np.concatenate(low_bits), np.concatenate(widths))
    return parameters, encode_uleb(len(words) // WORD_BYTES) + words + packed + b"".join(escapes)


def _merge(classed: list[tuple[int, Int64Array]]) -> list[tuple[int, Int64Array]]:
    merged: list[tuple[int, Int64Array]] = []
    for laplace_class, values in classed:
        if merged and merged[-1][0] == laplace_class:
            merged[-1] = (laplace_class, np.concatenate([merged[-1][1], values.ravel()]))
        else:
            merged.append((laplace_class, values.ravel()))
    return merged


def split_symbols(
    values: Int64Array, laplace_class: int
) -> tuple[Int32Array, Int64Array, Int64Array]:
    """Symbol indices, low bits of those that are not escapes, and the values that are."""
    shift, half_width, _, _ = ROWS[laplace_class]
    high = values >> shift
    escaped = np.abs(high) > half_width
    symbols = np.where(escaped, 2 * half_width + 1, high + half_width).astype(np.int32)
    return symbols, (values & ((1 << shift) - 1))[~escaped], values[escaped]


def decode_laplace(
    segments: Sequence[LaplaceSegment],
    data: bytes,
    decoder_type: Callable[[bytes], SymbolDecoder],
) -> Int64Array:
    """The integers of segments given as (class, length), from `data`.

    Raises:
        CorruptError, TruncatedError: `data` is not what the encoder writes.
    """
    if any(laplace_class >= len(ROWS) for laplace_class, _ in segments):
        raise CorruptError(f"a Laplace class above {len(ROWS) - 1}")
    word_count, position = decode_uleb(data)
    end = position + WORD_BYTES * word_count
    if end > len(data):
        raise TruncatedError("the data ends inside a stream", offset=position)
    decoder = decoder_type(data[position:end])
    parts = [
        (laplace_class, decoder.take(length, laplace_frequencies(laplace_class)).astype(np.int64))
        for laplace_class, length in segments
    ]
    decoder.finish()
    return _restore(parts, data, end)


def _restore(parts: list[tuple[int, Int64Array]], data: bytes, position: int) -> Int64Array:
    if not parts:
        if position != len(data):
            raise CorruptError("bytes follow a stream of no integers", offset=position)
        return np.zeros(0, np.int64)
    symbols = np.concatenate([part for _, part in parts])
    rows = [ROWS[laplace_class] for laplace_class, _ in parts]
    lengths = [len(part) for _, part in parts]
    shifts = np.repeat([row[0] for row in rows], lengths)
    half_widths = np.repeat([row[1] for row in rows], lengths)
    escaped = symbols > 2 * half_widths
    widths = shifts[~escaped]
    packed_end = position + (int(widths.sum()) + 7) // 8
    if packed_end > len(data):
        raise TruncatedError("the data ends inside a stream", offset=position)
    values: Int64Array = (symbols - half_widths) << shifts
    values[~escaped] += bits.unpack(data[position:packed_end], widths)
    position = packed_end
    for index in np.flatnonzero(escaped):
        number, position = decode_uleb(data, position)
        values[index] = unzigzag(number)
    if position != len(data):
        raise CorruptError("bytes follow the last escape", offset=position)
    return values
