"""Integers of coefficients: how few bytes hold them, and what they say of the magnitudes behind."""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import Float32Array, Int16Array, Int32Array
from inrc_plugins.architectures.pyramid.config import PyramidConfig
from inrc_plugins.architectures.pyramid.lifting import compiled

Coefficients = Int32Array | Int16Array
# Integers, and their differences from predictions, stay below 2^27.
_GREATEST = 1 << 26


def narrow(values: Int32Array) -> Coefficients:
    """The same integers in half the memory, where that holds them."""
    narrow = np.iinfo(np.int16)
    if narrow.min < values.min(initial=0) and values.max(initial=0) <= narrow.max:
        return values.astype(np.int16)
    return values


def shifts_of(
    coefficients: Float32Array, values: Coefficients, config: PyramidConfig
) -> tuple[int, int, int]:
    """Mean of |c| / step - |q| over the coefficients with |q| = 1, 2 and above, in 1/128."""
    sums, counts = np.zeros(4), np.zeros(4)
    scale = np.float32(1 / config.step)
    at = 0
    for band in config.lattice.bands:
        first = np.array([axis.start for axis in band.box], np.int64)
        shape = np.array(band.shape, np.int64)
        if band.orientation and values.ndim > 1:
            _add_remainders(coefficients, first, values, first, shape, scale, sums, counts)
        elif band.orientation:
            part = values[at : at + band.size].reshape(band.shape)
            start = np.zeros(4, np.int64)
            _add_remainders(coefficients, first, part, start, shape, scale, sums, counts)
        at += band.size
    means = np.rint(128 * sums / np.maximum(counts, 1)).clip(-100, 100).astype(int)
    return int(means[1]), int(means[2]), int(means[3])


def least_step(coefficients: Float32Array) -> float:
    """The smallest step at which every integer stays within what the coder holds."""
    greatest = max(float(coefficients.max(initial=0)), -float(coefficients.min(initial=0)))
    return float(np.nextafter(np.float32(greatest / _GREATEST), np.float32(1)))


@compiled
def _add_remainders(
    coefficients: Any,
    first: Any,
    values: Any,
    start: Any,
    shape: Any,
    scale: Any,
    sums: Any,
    counts: Any,
) -> None:
    """Add up what rounding has left of magnitudes of 1, 2 and above.

    Args:
        first, start: first index of the band in `coefficients`, and in `values`.
        shape: of the band.
    """
    for i in range(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                row = coefficients[first[0] + i, first[1] + j, first[2] + k]
                line = values[start[0] + i, start[1] + j, start[2] + k]
                for m in range(shape[3]):
                    magnitude = abs(np.int32(line[start[3] + m]))
                    if magnitude != 0:
                        group = min(magnitude, 3)
                        size = abs(row[first[3] + m]) * scale
                        sums[group] += size - np.float32(magnitude)
                        counts[group] += 1.0
