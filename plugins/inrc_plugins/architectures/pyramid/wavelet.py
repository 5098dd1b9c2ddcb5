"""Biorthogonal 9/7 wavelet by lifting: any lengths, symmetric boundaries, in place.

A line x[0..n-1] becomes ceil(n/2) low and floor(n/2) high coefficients, low first. The lifting
steps are those of Daubechies and Sweldens, "Factoring wavelet transforms into lifting steps",
1998, with the scale that makes the basis nearly orthonormal: with even samples e and odd samples o,

    o += ALPHA (e + e'),  e += BETA (o + o'),  o += GAMMA (e + e'),  e += DELTA (o + o'),
    low = SCALE e,  high = o / SCALE,

where the dash is the neighbour on the other side; a neighbour outside the line is replaced by the
one inside. Several axes are split together, level by level (the dyadic scheme): all that is low
along each split axis is split again.

Arrays are float32 or float64, 4-D and C-contiguous. Every line is computed alone, so results do not
depend on the number of threads. The threads are those of a pool, not numba's own, which spin when
idle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np

from codec.arrays import FloatArray
from codec.entropy.lattice import halved
from inrc_plugins.architectures.pyramid import lifting

# Lines transformed side by side where neighbouring lines are neighbours in memory: as many as the
# second-level cache holds (_BLOCK_SAMPLES), up to 256 bytes, but never less than a cache line.
_MOST_LINES, _LEAST_LINES = 64, 16
_BLOCK_SAMPLES = 1 << 17
# Samples in a box below which a second thread costs more than it saves.
_WORTH_A_THREAD = 1 << 21


def box_sizes(shape: Sequence[int], levels: Sequence[int], level: int) -> tuple[int, ...]:
    """Lengths of the low box after `level` splits; axis a is split at most levels[a] times."""
    return tuple(
        halved(length, min(level, times)) for length, times in zip(shape, levels, strict=True)
    )


def forward(array: FloatArray, levels: Sequence[int], threads: int = 1) -> None:
    """Replace samples by coefficients.

    Args:
        array: (n0, n1, n2, n3), float32 or float64, C-contiguous; changed in place.
        levels: number of halvings of each axis.
        threads: that share the lines.
    """
    array, levels = _normal(array, levels)
    with _Lines(array, threads) as lines:
        for level in range(max(levels)):
            box = box_sizes(array.shape, levels, level)
            for axis in range(4):
                if level < levels[axis]:
                    lines.split(box, axis)


def inverse(array: FloatArray, levels: Sequence[int], first: int = 0, threads: int = 1) -> None:
    """Replace coefficients by samples, or by a volume of lower resolution.

    Args:
        array: (n0, n1, n2, n3), float32 or float64, C-contiguous; changed in place. With first > 0
            it is the low box at level `first` alone, of `box_sizes(whole shape, levels, first)`,
            and becomes the low part that `first` splits of the whole volume give: larger than
            samples by about sqrt(2) per halving.
        levels: number of halvings of each axis of the whole volume.
        first: the last level to undo.
        threads: that share the lines.
    """
    # The splits that made a low box are the first ones; the later ones are as if it were the whole.
    array, levels = _normal(array, [max(times - first, 0) for times in levels])
    with _Lines(array, threads) as lines:
        for level in reversed(range(max(levels))):
            box = box_sizes(array.shape, levels, level)
            for axis in reversed(range(4)):
                if level < levels[axis]:
                    lines.join(box, axis)


def _normal(array: FloatArray, levels: Sequence[int]) -> tuple[FloatArray, list[int]]:
    """The same array and levels with the last axis longer than 1, if any is: others are slower."""
    if array.ndim != 4 or array.dtype not in lifting.FACTORS or not array.flags.c_contiguous:
        raise ValueError("a wavelet transform needs a C-contiguous 4-D array of floats")
    if len(levels) != 4 or min(levels) < 0:
        raise ValueError("a wavelet transform needs four counts of levels")
    shape, times = list(array.shape), list(levels)
    if max(shape) > 1:
        while shape[3] == 1:
            shape, times = [1, *shape[:3]], [0, *times[:3]]
    return array.reshape(shape), times


class _Lines:
    """Application of the kernels to the lines of boxes at the origin of an array."""

    def __init__(self, array: FloatArray, threads: int):
        self._flat = array.reshape(-1)
        self._strides = tuple(stride // array.itemsize for stride in array.strides)
        self._factors = lifting.FACTORS[array.dtype]
        self._threads = max(threads, 1)
        rows, length = max(array.shape[:3]), array.shape[3]
        self._together = min(
            max(_BLOCK_SAMPLES // max(rows, 1), _LEAST_LINES), _MOST_LINES, max(length, 1)
        )
        self._blocks = np.empty((self._threads, rows, self._together), array.dtype)
        self._line = np.empty((self._threads, length), array.dtype)
        self._pool: ThreadPoolExecutor | None = None
        self._stack = ExitStack()

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def split(self, box: tuple[int, ...], axis: int) -> None:
        self._run(lifting.split_lines if axis == 3 else lifting.split_blocks, box, axis)

    def join(self, box: tuple[int, ...], axis: int) -> None:
        self._run(lifting.join_lines if axis == 3 else lifting.join_blocks, box, axis)

    def _run(self, kernel: Any, box: tuple[int, ...], axis: int) -> None:
        size = math.prod(box)
        if box[axis] < 2 or size == 0:
            return
        counts = box[:axis] + box[axis + 1 :]
        strides = self._strides[:axis] + self._strides[axis + 1 :]
        # For the last axis a unit of work is one line, for others a block of lines.
        scratch, together = (self._line, 1) if axis == 3 else (self._blocks, self._together)
        units = counts[0] * counts[1] * -(-counts[2] // together)
        geometry = (*counts, box[axis], *strides, self._strides[axis])
        shares = min(self._threads, units) if size >= _WORTH_A_THREAD else 1
        if shares == 1:
            kernel(self._flat, scratch[0], self._factors, geometry, 0, units)
            return
        if self._pool is None:
            self._pool = self._stack.enter_context(ThreadPoolExecutor(self._threads))
        ends = [units * k // shares for k in range(shares + 1)]
        jobs = [
            self._pool.submit(
                kernel, self._flat, scratch[k], self._factors, geometry, ends[k], ends[k + 1]
            )
            for k in range(shares)
        ]
        for job in jobs:
            job.result()
