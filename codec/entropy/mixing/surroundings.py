"""Levels around coefficients, for the bands after: B of inrc-1.md, section 7.4, by numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.compiling import compiled


@compiled(nogil=True)
def surroundings(values: Any, shape: Any, out: Any) -> None:
    """B of every coefficient of a band (flat int32 of four lengths `shape`) into `out`, uint16."""
    strides = np.ones(4, np.int64)
    for axis in range(2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    axes = 0
    for axis in range(4):
        if shape[axis] > 1:
            axes += 1
    norm = (1 << 20) // (4 * axes) if axes else 0
    at = np.int64(-1)
    i = np.zeros(4, np.int64)
    for i0 in range(shape[0]):
        i[0] = i0
        for i1 in range(shape[1]):
            i[1] = i1
            for i2 in range(shape[2]):
                i[2] = i2
                for i3 in range(shape[3]):
                    i[3] = i3
                    at += 1
                    total = 2 * axes * abs(np.int64(values[at]))
                    for axis in range(4):
                        if i[axis] > 0:
                            total += abs(np.int64(values[at - strides[axis]]))
                        if i[axis] + 1 < shape[axis]:
                            total += abs(np.int64(values[at + strides[axis]]))
                    level = (total * norm) >> 16 if axes else 16 * abs(np.int64(values[at]))
                    out[at] = min(level, 65535)


@compiled(nogil=True)
def add_sibling(source: Any, source_shape: Any, shape: Any, out: Any) -> None:
    """out += source, the last value along each axis repeated beyond its end; both flat."""
    at = np.int64(-1)
    for i0 in range(shape[0]):
        row0 = min(i0, source_shape[0] - 1) * source_shape[1]
        for i1 in range(shape[1]):
            row1 = (row0 + min(i1, source_shape[1] - 1)) * source_shape[2]
            for i2 in range(shape[2]):
                row2 = (row1 + min(i2, source_shape[2] - 1)) * source_shape[3]
                for i3 in range(shape[3]):
                    at += 1
                    out[at] += source[row2 + min(i3, source_shape[3] - 1)]
