"""Surroundings of coefficients, a context for later bands: B of inrc-1.md, section 7.4."""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import kernel


@kernel
def surroundings(values: Any, shape: Any, out: Any) -> None:
    """Write B of every coefficient of a band to `out`.

    Args:
        values: flat int32 coefficients of the band.
        shape: its four lengths.
        out: flat uint16, as long as `values`.
    """
    strides = (shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], np.int64(1))
    axes = 0
    for axis in range(4):
        if shape[axis] > 1:
            axes += 1
    norm = (1 << 20) // (4 * axes) if axes else 0
    at = np.int64(-1)
    for slab in range(shape[0]):
        for plane in range(shape[1]):
            for row in range(shape[2]):
                for column in range(shape[3]):
                    index = (slab, plane, row, column)
                    at += 1
                    total = 2 * axes * abs(np.int64(values[at]))
                    for axis in range(4):
                        if index[axis] > 0:
                            total += abs(np.int64(values[at - strides[axis]]))
                        if index[axis] + 1 < shape[axis]:
                            total += abs(np.int64(values[at + strides[axis]]))
                    level = (total * norm) >> 16 if axes else 16 * abs(np.int64(values[at]))
                    out[at] = min(level, 65535)


@kernel
def add_sibling(source: Any, source_shape: Any, shape: Any, out: Any) -> None:
    """Add `source` to `out`, its last value along each axis repeated beyond its end.

    Args:
        source: flat values of the sibling band.
        source_shape: its four lengths.
        shape: the four lengths of `out`.
        out: flat values, changed in place.
    """
    at = np.int64(-1)
    for slab in range(shape[0]):
        source_slab = min(slab, source_shape[0] - 1) * source_shape[1]
        for plane in range(shape[1]):
            source_plane = (source_slab + min(plane, source_shape[1] - 1)) * source_shape[2]
            for row in range(shape[2]):
                source_row = (source_plane + min(row, source_shape[2] - 1)) * source_shape[3]
                for column in range(shape[3]):
                    at += 1
                    out[at] += source[source_row + min(column, source_shape[3] - 1)]
