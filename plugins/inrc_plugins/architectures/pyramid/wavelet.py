"""Biorthogonal 9/7 wavelet by lifting: any lengths, symmetric boundaries, in place.

A line x[0..n-1] becomes ceil(n/2) low and floor(n/2) high coefficients, low first. The lifting
steps are those of Daubechies and Sweldens, "Factoring wavelet transforms into lifting steps",
1998, with the scale that makes the basis nearly orthonormal: with even samples e and odd samples o,

    o += ALPHA (e + e'),  e += BETA (o + o'),  o += GAMMA (e + e'),  e += DELTA (o + o'),
    low = SCALE e,  high = o / SCALE,

where the dash is the neighbour on the other side; a neighbour outside the line is replaced by the
one inside. Several axes are split together, level by level (the dyadic scheme): all that is low
along each split axis is split again.

Arrays are float32 or float64, 4-D and C-contiguous. A pass through memory transforms the lines of
one axis, or of the last two while a plane is in the cache. Every line is computed alone, so results
do not depend on the number of threads. The threads are those of a pool, not numba's own, which spin
when idle.
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
from inrc_plugins.architectures.pyramid import sweeps as kernels

# Samples of a block that is transformed at once, which the second-level cache holds; and the lines
# of a block where neighbouring lines are neighbours in memory: never less than a cache line.
_BLOCK_SAMPLES = 1 << 18
_MOST_LINES, _LEAST_LINES = 1024, 16
# Samples of a plane that is transformed along both of its axes at once.
_PLANE_SAMPLES = 1 << 18
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
    with _Sweeps(array, kernels.split, lifting.FACTORS, threads) as sweeps:
        for level in range(max(levels)):
            box = box_sizes(array.shape, levels, level)
            for across, along in _passes(box, [level < times for times in levels]):
                sweeps.run(box, across, along)


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
    with _Sweeps(array, kernels.join, lifting.INVERSE_FACTORS, threads) as sweeps:
        for level in reversed(range(max(levels))):
            box = box_sizes(array.shape, levels, level)
            for across, along in reversed(_passes(box, [level < times for times in levels])):
                sweeps.run(box, across, along)


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


def _passes(box: tuple[int, ...], split: Sequence[bool]) -> list[tuple[int, bool]]:
    """(axis across rows, or -1 for none; whether along rows as well) of each sweep when splitting.

    The last two axes share a sweep where a plane is small enough.
    """
    wanted = [axis for axis in range(4) if split[axis] and box[axis] > 1 and math.prod(box) > 0]
    passes = [(axis, False) for axis in wanted if axis < 3]
    if 3 in wanted:
        is_shared = 2 in wanted and box[2] * box[3] <= _PLANE_SAMPLES
        passes = [*passes[:-1], (2, True)] if is_shared else [*passes, (-1, True)]
    return passes


class _Sweeps:
    """Application of the kernels to boxes at the origin of an array."""

    def __init__(self, array: FloatArray, kernel: Any, factors: Any, threads: int):
        self._flat = array.reshape(-1)
        self._strides = tuple(stride // array.itemsize for stride in array.strides)
        self._factors = factors[array.dtype]
        self._kernel = kernel
        self._threads = max(threads, 1)
        self._pool: ThreadPoolExecutor | None = None
        self._stack = ExitStack()

    def __enter__(self) -> _Sweeps:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def run(self, box: tuple[int, ...], across: int, along: bool) -> None:
        """Transform a box along axis `across`, unless it is -1, and along the last axis."""
        shape = self._merged(box, across, along)
        rows = across if across >= 0 else min(range(3), key=shape.__getitem__)
        a, b = (axis for axis in range(3) if axis != rows)
        n, m = shape[rows], shape[3]
        width = m
        if not along:
            width = min(max(_BLOCK_SAMPLES // n, _LEAST_LINES), _MOST_LINES, m)
        geometry = (
            *(shape[a], shape[b], m, n, width),
            *(self._strides[a], self._strides[b], self._strides[rows]),
            *(int(across >= 0), int(along)),
        )
        units = shape[a] * shape[b] * -(-m // width)
        shares = min(self._threads, units) if math.prod(box) >= _WORTH_A_THREAD else 1
        scratch_size = kernels.scratch_size(n if across >= 0 else 0, width)
        scratch = np.empty((shares, scratch_size), self._flat.dtype)
        if shares == 1:
            self._kernel(self._flat, scratch[0], self._factors, geometry, 0, units)
            return
        if self._pool is None:
            self._pool = self._stack.enter_context(ThreadPoolExecutor(self._threads))
        ends = [units * k // shares for k in range(shares + 1)]
        jobs = [
            self._pool.submit(
                self._kernel, self._flat, scratch[k], self._factors, geometry, *ends[k : k + 2]
            )
            for k in range(shares)
        ]
        for job in jobs:
            job.result()

    def _merged(self, box: tuple[int, ...], across: int, along: bool) -> list[int]:
        """Lengths of the box with the axes that follow `across` taken as one where that is one."""
        shape = list(box)
        for axis in (2, 1):
            if along or axis <= across or shape[3] != self._strides[axis]:
                break
            shape[3], shape[axis] = shape[3] * shape[axis], 1
        return shape
