"""Differences along axes within a block, and the sums that undo them.

Normative text: format_spec/inrc-1.md, section 7.6, "Differences".
"""

from __future__ import annotations

import numpy as np

from codec.arrays import Int32Array, Int64Array
from codec.entropy.lattice import AXES
from codec.entropy.static.blocks import Edges, block_boxes
from codec.errors import CorruptError


def chosen_axes(band: Int32Array, edges: Edges, limit: int) -> tuple[bool, ...]:
    """Axes along which the differences of a band take fewest bits, about.

    Args:
        band: int32, four axes.
        edges: exponents of the edges of blocks.
        limit: magnitude that differences must stay below; without axes they are the band itself.
    """
    longer = tuple(length > 1 for length in band.shape)
    last = (False,) * (AXES - 1) + longer[AXES - 1 :]
    costs = {}
    for along in sorted({(False,) * AXES, last, longer}):
        bits, most = 0.0, 0
        for box in block_boxes(band.shape, edges):
            differences = band[box].astype(np.int64)
            take_differences(differences, along)
            magnitudes = np.abs(differences)
            bits += float(np.log2(1.0 + magnitudes).sum())
            most = max(most, int(magnitudes.max()))
        if most < limit or not any(along):
            costs[along] = bits
    return min(costs, key=lambda along: costs[along])


def take_differences(block: Int32Array | Int64Array, along: tuple[bool, ...]) -> None:
    """Replace the integers of a block by their differences along some axes, in place.

    Args:
        block: int32 or int64, four axes.
        along: per axis, whether differences are taken.
    """
    for axis in range(AXES):
        if along[axis]:
            lines = np.moveaxis(block, axis, 0)
            lines[1:] -= lines[:-1].copy()


def sum_differences(block: Int32Array, along: tuple[bool, ...]) -> None:
    """The inverse of `take_differences`.

    Raises:
        CorruptError: a sum does not fit 32 bits.
    """
    if not any(along):
        return
    sums = block.astype(np.int64)
    for axis in reversed(range(AXES)):
        if along[axis]:
            sums = np.cumsum(sums, axis=axis)
    if sums.min() < -(1 << 31) or sums.max() >= 1 << 31:
        raise CorruptError("a decoded integer does not fit 32 bits", section="TENS")
    block[...] = sums
