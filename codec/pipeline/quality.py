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
    original, decoded = original.reshape(-1), decoded.reshape(-1)
    count = original.size
    low, high = (float(original.min()), float(original.max())) if count else (0.0, 0.0)
    # Halves and shares of the range: squares of the values themselves may overflow or vanish.
    half = high / 2 - low / 2
    unit = max(half, 0.0) or max(abs(high), 1.0)
    squared, greatest = _accumulate(original, decoded, unit)
    mean = squared / count if count else 0.0
    factor = abs(field.packing[0]) if field.packing else 1.0
    return FieldQuality(
        name=field.name,
        psnr=peak_signal_to_noise(mean) if half > 0 or mean == 0 else -np.inf,
        max_error=greatest * unit * factor,
        rmse=float(np.sqrt(mean)) * unit * factor,
        value_range=2 * half * factor,
        units=field.units,
        valid=count,
        mask_intact=intact,
    )


def _accumulate(original: Array, decoded: Array, unit: float) -> tuple[float, float]:
    """(sum of squared differences, greatest difference), in units of `unit`, in float64."""
    squared, greatest = 0.0, 0.0
    for start in range(0, original.size, _PIECE):
        expected = original[start : start + _PIECE].astype(np.float64) / unit
        difference = np.abs(decoded[start : start + _PIECE].astype(np.float64) / unit - expected)
        squared += float(np.square(difference).sum())
        greatest = max(greatest, float(difference.max()))
    return squared, greatest
