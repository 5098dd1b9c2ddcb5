"""Masked volumes for peers that know no invalid samples.

They get the valid samples with the others filled in smoothly, which costs them less than any
constant (SZ3 on an ocean climatology: 130x instead of 41x), and are charged for the mask, coded
apart.
"""

from __future__ import annotations

import lzma
from itertools import product
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float32Array, Float64Array


def filled(values: Float32Array, valid: BoolArray, rounds: int = 40) -> Float32Array:
    """The harmonic extension within every slice of the last two axes, nearly.

    Across slices it would be no smoother for the codecs: an ocean's levels differ more than its
    places do, and SPERR loses 3 dB.

    Args:
        values: two axes or more; what it holds where `valid` is False is not read.
        valid: the same shape.
        rounds: averages of neighbours at every scale.
    """
    slices = (-1, *values.shape[-2:])
    known = np.where(valid, values, 0).astype(np.float32).reshape(slices)
    return _extended(known, valid.reshape(slices), rounds).reshape(values.shape)


def mask_bytes(valid: BoolArray) -> int:
    """Bytes of the mask, one bit a sample, in the smallest of several LZMA streams."""
    return min(
        len(lzma.compress(packed, format=lzma.FORMAT_RAW, filters=[chain]))
        for packed in (np.packbits(valid, bitorder=order).tobytes() for order in ("big", "little"))
        for chain in _lzma_chains()
    )


def _lzma_chains() -> list[dict[str, Any]]:
    preset = 9 | lzma.PRESET_EXTREME
    return [
        {"id": lzma.FILTER_LZMA1, "preset": preset, "lc": before, "lp": 0, "pb": position}
        for before, position in product((0, 3), (0, 2))
    ]


def _extended(values: Float32Array, valid: BoolArray, rounds: int) -> Float32Array:
    """Slices (n, rows, columns), extended first at half the scale and then smoothed at this one."""
    if valid.all():
        return values
    if values.shape[1:] == (1, 1):
        return _between_slices(values, valid)
    sums, counts = values.astype(np.float64), valid.astype(np.float64)
    for axis in (1, 2):
        sums, counts = _pairs(sums, axis), _pairs(counts, axis)
    means = (sums / np.maximum(counts, 1)).astype(np.float32)
    result = _extended(means, counts > 0, rounds)
    for axis in (1, 2):
        result = _doubled(result, axis, values.shape[axis])
    result = np.where(valid, values, result)
    for _ in range(rounds):
        result = np.where(valid, values, _neighbours(result))
    return result


def _between_slices(values: Float32Array, valid: BoolArray) -> Float32Array:
    """Slices of one sample, interpolated where a slice has none."""
    known = np.flatnonzero(valid)
    if not known.size:
        return np.zeros_like(values)
    flat = np.interp(np.arange(values.size), known, values.ravel()[known])
    return flat.astype(np.float32).reshape(values.shape)


def _pairs(values: Float64Array, axis: int) -> Float64Array:
    """Sums of neighbouring pairs; the last stays alone where their number is odd."""
    starts = np.arange(0, values.shape[axis], 2)
    return np.asarray(np.add.reduceat(values, starts, axis))


def _doubled(values: Float32Array, axis: int, size: int) -> Float32Array:
    """Linear interpolation between the middles of pairs, to `size` samples along the axis."""
    places = np.clip((np.arange(size) - 0.5) / 2, 0, values.shape[axis] - 1)
    before = places.astype(np.int64)
    after = np.minimum(before + 1, values.shape[axis] - 1)
    share = (places - before).astype(np.float32)
    share = share[:, np.newaxis] if axis == 1 else share
    result: Float32Array = np.take(values, before, axis) * (1 - share)
    result += np.take(values, after, axis) * share
    return result


def _neighbours(values: Float32Array) -> Float32Array:
    """The mean of the four neighbours in the slice; beyond an edge is the edge."""
    grown = np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = grown[:, :-2, 1:-1] + grown[:, 2:, 1:-1]
    columns = grown[:, 1:-1, :-2] + grown[:, 1:-1, 2:]
    mean: Float32Array = (rows + columns) * np.float32(0.25)
    return mean
