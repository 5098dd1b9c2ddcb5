"""MASK payloads (section 8)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .context_bits import decode_bits
from .errors import Malformed, Unsupported
from .limits import Limits, require
from .mixed_mask import decode_mixed_bits
from .numbers import Int64Array, Reader, check_padding
from .streams import ARRAYS, decode_stream, read_stream

VALIDITY, SPARSITY = range(2)
PACKED, CONTEXT, MIXED = range(3)
_MAX_AXES = 8


@dataclass(frozen=True)
class Mask:
    """A decoded mask; `indices` says which of the bit `patterns` an invalid sample has."""

    purpose: int
    bits: npt.NDArray[np.bool_]
    pattern_bytes: int = 0
    patterns: tuple[int, ...] = ()
    indices: Int64Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The full shape of the mask."""
        return self.bits.shape

    def layer(self) -> bytes:
        """Return what the digest of the section covers (END-2)."""
        indices = b"" if self.indices is None else self.indices.astype("<i4").tobytes()
        return self.bits.astype(np.uint8).tobytes() + indices

    def invalid_patterns(self) -> npt.NDArray[np.uint64]:
        """Return the bit pattern of each invalid sample in C order."""
        table = np.array(self.patterns, dtype=np.uint64)
        if self.indices is not None:
            return table[self.indices]
        return np.full(self.bits.size - int(np.count_nonzero(self.bits)), table[0])


def parse_mask(payload: bytes, limits: Limits, before: int) -> Mask:
    """Decode a MASK payload; `before` is the number of samples of the masks before it."""
    reader = Reader(payload)
    purpose = reader.u8()
    if purpose not in (VALIDITY, SPARSITY):
        raise Unsupported(f"MASK-1: purpose {purpose}")
    ndim = reader.u8()
    if not 1 <= ndim <= _MAX_AXES:
        raise Malformed(f"MASK-1: {ndim} axes")
    shape = tuple(reader.uleb() for _ in range(ndim))
    samples = 1
    for size in shape:
        if size < 1:
            raise Malformed("MASK-1: a size is 0")
        samples *= size
    require(before + samples, limits.mask_samples, "samples of all masks")
    constant = reader.u8()
    if constant >> ndim:
        raise Malformed("MASK-2: a bit of constant at or above ndim")
    coded = tuple(1 if constant >> axis & 1 else size for axis, size in enumerate(shape))
    method = reader.u8()
    data = reader.take(reader.uleb())
    if method == MIXED:
        require(math.prod(coded), limits.mixed, "samples of a mask coded by mixing")
    bits = np.broadcast_to(_bits(method, coded, data), shape)
    if purpose == SPARSITY:
        reader.end("the mask (MASK-1)")
        return Mask(purpose, bits)
    return _with_patterns(reader, bits, limits)


def _bits(method: int, shape: tuple[int, ...], data: bytes) -> npt.NDArray[np.bool_]:
    """Decode the bits of the coded shape (MASK-3)."""
    if method == CONTEXT:
        return decode_bits(shape, data).astype(np.bool_)
    if method == MIXED:
        return decode_mixed_bits(shape, data).astype(np.bool_)
    if method != PACKED:
        raise Unsupported(f"MASK-3: method {method}")
    samples = 1
    for size in shape:
        samples *= size
    if len(data) != (samples + 7) // 8:
        raise Malformed("MASK-3: wrong size of packed bits")
    check_padding(data, samples, "MASK-3")
    packed = np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=samples)
    return packed.astype(np.bool_).reshape(shape)


def _with_patterns(reader: Reader, bits: npt.NDArray[np.bool_], limits: Limits) -> Mask:
    """Read the patterns of a validity mask (MASK-4)."""
    size = reader.u8()
    if size not in (1, 2, 4, 8):
        raise Malformed(f"MASK-4: patterns of {size} bytes")
    number = reader.uleb()
    if number < 1:
        raise Malformed("MASK-4: no pattern")
    table = Reader(reader.take(number * size))
    patterns = tuple(int.from_bytes(table.take(size), "little") for _ in range(number))
    if len(set(patterns)) != number:
        raise Malformed("MASK-4: two patterns are equal")
    if number == 1:
        reader.end("the mask (MASK-1)")
        return Mask(VALIDITY, bits, size, patterns)
    invalid = bits.size - int(np.count_nonzero(bits))
    stream = read_stream(reader, limits.mask_samples, max_array=limits.tensor_entries)
    if stream.count != invalid:
        raise Malformed("MASK-4: not one pattern index per invalid sample")
    if stream.coder in ARRAYS:
        require(stream.count, limits.mixed, "pattern indices coded by mixing")
    reader.end("the mask (MASK-1)")
    indices = decode_stream(stream)
    if indices.size and not (int(indices.min()) >= 0 and int(indices.max()) < number):
        raise Malformed("MASK-4: no such pattern")
    return Mask(VALIDITY, bits, size, patterns, indices)
