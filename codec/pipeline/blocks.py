"""Regular grids cut into blocks, evaluated on all cores with bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from codec.contracts import Evaluator, Values

# Samples per block and component: a few megabytes of intermediates on each thread.
BLOCK_SAMPLES = 1 << 18

Index = npt.NDArray[np.int64]
Window = tuple[slice, ...]


def windows(lengths: Sequence[int], samples: int = BLOCK_SAMPLES) -> Iterator[Window]:
    """Cut an array of `lengths` into windows of at most `samples`, whole rows where possible."""
    sizes = list(lengths)
    for axis in range(len(sizes)):
        rest = math.prod(sizes[axis + 1 :])
        sizes[axis] = max(1, min(sizes[axis], samples // max(1, rest)))
        if rest <= samples:
            break
    starts = [range(0, length, size) for length, size in zip(lengths, sizes, strict=True)]
    for corner in np.ndindex(*(len(axis) for axis in starts)):
        yield tuple(
            slice(axis[at], min(axis[at] + size, length))
            for axis, at, size, length in zip(starts, corner, sizes, lengths, strict=True)
        )


def evaluate_blocks(
    evaluator: Evaluator,
    indices: Sequence[Index],
    threads: int,
    store: Callable[[Window, Values], Any],
) -> None:
    """Evaluate the outer product of `indices` (per axis) and hand each window to `store`.

    `store(window, y)` is called from worker threads, with y (components, *window lengths); windows
    do not overlap. Linear algebra runs on one thread per block, so blocks are the parallelism.
    """
    from threadpoolctl import threadpool_limits

    def work(window: Window) -> None:
        positions = [
            index[part].astype(np.float64) for index, part in zip(indices, window, strict=True)
        ]
        store(window, evaluator.on_axes(positions))

    lengths = [len(index) for index in indices]
    if math.prod(lengths) == 0:
        return
    todo = list(windows(lengths))
    with threadpool_limits(1, "blas"):
        if threads == 1 or len(todo) == 1:
            for window in todo:
                work(window)
            return
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, todo):
                pass
