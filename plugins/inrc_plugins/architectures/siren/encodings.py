"""Encoded coordinates, in float64: phases have more digits than float32.

For all encodings but gauss a column belongs to one axis, so that on an outer product of positions
the first layer is a sum of one small matrix product per axis.
"""

from __future__ import annotations

import numpy as np

from codec.arrays import Float64Array
from inrc_plugins.architectures.siren.config import GAUSS, MLP, NERF, Encoding
from inrc_plugins.shared.sample_panels import Affine, alike

_MULTIPLIER, _INCREMENT = 6364136223846793005, 1442695040888963407
_DRAWS, _MEAN, _UNIT = 12, 393210, 65536


def separable(encoding: Encoding) -> bool:
    """Whether every entry depends on one axis alone."""
    return encoding.kind != GAUSS


def encoded_axis(encoding: Encoding, places: Float64Array) -> Float64Array:
    """The entries of one axis of a separable encoding.

    Args:
        places: (n,) coordinates in [-1, 1].

    Returns:
        (n, entries per axis): the coordinate itself, if it is one, then sines and cosines in turn.
    """
    if encoding.kind == MLP:
        return places[:, None]
    order = np.arange(encoding.features)
    if encoding.kind == NERF:
        angles = np.pi * encoding.scale**order * places[:, None]
    else:
        angles = 2 * np.pi * encoding.scale ** (order / encoding.features) * places[:, None]
    waves = _sines_and_cosines(angles)
    return np.concatenate([places[:, None], waves], 1) if encoding.kind == NERF else waves


def axis_columns(encoding: Encoding, axes: int, axis: int) -> list[int]:
    """Where the entries of `encoded_axis` are among those of all axes."""
    own = [axis] if encoding.kind in (MLP, NERF) else []
    first = axes if encoding.kind == NERF else 0
    for number in range(encoding.features if encoding.kind != MLP else 0):
        start = first + 2 * (number * axes + axis)
        own += [start, start + 1]
    return own


def encoded_points(encoding: Encoding, places: Float64Array) -> Float64Array:
    """All entries, (n, encoding.width(axes)), at `places`, (n, axes) in [-1, 1]."""
    axes = places.shape[1]
    if encoding.kind == GAUSS:
        matrix = gauss_matrix(encoding.features, axes, encoding.seed)
        return _sines_and_cosines(2 * np.pi * encoding.scale * Affine(matrix).on_rows(places.T).T)
    out = np.empty((len(places), encoding.width(axes)))
    for axis in range(axes):
        out[:, axis_columns(encoding, axes, axis)] = encoded_axis(encoding, places[:, axis])
    return out


def gauss_matrix(features: int, axes: int, seed: int) -> Float64Array:
    """(features, axes) numbers that are nearly N(0, 1): sums of congruential draws."""
    state, entries = seed, []
    for _ in range(features * axes):
        total = 0
        for _ in range(_DRAWS):
            state = (_MULTIPLIER * state + _INCREMENT) % 2**64
            total += state >> 48
        entries.append((total - _MEAN) / _UNIT)
    return np.array(entries).reshape(features, axes)


def unit_places(indices: Float64Array, size: int) -> Float64Array:
    """Coordinates in [-1, 1] of real indices along an axis of `size` > 1 samples."""
    return 2 * indices / (size - 1) - 1


def _sines_and_cosines(angles: Float64Array) -> Float64Array:
    waves = np.empty((len(angles), 2 * angles.shape[1]))
    waves[:, 0::2], waves[:, 1::2] = alike(np.sin, angles), alike(np.cos, angles)
    return waves
