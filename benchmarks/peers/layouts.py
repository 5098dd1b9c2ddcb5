"""Layouts of four-dimensional arrays for codecs made for three axes.

Which of these is best depends on the data (time steps that hardly differ, or few levels), so peers
try several and the best is kept at every PSNR.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from codec.arrays import Float32Array

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """A reversible way to cut or fold an array of shape (t, z, y, x).

    Attributes:
        split: the array -> the contiguous arrays to be coded one by one.
        join: those arrays, and the shape of the whole -> the whole.
        parts: the shape of the whole -> the shapes of those arrays.
    """

    split: Callable[[Float32Array], list[Float32Array]]
    join: Callable[[list[Float32Array], Shape], Float32Array]
    parts: Callable[[Shape], list[Shape]]


def _z_major(values: Float32Array) -> list[Float32Array]:
    folded = np.ascontiguousarray(values.swapaxes(0, 1))
    return [folded.reshape(-1, *values.shape[2:])]


def _from_z_major(parts: list[Float32Array], shape: Shape) -> Float32Array:
    times, levels, rows, columns = shape
    return np.ascontiguousarray(parts[0].reshape(levels, times, rows, columns).swapaxes(0, 1))


def _folded(shape: Shape) -> list[Shape]:
    return [(shape[0] * shape[1], *shape[2:])]


LAYOUTS = {
    "whole": Layout(
        lambda values: [values], lambda parts, shape: parts[0].reshape(shape), lambda shape: [shape]
    ),
    "fold-t": Layout(
        lambda values: [values.reshape(-1, *values.shape[2:])],
        lambda parts, shape: parts[0].reshape(shape),
        _folded,
    ),
    "fold-z": Layout(_z_major, _from_z_major, _folded),
    "per-step": Layout(
        lambda values: [np.ascontiguousarray(step) for step in values],
        lambda parts, shape: np.stack(parts).reshape(shape),
        lambda shape: [shape[1:]] * shape[0],
    ),
}
