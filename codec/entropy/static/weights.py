"""Weights of a band, fitted to a sample of its coefficients.

Magnitudes: least squares, weighted by the inverse of the expected magnitude, with no weight below
0. Signs: ridge regression.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import Float32Array, Float64Array, Int64Array
from codec.entropy.compilation import inlined, kernel
from codec.entropy.static.alphabet import (
    CONSTANT,
    MOST_SIBLINGS,
    MOST_SIGN_WEIGHT,
    MOST_WEIGHT,
    TAP_COUNTS,
    TAPS,
    WEIGHT_BITS,
    WEIGHTS,
)
from codec.entropy.static.contexts import MARGIN, row_number

# Coefficients of a band that weights are fitted to, about.
SAMPLE = 6000
# Units of the weights: of a magnitude, and of a sign.
_UNIT, _SIGN_UNIT = 64.0, 32.0
# A fit of so many coefficients that are not 0 has sign weights.
_FEWEST_SIGNS = 100
_ROUNDS = 2
# Columns: taps, the constant, parent, siblings, then the target; taps with signs, then the target.
COLUMNS = WEIGHTS + 1 + TAPS + 1


@kernel
def sample_rows(
    values: Any,
    place: Any,
    inside: Any,
    clipped: Any,
    parent: Any,
    halved: Any,
    siblings: Any,
    stride: Any,
    out: Any,
    progress: Any,
) -> None:
    """Taps, priors and coefficients of every so many positions of a block.

    Args:
        values: int32, four axes, C-contiguous, of which the block is a part.
        place: (2, 4) int64: the block's first index and its shape; `inside`: the same in its band.
        clipped: int8 rows of the block.
        parent, halved, siblings: see `block_priors`.
        stride: positions from one that is taken to the next.
        out: float32 (COLUMNS, room).
        progress: int64 (2,): columns that are filled, and the first position that is taken of this
            block; then those of the next.
    """
    o0, o1, o2, o3 = place[0, 0], place[0, 1], place[0, 2], place[0, 3]
    i0, i1, i2, i3 = inside[0, 0], inside[0, 1], inside[0, 2], inside[0, 3]
    slabs, planes, rows, length = place[1, 0], place[1, 1], place[1, 2], place[1, 3]
    size = slabs * planes * rows * length
    filled, at = progress[0], progress[1]
    while at < size and filled < out.shape[1]:
        x = at % length
        line = at // length
        row = line % rows
        plane = line // rows % planes
        slab = line // (rows * planes)
        number = row_number(slab, plane, row, planes, rows)
        up = rows + 3
        i = x + MARGIN
        taps = out[:, filled]
        _put_tap(taps, 0, clipped[number - 1, i], np.int8(0))
        _put_tap(taps, 1, clipped[number - 1, i - 1], clipped[number - 1, i + 1])
        _put_tap(taps, 2, clipped[number - up, i], np.int8(0))
        _put_tap(taps, 3, clipped[number - up, i - 1], clipped[number - up, i + 1])
        _put_tap(taps, 4, clipped[number - up - 1, i], clipped[number - up + 1, i])
        _put_tap(taps, 5, clipped[number - 2, i], clipped[number - 2 * up, i])
        past = number - (planes + 3) * up if slab > 0 else 0
        _put_tap(taps, 6, clipped[past, i], np.int8(0))
        taps[7] = np.float32(1.0 / 64.0)
        taps[8] = 0.0
        if parent.size > 0:
            taps[8] = (
                parent[
                    min((i0 + slab) >> halved[0], parent.shape[0] - 1),
                    min((i1 + plane) >> halved[1], parent.shape[1] - 1),
                    min((i2 + row) >> halved[2], parent.shape[2] - 1),
                    min((i3 + x) >> halved[3], parent.shape[3] - 1),
                ]
                / 8.0
            )
        taps[9] = 0.0
        if siblings.size > 0:
            near = np.float64(siblings[i0 + slab, i1 + plane, i2 + row, i3 + x])
            taps[9] = min(near, np.float64(MOST_SIBLINGS)) / 8.0
        integer = np.float64(values[o0 + slab, o1 + plane, o2 + row, o3 + x])
        value = min(max(integer, np.float64(-127)), np.float64(127))
        taps[10] = abs(value)
        taps[18] = value
        filled += 1
        at += stride
    progress[0], progress[1] = filled, at - size


@inlined
def _put_tap(taps: Any, tap: Any, first: Any, second: Any) -> None:
    taps[tap] = abs(np.float64(first)) + abs(np.float64(second))
    taps[11 + tap] = np.float64(first) + np.float64(second)


def fitted(sample: Float32Array, known: Int64Array, numbers: list[int]) -> Int64Array:
    """(17,) weights for a sample.

    Args:
        sample: (COLUMNS, n) of `sample_rows`, C-contiguous.
        known: weights that the stream need not give; those not in `numbers` stay.
        numbers: weights that the stream can give.
    """
    weights = known.copy()
    columns = [number for number in numbers if number < WEIGHTS]
    weights[columns] = _magnitude_weights(sample, known, columns)
    taps = [number - WEIGHTS for number in numbers if number >= WEIGHTS]
    weights[[WEIGHTS + tap for tap in taps]] = 0
    if np.count_nonzero(sample[-1]) > _FEWEST_SIGNS:
        gram, moment = np.zeros((TAPS, TAPS)), np.zeros(TAPS)
        _sign_system(sample, np.empty_like(sample[:2]), gram, moment)
        gram, moment = gram[np.ix_(taps, taps)], moment[taps]
        solution = np.linalg.solve(gram + 1e-2 * np.eye(len(taps)), moment)
        most = (1 << (WEIGHT_BITS - 1)) - 1
        rounded = np.clip(np.rint(solution * _SIGN_UNIT), -most, most)
        weights[[WEIGHTS + tap for tap in taps]] = rounded.astype(np.int64)
    return _bounded(weights)


def _magnitude_weights(sample: Float32Array, known: Int64Array, columns: list[int]) -> Int64Array:
    weights = np.zeros(WEIGHTS, np.float32)
    weights[columns] = known[columns] / _UNIT
    weights[CONSTANT] = known[CONSTANT]
    for _ in range(_ROUNDS):
        gram, moment = np.zeros((WEIGHTS, WEIGHTS)), np.zeros(WEIGHTS)
        _magnitude_system(sample, weights, np.empty_like(sample[:2]), gram, moment)
        weights[columns] = _nonnegative(gram[np.ix_(columns, columns)], moment[columns])
    scaled = weights * _UNIT
    scaled[CONSTANT] = weights[CONSTANT]
    rounded: Int64Array = np.clip(np.rint(scaled), 0, (1 << WEIGHT_BITS) - 1).astype(np.int64)
    return rounded[columns]


@inlined
def _product(first: Any, second: Any) -> Any:
    """Sum of products of float32 lines, in eight sums that a processor adds up at once."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = np.float32(0)
    for at in range(0, first.size - 7, 8):
        s0 += first[at] * second[at]
        s1 += first[at + 1] * second[at + 1]
        s2 += first[at + 2] * second[at + 2]
        s3 += first[at + 3] * second[at + 3]
        s4 += first[at + 4] * second[at + 4]
        s5 += first[at + 5] * second[at + 5]
        s6 += first[at + 6] * second[at + 6]
        s7 += first[at + 7] * second[at + 7]
    for at in range(first.size & ~7, first.size):
        s0 += first[at] * second[at]
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))


@kernel
def _magnitude_system(sample: Any, weights: Any, scratch: Any, gram: Any, moment: Any) -> None:
    """Normal equations, each position weighted by the inverse of the variance it should have.

    Args:
        sample: (COLUMNS, n) float32.
        weights: (10,) float32, of which the variance follows.
        scratch: (2, n) float32.
        gram, moment: float64 zeros, to be filled.
    """
    importance, weighted = scratch[0], scratch[1]
    importance[:] = np.float32(0)
    for column in range(10):
        line, weight = sample[column], weights[column]
        for at in range(importance.size):
            importance[at] += weight * line[at]
    for at in range(importance.size):
        expected = max(importance[at], np.float32(0.005))
        importance[at] = np.float32(1) / (
            (expected + np.float32(0.02)) * (expected + np.float32(0.3))
        )
    for column in range(10):
        line = sample[column]
        for at in range(importance.size):
            weighted[at] = importance[at] * line[at]
        for other in range(column + 1):
            gram[column, other] = _product(weighted, sample[other])
            gram[other, column] = gram[column, other]
        moment[column] = _product(weighted, sample[10])


@kernel
def _sign_system(sample: Any, scratch: Any, gram: Any, moment: Any) -> None:
    """Normal equations of the coefficients that are not 0."""
    importance, weighted = scratch[0], scratch[1]
    values = sample[18]
    for at in range(importance.size):
        importance[at] = abs(values[at]) + np.float32(0.5)
    for tap in range(7):
        line = sample[11 + tap]
        for at in range(importance.size):
            importance[at] += abs(line[at])
    for at in range(importance.size):
        importance[at] = np.float32(values[at] != 0) / importance[at]
    for tap in range(7):
        line = sample[11 + tap]
        for at in range(importance.size):
            weighted[at] = importance[at] * line[at]
        for other in range(tap + 1):
            gram[tap, other] = _product(weighted, sample[11 + other])
            gram[other, tap] = gram[tap, other]
        moment[tap] = _product(weighted, values)


def _nonnegative(gram: Float64Array, moment: Float64Array) -> Float64Array:
    """Least squares with no entry below 0: those that are leave the system round by round."""
    size = len(gram)
    ridge = 1e-9 * max(float(np.trace(gram)), 1e-12)
    solution = np.zeros(size)
    _solve_nonnegative(gram + ridge * np.eye(size), moment, np.zeros((size, size + 1)), solution)
    return solution


@kernel
def _solve_nonnegative(gram: Any, moment: Any, system: Any, solution: Any) -> None:
    """Solve by elimination, again without the unknowns that came out below 0.

    Args:
        gram: (n, n) float64, positive definite.
        moment: (n,) float64.
        system: (n, n + 1) float64, overwritten.
        solution: (n,) float64 zeros, to be filled; an entry of -1 marks an unknown that has left.
    """
    size = solution.size
    again = True
    while again:
        again = False
        for row in range(size):
            for column in range(size):
                both = solution[row] >= 0.0 and solution[column] >= 0.0
                same = 1.0 if row == column else 0.0
                system[row, column] = gram[row, column] if both else same
            system[row, size] = moment[row] if solution[row] >= 0.0 else 0.0
        for pivot in range(size):
            for row in range(pivot + 1, size):
                factor = system[row, pivot] / system[pivot, pivot]
                for column in range(pivot, size + 1):
                    system[row, column] -= factor * system[pivot, column]
        for row in range(size - 1, -1, -1):
            total = system[row, size]
            for column in range(row + 1, size):
                total -= system[row, column] * system[column, size]
            system[row, size] = total / system[row, row]
        for row in range(size):
            if solution[row] >= 0.0 and system[row, size] < 0.0:
                solution[row] = -1.0
                again = True
    for row in range(size):
        solution[row] = system[row, size] if solution[row] >= 0.0 else 0.0


def _bounded(weights: Int64Array) -> Int64Array:
    """Weights scaled down where contexts could overflow (STA-2)."""
    weight = int(weights[:TAPS] @ TAP_COUNTS)
    if weight > MOST_WEIGHT:
        weights[:TAPS] = weights[:TAPS] * MOST_WEIGHT // weight
    weight = int(np.abs(weights[WEIGHTS:]) @ TAP_COUNTS)
    if weight > MOST_SIGN_WEIGHT:
        scaled = np.abs(weights[WEIGHTS:]) * MOST_SIGN_WEIGHT // weight
        weights[WEIGHTS:] = np.sign(weights[WEIGHTS:]) * scaled
    return weights
