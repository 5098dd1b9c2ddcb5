"""Kernels of the 9/7 wavelet (see `wavelet`): lines of a box, transformed in place.

geometry = (a, b, m, n, width, stride of a, of b, of n, across, along): there are a * b blocks of n
rows of m contiguous samples; strides are in samples. If `across`, the lines across rows are
transformed, n samples each; if `along`, those along rows are, after the others when splitting,
before them when joining. A unit of work is `width` columns of a block, which are all of its columns
if `along`; units first..last-1 are done, counted in the order a, b, column.

Rows are read in their order; what later steps need is kept in a few rows of state. Before the first
row and after the last one, rows are mirrored. That gives the same sums as the rule for neighbours
outside a line, so that its start needs no code of its own: the steps begin early, on mirrored rows,
and their first results are dropped.

The results that would replace rows still to be read (the high half of a split) or that have been
replaced when they are needed (the low half, when joining) are kept in `scratch` (flat,
scratch_size(n, width) samples).
"""

from __future__ import annotations

from typing import Any

from inrc_plugins.architectures.pyramid.lifting import (
    compiled,
    inlined,
    join_line,
    lift,
    scale,
    split_line,
)
from inrc_plugins.architectures.pyramid.row_operations import (
    address,
    join_rows,
    request,
    split_rows,
)

# Pairs of rows before the first one from which the steps across rows begin.
_WARM_UP = 2
# Rows that are asked for before they are needed: the processor foresees only long ones.
_AHEAD = 8
# Rows of `scratch` before the half of a block that is kept: state and results that are dropped.
_STATE_ROWS = 6


def scratch_size(n: int, width: int) -> int:
    """Samples that a kernel needs for columns of n rows (0 unless `across`)."""
    return (_STATE_ROWS + (n + 1) // 2) * width + width + 3


@inlined
def _mirrored(row: Any, n: Any) -> Any:
    """Row of the same samples inside 0..n-1, for n of at least 2."""
    period = 2 * (n - 1)
    row %= period
    return min(row, period - row)


@compiled
def split(flat: Any, scratch: Any, factors: Any, geometry: Any, first: Any, last: Any) -> Any:
    """Split lines across rows, then along them."""
    _, b, m, n, most, step_a, step_b, step, across, along = geometry
    half, blocks, size = (n + 1) // 2, (m + most - 1) // most, factors.itemsize
    steps = (factors[0], factors[1], factors[2], factors[3], factors[4], factors[5])
    stride, row = step * size, most * size
    next_row = stride if across else step_b * size
    odd1 = address(scratch, 0)
    even1, odd2, lifted, spare = odd1 + row, odd1 + 2 * row, odd1 + 3 * row, odd1 + 4 * row
    upper, place = odd1 + _STATE_ROWS * row, (_STATE_ROWS + half * across) * most
    for unit in range(first, last):
        outer, column = unit // blocks, unit % blocks * most
        start = address(flat, outer // b * step_a + outer % b * step_b + column)
        width = min(most, m - column)
        for k in range(-_WARM_UP if across else 1, half + 1 if across else n + 1):
            # Low row k - 1 takes the place of a row that is not needed any more.
            target = start + (k - 1) * stride
            low = target if k > 0 and not along else lifted
            high = upper + (k - 1) * row if k > 0 else spare
            if not across:
                request(target + _AHEAD * next_row, width * size)
            elif k < half:
                request(start + (2 * k + _AHEAD) * stride, width * size)
                request(start + (2 * k + 1 + _AHEAD) * stride, width * size)
                even = start + _mirrored(2 * k, n) * stride
                odd = start + _mirrored(2 * k + 1, n) * stride
                after = start + _mirrored(2 * k + 2, n) * stride
                split_rows((even, odd, after, odd1, even1, odd2, low, high), width, steps)
            else:
                third = odd2 if n % 2 else odd1
                if n % 2 == 0:
                    lift(odd1, even1, even1, odd1, width, factors[2], factors[6])
                lift(even1, odd2, third, low, width, factors[3], factors[4])
                scale(third, high, width, factors[5])
            if k > 0 and along:
                split_line(lifted if across else target, target, m, scratch, place, factors)
        for k in range(n - half if across else 0):
            target = start + (half + k) * stride
            if along:
                split_line(upper + k * row, target, m, scratch, place, factors)
            else:
                scale(upper + k * row, target, width, factors[6])


@compiled
def join(flat: Any, scratch: Any, factors: Any, geometry: Any, first: Any, last: Any) -> Any:
    """Undo `split`."""
    _, b, m, n, most, step_a, step_b, step, across, along = geometry
    half, blocks, size = (n + 1) // 2, (m + most - 1) // most, factors.itemsize
    steps = (factors[0], factors[1], factors[2], factors[3], factors[4], factors[5])
    stride, row = step * size, most * size
    next_row = stride if across else step_b * size
    odd = address(scratch, 0)
    even1, odd1, even2, joined, spare = (
        odd + row, odd + 2 * row, odd + 3 * row, odd + 4 * row, odd + 5 * row
    )  # fmt: skip
    lower, place = odd + _STATE_ROWS * row, (_STATE_ROWS + half * across) * most
    for unit in range(first, last):
        outer, column = unit // blocks, unit % blocks * most
        start = address(flat, outer // b * step_a + outer % b * step_b + column)
        width = min(most, m - column)
        for k in range(half if across else n):
            source = start + k * stride
            low = lower + k * row if across else source
            request(source + _AHEAD * next_row, width * size)
            if along:
                join_line(source, low, m, scratch, place, factors)
            else:
                scale(source, low, width, factors[6])
        for k in range(-_WARM_UP, half + 1 if across else -_WARM_UP):
            here = start + (2 * k - 2) * stride if k > 0 else spare
            above = start + (2 * k - 3) * stride if k > 1 else spare
            if k < half:
                low = lower + _mirrored(2 * k, n) // 2 * row
                high = start + (half + _mirrored(2 * k + 1, n) // 2) * stride
                request(high + _AHEAD * stride, width * size)
                if along:
                    join_line(high, joined, m, scratch, place, factors)
                    high = joined
                join_rows((low, high, odd, even1, odd1, even2, here, above), width, steps)
            else:
                second = odd1 if n % 2 else odd
                if n % 2 == 0:
                    lift(odd, even1, even1, odd, width, factors[2], factors[6])
                lift(even1, odd1, second, here, width, factors[1], factors[6])
                lift(odd1, even2, here, above, width, factors[0], factors[6])
                if n % 2 == 0:
                    below = start + (n - 1) * stride
                    lift(second, here, here, below, width, factors[0], factors[6])
