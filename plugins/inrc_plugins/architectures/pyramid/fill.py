"""Samples that do not exist, filled so that they cost few bits (the encoder's choice, not format).

First a smooth extension: averages of the valid samples over ever larger cells, interpolated back
down (pull-push), and a few Jacobi steps towards the harmonic function. Then projections in turn on
"few coefficients" (a soft threshold, which falls from round to round) and on "agrees with the
valid samples", with Nesterov's momentum. On the Levitus volume that took 29 % fewer bytes than
harmonic values (docs/research/pyramid-effort-0/NOTES.md, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float32Array
from inrc_plugins.architectures.pyramid import wavelet
from inrc_plugins.architectures.pyramid.lifting import compiled

_JACOBI_STEPS = 4
# The threshold in steps: at first, at last, and the part of the rounds in which it falls.
_FIRST_THRESHOLD, _LAST_THRESHOLD, _FALLING = 20.0, 0.6, 0.7


def fill(
    array: Float32Array,
    valid: BoolArray,
    levels: Sequence[int],
    separate: Sequence[int],
    step: float,
    rounds: int = 20,
    threads: int = 1,
) -> Float32Array:
    """A copy of `array` whose invalid samples have values that cost few bits.

    Args:
        array: (n0, n1, n2, n3) float32; what it holds where it is invalid does not matter.
        valid: same shape, bool.
        levels: halvings of each axis in the joint wavelet.
        separate: halvings of each axis that has a wavelet of its own, applied before; 0 for others.
        step: of the coefficients' quantiser.
        rounds: of projection.
        threads: for the transforms.

    Returns:
        float32, C-contiguous; valid samples as they were. Two arrays of this size are in use.
    """
    valid = np.ascontiguousarray(valid, np.bool_)
    filled = pull_push(np.array(array, np.float32, order="C"), valid)
    if valid.all() or not valid.any():
        return filled
    work = filled.copy()
    for _ in range(_JACOBI_STEPS):
        _jacobi(work, filled, valid)
        work, filled = filled, work
    if max(levels) > 0:
        work[...] = filled
        _project(filled, work, valid, (levels, separate), step, rounds, threads)
    return filled


def _project(
    filled: Float32Array,
    work: Float32Array,
    valid: BoolArray,
    transforms: tuple[Sequence[int], Sequence[int]],
    step: float,
    rounds: int,
    threads: int,
) -> None:
    """Improve the invalid samples of `kept`; `work` is a copy of it and is used up.

    Without joint levels there is no band but the low one, which is never thresholded.
    """
    joint, single = transforms
    low = np.array(wavelet.box_sizes(filled.shape, joint, max(joint)))
    flat, flat_work, flat_valid = filled.reshape(-1), work.reshape(-1), valid.reshape(-1)
    for number in range(rounds):
        part = number / max(rounds * _FALLING, 1)
        falling = _FIRST_THRESHOLD * (_LAST_THRESHOLD / _FIRST_THRESHOLD) ** part
        wavelet.forward(work, single, threads)
        wavelet.forward(work, joint, threads)
        _shrink(work, low, np.float32(step * max(_LAST_THRESHOLD, falling)))
        wavelet.inverse(work, joint, threads=threads)
        wavelet.inverse(work, single, threads=threads)
        _restore(flat, flat_work, flat_valid, np.float32(number / (number + 3)))


def pull_push(array: Float32Array, valid: BoolArray) -> Float32Array:
    """Fill invalid samples in place with a smooth extension of the valid ones; gives `array`.

    Args:
        array: 4-D float32, C-contiguous.
        valid: same shape, bool.
    """
    if valid.all():
        return array
    if not valid.any():
        array[...] = 0
        return array
    shape = tuple((length + 1) // 2 for length in array.shape)
    cells, known = np.empty(shape, np.float32), np.empty(shape, np.bool_)
    _pull(array, valid, cells, known, np.empty(shape[3], np.float32))
    pull_push(cells, known)
    _push(cells, array, valid, np.empty(shape[3] + 2, np.float32))
    return array


# Kernels work row by row along the last axis, so that their inner loops are vectorised.


@compiled
def _pull(array: Any, valid: Any, cells: Any, known: Any, counts: Any) -> None:
    """Mean of the valid samples of every cell of 2 x 2 x 2 x 2, and whether there is one.

    `counts` is scratch, as long as a row of cells.
    """
    n0, n1, n2, n3 = array.shape
    for i, j, k in np.ndindex(cells.shape[:3]):
        sums = cells[i, j, k]
        sums[:] = 0
        counts[:] = 0
        for a in range(2 * i, min(2 * i + 2, n0)):
            for b in range(2 * j, min(2 * j + 2, n1)):
                for c in range(2 * k, min(2 * k + 2, n2)):
                    row, is_valid = array[a, b, c], valid[a, b, c]
                    for m in range(n3 // 2):
                        first = row[2 * m] if is_valid[2 * m] else np.float32(0)
                        second = row[2 * m + 1] if is_valid[2 * m + 1] else np.float32(0)
                        sums[m] += first + second
                        counts[m] += np.float32(is_valid[2 * m]) + np.float32(is_valid[2 * m + 1])
                    if n3 % 2 == 1 and is_valid[n3 - 1]:
                        sums[n3 // 2] += row[n3 - 1]
                        counts[n3 // 2] += np.float32(1)
        for m in range(sums.size):
            sums[m] /= max(counts[m], np.float32(1))
            known[i, j, k, m] = counts[m] > 0


@compiled
def _push(cells: Any, array: Any, valid: Any, blend: Any) -> None:
    """Fill invalid samples by linear interpolation between the centres of cells.

    A sample is a quarter of a cell from the centre of its own; the other cell is on its side.
    `blend` is scratch: cells interpolated to a row of samples, with the end cells repeated.
    """
    m0, m1, m2, m3 = cells.shape
    for i, j, k in np.ndindex(array.shape[:3]):
        blend[:] = 0
        for corner in range(8):
            a, b, c = i // 2, j // 2, k // 2
            if corner & 4:
                a = min(max(a + 2 * (i % 2) - 1, 0), m0 - 1)
            if corner & 2:
                b = min(max(b + 2 * (j % 2) - 1, 0), m1 - 1)
            if corner & 1:
                c = min(max(c + 2 * (k % 2) - 1, 0), m2 - 1)
            weight = np.float32(1)
            for bit in range(3):
                weight *= np.float32(0.25) if corner >> bit & 1 else np.float32(0.75)
            row = cells[a, b, c]
            for m in range(m3):
                blend[m + 1] += weight * row[m]
        blend[0], blend[m3 + 1] = blend[1], blend[m3]
        line, is_valid = array[i, j, k], valid[i, j, k]
        for m in range(line.size):
            if not is_valid[m]:
                other = blend[m // 2 + 2 * (m % 2)]
                line[m] = np.float32(0.75) * blend[m // 2 + 1] + np.float32(0.25) * other


@compiled
def _jacobi(new: Any, old: Any, valid: Any) -> None:
    """Invalid samples of `new` become the mean of their neighbours in `old`.

    A neighbour outside is the sample itself; axes of length 1 do not count.
    """
    n0, n1, n2, n3 = old.shape
    axes = (n0 > 1) + (n1 > 1) + (n2 > 1) + (n3 > 1)
    share = np.float32(1) / np.float32(2 * axes)
    w0, w1, w2 = np.float32(n0 > 1), np.float32(n1 > 1), np.float32(n2 > 1)
    for i, j, k in np.ndindex(old.shape[:3]):
        a, b = old[max(i - 1, 0), j, k], old[min(i + 1, n0 - 1), j, k]
        c, d = old[i, max(j - 1, 0), k], old[i, min(j + 1, n1 - 1), k]
        e, f = old[i, j, max(k - 1, 0)], old[i, j, min(k + 1, n2 - 1)]
        row, target, is_valid = old[i, j, k], new[i, j, k], valid[i, j, k]
        for m in range(n3):
            total = w0 * (a[m] + b[m]) + w1 * (c[m] + d[m]) + w2 * (e[m] + f[m])
            if n3 > 1:
                total += row[max(m - 1, 0)] + row[min(m + 1, n3 - 1)]
            mean = total * share
            target[m] = row[m] if is_valid[m] else mean


@compiled
def _shrink(coefficients: Any, low: Any, threshold: Any) -> None:
    """Soft threshold of all coefficients outside the low box."""
    for i, j, k in np.ndindex(coefficients.shape[:3]):
        inside = i < low[0] and j < low[1] and k < low[2]
        row = coefficients[i, j, k, low[3] if inside else 0 :]
        for m in range(row.size):
            row[m] -= min(max(row[m], -threshold), threshold)


@compiled
def _restore(filled: Any, work: Any, valid: Any, momentum: Any) -> None:
    """Take over the invalid samples of `work`, then move `work` on by the change times momentum."""
    for i in range(filled.size):
        old, new = filled[i], work[i]
        new = old if valid[i] else new
        work[i] = new + momentum * (new - old)
        filled[i] = new
