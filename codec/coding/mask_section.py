"""MASK sections: a mask, and for validity masks the bit patterns of the invalid samples.

Normative text: format_spec/inrc-1.md, section 8.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codec.arrays import BoolArray, Int64Array
from codec.entropy import bits
from codec.entropy.mask_coder import decode_mask, encode_mask
from codec.entropy.stream import decode_stream, encode_stream
from codec.errors import CorruptError, TruncatedError, UnsupportedError
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.limits import Limits

VALIDITY, SPARSITY = range(2)
PACKED, CONTEXT, MIXED = range(3)
# Smaller masks are not worth loading the compiled coder for.
MIXED_LEAST = 2048
MAX_DIMS = 8
MAX_CONTEXT_AXES = 4


@dataclass(frozen=True)
class FillPatterns:
    """Bit patterns of the invalid samples of a field.

    Attributes:
        values: the distinct patterns, as unsigned integers of the stored dtype's size.
        indices: index of the pattern of each invalid sample, in C order; None if all have the
            first.
    """

    values: npt.NDArray[np.unsignedinteger]
    indices: Int64Array | None = None

    def fill(self, count: int) -> npt.NDArray[np.unsignedinteger]:
        """The patterns of all `count` invalid samples."""
        if self.indices is None:
            return np.broadcast_to(self.values[:1], (count,))
        return self.values[self.indices]


@dataclass(frozen=True)
class CodedMask:
    """A mask as its section holds it; `patterns` only for validity masks."""

    mask: BoolArray
    patterns: FillPatterns | None = None

    def integer_layer(self) -> bytes:
        """Bytes of this section that the digest of the file covers."""
        layer = self.mask.astype(np.uint8).tobytes()
        if self.patterns is not None and self.patterns.indices is not None:
            layer += self.patterns.indices.astype("<i4").tobytes()
        return layer


def encode_mask_section(coded: CodedMask) -> bytes:
    """The payload of a MASK section."""
    mask = coded.mask
    constant = [
        size > 1 and bool((mask == mask.take([0], axis)).all())
        for axis, size in enumerate(mask.shape)
    ]
    reduced = mask[tuple(slice(0, 1) if same else slice(None) for same in constant)]
    method, data = PACKED, bits.pack(reduced.ravel().astype(np.int64), 1)
    squeezed = _squeezed(reduced.shape)
    if len(squeezed) <= MAX_CONTEXT_AXES:
        context = encode_mask(reduced.reshape(squeezed))
        if len(context) < len(data):
            method, data = CONTEXT, context
    if reduced.size >= MIXED_LEAST and len(data) > MIXED_LEAST // 64:
        from codec.entropy.mixing.masks import encode_mixed_mask

        mixed = encode_mixed_mask(reduced.reshape(squeezed))
        if len(mixed) < len(data):
            method, data = MIXED, mixed
    payload = bytes([SPARSITY if coded.patterns is None else VALIDITY, mask.ndim])
    payload += b"".join(encode_uleb(size) for size in mask.shape)
    payload += bytes([sum(1 << axis for axis, same in enumerate(constant) if same), method])
    payload += encode_uleb(len(data)) + data
    if coded.patterns is not None:
        values = coded.patterns.values
        payload += bytes([values.itemsize]) + encode_uleb(len(values))
        payload += values.astype(f"<u{values.itemsize}").tobytes()
        if coded.patterns.indices is not None:
            payload += encode_stream([coded.patterns.indices])
    return payload


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size > 1) or (1,)


def decode_mask_section(
    payload: bytes, limits: Limits, fitting: Collection[tuple[int, ...]] = ()
) -> CodedMask:
    """The mask of a MASK section.

    Args:
        fitting: shapes that there is a use for, if that is known: a mask of any size may take a few
            bytes, so one of another shape is refused before it is decoded.

    Raises:
        TruncatedError, CorruptError, UnsupportedError, LimitError: see the format specification.
    """
    purpose, ndim, shape, position = _read_shape(payload)
    limits.check("mask_samples", math.prod(shape), section="MASK")
    if fitting and shape not in fitting:
        raise CorruptError(f"a mask of shape {shape} fits no field or tensor", section="MASK")
    constant, method, position = _two_bytes(payload, position)
    if constant >> ndim:
        raise CorruptError("a constant axis that does not exist", section="MASK")
    size, position = decode_uleb(payload, position)
    if size > len(payload) - position:
        raise TruncatedError("the data ends inside a mask", section="MASK")
    data, position = payload[position : position + size], position + size
    reduced_shape = tuple(
        1 if constant >> axis & 1 else length for axis, length in enumerate(shape)
    )
    reduced = _decode_bits(data, method, reduced_shape)
    mask = np.ascontiguousarray(np.broadcast_to(reduced, shape))
    patterns = None
    if purpose == VALIDITY:
        patterns, position = _read_patterns(payload, position, int((~mask).sum()), limits)
    if position != len(payload):
        raise CorruptError("bytes follow the mask", section="MASK")
    return CodedMask(mask, patterns)


def _two_bytes(payload: bytes, position: int) -> tuple[int, int, int]:
    if position + 2 > len(payload):
        raise TruncatedError("the data ends inside a mask", section="MASK")
    return payload[position], payload[position + 1], position + 2


def _read_shape(payload: bytes) -> tuple[int, int, tuple[int, ...], int]:
    purpose, ndim, position = _two_bytes(payload, 0)
    if purpose not in (VALIDITY, SPARSITY):
        raise UnsupportedError(f"mask purpose {purpose} is unknown", section="MASK")
    if not 1 <= ndim <= MAX_DIMS:
        raise CorruptError(f"a mask of {ndim} axes", section="MASK")
    shape = []
    for _ in range(ndim):
        size, position = decode_uleb(payload, position)
        if size < 1:
            raise CorruptError("a mask has an empty axis", section="MASK")
        shape.append(size)
    return purpose, ndim, tuple(shape), position


def _decode_bits(data: bytes, method: int, shape: tuple[int, ...]) -> BoolArray:
    count = math.prod(shape)
    if method == PACKED:
        if len(data) != (count + 7) // 8:
            raise CorruptError("packed bits have another length than declared", section="MASK")
        raw = np.unpackbits(np.frombuffer(data, np.uint8))
        if raw[count:].any():
            raise CorruptError("padding bits are set", section="MASK")
        return raw[:count].astype(np.bool_).reshape(shape)
    squeezed = _squeezed(shape)
    if method == MIXED:
        from codec.entropy.mixing.masks import decode_mixed_mask

        return decode_mixed_mask(data, squeezed).reshape(shape)
    if method != CONTEXT:
        raise UnsupportedError(f"mask method {method} is unknown", section="MASK")
    if len(squeezed) > MAX_CONTEXT_AXES:
        raise CorruptError(f"a context-coded mask of {len(squeezed)} axes", section="MASK")
    return decode_mask(data, squeezed).reshape(shape)


def _read_patterns(
    payload: bytes, position: int, invalid: int, limits: Limits
) -> tuple[FillPatterns, int]:
    if position >= len(payload):
        raise TruncatedError("the data ends inside a mask", section="MASK")
    width = payload[position]
    count, position = decode_uleb(payload, position + 1)
    if width not in (1, 2, 4, 8) or count < 1:
        raise CorruptError("the fill patterns are invalid", section="MASK")
    if count * width > len(payload) - position:
        raise TruncatedError("the data ends inside a mask", section="MASK")
    values = np.frombuffer(payload, f"<u{width}", count, position).astype(f"u{width}")
    position += count * width
    if len(np.unique(values)) != count:
        raise CorruptError("a fill pattern is repeated", section="MASK")
    if count == 1:
        return FillPatterns(values), position
    indices, position = decode_stream(payload, position, limits, most=invalid)
    if len(indices) != invalid or (invalid and not 0 <= indices.min() <= indices.max() < count):
        raise CorruptError("the fill pattern indices do not match the mask", section="MASK")
    return FillPatterns(values, indices), position
