"""The range of a field that is too large to be held in memory."""

from __future__ import annotations

import math

import numpy as np

from codec.coding.evaluate import windows
from codec.coding.normalise import FieldRange, valid_samples
from codec.media.dataset import Field

# Samples read at once.
_PIECE = 1 << 22


def find_range(field: Field) -> FieldRange:
    """The range of a field, read piece by piece."""
    low, high = math.inf, -math.inf
    for window in windows(field.shape, _PIECE):
        piece = field.part(window)
        values = np.asarray(piece.values)
        valid = valid_samples(piece, values)
        chosen = values if valid is None else values[valid]
        if chosen.size:
            low, high = min(low, float(chosen.min())), max(high, float(chosen.max()))
    if low > high:
        low = high = 0.0
    return FieldRange.of(field, low, high)
