"""Grids cut into blocks and points into runs, evaluated on all cores with bounded memory.

Linear algebra runs on one thread per block or run, so these are the parallelism, and the values of
a block do not depend on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from codec.arrays import Float64Array, FloatArray, Int64Array
from codec.plugin_api.evaluator import Evaluator

# Samples per block and component: a few megabytes of intermediates on each thread.
BLOCK_SAMPLES = 1 << 18
# Points evaluated at once; evaluators cut these into smaller parts.
RUN_POINTS = 1 << 14

Window = tuple[slice, ...]
T = TypeVar("T")
R = TypeVar("R")


def windows(lengths: Sequence[int], samples: int = BLOCK_SAMPLES) -> Iterator[Window]:
    """Cut an array of `lengths` into windows of at most `samples`, whole rows where possible."""
    sizes = list(lengths)
    for axis in range(len(sizes)):
        row_samples = math.prod(sizes[axis + 1 :])
        sizes[axis] = max(1, min(sizes[axis], samples // max(1, row_samples)))
        if row_samples <= samples:
            break
    starts = [range(0, length, size) for length, size in zip(lengths, sizes, strict=True)]
    for corner in np.ndindex(*(len(axis) for axis in starts)):
        yield tuple(
            slice(axis[at], min(axis[at] + size, length))
            for axis, at, size, length in zip(starts, corner, sizes, lengths, strict=True)
        )


def evaluate_blocks(
    evaluator: Evaluator,
    indices: Sequence[Int64Array | Float64Array],
    threads: int,
    store: Callable[[Window, FloatArray], Any],
) -> None:
    """Evaluate the outer product of `indices` (per axis) and hand each window to `store`.

    `store(window, y)` is called from worker threads, with y (components, *window lengths); windows
    do not overlap.
    """

    def work(window: Window) -> None:
        store(window, _evaluated(evaluator, indices, window))

    lengths = [len(index) for index in indices]
    if math.prod(lengths):
        for _ in _on_threads(work, list(windows(lengths)), threads):
            pass


def evaluate_windows(
    evaluator: Evaluator,
    indices: Sequence[Int64Array | Float64Array],
    chosen: Sequence[Window],
    threads: int,
) -> Iterator[tuple[Window, FloatArray]]:
    """Evaluate some windows, which may overlap, of the outer product of `indices`.

    Yields:
        Each window, in the order given, and its y: (components, *window lengths).
    """

    def work(window: Window) -> tuple[Window, FloatArray]:
        return window, _evaluated(evaluator, indices, window)

    yield from _on_threads(work, chosen, threads)


def evaluate_points(
    at: Callable[[Float64Array], FloatArray], points: Float64Array, threads: int
) -> FloatArray:
    """Values of `at`, such as `Evaluator.at`, for (n, axes) points, in runs: (components, n)."""
    starts = range(0, max(len(points), 1), RUN_POINTS)
    runs = [points[start : start + RUN_POINTS] for start in starts]

    def work(run: Float64Array) -> FloatArray:
        with np.errstate(over="ignore", invalid="ignore"):
            return at(run)

    return np.concatenate(list(_on_threads(work, runs, threads)), axis=-1)


def _evaluated(
    evaluator: Evaluator, indices: Sequence[Int64Array | Float64Array], window: Window
) -> FloatArray:
    pairs = zip(indices, window, strict=True)
    # Values that are not finite may come of a file; VAL-2 says what they count as.
    with np.errstate(over="ignore", invalid="ignore"):
        return evaluator.on_axes([index[part].astype(np.float64) for index, part in pairs])


def _on_threads(work: Callable[[T], R], todo: Sequence[T], threads: int) -> Iterable[R]:
    """Results of `work` in the order of `todo`."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        if threads == 1 or len(todo) <= 1:
            yield from map(work, todo)
            return
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(work, todo)
