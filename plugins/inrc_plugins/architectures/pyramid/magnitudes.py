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
        part = values[at : at + band.size]
        at += band.size
        if band.orientation:
            first = np.array([axis.start for axis in band.box], np.int64)
            _add_remainders(coefficients, first, part.reshape(band.shape), scale, sums, counts)
    means = np.rint(128 * sums / np.maximum(counts, 1)).clip(-100, 100).astype(int)
    return int(means[1]), int(means[2]), int(means[3])


def least_step(coefficients: Float32Array) -> float:
    """The smallest step at which every integer stays within what the coder holds."""
    greatest = max(float(coefficients.max(initial=0)), -float(coefficients.min(initial=0)))
    return float(np.nextafter(np.float32(greatest / _GREATEST), np.float32(1)))


@compiled
def _add_remainders(
    coefficients: Any, first: Any, values: Any, scale: Any, sums: Any, counts: Any
) -> None:
    """Add up what rounding has left of magnitudes of 1, 2 and above."""
    length = values.shape[3]
    for i, j, k in np.ndindex(values.shape[:3]):
        row = coefficients[first[0] + i, first[1] + j, first[2] + k]
        line = values[i, j, k]
        for m in range(length):
            magnitude = abs(np.int32(line[m]))
            if magnitude != 0:
                group = min(magnitude, 3)
                sums[group] += abs(row[first[3] + m]) * scale - np.float32(magnitude)
                counts[group] += 1.0
