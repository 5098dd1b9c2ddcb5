"""Decoded values against the original."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from codec.media.dataset import Field
from codec.pipeline.metrics import peak_signal_to_noise
from codec.pipeline.normalise import validity
from codec.reports import FieldQuality

Array = npt.NDArray[Any]
_PIECE = 1 << 20


def compare(field: Field, original: Array, decoded: Array) -> FieldQuality:
    """Measure `decoded` against `original`, both stored values of the field's shape."""
    valid = validity(original, field.fill_values)
    width = original.dtype.itemsize
    intact = True
    if valid is not None:
        bits = f"u{width}"
        intact = bool((original[~valid].view(bits) == decoded[~valid].view(bits)).all())
        original, decoded = original[valid], decoded[valid]
    again = validity(decoded, field.fill_values)
    intact = intact and again is None
    squared, greatest, low, high = _accumulate(original.reshape(-1), decoded.reshape(-1))
    factor = abs(field.packing[0]) if field.packing else 1.0
    count = original.size
    mean = squared / count if count else 0.0
    return FieldQuality(
        name=field.name,
        psnr=peak_signal_to_noise(mean, high - low) if high > low or mean == 0 else -np.inf,
        max_error=greatest * factor,
        rmse=float(np.sqrt(mean)) * factor,
        value_range=(high - low) * factor if count else 0.0,
        units=field.units,
        valid=count,
        mask_intact=intact,
    )


def _accumulate(original: Array, decoded: Array) -> tuple[float, float, float, float]:
    """(sum of squared differences, greatest difference, minimum, maximum) in float64."""
    squared, greatest, low, high = 0.0, 0.0, np.inf, -np.inf
    for start in range(0, original.size, _PIECE):
        expected = original[start : start + _PIECE].astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            difference = np.abs(decoded[start : start + _PIECE].astype(np.float64) - expected)
            squared += float(np.square(difference).sum())
        greatest = max(greatest, float(difference.max()))
        low, high = min(low, float(expected.min())), max(high, float(expected.max()))
    return squared, greatest, low, high
