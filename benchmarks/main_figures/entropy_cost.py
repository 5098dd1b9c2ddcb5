"""Ideal cost of a file's integers under the frequency tables that they are coded with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codec.arrays import Array, Int64Array
from codec.entropy import bits
from codec.entropy.laplace_coder import split_symbols
from codec.entropy.laplace_constants import ROWS
from codec.entropy.stream import ANS, LAPLACE, RANGE, decode_stream_with_summary, encode_stream
from codec.entropy.tables import PRECISION, laplace_frequencies, normalise_counts
from codec.format.leb128 import decode_uleb, encode_uleb, unzigzag, zigzag
from codec.limits import Limits

_LIMITS = Limits.level(2)


@dataclass(frozen=True)
class StreamCost:
    """Stream of integers, and its cost.

    Attributes:
        coder, model: names, as `inrc info` shows them.
        count: number of integers.
        stored_bytes: size of the whole stream, with its head and table.
        data_bytes: size of its entropy-coded data alone.
        ideal_bytes: sum of -log2(f / 2^24) over the symbols, plus low bits and escapes as they
            are; None for a coder without tables.
    """

    coder: str
    model: str
    count: int
    stored_bytes: int
    data_bytes: int
    ideal_bytes: float | None


def stream_costs(payload: bytes) -> list[StreamCost]:
    """The cost of every stream of a TENS payload."""
    _, position = decode_uleb(payload)
    _, position = decode_uleb(payload, position)
    costs = []
    while position < len(payload):
        costs.append(stream_cost(payload, position))
        position += costs[-1].stored_bytes
    return costs


def recoded_cost(payload: bytes, coder: str) -> list[StreamCost]:
    """The cost of the same streams if each had to use `coder`."""
    _, position = decode_uleb(payload)
    _, position = decode_uleb(payload, position)
    costs = []
    while position < len(payload):
        values, position, _ = decode_stream_with_summary(payload, position, _LIMITS)
        costs.append(stream_cost(encode_stream([values], coder), 0))
    return costs


def stream_cost(data: bytes, start: int) -> StreamCost:
    """The cost of the stream that begins at `start`."""
    values, end, summary = decode_stream_with_summary(data, start, _LIMITS)
    coder = data[start]
    _, position = decode_uleb(data, start + 1)
    ideal: float | None = None
    if coder in (ANS, RANGE):
        model, position = data[position], position + 1
        price = _laplace_bits if model == LAPLACE else _static_bits
        ideal_bits, position = price(data, position, values)
        ideal = ideal_bits / 8
        size, _ = decode_uleb(data, position)
    else:
        size = end - position
    return StreamCost(
        summary.coder, summary.model, summary.count, summary.stored_bytes, size, ideal
    )


def _symbol_bits(symbols: Array, frequencies: Int64Array) -> float:
    return float((PRECISION - np.log2(frequencies))[symbols].sum())


def _static_bits(data: bytes, position: int, values: Int64Array) -> tuple[float, int]:
    """Bits of `values` under the static table at `position`, and the position of the data."""
    offset, position = decode_uleb(data, position)
    size, position = decode_uleb(data, position)
    counts, position = bits.decode_exp_golomb(data, position + 1, size, data[position])
    return _symbol_bits(values - unzigzag(offset), normalise_counts(counts)), position


def _laplace_bits(data: bytes, position: int, values: Int64Array) -> tuple[float, int]:
    """Bits and position as in `_static_bits`, for segments of Laplace classes."""
    segments, position = decode_uleb(data, position)
    total, first = 0.0, 0
    for index in range(segments):
        laplace_class = data[position]
        length, position = len(values) - first, position + 1
        if index < segments - 1:
            length, position = decode_uleb(data, position)
        part = values[first : first + length]
        symbols, low, escaped = split_symbols(part, laplace_class)
        total += _symbol_bits(symbols, laplace_frequencies(laplace_class))
        total += len(low) * ROWS[laplace_class][0]
        total += sum(8 * len(encode_uleb(zigzag(int(value)))) for value in escaped)
        first += length
    return total, position
