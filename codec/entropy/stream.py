"""One stream: a run of integers in the coder that makes it smallest.

Layout (format_spec/inrc-1.md, section 6):
    coder:u8 count:uleb [parameters] size:uleb data
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from codec.arrays import Int32Array, Int64Array
from codec.entropy import bits
from codec.entropy.coder_numbers import (
    ANS,
    ARRAY,
    BROTLI,
    NAMES,
    OF_ARRAYS,
    OF_ITEMS,
    RANGE,
    RAW,
    STATIC_ARRAY,
    ZSTD,
)
from codec.entropy.coders import (
    AnsDecoder,
    AnsEncoder,
    RangeDecoder,
    RangeEncoder,
    SymbolDecoder,
    SymbolEncoder,
)
from codec.entropy.laplace_coder import decode_laplace, encode_laplace
from codec.entropy.lattice import AXES, Lattice, Segment
from codec.entropy.static.decoded_stream import DecodedStream
from codec.entropy.tables import MAX_ALPHABET, check_counts, normalise_counts
from codec.errors import (
    CorruptError,
    InvalidInputError,
    InvalidOptionError,
    TruncatedError,
    UnsupportedError,
)
from codec.format.compression import BROTLI as BROTLI_METHOD
from codec.format.compression import ZSTD as ZSTD_METHOD
from codec.format.compression import compress_frame, decompress
from codec.format.leb128 import decode_uleb, encode_uleb, unzigzag, zigzag
from codec.limits import Limits

CODERS = {NAMES[number]: number for number in (RAW, ANS, RANGE, ZSTD, BROTLI)}
STATIC, LAPLACE = range(2)
INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1

# Decoder of the next coefficients of a lattice, or of an octree: (coder, count, data) -> int32 in
# coding order, or where they stand.
DecodeSegment = Callable[[int, int, bytes], Int32Array | DecodedStream]
_ENCODERS: dict[int, Callable[[], SymbolEncoder]] = {ANS: AnsEncoder, RANGE: RangeEncoder}
_DECODERS: dict[int, Callable[[bytes], SymbolDecoder]] = {ANS: AnsDecoder, RANGE: RangeDecoder}
_METHODS = {ZSTD: ZSTD_METHOD, BROTLI: BROTLI_METHOD}
# A table costs most of a byte per symbol, so it cannot pay where there are as many symbols.
_STATIC_MAX_ALPHABET = 4096


@dataclass(frozen=True)
class StreamSummary:
    """Coder, model, number of integers and size of a stream."""

    coder: str
    model: str
    count: int
    stored_bytes: int


def encode_stream(
    segments: Sequence[Int64Array], coder: str = "auto", shape: Sequence[int] = ()
) -> bytes:
    """The smallest stream for the concatenation of `segments`.

    Args:
        segments: 1-D arrays of integers that fit int32; values within a segment are alike, so
            Laplace classes are chosen per segment.
        coder: "auto", or a name in `CODERS`, whose smallest form is taken.
        shape: shape of the box that the integers fill, if neighbours in it are alike; "auto" then
            tries coder array.

    Raises:
        InvalidInputError: an unknown coder, or a value outside int32.
    """
    if coder != "auto" and coder not in CODERS:
        raise InvalidOptionError(f"coder {coder!r} is not one of auto, {', '.join(CODERS)}")
    values = np.concatenate([np.asarray(segment, np.int64).ravel() for segment in segments])
    if len(values) and (values.min() < INT32_MIN or values.max() > INT32_MAX):
        raise InvalidInputError("a quantised value does not fit 32 bits; use larger steps")
    if len(values) == 0 or values.min() == values.max():
        return _encode_raw(values)
    wanted = set(CODERS.values()) if coder == "auto" else {CODERS[coder]}
    streams = [encode() for kind, encode in _candidates(values, segments) if kind in wanted]
    if coder == "auto" and shape:
        streams += _encode_array(values, shape)
    return min(streams, key=len)


def encode_segment(segment: Segment) -> bytes:
    """The stream of a lattice's segment, or of an octree."""
    return _assemble(segment.coder, segment.count, b"", segment.data)


def _candidates(
    values: Int64Array, segments: Sequence[Int64Array]
) -> list[tuple[int, Callable[[], bytes]]]:
    candidates: list[tuple[int, Callable[[], bytes]]] = [
        (RAW, partial(_encode_raw, values)),
        (ZSTD, partial(_encode_bytes, ZSTD, values)),
        (BROTLI, partial(_encode_bytes, BROTLI, values)),
    ]
    alphabet = int(values.max() - values.min()) + 1
    for kind in (ANS, RANGE):
        candidates.append((kind, partial(_encode_laplace, kind, segments)))
        candidates.append((kind, partial(_encode_laplace, kind, [values])))
        if alphabet <= _STATIC_MAX_ALPHABET:
            candidates.append((kind, partial(_encode_static, kind, values)))
    return candidates


def _assemble(coder: int, count: int, parameters: bytes, data: bytes) -> bytes:
    head = bytes([coder]) + encode_uleb(count) + parameters
    return head + encode_uleb(len(data)) + data


def _encode_raw(values: Int64Array) -> bytes:
    offset = int(values.min()) if len(values) else 0
    width = int(values.max() - offset).bit_length() if len(values) else 0
    parameters = encode_uleb(zigzag(offset)) + bytes([width])
    return _assemble(RAW, len(values), parameters, bits.pack(values - offset, width))


def _encode_bytes(coder: int, values: Int64Array) -> bytes:
    width = next(
        width
        for width in (1, 2, 4)
        if -(1 << (8 * width - 1)) <= values.min() and values.max() < 1 << (8 * width - 1)
    )
    data = compress_frame(_METHODS[coder], values.astype(f"<i{width}").tobytes())
    return _assemble(coder, len(values), bytes([width]), data)


def _encode_array(values: Int64Array, shape: Sequence[int]) -> list[bytes]:
    """The stream of coder array, if it can hold these values."""
    from codec.entropy.mixing.coder import encode_lattice

    lattice = Lattice.untransformed(shape)
    try:
        (segment,) = encode_lattice(lattice, values.astype(np.int32))
    except InvalidInputError:
        return []
    lengths = [length for length in lattice.shape if length > 1] or [1]
    parameters = bytes([len(lengths)]) + b"".join(map(encode_uleb, lengths))
    return [_assemble(ARRAY, len(values), parameters, segment.data)]


def _encode_static(coder: int, values: Int64Array) -> bytes:
    offset = int(values.min())
    symbols = (values - offset).astype(np.int32)
    counts = np.bincount(symbols).astype(np.int64)
    tables = [(bits.encode_exp_golomb(counts, order), order) for order in range(8)]
    table, order = min(tables, key=lambda candidate: len(candidate[0]))
    parameters = bytes([STATIC]) + encode_uleb(zigzag(offset)) + encode_uleb(len(counts))
    encoder = _ENCODERS[coder]()
    encoder.add(symbols, normalise_counts(counts))
    return _assemble(coder, len(values), parameters + bytes([order]) + table, encoder.finish())


def _encode_laplace(coder: int, segments: Sequence[Int64Array]) -> bytes:
    parameters, data = encode_laplace(segments, _ENCODERS[coder]())
    count = sum(segment.size for segment in segments)
    return _assemble(coder, count, bytes([LAPLACE]) + parameters, data)


def decode_stream(
    data: bytes, position: int, limits: Limits, most: int | None = None
) -> tuple[Int64Array, int]:
    """The integers of the stream at `position` (int64, 1-D), and the position after it.

    Args:
        most: largest number of integers that there can be a use for, if that is known.

    Raises:
        TruncatedError, CorruptError, UnsupportedError, LimitError: see the format specification.
    """
    values, position, _ = decode_stream_with_summary(data, position, limits, most=most)
    return np.asarray(values, np.int64), position


def decode_stream_with_summary(
    data: bytes,
    position: int,
    limits: Limits,
    decode_segment: DecodeSegment | None = None,
    most: int | None = None,
) -> tuple[Int64Array | Int32Array | DecodedStream, int, StreamSummary]:
    """The integers of the stream at `position`, the position after it, and its summary.

    Args:
        decode_segment: decoder of streams in the coders that depend on the item they belong to; it
            checks their count.
        most: largest number of integers that there can be a use for: a stream of no bytes may hold
            any number.
    """
    start = position
    coder, position = _byte(data, position)
    count, position = decode_uleb(data, position)
    if coder in OF_ITEMS:
        payload, position = _payload(data, position)
        if decode_segment is None:
            raise CorruptError("coefficients in a stream that cannot have any", offset=start)
        summary = StreamSummary(NAMES[coder], "", count, position - start)
        return decode_segment(coder, count, payload), position, summary
    limits.check("parameters", count)
    if most is not None and count > most:
        raise CorruptError(f"a stream of {count} integers where {most} fit", offset=start)
    model = ""
    if coder == RAW:
        values, position = _decode_raw(data, position, count)
    elif coder in _METHODS:
        values, position = _decode_bytes(coder, data, position, count)
    elif coder in OF_ARRAYS:
        values, position = _decode_array(coder, data, position, count)
    elif coder in _DECODERS:
        kind, position = _byte(data, position)
        if kind == STATIC:
            model = "static"
            values, position = _decode_static(coder, data, position, count)
        elif kind == LAPLACE:
            model = "laplace"
            values, position = _decode_laplace(coder, data, position, count)
        else:
            raise UnsupportedError(f"model {kind} is unknown")
    else:
        raise UnsupportedError(f"coder {coder} is unknown")
    if len(values) and (values.min() < INT32_MIN or values.max() > INT32_MAX):
        raise CorruptError("a decoded integer does not fit 32 bits")
    return values, position, StreamSummary(NAMES[coder], model, count, position - start)


def summarise_stream(data: bytes, position: int) -> tuple[StreamSummary, int]:
    """Summary of the stream at `position`, without decoding it, and the position after it.

    Raises:
        TruncatedError, CorruptError, UnsupportedError: parameters are damaged or unknown.
    """
    start = position
    coder, position = _byte(data, position)
    count, position = decode_uleb(data, position)
    model = ""
    if coder == RAW:
        _, position = decode_uleb(data, position)
        _, position = _byte(data, position)
    elif coder in _METHODS:
        _, position = _byte(data, position)
    elif coder in _DECODERS:
        kind, position = _byte(data, position)
        if kind not in (STATIC, LAPLACE):
            raise UnsupportedError(f"model {kind} is unknown")
        model = "static" if kind == STATIC else "laplace"
        if kind == STATIC:
            _, position = _read_table(data, position)
        else:
            _, position = _read_classes(data, position, count)
    elif coder in OF_ARRAYS:
        _, position = _read_lengths(data, position, count)
    elif coder not in OF_ITEMS:
        raise UnsupportedError(f"coder {coder} is unknown")
    _, position = _payload(data, position)
    return StreamSummary(NAMES[coder], model, count, position - start), position


def _byte(data: bytes, position: int) -> tuple[int, int]:
    if position >= len(data):
        raise TruncatedError("the data ends inside a stream", offset=position)
    return data[position], position + 1


def _payload(data: bytes, position: int) -> tuple[bytes, int]:
    size, position = decode_uleb(data, position)
    if size > len(data) - position:
        raise TruncatedError("the data ends inside a stream", offset=position)
    return data[position : position + size], position + size


def _decode_raw(data: bytes, position: int, count: int) -> tuple[Int64Array, int]:
    offset, position = decode_uleb(data, position)
    width, position = _byte(data, position)
    if width > 32:
        raise CorruptError(f"raw integers of {width} bits", offset=position)
    payload, position = _payload(data, position)
    if len(payload) != (count * width + 7) // 8:
        raise CorruptError("packed bits have another length than declared", offset=position)
    if width == 0:
        return np.full(count, unzigzag(offset)), position
    return bits.unpack(payload, np.full(count, width)) + unzigzag(offset), position


def _decode_bytes(coder: int, data: bytes, position: int, count: int) -> tuple[Int64Array, int]:
    width, position = _byte(data, position)
    if width not in (1, 2, 4):
        raise CorruptError(f"integers of {width} bytes", offset=position)
    payload, position = _payload(data, position)
    raw = decompress(_METHODS[coder], payload, count * width)
    return np.frombuffer(raw, f"<i{width}").astype(np.int64), position


def _decode_array(coder: int, data: bytes, position: int, count: int) -> tuple[Int64Array, int]:
    lengths, position = _read_lengths(data, position, count)
    payload, position = _payload(data, position)
    lattice = Lattice((1,) * (AXES - len(lengths)) + tuple(lengths), (0,) * AXES)
    if coder == STATIC_ARRAY:
        from codec.entropy.static.decoder import StaticDecoder

        values = np.empty(lattice.shape, np.int32)
        StaticDecoder(lattice, values).decode(0, count, payload)
        return values.reshape(-1).astype(np.int64), position
    from codec.entropy.mixing.coder import LatticeDecoder

    return LatticeDecoder(lattice).decode(count, payload).astype(np.int64), position


def _read_lengths(data: bytes, position: int, count: int) -> tuple[list[int], int]:
    """Lengths of the box that an array of `count` integers fills."""
    rank, position = _byte(data, position)
    if not 1 <= rank <= AXES:
        raise CorruptError(f"an array of {rank} axes", offset=position)
    lengths = []
    for _ in range(rank):
        length, position = decode_uleb(data, position)
        lengths.append(length)
    if math.prod(lengths) != count or not count:
        raise CorruptError("the lengths of an array are not those of its integers", offset=position)
    return lengths, position


def _decode_static(coder: int, data: bytes, position: int, count: int) -> tuple[Int64Array, int]:
    (offset, counts), position = _read_table(data, position)
    check_counts(counts)
    payload, position = _payload(data, position)
    decoder = _DECODERS[coder](payload)
    symbols = decoder.take(count, normalise_counts(counts))
    decoder.finish()
    return symbols.astype(np.int64) + unzigzag(offset), position


def _read_table(data: bytes, position: int) -> tuple[tuple[int, Int64Array], int]:
    """Offset and counts of a static model."""
    offset, position = decode_uleb(data, position)
    size, position = decode_uleb(data, position)
    order, position = _byte(data, position)
    if not 2 <= size <= MAX_ALPHABET or order > 7:
        raise CorruptError("a table is out of range", offset=position)
    counts, position = bits.decode_exp_golomb(data, position, size, order)
    return (offset, counts), position


def _decode_laplace(coder: int, data: bytes, position: int, count: int) -> tuple[Int64Array, int]:
    segments, position = _read_classes(data, position, count)
    payload, position = _payload(data, position)
    return decode_laplace(segments, payload, _DECODERS[coder]), position


def _read_classes(data: bytes, position: int, count: int) -> tuple[list[tuple[int, int]], int]:
    """Class and length of the segments of a laplace model."""
    size, position = decode_uleb(data, position)
    segments = []
    remaining = count
    for index in range(size):
        laplace_class, position = _byte(data, position)
        length = remaining
        if index < size - 1:
            length, position = decode_uleb(data, position)
        remaining -= length
        if remaining < 0:
            raise CorruptError("segments are longer than the stream", offset=position)
        segments.append((laplace_class, length))
    if remaining:
        raise CorruptError("segments are shorter than the stream", offset=position)
    return segments, position
