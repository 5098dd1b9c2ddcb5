"""Encodings of coordinates, in float64: phases have more digits than float32 holds.

Columns of all encodings but gauss belong to one axis each, so that on an outer product of positions
the first layer is a sum of one small matrix product per axis.
"""

from __future__ import annotations

import numpy as np

from codec.arrays import Float64Array
from inrc_plugins.architectures.siren.config import GAUSS, MLP, NERF, Encoding
from inrc_plugins.shared.sample_panels import Affine, alike

# Linear congruential generator of the gauss matrix, modulo 2^64.
_MULTIPLIER, _INCREMENT = 6364136223846793005, 1442695040888963407
# Sums of twelve draws of 16 bits; their mean and, nearly, their standard deviation.
_DRAWS, _MEAN, _UNIT = 12, 393210, 65536


def separable(encoding: Encoding) -> bool:
    """Whether every entry of the encoding depends on one axis alone."""
    return encoding.kind != GAUSS


def encoded_axis(encoding: Encoding, places: Float64Array) -> Float64Array:
    """Entries of one axis of a separable encoding.

    Args:
        encoding: a separable encoding.
        places: (n,) coordinates in [-1, 1].

    Returns:
        (n, entries per axis): the coordinate itself, for mlp and nerf, then sines and cosines in
        alternation.
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
    """Columns of one axis's entries (`encoded_axis`) among the entries of all axes."""
    columns = [axis] if encoding.kind in (MLP, NERF) else []
    first = axes if encoding.kind == NERF else 0
    for number in range(encoding.features if encoding.kind != MLP else 0):
        start = first + 2 * (number * axes + axis)
        columns += [start, start + 1]
    return columns


def encoded_points(encoding: Encoding, places: Float64Array) -> Float64Array:
    """Entries of all axes, (n, encoding.width(axes)), at `places`, (n, axes) in [-1, 1]."""
    axes = places.shape[1]
    if encoding.kind == GAUSS:
        matrix = gauss_matrix(encoding.features, axes, encoding.seed)
        return _sines_and_cosines(2 * np.pi * encoding.scale * Affine(matrix).on_rows(places.T).T)
    out = np.empty((len(places), encoding.width(axes)))
    for axis in range(axes):
        out[:, axis_columns(encoding, axes, axis)] = encoded_axis(encoding, places[:, axis])
    return out


def gauss_matrix(features: int, axes: int, seed: int) -> Float64Array:
    """Matrix (features, axes) of nearly N(0, 1) numbers, which are sums of congruential draws."""
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
    """Sines and cosines of angles (n, features) in alternating columns: (n, 2 features)."""
    waves = np.empty((len(angles), 2 * angles.shape[1]))
    waves[:, 0::2], waves[:, 1::2] = alike(np.sin, angles), alike(np.cos, angles)
    return waves
