"""The rows of one block of the static coder: contexts, flags, magnitudes and signs (7.6)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from .lattice import AXES, Four
from .numbers import Int64Array
from .static_head import SIZES, Weights
from .static_lanes import BlockCoder
from .static_tables import CLASSES, FLAG, MAGNITUDE, SIGN, class_of

LARGEST = 127
"""Bound of the integers that contexts see."""
GROUP = 32
FIRST_LONG = 12
"""The first magnitude that raw bits may follow."""
TAPS: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((0, 0, -1, 0),),
    ((0, 0, -1, -1), (0, 0, -1, 1)),
    ((0, -1, 0, 0),),
    ((0, -1, 0, -1), (0, -1, 0, 1)),
    ((0, -1, -1, 0), (0, -1, 1, 0)),
    ((0, 0, -2, 0), (0, -2, 0, 0)),
    ((-1, 0, 0, 0),),
)
_BEFORE, _AFTER = (1, 2, 2, 1), (0, 0, 1, 1)
"""Cells around a block that stand for what lies outside it."""


def clipped(integers: Int64Array) -> Int64Array:
    """Return integers as contexts see them."""
    return np.clip(integers, -LARGEST, LARGEST)


class BlockModel:
    """Codes the rows of a block; `added` is what parent, siblings and w_7 add to E."""

    def __init__(self, lengths: Four, weights: Weights, added: Int64Array) -> None:
        self._lengths = lengths
        self._sizes, self._signed = weights[:SIZES], weights[SIZES:]
        self._added = added
        widths = [b + n + a for b, n, a in zip(_BEFORE, lengths, _AFTER, strict=True)]
        self._cells = np.zeros(widths, dtype=np.int64)

    def code(self, coder: BlockCoder, wanted: Int64Array) -> Int64Array:
        """Code all rows in C order."""
        out = np.zeros(self._lengths, dtype=np.int64)
        for place in product(*map(range, self._lengths[:-1])):
            sizes, signs = self._contexts(place)
            row = code_row(coder, sizes, signs, wanted[place].tolist())
            out[place] = row
            self._cells[self._at(place, (0,) * AXES)] = clipped(out[place])
        return out

    def _at(self, place: Sequence[int], offset: Sequence[int]) -> tuple[int | slice, ...]:
        """Return where the row at an offset from a place lies in the cells."""
        front = (i + b + o for i, b, o in zip(place, _BEFORE[:-1], offset[:-1], strict=True))
        start = _BEFORE[-1] + offset[-1]
        return *front, slice(start, start + self._lengths[-1])

    def _contexts(self, place: Sequence[int]) -> tuple[list[int], list[int]]:
        """Return E and P of each position of a row."""
        e = self._added[tuple(place)].copy()
        p = np.zeros_like(e)
        for k, offsets in enumerate(TAPS):
            for offset in offsets:
                near = self._cells[self._at(place, offset)]
                e += self._sizes[k] * np.abs(near)
                p += self._signed[k] * near
        return e.tolist(), p.tolist()


def code_row(
    coder: BlockCoder, sizes: Sequence[int], signs: Sequence[int], wanted: Sequence[int]
) -> list[int]:
    """Code a row whose contexts E and P are given: all flags, then group after group."""
    groups = [range(s, min(s + GROUP, len(sizes))) for s in range(0, len(sizes), GROUP)]
    flags = [code_flag(coder, g, group, sizes, wanted) for g, group in enumerate(groups)]
    out: list[int] = []
    for flag, group in zip(flags, groups, strict=True):
        out += code_group(coder, group, sizes, signs, wanted) if flag else [0] * len(group)
    return out


def code_flag(
    coder: BlockCoder, g: int, group: range, sizes: Sequence[int], wanted: Sequence[int]
) -> int:
    """Code the flag of group g: 0 where all its integers are 0."""
    number = flag_class(sum(sizes[x] for x in group))
    some = int(any(wanted[x] for x in group))
    return coder.symbol(FLAG, number, flag_lane(g, coder.lanes), some)


def code_group(
    coder: BlockCoder,
    group: range,
    sizes: Sequence[int],
    signs: Sequence[int],
    wanted: Sequence[int],
) -> list[int]:
    """Code the integers of a group: all magnitudes, then the signs of those that are not 0."""
    out: list[int] = []
    for x in group:
        lane = lane_of(x, coder.lanes)
        out.append(code_magnitude(coder, class_of(sizes[x]), lane, abs(wanted[x])))
    for place, x in enumerate(group):
        if out[place]:
            sign = code_sign(coder, signs[x], lane_of(x, coder.lanes), wanted[x])
            out[place] = sign * out[place]
    return out


def code_magnitude(coder: BlockCoder, number: int, lane: int, wanted: int) -> int:
    """Code a magnitude of a class: a symbol, then its raw bits."""
    t = coder.symbol(MAGNITUDE, number, lane, symbol_of(wanted))
    if t < FIRST_LONG:
        return t
    b = (t - 5) // 2
    first = (2 + (t - 5) % 2) << (b - 1)
    return first + coder.raw(b - 1, wanted - first)


def code_sign(coder: BlockCoder, p: int, lane: int, wanted: int) -> int:
    """Code a sign as -1 or 1; the symbol 1 is one against P."""
    a = coder.symbol(SIGN, sign_class(p), lane, int((wanted < 0) != (p < 0)))
    return -1 if is_negative(a, p) else 1


def flag_class(total: int) -> int:
    """Return the class of a flag from the sum of E."""
    return min(class_of(total >> 2), CLASSES[FLAG] - 1)


def sign_class(p: int) -> int:
    """Return the class of a sign from P."""
    return min((abs(p) + 1).bit_length() - 1, CLASSES[SIGN] - 1)


def is_negative(a: int, p: int) -> bool:
    """Say whether an integer with the sign symbol a is negative."""
    return (a == 1) != (p < 0)


def lane_of(x: int, lanes: int) -> int:
    """Return the lane of a position."""
    return x % lanes


def flag_lane(g: int, lanes: int) -> int:
    """Return the lane of the flag of a group."""
    return g % lanes


def symbol_of(magnitude: int) -> int:
    """Return the symbol t of a magnitude."""
    if magnitude < FIRST_LONG:
        return magnitude
    b = magnitude.bit_length() - 1
    return 5 + 2 * b + (magnitude >> (b - 1)) % 2
