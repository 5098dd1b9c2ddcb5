"""Inputs of the network of architecture 1 that come of the position alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..cbor import Value, as_list
from ..errors import Malformed
from .coordinate_networks import in_range
from .plan import Float64Array

_MEAN_OF_12 = 393210
_MASK = 2**64 - 1


@dataclass(frozen=True)
class Inputs:
    """Coordinates, octaves and rows of an item."""

    raw: tuple[int, ...]
    """R of each axis."""
    octaves: tuple[int, ...]
    """L of each axis."""
    rows: Float64Array
    """Matrix of the rows, as (rows, axes)."""
    multiply_adds: int
    """Multiply-adds of the rows for each position."""

    @property
    def count(self) -> int:
        """Number of inputs."""
        return sum(self.raw) + 2 * sum(self.octaves) + 2 * len(self.rows)

    def of(self, places: Sequence[Float64Array]) -> Float64Array:
        """Return the inputs of some places, as (inputs, positions)."""
        out = [p for p, wanted in zip(places, self.raw, strict=True) if wanted]
        for function in (np.cos, np.sin):
            for octave in range(max(self.octaves)):
                for p, octaves in zip(places, self.octaves, strict=True):
                    if octave < octaves:
                        out.append(function(2 * math.pi * 2.0**octave * p))
        flat = np.array(out, dtype=np.float64).reshape(len(out), places[0].size)
        if not self.rows.size:
            return flat
        phases = 2 * math.pi * (self.rows @ np.array(places))
        return np.concatenate([flat, np.cos(phases), np.sin(phases)])


def read_inputs(axes: int, octaves: int, time: Value, rows: Value) -> Inputs:
    """Check keys 6 and 7, None where they are missing (FVSRN-1, FVSRN-3)."""
    raw, per_axis = [1] * axes, [octaves] * axes
    spatial = list(range(axes))
    if time is not None:
        entries = as_list(time, "FVSRN-1: time")
        if len(entries) != 3:
            raise Malformed("FVSRN-1: time does not have three entries")
        axis = in_range(entries[0], 0, axes - 1, "FVSRN-1: the axis of time")
        raw[axis] = in_range(entries[1], 0, 1, "FVSRN-1: R of time")
        per_axis[axis] = in_range(entries[2], 0, 16, "FVSRN-1: octaves of time")
        spatial.remove(axis)
    matrix = np.zeros((0, axes), dtype=np.float64)
    if rows is not None:
        matrix = _read_rows(rows, axes, spatial)
        if octaves:
            raise Malformed("FVSRN-3: rows beside octaves")
        if not spatial:
            raise Malformed("FVSRN-3: rows without an axis that is not time")
    cost = matrix.shape[0] * len(spatial)
    return Inputs(tuple(raw), tuple(per_axis), matrix, cost)


def _read_rows(value: Value, axes: int, spatial: Sequence[int]) -> Float64Array:
    """Return the rows of key 7."""
    entries = as_list(value, "FVSRN-1: rows")
    if len(entries) != 3:
        raise Malformed("FVSRN-1: rows does not have three entries")
    count = in_range(entries[0], 1, 4096, "FVSRN-1: the number of rows")
    scale = in_range(entries[1], 1, 2**20, "FVSRN-1: s of the rows")
    seed = in_range(entries[2], 0, 2**32 - 1, "FVSRN-1: the seed of the rows")
    out = np.zeros((count, axes), dtype=np.float64)
    for m in range(count):
        for b, axis in enumerate(spatial):
            out[m, axis] = scale * (words(seed, m * len(spatial) + b) - _MEAN_OF_12) / 2**24
    return out


def words(seed: int, index: int) -> int:
    """Return the sum X of twelve words."""
    numbers = (split_mix(seed, 3 * index + k) for k in (1, 2, 3))
    return sum(number >> shift & 0xFFFF for number in numbers for shift in (0, 16, 32, 48))


def split_mix(seed: int, k: int) -> int:
    """Return the k-th output of SplitMix64."""
    z = (seed + k * 0x9E3779B97F4A7C15) & _MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)
