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
    out = [0] * len(sizes)
    groups = [range(s, min(s + GROUP, len(sizes))) for s in range(0, len(sizes), GROUP)]
    flags: list[int] = []
    for g, group in enumerate(groups):
        mean = sum(sizes[x] for x in group) >> 2
        context = min(class_of(mean), CLASSES[FLAG] - 1)
        some = int(any(wanted[x] for x in group))
        flags.append(coder.symbol(FLAG, context, g % coder.lanes, some))
    for flag, group in zip(flags, groups, strict=True):
        if not flag:
            continue
        for x in group:
            out[x] = _magnitude(coder, class_of(sizes[x]), x % coder.lanes, abs(wanted[x]))
        for x in group:
            if out[x]:
                context = min((abs(signs[x]) + 1).bit_length() - 1, CLASSES[SIGN] - 1)
                against = int((wanted[x] < 0) != (signs[x] < 0))
                a = coder.symbol(SIGN, context, x % coder.lanes, against)
                out[x] = -out[x] if (a == 1) != (signs[x] < 0) else out[x]
    return out


def _magnitude(coder: BlockCoder, context: int, lane: int, wanted: int) -> int:
    """Code a magnitude: a symbol, then its raw bits."""
    t = coder.symbol(MAGNITUDE, context, lane, symbol_of(wanted))
    if t < FIRST_LONG:
        return t
    b = (t - 5) // 2
    first = (2 + (t - 5) % 2) << (b - 1)
    return first + coder.raw(b - 1, wanted - first)


def symbol_of(magnitude: int) -> int:
    """Return the symbol t of a magnitude."""
    if magnitude < FIRST_LONG:
        return magnitude
    b = magnitude.bit_length() - 1
    return 5 + 2 * b + (magnitude >> (b - 1)) % 2
