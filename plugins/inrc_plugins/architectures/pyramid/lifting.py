"""Inner loops of the 9/7 wavelet (see `wavelet`), and the compilation of this package's loops.

Lines are float32 or float64, and so are `scratch` and `factors` (`FACTORS`). `scratch` holds one
block of lines (at least n, lines) or one line (at least n), low samples (the even ones) first.
geometry = (a, b, m, n, stride of a, of b, of m, of n): n is along the lines, m the innermost other
axis, strides are in samples. A unit of work is a block or a line; units first..last-1 are done,
counted in the order a, b, m.

To be vectorised, inner loops run to a length that is not known when compiling (a constant one is
unrolled instead), over slices (whose index is never negative).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from codec import compiling

ALPHA, BETA, GAMMA, DELTA = (
    -1.586134342059924,
    -0.052980118572961,
    0.882911075530934,
    0.443506852043971,
)
SCALE = 1.149604398860241
# Argument `factors` of the kernels, in the precision of the lines.
FACTORS = {
    kind: np.array([ALPHA, BETA, GAMMA, DELTA, SCALE, 1 / SCALE], kind)
    for kind in (np.dtype(np.float32), np.dtype(np.float64))
}

Function = TypeVar("Function", bound=Callable[..., Any])

# A sum in another order would differ between compilers; a fused product is exact and may be used.
# Without _nrt (nothing is allocated inside) kernels with many arrays are up to twice as fast.
_OPTIONS: dict[str, Any] = {"_nrt": False, "fastmath": {"contract", "arcp"}}


def compiled(function: Function) -> Function:
    """Kernel that runs without the lock of the interpreter and allocates nothing."""
    return compiling.compiled(**_OPTIONS, nogil=True)(function)


def inlined(function: Function) -> Function:
    """Part of kernels."""
    return compiling.compiled(**_OPTIONS, inline="always")(function)


@inlined
def _lift_odd(rows: Any, n: Any, width: Any, factor: Any) -> Any:
    """rows[odd] += factor (sum of the two even neighbours), for `width` lines."""
    half = (n + 1) // 2
    for k in range(n - half):
        above = k + 1 if k + 1 < half else k
        for j in range(width):
            rows[half + k, j] += factor * (rows[k, j] + rows[above, j])


@inlined
def _lift_even(rows: Any, n: Any, width: Any, factor: Any) -> Any:
    """rows[even] += factor (sum of the two odd neighbours), for `width` lines."""
    half = (n + 1) // 2
    for k in range(half):
        below = half + (k - 1 if k > 0 else 0)
        above = half + k if half + k < n else half + k - 1
        for j in range(width):
            rows[k, j] += factor * (rows[below, j] + rows[above, j])


@compiled
def split_blocks(
    flat: Any, scratch: Any, factors: Any, geometry: Any, first: Any, last: Any
) -> Any:
    """Split lines along axis 0, 1 or 2; neighbouring lines are neighbours in memory."""
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    scale, inverse_scale = factors[4], factors[5]
    _, b, m, n, step_a, step_b, _, step = geometry
    half = (n + 1) // 2
    most = scratch.shape[1]
    blocks = (m + most - 1) // most
    for unit in range(first, last):
        outer, column = unit // blocks, unit % blocks * most
        start = outer // b * step_a + outer % b * step_b + column
        width = min(most, m - column)
        for i in range(n):
            row = i // 2 if i % 2 == 0 else half + i // 2
            line = flat[start + i * step : start + i * step + width]
            for j in range(width):
                scratch[row, j] = line[j]
        _lift_odd(scratch, n, width, alpha)
        _lift_even(scratch, n, width, beta)
        _lift_odd(scratch, n, width, gamma)
        _lift_even(scratch, n, width, delta)
        for i in range(n):
            gain = scale if i < half else inverse_scale
            line = flat[start + i * step : start + i * step + width]
            for j in range(width):
                line[j] = scratch[i, j] * gain


@compiled
def join_blocks(flat: Any, scratch: Any, factors: Any, geometry: Any, first: Any, last: Any) -> Any:
    """Undo `split_blocks`."""
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    scale, inverse_scale = factors[4], factors[5]
    _, b, m, n, step_a, step_b, _, step = geometry
    half = (n + 1) // 2
    most = scratch.shape[1]
    blocks = (m + most - 1) // most
    for unit in range(first, last):
        outer, column = unit // blocks, unit % blocks * most
        start = outer // b * step_a + outer % b * step_b + column
        width = min(most, m - column)
        for i in range(n):
            gain = inverse_scale if i < half else scale
            line = flat[start + i * step : start + i * step + width]
            for j in range(width):
                scratch[i, j] = line[j] * gain
        _lift_even(scratch, n, width, -delta)
        _lift_odd(scratch, n, width, -gamma)
        _lift_even(scratch, n, width, -beta)
        _lift_odd(scratch, n, width, -alpha)
        for i in range(n):
            row = i // 2 if i % 2 == 0 else half + i // 2
            line = flat[start + i * step : start + i * step + width]
            for j in range(width):
                line[j] = scratch[row, j]


@inlined
def _lift_odd_line(low: Any, high: Any, factor: Any) -> Any:
    """Variant of `_lift_odd` for a line of contiguous samples."""
    for k in range(low.size - 1):
        high[k] += factor * (low[k] + low[k + 1])
    if low.size == high.size:
        high[high.size - 1] += factor * (low[low.size - 1] + low[low.size - 1])


@inlined
def _lift_even_line(low: Any, high: Any, factor: Any) -> Any:
    """Variant of `_lift_even` for a line of contiguous samples."""
    low[0] += factor * (high[0] + high[0])
    for k in range(high.size - 1):
        low[k + 1] += factor * (high[k] + high[k + 1])
    if low.size > high.size:
        low[low.size - 1] += factor * (high[high.size - 1] + high[high.size - 1])


@compiled
def split_lines(flat: Any, scratch: Any, factors: Any, geometry: Any, first: Any, last: Any) -> Any:
    """Split lines along axis 3, each contiguous in memory."""
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    scale, inverse_scale = factors[4], factors[5]
    _, b, m, n, step_a, step_b, step_m, _ = geometry
    half = (n + 1) // 2
    low, high = scratch[:half], scratch[half:n]
    for unit in range(first, last):
        outer = unit // m
        start = outer // b * step_a + outer % b * step_b + unit % m * step_m
        line = flat[start : start + n]
        for k in range(high.size):
            low[k] = line[2 * k]
            high[k] = line[2 * k + 1]
        if n % 2 == 1:
            low[half - 1] = line[n - 1]
        _lift_odd_line(low, high, alpha)
        _lift_even_line(low, high, beta)
        _lift_odd_line(low, high, gamma)
        _lift_even_line(low, high, delta)
        for k in range(half):
            line[k] = low[k] * scale
        upper = line[half:]
        for k in range(high.size):
            upper[k] = high[k] * inverse_scale


@compiled
def join_lines(flat: Any, scratch: Any, factors: Any, geometry: Any, first: Any, last: Any) -> Any:
    """Undo `split_lines`."""
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    scale, inverse_scale = factors[4], factors[5]
    _, b, m, n, step_a, step_b, step_m, _ = geometry
    half = (n + 1) // 2
    low, high = scratch[:half], scratch[half:n]
    for unit in range(first, last):
        outer = unit // m
        start = outer // b * step_a + outer % b * step_b + unit % m * step_m
        line = flat[start : start + n]
        for k in range(half):
            low[k] = line[k] * inverse_scale
        upper = line[half:]
        for k in range(high.size):
            high[k] = upper[k] * scale
        _lift_even_line(low, high, -delta)
        _lift_odd_line(low, high, -gamma)
        _lift_even_line(low, high, -beta)
        _lift_odd_line(low, high, -alpha)
        for k in range(high.size):
            line[2 * k] = low[k]
            line[2 * k + 1] = high[k]
        if n % 2 == 1:
            line[n - 1] = low[half - 1]
