"""Differences along axes within a block, and the sums that undo them.

Normative text: format_spec/inrc-1.md, section 7.6, "Differences".
"""

from __future__ import annotations

import numpy as np

from codec.arrays import Int32Array
from codec.entropy.lattice import AXES
from codec.errors import CorruptError


def take_differences(block: Int32Array, along: tuple[bool, ...]) -> None:
    """Replace the integers of a block by their differences along some axes, in place.

    Args:
        block: int32, four axes.
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
