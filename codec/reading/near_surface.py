"""Samples of a field of distances near its zero; elsewhere only their side.

One probe in the middle of each small cube of cells says whether the zero can be in it. Blocks of
cubes where it can are sampled, and so is every block in which signs differ after that, until none
is left: a surface that runs out of what was sampled is followed, and none appears where samples and
sides meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from codec.arrays import BoolArray, Float32Array, Float64Array
from codec.coding.evaluate import Window, evaluate_blocks, evaluate_windows
from codec.plugin_api.evaluator import Evaluator

# How many times as steep as a distance a field may be: fitted ones are not exactly distances.
_STEEPEST = 2.0
# A field may jump to its greatest magnitude so many nodes from its zero (as that of `shell` does).
_TRUSTED = 1.0
# Cells along a cube with one probe, at most, and cubes along a block.
_MOST_CELLS, _CUBES = 4, 2


def samples_near_surface(
    evaluator: Evaluator, axes: list[Float64Array], band: float, threads: int
) -> Float32Array:
    """Samples on the outer product of `axes`, with one more of outside, 1, all around.

    Where a cell of eight samples has both signs, all of them are values of the field; far from
    there they may be 1 or -1 instead, by their side.

    Args:
        evaluator: evaluator of normalised distances, positive outside.
        axes: evenly spaced positions, in nodes, as far apart along every axis.
        band: nodes from the surface to where normalised distances are 1.

    Returns:
        (len(axis) + 2, ...) float32.
    """
    step = max(float(axis[1] - axis[0]) for axis in axes)
    reach = min(band / _STEEPEST, _TRUSTED)
    cells = min(int(2 * reach / (math.sqrt(3) * step)), _MOST_CELLS)
    sampling = _Sampling(evaluator, axes, threads)
    if cells < 2:
        # The probes are as many as the samples.
        sampling.sample_all()
        return sampling.samples
    blocks = _Blocks(sampling.samples.shape, cells * _CUBES)
    near = sampling.probe(cells, _STEEPEST * math.sqrt(3) / 2 * cells * step / band)
    todo = blocks.holding(near) | blocks.mixed(sampling.samples < 0)
    done = np.zeros_like(todo)
    while todo.any():
        sampling.sample(blocks.runs(todo))
        done |= todo
        todo = blocks.mixed(sampling.samples < 0) & ~done
    return sampling.samples


class _Sampling:
    """The samples and where they come from.

    Attributes:
        samples: samples of all positions and what is around them.
    """

    def __init__(self, evaluator: Evaluator, axes: list[Float64Array], threads: int) -> None:
        self._evaluator = evaluator
        self._axes = axes
        self._threads = threads
        self.samples = np.ones([len(axis) + 2 for axis in axes], np.float32)
        self._inner = self.samples[1:-1, 1:-1, 1:-1]

    def sample_all(self) -> None:
        """Every sample is evaluated."""

        def store(window: Window, values: npt.NDArray[np.floating]) -> None:
            self._inner[window] = values[0]

        evaluate_blocks(self._evaluator, self._axes, self._threads, store)

    def probe(self, cells: int, limit: float) -> BoolArray:
        """Fill the samples of each cube with its side.

        Args:
            cells: along a cube; the first begin at the first of all samples.
            limit: magnitude below which a probe has the zero in its cube.

        Returns:
            Per cube, whether the zero can be in it.
        """
        places = []
        for axis, size in zip(self._axes, self.samples.shape, strict=True):
            middle = np.arange(0, size - 1, cells) + cells / 2 - 1
            places.append(np.clip(middle * (axis[1] - axis[0]), 0, axis[-1]))
        probes = np.empty([len(axis) for axis in places], np.float32)

        def store(window: Window, values: npt.NDArray[np.floating]) -> None:
            probes[window] = values[0]

        evaluate_blocks(self._evaluator, places, self._threads, store)
        filled = np.where(probes < 0, np.float32(-1), np.float32(1))
        for number, size in enumerate(self.samples.shape):
            filled = filled.take(np.arange(1, size - 1) // cells, number)
        self._inner[...] = filled
        return np.abs(probes) < limit

    def sample(self, parts: Iterator[Window]) -> None:
        """Evaluate windows of the samples."""
        chosen = []
        for part in parts:
            pairs = zip(part, self._axes, strict=True)
            chosen.append(
                tuple(slice(max(p.start - 1, 0), min(p.stop - 1, len(a))) for p, a in pairs)
            )
        # In their order: whose values stay where they overlap does not depend on threads.
        for window, values in evaluate_windows(self._evaluator, self._axes, chosen, self._threads):
            self._inner[window] = values[0]


class _Blocks:
    """Blocks of cells; those side by side share the samples between them.

    Args:
        shape: shape of the samples.
        cells: along a block.
    """

    def __init__(self, shape: tuple[int, ...], cells: int) -> None:
        self._cells = cells
        self._starts = [np.arange(0, size - 1, cells) for size in shape]
        self._ends = [
            np.minimum(start + cells, size - 1)
            for start, size in zip(self._starts, shape, strict=True)
        ]

    def holding(self, cubes: BoolArray) -> BoolArray:
        """Blocks in which any cube is set."""
        for axis, starts in enumerate(self._starts):
            first = np.arange(len(starts)) * _CUBES
            cubes = np.logical_or.reduceat(cubes, first, axis)
        return cubes

    def mixed(self, inside: BoolArray) -> BoolArray:
        """Blocks with samples on both sides."""
        some, every = inside, inside
        for axis, (starts, ends) in enumerate(zip(self._starts, self._ends, strict=True)):
            some = np.logical_or.reduceat(some, starts, axis) | some.take(ends, axis)
            every = np.logical_and.reduceat(every, starts, axis) & every.take(ends, axis)
        return some & ~every

    def runs(self, chosen: BoolArray) -> Iterator[Window]:
        """Windows of the samples of blocks, those in a row along the last axis together."""
        steps = np.diff(np.pad(chosen, ((0, 0), (0, 0), (1, 1))).astype(np.int8), axis=2)
        # Both are in the same order, and every run has one of each.
        firsts, lasts = np.argwhere(steps > 0), np.argwhere(steps < 0)
        lasts[:, 2] -= 1
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
            yield tuple(
                slice(int(starts[a]), int(ends[b]) + 1)
                for starts, ends, a, b in zip(self._starts, self._ends, first, last, strict=True)
            )
