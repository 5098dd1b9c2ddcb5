"""Factors of the 9/7 wavelet (see `wavelet`), its lines along rows, and how loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from codec import compiling
from inrc_plugins.architectures.pyramid.row_operations import (
    address,
    interleave,
    lift_row,
    part,
    scale_row,
)

ALPHA, BETA, GAMMA, DELTA = (
    -1.586134342059924,
    -0.052980118572961,
    0.882911075530934,
    0.443506852043971,
)
SCALE = 1.149604398860241
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
# Argument `factors` of the kernels, in the precision of the lines: of splits, and of joins.
FACTORS = {
    kind: np.array([ALPHA, BETA, GAMMA, DELTA, SCALE, 1 / SCALE, 1], kind) for kind in _FLOATS
}
INVERSE_FACTORS = {
    kind: np.array([-ALPHA, -BETA, -GAMMA, -DELTA, SCALE, 1 / SCALE, 1], kind) for kind in _FLOATS
}

Function = TypeVar("Function", bound=Callable[..., Any])

# A sum in another order would differ between compilers; a fused product is exact and may be used.
# Without _nrt (nothing is allocated inside) kernels with many arrays are up to twice as fast.
_OPTIONS: dict[str, Any] = {"_nrt": False, "fastmath": {"contract", "arcp"}}


def compiled(function: Function) -> Function:
    """Kernel that runs without the lock of the interpreter and allocates nothing."""
    return compiling.compiled(**_OPTIONS, nogil=True)(function)


def inlined(function: Function) -> Function:
    """Part of kernels, compiled with each of them."""
    return compiling.compiled(**_OPTIONS, forceinline=True)(function)


def called(function: Function) -> Function:
    """Part of kernels, compiled once."""
    return compiling.compiled(**_OPTIONS)(function)


@called
def lift(
    sample: Any, first: Any, second: Any, result: Any, width: Any, factor: Any, gain: Any
) -> Any:
    """Row `result` = (sample + factor (first + second)) gain."""
    lift_row((sample, first, second, result), width, (factor, gain))


@called
def scale(row: Any, result: Any, width: Any, gain: Any) -> Any:
    """Row `result` = row gain."""
    scale_row((row, result), width, (gain,))


@inlined
def _mirror_high(scratch: Any, high: Any, pairs: Any) -> Any:
    """Continue the high samples of a line by one on both sides."""
    scratch[high - 1] = scratch[high]
    scratch[high + pairs] = scratch[high + pairs - 1]


@called
def split_line(line: Any, result: Any, n: Any, scratch: Any, place: Any, factors: Any) -> Any:
    """Coefficients of a line of n > 1 samples; `line` and `result` may be the same row.

    scratch[place : place + n + 3] is overwritten: low samples and one that continues them, and high
    samples between two that do.
    """
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    unit, size, half, pairs = factors[6], factors.itemsize, (n + 1) // 2, n // 2
    before = place + half + 1
    low, high = address(scratch, place), address(scratch, before + 1)
    part((line, low, high), pairs, (unit,))
    scale(line + 2 * pairs * size, low + pairs * size, half - pairs, unit)
    scratch[before - 1] = scratch[before - 2]
    lift(high, low, low + size, high, pairs, alpha, unit)
    _mirror_high(scratch, before + 1, pairs)
    lift(low, high - size, high, low, half, beta, unit)
    scratch[before - 1] = scratch[before - 2]
    lift(high, low, low + size, high, pairs, gamma, unit)
    _mirror_high(scratch, before + 1, pairs)
    lift(low, high - size, high, result, half, delta, factors[4])
    scale(high, result + half * size, pairs, factors[5])


@called
def join_line(line: Any, result: Any, n: Any, scratch: Any, place: Any, factors: Any) -> Any:
    """Undo `split_line`."""
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    unit, size, half, pairs = factors[6], factors.itemsize, (n + 1) // 2, n // 2
    before = place + half + 1
    low, high = address(scratch, place), address(scratch, before + 1)
    scale(line, low, half, factors[5])
    scale(line + half * size, high, pairs, factors[4])
    _mirror_high(scratch, before + 1, pairs)
    lift(low, high - size, high, low, half, delta, unit)
    scratch[before - 1] = scratch[before - 2]
    lift(high, low, low + size, high, pairs, gamma, unit)
    _mirror_high(scratch, before + 1, pairs)
    lift(low, high - size, high, low, half, beta, unit)
    scratch[before - 1] = scratch[before - 2]
    lift(high, low, low + size, high, pairs, alpha, unit)
    interleave((low, high, result), pairs, (unit,))
    scale(low + pairs * size, result + 2 * pairs * size, half - pairs, unit)
