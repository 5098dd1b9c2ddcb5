"""Normalisation: from stored values to those that are fitted, and back.

A sample is invalid if it is NaN, infinite, a fill value of the field, or outside the mask of the
field; invalid samples keep their bit pattern, whatever it is. The range of the valid samples, or
that from 0 to the peak where the field has one, is mapped to [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codec.arrays import Array, BoolArray, Float32Array, Float64Array
from codec.coding.mask_section import CodedMask, FillPatterns
from codec.errors import InvalidInputError
from codec.media.dataset import Field

# A float32 offset or scale saves four bytes; it may widen the range by no more than this.
_WIDENING = 1e-3
_MAX_PATTERNS = 1 << 16
_PIECE = 1 << 20


@dataclass(frozen=True)
class NormalisedField:
    """One field, ready to be fitted.

    Attributes:
        field: field that it came from.
        stored: all values of the field, in the stored dtype.
        values: float32, 0 where invalid, else (stored - offset) / scale in [-1, 1].
        valid: bool, or None if every sample is valid.
        coded_mask: validity mask and fill patterns, None with `valid`.
        offset, scale: offset and scale of the inverse; scale 0 means that all valid samples are
            alike.
        half_range: half of the range that errors are measured by: the field's peak, or maximum
            minus minimum of the valid samples.
        value_range: maximum minus minimum of the valid samples.
    """

    field: Field
    stored: Array
    values: Float32Array
    valid: BoolArray | None
    coded_mask: CodedMask | None
    offset: float
    scale: float
    half_range: float
    value_range: float


@dataclass(frozen=True)
class FieldRange:
    """Range and normalisation that all parts of a field share.

    Attributes:
        low, high: least and greatest valid sample, in stored values; 0 where there is none.
        offset, scale: offset and scale of the normalised values.
        half_range: half the range that errors are measured by.
    """

    low: float
    high: float
    offset: float
    scale: float
    half_range: float

    @property
    def value_range(self) -> float:
        """Maximum minus minimum."""
        return 2 * (self.high / 2 - self.low / 2)

    @classmethod
    def of(cls, field: Field, low: float, high: float) -> FieldRange:
        """The range of a field whose valid samples lie between `low` and `high`."""
        peak = field.peak
        # A constant field needs no model; channels of an image keep their proportions.
        whole = peak is not None and low < high
        offset, scale = _affine(0.0, peak or 0.0) if whole else _affine(low, high)
        half_range = high / 2 - low / 2 if peak is None else peak / 2
        return cls(low, high, offset, scale, half_range)


def normalise(field: Field, shared: FieldRange | None = None) -> NormalisedField:
    """Read and normalise a field.

    Args:
        shared: range of the whole field, if `field` is a part of it; the range of `field` if None.

    Raises:
        InvalidInputError: the field holds more kinds of invalid samples than a file can list.
    """
    stored = np.ascontiguousarray(field.values[...])
    valid = valid_samples(field, stored)
    coded_mask = None if valid is None else _coded_mask(field, stored, valid)
    chosen = stored if valid is None else stored[valid]
    if chosen.size == 0:
        empty = np.zeros(stored.shape, np.float32)
        half_range = (shared or FieldRange.of(field, 0.0, 0.0)).half_range
        return NormalisedField(field, stored, empty, valid, coded_mask, 0.0, 0.0, half_range, 0.0)
    low, high = float(chosen.min()), float(chosen.max())
    span = shared or FieldRange.of(field, low, high)
    # A part of one value is exact as a constant, whatever the other parts are.
    offset, scale = _affine(low, high) if low == high else (span.offset, span.scale)
    if scale == 0:
        values = np.zeros(stored.shape, np.float32)
    else:
        values = _to_unit(stored, offset, scale)
        if valid is not None:
            values[~valid] = 0
    return NormalisedField(
        field, stored, values, valid, coded_mask, offset, scale, span.half_range, span.value_range
    )


def _to_unit(stored: Array, offset: float, scale: float) -> Float32Array:
    values = np.empty(stored.shape, np.float32)
    source, target = stored.reshape(-1), values.reshape(-1)
    # Pieces bound the float64 intermediate, which would otherwise be twice the field.
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, source.size, _PIECE):
            piece = slice(start, start + _PIECE)
            target[piece] = (source[piece].astype(np.float64) - offset) / scale
    return values


def valid_samples(field: Field, stored: Array) -> BoolArray | None:
    """True where a sample of the field, whose values are `stored`, is data; None if every one is.

    Raises:
        InvalidInputError: the field's own mask has another shape.
    """
    valid = validity(stored, field.fill_values)
    if field.valid is None:
        return valid
    if field.valid.shape != stored.shape:
        raise InvalidInputError(
            f"{field.name}: its mask is {field.valid.shape}, its values are {stored.shape}"
        )
    both = field.valid if valid is None else field.valid & valid
    return None if both.all() else both


def validity(stored: Array, fill_values: tuple[Any, ...]) -> BoolArray | None:
    """True where a sample is data; None if every sample is."""
    listed = [value for value in fill_values if value == value]
    if not listed and (stored.dtype.kind != "f" or np.isfinite(stored).all()):
        return None
    invalid = np.zeros(stored.shape, np.bool_)
    if stored.dtype.kind == "f":
        invalid |= ~np.isfinite(stored)
    for value in listed:
        invalid |= stored == np.asarray(value, stored.dtype)
    return ~invalid if invalid.any() else None


def _coded_mask(field: Field, stored: Array, valid: BoolArray) -> CodedMask:
    patterns = stored[~valid].view(f"u{stored.dtype.itemsize}")
    distinct, indices = np.unique(patterns, return_inverse=True)
    if len(distinct) > _MAX_PATTERNS:
        raise InvalidInputError(
            f"{field.name}: its invalid samples hold {len(distinct)} different values; "
            "keep it verbatim by leaving it out of --var"
        )
    single = len(distinct) == 1
    return CodedMask(valid, FillPatterns(distinct, None if single else indices.astype(np.int64)))


def _affine(low: float, high: float) -> tuple[float, float]:
    """(offset, scale) that map [low, high] to [-1, 1], in float32 where that costs nothing."""
    if low == high:
        return low, 0.0
    offset = low / 2 + high / 2
    scale = max(high - offset, offset - low)
    with np.errstate(over="ignore"):
        short = float(np.float32(offset))
        reach = max(high - short, short - low)
        wide = np.float32(reach)
        if float(wide) < reach:
            wide = np.nextafter(wide, np.float32(np.inf))
    if np.isfinite(wide) and np.isfinite(short) and float(wide) <= scale * (1 + _WIDENING):
        return short, float(wide)
    return offset, scale


def denormalise(normalised: npt.NDArray[np.floating], offset: float, scale: float) -> Float64Array:
    """offset + scale * clip(y, -1, 1), in float64; a y that is not a number counts as -1."""
    if scale == 0:
        return np.full(normalised.shape, offset)
    limit = normalised.dtype.type(1)
    with np.errstate(over="ignore"):
        real: Float64Array = np.fmin(np.fmax(normalised, -limit), limit).astype(np.float64)
        return real * scale + offset


def to_stored(real: Float64Array, dtype: np.dtype[Any]) -> Array:
    """Round to the stored dtype: nearest, ties to even, clipped to its (finite) range."""
    if dtype.kind == "f":
        limit = float(np.finfo(dtype).max)
        return np.clip(real, -limit, limit).astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(real), limits.min, limits.max).astype(dtype)
