"""Prediction of the values at the nodes of an octree from the values before them.

Normative text: format_spec/inrc-1.md, section 7.5, steps 1, 2 and 5 of "Values"; names of its
quantities are in brackets. Positions are nodes of the finest level, `s` is the stride of the level,
and bit 2 - a of `odd` is set for the axes along which a node lies between those of the level before
(o); 8 is the class of all nodes of the coarsest level.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from codec.arrays import Int32Array, Int64Array, UInt8Array
from codec.entropy.compilation import inlined
from codec.entropy.mixing.chances import WEIGHT_LIMIT
from codec.entropy.mixing.prediction import rounded_prediction
from codec.entropy.mixing.state import Memory

ROOTS = 8
FEATURES = 19
CLASS_ROWS = 9


class Nodes(NamedTuple):
    """Dense arrays over the nodes of the finest grid, and the memory of nodes.

    Attributes:
        values: int32, decoded so far.
        residuals: int32, 16 times the value less its linear interpolation, at most 2^30.
        magnitudes: uint8, 0 where nothing is decoded yet, else 1 + what was coded, at most 255.
        gains: (classes, features) int64, of the prediction (G).
        features: (features,) int64, of the present node (F).
        memory: of coded magnitudes and signs.
    """

    values: Int32Array
    residuals: Int32Array
    magnitudes: UInt8Array
    gains: Int64Array
    features: Int64Array
    memory: Memory


@inlined
def value_or_zero(array: Any, x: Any, y: Any, z: Any) -> Any:
    """An entry of an array over the nodes, 0 outside."""
    size = array.shape
    if x < 0 or y < 0 or z < 0 or x >= size[0] or y >= size[1] or z >= size[2]:
        return np.int64(0)
    return np.int64(array[x, y, z])


@inlined
def _mean_before(nodes: Any, x: Any, y: Any, z: Any, s: Any) -> Any:
    """16 times the mean of the known values one before along each axis, 0 if there are none."""
    total: Any = np.int64(0)
    count = 0
    for dx, dy, dz in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        if value_or_zero(nodes.magnitudes, x - s * dx, y - s * dy, z - s * dz):
            total += nodes.values[x - s * dx, y - s * dy, z - s * dz]
            count += 1
    return (16 * total) // count if count else np.int64(0)


@inlined
def _base_of_root(nodes: Any, x: Any, y: Any, z: Any, s: Any) -> Any:
    """Step 1, class 8: base of a node; its features are left in `nodes`."""
    base = _mean_before(nodes, x, y, z, s)
    for number in range(13):
        px = x + s * (number // 9 - 1)
        py = y + s * (number // 3 % 3 - 1)
        pz = z + s * (number % 3 - 1)
        if value_or_zero(nodes.magnitudes, px, py, pz):
            nodes.features[number] = 16 * np.int64(nodes.values[px, py, pz]) - base
    return base


@inlined
def _end(x: Any, y: Any, z: Any, s: Any, odd: Any, end: Any) -> Any:
    """Position of an end: of the nodes around, along the odd axes, that on the sides `end`."""
    px = x + s * (2 * (end >> 2) - 1) * (odd >> 2)
    py = y + s * (2 * ((end >> 1) & 1) - 1) * ((odd >> 1) & 1)
    pz = z + s * (2 * (end & 1) - 1) * (odd & 1)
    return px, py, pz


@inlined
def _mean_of_ends(nodes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any) -> Any:
    """Step 1: 16 times the mean value of the ends, and their mean residual."""
    values: Any = np.int64(0)
    residuals: Any = np.int64(0)
    count = 0
    for end in range(8):
        if end & ~odd:
            continue
        px, py, pz = _end(x, y, z, s, odd, end)
        values += nodes.values[px, py, pz]
        residuals += nodes.residuals[px, py, pz]
        count += 1
    return (16 * values) // count, residuals // count


@inlined
def _curvature(nodes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any, axis: Any) -> Any:
    """Step 1: twice the mean second difference along an odd axis at the ends that have one (F_a).

    0 if there is none.
    """
    total: Any = np.int64(0)
    count = 0
    values, magnitudes = nodes.values, nodes.magnitudes
    ex, ey, ez = 2 * s * (axis == 0), 2 * s * (axis == 1), 2 * s * (axis == 2)
    for end in range(8):
        if end & ~odd or end & (4 >> axis):
            continue
        px, py, pz = _end(x, y, z, s, odd, end)
        low = np.int64(values[px, py, pz])
        high = np.int64(values[px + ex, py + ey, pz + ez])
        if value_or_zero(magnitudes, px - ex, py - ey, pz - ez):
            total += np.int64(values[px - ex, py - ey, pz - ez]) - 2 * low + high
            count += 1
        if value_or_zero(magnitudes, px + 2 * ex, py + 2 * ey, pz + 2 * ez):
            total += np.int64(values[px + 2 * ex, py + 2 * ey, pz + 2 * ez]) - 2 * high + low
            count += 1
    return (2 * total) // count if count else np.int64(0)


@inlined
def _set_pair(nodes: Any, x: Any, y: Any, z: Any, s: Any, axis: Any, base: Any) -> Any:
    """Step 1: feature of the nodes beside a node along an odd axis of several (F_3+a or F_6+a)."""
    features, values, residuals = nodes.features, nodes.values, nodes.residuals
    ex, ey, ez = s * (axis == 0), s * (axis == 1), s * (axis == 2)
    low = value_or_zero(nodes.magnitudes, x - ex, y - ey, z - ez)
    high = value_or_zero(nodes.magnitudes, x + ex, y + ey, z + ez)
    if low and high:
        pair = np.int64(values[x - ex, y - ey, z - ez]) + values[x + ex, y + ey, z + ez]
        features[3 + axis] = 8 * pair - base
    elif low:
        features[6 + axis] = residuals[x - ex, y - ey, z - ez]
    elif high:
        features[6 + axis] = residuals[x + ex, y + ey, z + ez]


@inlined
def _set_residuals(features: Any, residuals: Any, x: Any, y: Any, z: Any, t: Any) -> Any:
    """Step 1: residuals before and diagonally beside a node (F_9 to F_17); t is 2 s."""
    features[9] = value_or_zero(residuals, x - t, y, z)
    features[10] = value_or_zero(residuals, x, y - t, z)
    features[11] = value_or_zero(residuals, x, y, z - t)
    features[12] = value_or_zero(residuals, x - t, y - t, z)
    features[13] = value_or_zero(residuals, x - t, y, z - t)
    features[14] = value_or_zero(residuals, x, y - t, z - t)
    features[15] = value_or_zero(residuals, x - t, y + t, z)
    features[16] = value_or_zero(residuals, x - t, y, z + t)
    features[17] = value_or_zero(residuals, x, y - t, z + t)


@inlined
def _base_between(nodes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any) -> Any:
    """Step 1, classes 1 to 7: base of a node between others, and the sum of its curvatures (K).

    Its features are left in `nodes`.
    """
    base, residual = _mean_of_ends(nodes, x, y, z, s, odd)
    curvatures: Any = np.int64(0)
    several = (odd & (odd - 1)) != 0
    for axis in range(3):
        if not odd & (4 >> axis):
            continue
        curvature = _curvature(nodes, x, y, z, s, odd, axis)
        nodes.features[axis] = curvature
        curvatures += abs(curvature)
        if several:
            _set_pair(nodes, x, y, z, s, axis, base)
    _set_residuals(nodes.features, nodes.residuals, x, y, z, 2 * s)
    nodes.features[18] = residual
    return base, curvatures


@inlined
def _correction(nodes: Any, row: Any) -> Any:
    """Step 2: the learned correction in 1/65536 (T), and the energy of the features (Q).

    The features are clipped.
    """
    total: Any = np.int64(0)
    energy: Any = np.int64(0)
    for m in range(FEATURES):
        feature = min(max(nodes.features[m], -WEIGHT_LIMIT), WEIGHT_LIMIT)
        nodes.features[m] = feature
        total += nodes.gains[row, m] * feature
        energy += feature * feature
    return total, energy


@inlined
def predict_node(nodes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any) -> Any:
    """Steps 1 and 2: prediction of a value, its base, correction (T >> 16) and curvatures (K)."""
    for m in range(FEATURES):
        nodes.features[m] = 0
    curvatures: Any = np.int64(0)
    if odd == ROOTS:
        base = _base_of_root(nodes, x, y, z, s)
    else:
        base, curvatures = _base_between(nodes, x, y, z, s, odd)
    total, energy = _correction(nodes, odd)
    correction = total >> 16
    return rounded_prediction(base + correction, energy), base, correction, curvatures


@inlined
def learn_gains(nodes: Any, row: Any, value: Any, prediction: Any) -> Any:
    """Step 5: move the gains of a class towards those that had predicted `value`."""
    error = min(max(16 * value - prediction.fine, -WEIGHT_LIMIT), WEIGHT_LIMIT)
    push = ((error * 300) << 20) // (prediction.energy + 256)
    for m in range(FEATURES):
        gain = nodes.gains[row, m] + ((push * nodes.features[m]) >> 20)
        nodes.gains[row, m] = min(max(gain, -WEIGHT_LIMIT), WEIGHT_LIMIT)
