"""Decoded values against the original."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from codec.arrays import Array, Float64Array
from codec.coding.normalise import NormalisedField, valid_samples, validity
from codec.measuring.metrics import peak_signal_to_noise
from codec.media.dataset import Field
from codec.reports import FieldQuality

_PIECE = 1 << 16
# Powers of 2 with an exponent below this are float64 numbers, and so are their inverses.
_PLAIN_EXPONENT = 1000


@dataclass(frozen=True)
class Deviation:
    """Deviation of the decoded samples of a part of a field from the original ones.

    Attributes:
        squared: sum of squared differences over valid samples, in units of `unit`: squares of the
            values themselves may overflow or vanish.
        greatest: greatest difference of a valid sample, in stored values.
        unit: unit of `squared`, in stored values.
        count: number of valid samples.
        low, high: range of the original valid samples, in stored values; 0 where there are none.
        intact: whether invalid samples are the same, bit for bit.
    """

    squared: float
    greatest: float
    unit: float
    count: int
    low: float
    high: float
    intact: bool


def deviation(
    field: Field, original: Array, decoded: Array, unit: float | None = None
) -> Deviation:
    """Measure `decoded` against `original`, both stored values of the shape of `field`.

    Args:
        unit: unit of the result; half the range of the field if None.
    """
    valid = valid_samples(field, original)
    width = original.dtype.itemsize
    intact = True
    if valid is not None:
        bits = f"u{width}"
        intact = bool((original[~valid].view(bits) == decoded[~valid].view(bits)).all())
        original, decoded = original[valid], decoded[valid]
    again = validity(decoded, field.fill_values)
    intact = intact and again is None
    original, decoded = original.reshape(-1), decoded.reshape(-1)
    count = original.size
    low, high = (float(original.min()), float(original.max())) if count else (0.0, 0.0)
    unit = error_unit(field, low, high) if unit is None else unit
    squared, greatest = _accumulate(original, decoded, unit)
    return Deviation(squared, greatest, unit, count, low, high, intact)


def error_unit(field: Field, low: float, high: float) -> float:
    """Half the range that errors of the field are measured by, or a number near its values."""
    half = high / 2 - low / 2 if field.peak is None else field.peak / 2
    return max(half, 0.0) or max(abs(high), 1.0)


def quality_of(field: Field, parts: Sequence[Deviation]) -> FieldQuality:
    """Quality of a field from the deviations of all its parts, measured in the same unit.

    The PSNR is that of this field alone, relative to its peak, or to its own range if it has none.
    """
    filled = [part for part in parts if part.count]
    count = sum(part.count for part in filled)
    low = min((part.low for part in filled), default=0.0)
    high = max((part.high for part in filled), default=0.0)
    unit = parts[0].unit
    half = high / 2 - low / 2 if field.peak is None else field.peak / 2
    mean = math.fsum(part.squared for part in filled) / count if count else 0.0
    factor = field.unit_factor
    return FieldQuality(
        name=field.name,
        psnr=peak_signal_to_noise(mean) if half > 0 or mean == 0 else -np.inf,
        max_error=max((part.greatest for part in filled), default=0.0) * factor,
        rmse=float(np.sqrt(mean)) * unit * factor,
        value_range=2 * (high / 2 - low / 2) * factor,
        units=field.units,
        valid=count,
        mask_intact=all(part.intact for part in parts),
    )


def compare(field: Field, original: Array, decoded: Array) -> FieldQuality:
    """Measure `decoded` against `original`, both stored values of the field's shape."""
    return quality_of(field, [deviation(field, original, decoded)])


def with_shared_psnr(
    qualities: Sequence[FieldQuality], fields: Sequence[Field]
) -> tuple[FieldQuality, ...]:
    """The same measurements, those of fields with a peak with the PSNR that they share."""
    peaks = {field.name: field.peak for field in fields if field.peak is not None}
    errors = [
        (2 * quality.rmse / peaks[quality.name]) ** 2
        for quality in qualities
        if quality.name in peaks and quality.valid
    ]
    if not errors:
        return tuple(qualities)
    psnr = peak_signal_to_noise(sum(errors) / len(errors))
    return tuple(
        replace(quality, psnr=psnr) if quality.name in peaks else quality for quality in qualities
    )


def psnr_of_components(
    squared_errors: Sequence[float], counts: Sequence[int], fields: Sequence[NormalisedField]
) -> float:
    """The PSNR, in dB, that decides whether a model meets its goal.

    It is the smallest over fields without a peak and the one that all fields with a peak share; the
    latter agrees with `with_shared_psnr`. Fields without valid samples, and constant ones without a
    peak, do not count.

    Args:
        squared_errors: sum over valid samples per component, in units of its `half_range` (of 1
            where that is 0).
        counts: number of valid samples per component.
        fields: the components.
    """
    shared, alone = [], [math.inf]
    for error, count, entry in zip(squared_errors, counts, fields, strict=True):
        if not count:
            continue
        if entry.field.peak is not None:
            shared.append(error / count)
        elif entry.scale > 0:
            alone.append(peak_signal_to_noise(error / count))
    if shared:
        alone.append(peak_signal_to_noise(sum(shared) / len(shared)))
    return min(alone)


def _accumulate(original: Array, decoded: Array, unit: float) -> tuple[float, float]:
    """(sum of squared differences in units of `unit`, greatest difference), in float64."""
    squared, greatest = 0.0, 0.0
    # Dividing both values by the unit itself would round them by more than they may differ.
    mantissa, exponent = math.frexp(unit)
    for start in range(0, original.size, _PIECE):
        piece = slice(start, start + _PIECE)
        expected = _scaled(original[piece].astype(np.float64), -exponent)
        difference = _scaled(decoded[piece].astype(np.float64), -exponent)
        difference -= expected
        np.abs(difference, out=difference)
        greatest = max(greatest, float(difference.max()))
        difference /= mantissa
        squared += float(np.square(difference, out=difference).sum())
    return squared, float(np.ldexp(greatest, exponent))


def _scaled(values: Float64Array, exponent: int) -> Float64Array:
    """Values times a power of 2, in place."""
    if abs(exponent) < _PLAIN_EXPONENT:
        values *= 2.0**exponent
        return values
    return np.ldexp(values, exponent)
