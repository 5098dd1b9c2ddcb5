"""Weights of a band, fitted to a sample of its coefficients.

Magnitudes: least squares, weighted by the inverse of the expected magnitude, with no weight below
0. Signs: ridge regression.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import Float64Array, Int64Array
from codec.entropy.compilation import kernel
from codec.entropy.static.alphabet import (
    CONSTANT,
    MOST_SIGN_WEIGHT,
    MOST_WEIGHT,
    TAP_COUNTS,
    TAPS,
    WEIGHT_BITS,
    WEIGHTS,
)
from codec.entropy.static.contexts import MARGIN, row_number

# Coefficients of a band that weights are fitted to, about.
SAMPLE = 12000
# Units of the weights: of a magnitude, and of a sign.
_UNIT, _SIGN_UNIT = 64.0, 32.0
# A fit of so many coefficients that are not 0 has sign weights.
_FEWEST_SIGNS = 100
_ROUNDS = 3
# Columns: taps, the constant, parent, siblings, then the target; taps with signs, then the target.
COLUMNS = WEIGHTS + 1 + TAPS + 1


@kernel
def sample_rows(
    values: Any,
    place: Any,
    clipped: Any,
    parents: Any,
    siblings: Any,
    stride: Any,
    start: Any,
    out: Any,
) -> Any:
    """Taps, priors and coefficients of every so many positions of a block.

    Args:
        values: int32, four axes, C-contiguous, of which the block is a part.
        place: (2, 4) int64: the block's first index and its shape.
        clipped: int8 rows of the block.
        parents, siblings: int16 of the block's shape: w_8 = 8 and w_9 = 8 alone.
        stride: positions from one that is taken to the next.
        start: the first of them.
        out: float64 (room, COLUMNS).

    Returns:
        Rows that were filled, and where the next block starts.
    """
    o0, o1, o2, o3 = place[0]
    slabs, planes, rows, length = place[1]
    filled = 0
    size = slabs * planes * rows * length
    at = start
    while at < size and filled < out.shape[0]:
        x = at % length
        line = at // length
        row = line % rows
        plane = line // rows % planes
        slab = line // (rows * planes)
        number = row_number(slab, plane, row, planes, rows)
        up = rows + 3
        i = x + MARGIN
        north, above, far = clipped[number - 1], clipped[number - up], clipped[number - 2]
        an, as_ = clipped[number - up - 1], clipped[number - up + 1]
        far_above = clipped[number - 2 * up]
        past = clipped[number - (planes + 3) * up if slab > 0 else 0]
        taps = out[filled]
        pairs = (
            (north[i], np.int8(0)), (north[i - 1], north[i + 1]), (above[i], np.int8(0)),
            (above[i - 1], above[i + 1]), (an[i], as_[i]), (far[i], far_above[i]),
            (past[i], np.int8(0)),
        )  # fmt: skip
        for tap in range(7):
            first, second = np.float64(pairs[tap][0]), np.float64(pairs[tap][1])
            taps[tap] = abs(first) + abs(second)
            taps[11 + tap] = first + second
        taps[7] = 1.0 / 64.0
        taps[8] = parents[slab, plane, row, x] / 8.0
        taps[9] = siblings[slab, plane, row, x] / 8.0
        value = min(max(np.float64(values[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length][x]), -127.0), 127.0)
        taps[10] = abs(value)
        taps[18] = value
        filled += 1
        at += stride
    return filled, at - size


def fitted(sample: Float64Array, known: Int64Array, numbers: list[int]) -> Int64Array:
    """(17,) weights for a sample.

    Args:
        sample: (n, COLUMNS) of `sample_rows`.
        known: weights that the stream need not give; those not in `numbers` stay.
        numbers: weights that the stream can give.
    """
    weights = known.copy()
    columns = [number for number in numbers if number < WEIGHTS]
    weights[columns] = _magnitude_weights(sample[:, columns], sample[:, WEIGHTS], columns)
    taps = [number - WEIGHTS for number in numbers if number >= WEIGHTS]
    weights[[WEIGHTS + tap for tap in taps]] = 0
    values = sample[:, -1]
    nonzero = values != 0
    if nonzero.sum() > _FEWEST_SIGNS:
        signed = sample[nonzero][:, [WEIGHTS + 1 + tap for tap in taps]]
        weights[[WEIGHTS + tap for tap in taps]] = _sign_weights(signed, values[nonzero])
    return _bounded(weights)


def _magnitude_weights(
    features: Float64Array, target: Float64Array, columns: list[int]
) -> Int64Array:
    expected = np.full(len(target), max(float(target.mean()), 0.02))
    solution = np.full(features.shape[1], 0.1)
    for _ in range(_ROUNDS):
        importance = 1 / ((expected + 0.02) * (expected + 0.3))
        gram = (features * importance[:, None]).T @ features
        moment = features.T @ (importance * target)
        solution = _nonnegative(gram, moment)
        expected = np.maximum(features @ solution, 0.005)
    scaled = np.where(np.array(columns) == CONSTANT, solution, solution * _UNIT)
    return np.clip(np.rint(scaled), 0, (1 << WEIGHT_BITS) - 1).astype(np.int64)


def _nonnegative(gram: Float64Array, moment: Float64Array) -> Float64Array:
    """Least squares with no entry below 0: entries that are leave the system one after the other."""
    gram = gram + 1e-9 * max(float(np.trace(gram)), 1e-12) * np.eye(len(gram))
    active = np.ones(len(gram), bool)
    solution = np.zeros(len(gram))
    while active.any():
        solution = np.zeros(len(gram))
        solution[active] = np.linalg.solve(gram[np.ix_(active, active)], moment[active])
        if solution.min() >= 0:
            break
        active &= solution > 0
    return np.maximum(solution, 0)


def _sign_weights(taps: Float64Array, values: Float64Array) -> Int64Array:
    importance = 1 / (np.abs(taps).sum(axis=1) + np.abs(values) + 0.5)
    gram = (taps * importance[:, None]).T @ taps + 1e-2 * np.eye(taps.shape[1])
    solution = np.linalg.solve(gram, taps.T @ (importance * values))
    most = (1 << (WEIGHT_BITS - 1)) - 1
    return np.clip(np.rint(solution * _SIGN_UNIT), -most, most).astype(np.int64)


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
