"""Streams of integers (sections 6 and 7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .ans import AnsDecoder
from .compression import brotli_stream, zstd_frame
from .errors import Malformed, Unsupported
from .lattice import AXES, Four, Lattice
from .lattice_model import LatticeModel
from .limits import require
from .mixing import BitDecoder
from .numbers import Int64Array, Reader, check_padding, read_packed, unzigzag
from .range_coder import RangeDecoder
from .static_model import StaticModel
from .tables import (
    Table,
    laplace_half_width,
    laplace_shift,
    laplace_table,
    read_counts,
    static_table,
)

RAW, ANS, RANGE, ZSTD, BROTLI, MIXING, OCTREE, ARRAY, STATIC_LATTICE, STATIC_ARRAY = range(10)
ARRAYS = (ARRAY, STATIC_ARRAY)
STATIC, LAPLACE = range(2)
_CHUNK = 2**16
_MAX_CLASS = 63


@dataclass(frozen=True)
class Segment:
    """A run of symbols of one Laplace class."""

    laplace_class: int
    length: int


@dataclass(frozen=True)
class Stream:
    """A stream whose parameters are read and checked, but whose data is not decoded."""

    coder: int
    count: int
    data: bytes
    offset: int = 0
    width: int = 0
    table: Table | None = None
    segments: tuple[Segment, ...] = ()
    lengths: Four = (1, 1, 1, 1)


class SymbolDecoder(Protocol):
    """Interface of the ANS and the range decoder."""

    def decode(
        self, frequencies: Sequence[int], cumulative: Sequence[int], count: int
    ) -> list[int]:
        """Decode `count` symbols of one table."""

    def finish(self) -> None:
        """Check that the data ends after the last symbol."""


def read_stream(
    reader: Reader,
    max_count: int,
    lattice_entries: int = 0,
    octree_entries: int = 0,
    max_array: int | None = None,
) -> Stream:
    """Read one stream; its count is checked before anything else.

    `lattice_entries` and `octree_entries` are the sizes of the lattice or the octree that the
    stream may belong to; `max_array` is the limit of an array where it is not `max_count`.
    """
    coder = reader.u8()
    count = reader.uleb()
    if coder in (MIXING, STATIC_LATTICE):
        if not 1 <= count <= lattice_entries:
            rule = "STR-6" if coder == MIXING else "STR-11"
            raise Malformed(f"{rule}: a stream of coder {coder} does not hold a part of a lattice")
        return Stream(coder, count, _data(reader))
    most = max_array if coder in ARRAYS and max_array is not None else max_count
    require(count, most, "count of a stream")
    if coder == OCTREE:
        if not octree_entries or count != octree_entries:
            raise Malformed("STR-8: a stream of coder 6 does not hold all of an octree")
        return Stream(coder, count, _data(reader))
    if coder == RAW:
        offset, width = unzigzag(reader.uleb()), reader.u8()
        if width > 32:
            raise Malformed(f"STR-2: width {width}")
        return Stream(coder, count, _data(reader), offset=offset, width=width)
    if coder in (ZSTD, BROTLI):
        width = reader.u8()
        if width not in (1, 2, 4):
            raise Malformed(f"STR-3: width {width}")
        return Stream(coder, count, _data(reader), width=width)
    if coder in ARRAYS:
        lengths = _lengths(reader, count, "STR-9" if coder == ARRAY else "STR-12")
        return Stream(coder, count, _data(reader), lengths=lengths)
    if coder not in (ANS, RANGE):
        raise Unsupported(f"STR-1: coder {coder}")
    model = reader.u8()
    if model == STATIC:
        offset, n, order = unzigzag(reader.uleb()), reader.uleb(), reader.u8()
        table = static_table(read_counts(reader, n, order))
        return Stream(coder, count, _data(reader), offset=offset, table=table)
    if model == LAPLACE:
        segments = _segments(reader, count)
        return Stream(coder, count, _data(reader), segments=segments)
    raise Unsupported(f"STR-1: model {model}")


def _data(reader: Reader) -> bytes:
    return reader.take(reader.uleb())


def _lengths(reader: Reader, count: int, rule: str) -> Four:
    """Read the lengths of an array, and put those of 1 in front (STR-9, STR-12)."""
    rank = reader.u8()
    if not 1 <= rank <= AXES:
        raise Malformed(f"{rule}: an array of rank {rank}")
    a, b, c, d = [1] * (AXES - rank) + [reader.uleb() for _ in range(rank)]
    if 0 in (a, b, c, d):
        raise Malformed(f"{rule}: a length of an array is 0")
    if a * b * c * d != count:
        raise Malformed(f"{rule}: the lengths of an array do not make its count")
    return a, b, c, d


def _segments(reader: Reader, count: int) -> tuple[Segment, ...]:
    """Read the segments of a Laplace stream (LAP-1)."""
    number = reader.uleb()
    if number == 0 and count:
        raise Malformed("LAP-1: symbols without a segment")
    segments: list[Segment] = []
    remaining = count
    for index in range(number):
        laplace_class = reader.u8()
        if laplace_class > _MAX_CLASS:
            raise Malformed(f"LAP-1: class {laplace_class}")
        length = reader.uleb() if index < number - 1 else remaining
        if length > remaining:
            raise Malformed("LAP-1: the segments are longer than the stream")
        remaining -= length
        segments.append(Segment(laplace_class, length))
    return tuple(segments)


def decode_stream(stream: Stream) -> Int64Array:
    """Return the integers of a stream of any coder but 5, 6 and 8, which the caller decodes."""
    if stream.coder == RAW:
        values = _raw(stream)
    elif stream.coder in (ZSTD, BROTLI):
        values = _compressed(stream)
    elif stream.coder == ARRAY:
        values = _array(stream)
    elif stream.coder == STATIC_ARRAY:
        values = _static_array(stream)
    elif stream.table is not None:
        decoder = _symbol_decoder(stream.coder, stream.data)
        values = _symbols(decoder, stream.table, stream.count) + stream.offset
        decoder.finish()
    else:
        values = _laplace(stream)
    if values.size and not (int(values.min()) >= -(2**31) and int(values.max()) < 2**31):
        raise Malformed("STR-4: an integer does not fit 32 bits")
    return values


def _raw(stream: Stream) -> Int64Array:
    bits = stream.count * stream.width
    if len(stream.data) != (bits + 7) // 8:
        raise Malformed("STR-2: wrong size of raw data")
    check_padding(stream.data, bits, "STR-2")
    return read_packed(stream.data, 0, stream.count, stream.width) + stream.offset


def _compressed(stream: Stream) -> Int64Array:
    unpack = zstd_frame if stream.coder == ZSTD else brotli_stream
    content = unpack(stream.data, stream.count * stream.width, "STR-3")
    return np.frombuffer(content, dtype=f"<i{stream.width}").astype(np.int64)


def _array(stream: Stream) -> Int64Array:
    """Decode the low band of a lattice without transform, with a memory of its own (STR-9)."""
    model = LatticeModel(Lattice(stream.lengths, (0, 0, 0, 0)))
    return np.array(model.code(BitDecoder(stream.data), [0] * stream.count), dtype=np.int64)


def _static_array(stream: Stream) -> Int64Array:
    """Decode the same lattice by the static coder, from the initial weights (STR-12)."""
    lattice = Lattice(stream.lengths, (0, 0, 0, 0))
    return StaticModel(lattice).decode(stream.data, stream.count)


def _symbol_decoder(coder: int, data: bytes) -> SymbolDecoder:
    return AnsDecoder(data) if coder == ANS else RangeDecoder(data)


def _symbols(decoder: SymbolDecoder, table: Table, count: int) -> Int64Array:
    """Decode symbols in chunks, so that Python lists stay short."""
    out = np.zeros(count, dtype=np.int64)
    for start in range(0, count, _CHUNK):
        stop = min(count, start + _CHUNK)
        out[start:stop] = decoder.decode(table.frequencies, table.cumulative, stop - start)
    return out


def _laplace(stream: Stream) -> Int64Array:
    """Decode a Laplace stream: symbols, then their low bits, then the escapes (LAP-3)."""
    reader = Reader(stream.data)
    words = reader.uleb()
    decoder = _symbol_decoder(stream.coder, reader.take(4 * words))
    parts = [_symbols(decoder, laplace_table(s.laplace_class), s.length) for s in stream.segments]
    decoder.finish()
    low_bits = 0
    for segment, symbols in zip(stream.segments, parts, strict=True):
        plain = segment.length - int(np.count_nonzero(symbols == _escape(segment)))
        low_bits += plain * laplace_shift(segment.laplace_class)
    low = reader.take((low_bits + 7) // 8)
    check_padding(low, low_bits, "LAP-3")
    position = 0
    for segment, symbols in zip(stream.segments, parts, strict=True):
        position = _fill_segment(segment, symbols, low, position, reader)
    reader.end("the escapes (LAP-3)")
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _escape(segment: Segment) -> int:
    return 2 * laplace_half_width(segment.laplace_class) + 1


def _fill_segment(
    segment: Segment, symbols: Int64Array, low: bytes, position: int, escapes: Reader
) -> int:
    """Turn the symbols of a segment into integers in place; return the next low bit."""
    shift = laplace_shift(segment.laplace_class)
    plain = symbols != _escape(segment)
    count = int(np.count_nonzero(plain))
    centred = symbols[plain] - laplace_half_width(segment.laplace_class)
    symbols[plain] = (centred << shift) + read_packed(low, position, count, shift)
    for index in np.flatnonzero(~plain).tolist():
        value = unzigzag(escapes.uleb())
        if not -(2**31) <= value < 2**31:
            raise Malformed("STR-4: an escape does not fit 32 bits")
        symbols[index] = value
    return position + count * shift
