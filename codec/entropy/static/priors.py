"""Surroundings, parents and siblings: what coarser and earlier bands say of a band.

Normative text: format_spec/inrc-1.md, section 7.6, "Contexts".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import kernel
from codec.entropy.static.alphabet import MOST_SIBLINGS, MOST_SURROUNDINGS
from codec.entropy.static.contexts import MARGIN, row_number


@kernel
def block_surroundings(clipped: Any, place: Any, out: Any) -> None:
    """B of every coefficient of a block.

    Args:
        clipped: int8 rows of the block.
        place: (2, 4) int64: the block's first index in its band, and its shape.
        out: uint8, four axes: the band.
    """
    o0, o1, o2, o3 = place[0, 0], place[0, 1], place[0, 2], place[0, 3]
    slabs, planes, rows, length = place[1, 0], place[1, 1], place[1, 2], place[1, 3]
    for slab in range(slabs):
        for plane in range(planes):
            for row in range(rows):
                number = row_number(slab, plane, row, planes, rows)
                here, before, after = clipped[number], clipped[number - 1], clipped[number + 1]
                above, below = clipped[number - (rows + 3)], clipped[number + (rows + 3)]
                target = out[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length]
                for x in range(length):
                    i = x + MARGIN
                    total = np.int16(
                        2 * abs(np.int16(here[i]))
                        + abs(np.int16(here[i - 1]))
                        + abs(np.int16(here[i + 1]))
                        + abs(np.int16(before[i]))
                        + abs(np.int16(after[i]))
                        + abs(np.int16(above[i]))
                        + abs(np.int16(below[i]))
                    )
                    target[x] = np.uint8(min(total, np.int16(MOST_SURROUNDINGS)))


@kernel
def add_surroundings(source: Any, total: Any) -> None:
    """Add a band's surroundings to the sum of its level, its last value repeated beyond its end.

    Args:
        source: uint8, four axes.
        total: uint16, four axes, none shorter than those of `source`.
    """
    last = source.shape
    length = min(last[3], total.shape[3])
    for slab in range(total.shape[0]):
        for plane in range(total.shape[1]):
            for row in range(total.shape[2]):
                line = source[
                    min(slab, last[0] - 1), min(plane, last[1] - 1), min(row, last[2] - 1)
                ]
                target = total[slab, plane, row]
                for x in range(length):
                    target[x] += np.uint16(line[x])
                for x in range(length, total.shape[3]):
                    target[x] += np.uint16(line[length - 1])


@kernel
def block_priors(
    parent: Any, halved: Any, siblings: Any, place: Any, weights: Any, priors: Any, active: Any
) -> None:
    """Terms of E that each position has besides its taps.

    Args:
        parent: uint8 surroundings of the parent band, four axes; empty if there is none.
        halved: int64, per axis 1 if the parent is half as long, else 0.
        siblings: uint16 sum of the surroundings of earlier bands; empty if there are none.
        place: (2, 4) int64: the block's first index in its band, and its shape.
        weights: int16: of the constant, the parent and the siblings.
        priors: int16 of the block's shape, to be filled.
        active: uint8, one per row of the block: whether any prior of it is above the constant.
    """
    constant, of_parent, of_siblings = weights[0], weights[1], weights[2]
    has_parent, has_siblings = parent.size > 0 and of_parent > 0, siblings.size > 0
    has_siblings = has_siblings and of_siblings > 0
    slabs, planes, rows, length = place[1, 0], place[1, 1], place[1, 2], place[1, 3]
    start = place[0]
    number = 0
    for slab in range(slabs):
        for plane in range(planes):
            for row in range(rows):
                out = priors[slab, plane, row]
                for x in range(length):
                    out[x] = constant
                if has_siblings:
                    line = siblings[start[0] + slab, start[1] + plane, start[2] + row]
                    for x in range(length):
                        near = np.int32(min(line[start[3] + x], np.uint16(MOST_SIBLINGS)))
                        out[x] += np.int16((np.int32(of_siblings) * near) >> np.int32(3))
                if has_parent:
                    line8 = parent[
                        min((start[0] + slab) >> halved[0], parent.shape[0] - 1),
                        min((start[1] + plane) >> halved[1], parent.shape[1] - 1),
                        min((start[2] + row) >> halved[2], parent.shape[2] - 1),
                    ]
                    _add_parent(line8, halved[3], start[3], of_parent, out, length)
                most = constant
                for x in range(length):
                    most = max(most, out[x])
                active[number] = most > constant
                number += 1


@kernel
def _add_parent(line: Any, halved: Any, start: Any, weight: Any, out: Any, length: Any) -> None:
    last = line.size - 1
    first = start >> halved
    # Blocks start at an even index unless their edge is 1; then two positions have one parent.
    pairs = np.int64(0)
    if halved == 1 and start & 1 == 0:
        pairs = min(length >> 1, last + 1 - first)
    for pair in range(pairs):
        share = np.int16((np.int32(weight) * np.int32(line[first + pair])) >> np.int32(3))
        out[2 * pair] += share
        out[2 * pair + 1] += share
    for x in range(2 * pairs, length):
        of_parent = np.int32(line[min((start + x) >> halved, last)])
        out[x] += np.int16((np.int32(weight) * of_parent) >> np.int32(3))
