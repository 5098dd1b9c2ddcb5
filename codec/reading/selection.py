"""Samples that are chosen from an array: an index becomes numbers of samples along each axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from codec.arrays import Int64Array

# One array per axis; what is chosen is their outer product.
Selection = list[Int64Array]


def is_whole(selection: Selection, shape: Sequence[int]) -> bool:
    """Whether a selection is all of an array, in its order."""
    return all(
        len(axis) == size and (np.diff(axis) == 1).all()
        for axis, size in zip(selection, shape, strict=True)
    )


def sample_indices(index: Any, shape: Sequence[int]) -> tuple[Selection, list[int]]:
    """Sample indices per axis for a basic index as NumPy has it, and the axes that remain.

    Args:
        index: integers, slices and `...`.
        shape: shape of the array.

    Raises:
        IndexError: too many indices, one out of range, or of a kind that is not supported.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    ellipses = [number for number, part in enumerate(parts) if part is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index has at most one '...'")
    if ellipses:
        missing = len(shape) - len(parts) + 1
        parts[ellipses[0] : ellipses[0] + 1] = [slice(None)] * missing
    if len(parts) > len(shape):
        raise IndexError(f"{len(parts)} indices for {len(shape)} axes")
    parts += [slice(None)] * (len(shape) - len(parts))
    selection, remaining = [], []
    for axis, (part, size) in enumerate(zip(parts, shape, strict=True)):
        if isinstance(part, slice):
            selection.append(np.arange(*part.indices(size), dtype=np.int64))
            remaining.append(axis)
            continue
        try:
            number = part.__index__()
        except (AttributeError, TypeError):
            raise IndexError(f"axis {axis}: only integers and slices, not {part!r}") from None
        if not -size <= number < size:
            raise IndexError(f"axis {axis}: {number} is out of range for {size} samples")
        selection.append(np.array([number % size], dtype=np.int64))
    return selection, remaining
