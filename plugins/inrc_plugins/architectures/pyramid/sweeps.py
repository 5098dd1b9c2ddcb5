"""Kernels of the 9/7 wavelet (see `wavelet`): lines of a box, transformed in place.

geometry = (a, b, m, n, stride of a, of b, of n, across, along): there are a * b blocks of n rows of
m contiguous samples; strides are in samples. If `across`, the lines across rows are transformed, n
samples each; if `along`, those along rows are, after the others when splitting, before them when
joining. A unit of work is a block, cut into columns as wide as `scratch` where only `across` is
asked for; units first..last-1 are done, counted in the order a, b, column.

`scratch` (rows_of_scratch(n), width) is overwritten; with `along` it is at least m wide.
"""

from __future__ import annotations

from typing import Any

from inrc_plugins.architectures.pyramid.lifting import (
    WARM_UP,
    compiled,
    copy,
    inlined,
    join_last_rows,
    join_line,
    join_rows,
    request,
    split_last_rows,
    split_line,
    split_rows,
)

# Rows of `scratch`: four for the state of the steps across rows, three for results, one for a line
# while it is lifted, and half of the rows of a block.
import os
AHEAD=int(os.environ.get('AHEAD','8'))
_FIRST, _SECOND, _THIRD, _LINE, _HALF = 4, 5, 6, 7, 8


def rows_of_scratch(n: int) -> int:
    """Rows that `scratch` needs for blocks of n rows."""
    return _HALF + (n + 1) // 2


@inlined
def _row(flat: Any, start: Any, width: Any) -> Any:
    return flat[start : start + width]


@inlined
def _mirrored(row: Any, n: Any) -> Any:
    """Row of the same samples inside 0..n-1, for n of at least 2."""
    period = 2 * (n - 1)
    row %= period
    return min(row, period - row)


@compiled
def split(flat: Any, scratch: Any, factors: Any, geometry: Any, first: Any, last: Any) -> Any:
    """Split lines across rows, then along them."""
    _, b, m, n, step_a, step_b, step, across, along = geometry
    half, most, evens = (n + 1) // 2, scratch.shape[1], (m + 1) // 2
    blocks = (m + most - 1) // most
    line_low, line_high = scratch[_LINE, :evens], scratch[_LINE, evens:m]
    for unit in range(first, last):
        outer, column = unit // blocks, unit % blocks * most
        start = outer // b * step_a + outer % b * step_b + column
        width = min(most, m - column)
        odd1, even1, odd2 = scratch[0, :width], scratch[1, :width], scratch[2, :width]
        lifted = scratch[_FIRST, :width]
        for k in range(-WARM_UP if across else 1, half + 1 if across else n + 1):
            # Low row k - 1 takes the place of a row that is not needed any more.
            target = _row(flat, start + max(k - 1, 0) * step, width)
            is_direct = k > 0 and not along and n > 3
            low = target if is_direct else lifted
            high = scratch[_HALF + k - 1 if k > 0 else _SECOND, :width]
            if not across:
                if AHEAD:
                    request(flat, start + (k + AHEAD) * step, width)
                copy(target, lifted)
            elif k < half:
                if AHEAD:
                    request(flat, start + (2 * k + AHEAD) * step, width)
                    request(flat, start + (2 * k + 1 + AHEAD) * step, width)
                even = _row(flat, start + _mirrored(2 * k, n) * step, width)
                odd = _row(flat, start + _mirrored(2 * k + 1, n) * step, width)
                after = _row(flat, start + _mirrored(2 * k + 2, n) * step, width)
                split_rows(even, odd, after, odd1, even1, odd2, low, high, factors)
            else:
                split_last_rows(odd1, even1, odd2, low, high, n % 2 == 1, factors)
            if k > 0 and along:
                split_line(lifted, target, line_low, line_high, factors)
            elif k > 0 and not is_direct:
                copy(lifted, target)
        for k in range(half if across else n, n):
            target = _row(flat, start + k * step, width)
            high = scratch[_HALF + k - half, :width]
            if along:
                split_line(high, target, line_low, line_high, factors)
            else:
                copy(high, target)


@compiled
def join(flat: Any, scratch: Any, factors: Any, geometry: Any, first: Any, last: Any) -> Any:
    """Undo `split`."""
    _, b, m, n, step_a, step_b, step, across, along = geometry
    half, most, evens = (n + 1) // 2, scratch.shape[1], (m + 1) // 2
    blocks = (m + most - 1) // most
    line_low, line_high = scratch[_LINE, :evens], scratch[_LINE, evens:m]
    for unit in range(first, last):
        outer, column = unit // blocks, unit % blocks * most
        start = outer // b * step_a + outer % b * step_b + column
        width = min(most, m - column)
        odd, even1 = scratch[0, :width], scratch[1, :width]
        odd1, even2 = scratch[2, :width], scratch[3, :width]
        joined = scratch[_THIRD, :width]
        for k in range(half if across else n):
            source = _row(flat, start + k * step, width)
            low = scratch[_HALF + k, :width] if across else joined
            if AHEAD:
                request(flat, start + (k + AHEAD) * step, width)
            if along:
                join_line(source, low, line_low, line_high, factors)
            else:
                copy(source, low)
            if not across:
                copy(low, source)
        for k in range(-WARM_UP, half + 1 if across else -WARM_UP):
            above, here = scratch[_FIRST, :width], scratch[_SECOND, :width]
            if k > 0:
                here = _row(flat, start + (2 * k - 2) * step, width)
            if k > 1:
                above = _row(flat, start + (2 * k - 3) * step, width)
            if k < half:
                low = scratch[_HALF + _mirrored(2 * k, n) // 2, :width]
                row = half + _mirrored(2 * k + 1, n) // 2
                high = _row(flat, start + row * step, width)
                if AHEAD:
                    request(flat, start + (row + AHEAD) * step, width)
                if along:
                    join_line(high, joined, line_low, line_high, factors)
                    high = joined
                join_rows(low, high, odd, even1, odd1, even2, above, here, factors)
            else:
                below = joined if n % 2 else _row(flat, start + (n - 1) * step, width)
                join_last_rows(odd, even1, odd1, even2, above, here, below, n % 2 == 1, factors)
