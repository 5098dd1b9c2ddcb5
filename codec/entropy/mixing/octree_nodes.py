"""Loop of the octree coder over nodes, compiled by numba: values at corners of surface cells.

Normative text: format_spec/inrc-1.md, section 7.5, paragraph "Values", whose steps are named here;
names of its quantities are in brackets. All of it is integer arithmetic but for the encoder's
choice of magnitudes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import inlined, kernel
from codec.entropy.mixing.chances import code_direct
from codec.entropy.mixing.choices import LARGE, choose_magnitude
from codec.entropy.mixing.magnitudes import (
    code_magnitude,
    predicted_sign_context,
    wanted_residual,
)
from codec.entropy.mixing.octree_cells import SURFACE
from codec.entropy.mixing.octree_prediction import (
    ROOTS,
    learn_gains,
    predict_node,
    value_or_zero,
)
from codec.entropy.mixing.state import PLANE, QUANTISE

_RESIDUAL_LIMIT = 1 << 30


@inlined
def _is_corner(cells: Any, i: Any, j: Any, k: Any) -> Any:
    """Whether node (i, j, k) of a level is a corner of a cell that the surface crosses."""
    is_corner = False
    for corner in range(8):
        if cells[i + (corner >> 2), j + ((corner >> 1) & 1), k + (corner & 1)] == SURFACE:
            is_corner = True
    return is_corner


@inlined
def _half_octave(value: Any) -> Any:
    """Level of a number on a logarithmic scale with 2 levels an octave, at most 31 (HALF)."""
    level: Any = np.int64(0)
    magnitude = abs(value)
    if magnitude > 0:
        octave: Any = np.int64(0)
        high = magnitude
        while high > 1:
            high >>= 1
            octave += 1
        level = min(1 + 2 * octave + (((magnitude << 1) >> octave) & 1), 31)
    return level


@inlined
def _near_magnitude(magnitudes: Any, x: Any, y: Any, z: Any, s: Any) -> Any:
    """Step 3: 16 times the weighted mean of what was coded around (a), and the weights' sum (W)."""
    total: Any = np.int64(0)
    weights: Any = np.int64(0)
    for dx in range(-2, 3):
        for dy in range(-2, 3):
            for dz in range(-2, 3):
                distance = abs(dx) + abs(dy) + abs(dz)
                magnitude = value_or_zero(magnitudes, x + s * dx, y + s * dy, z + s * dz)
                if magnitude > 0 and distance > 0:
                    weight = 4 if distance == 1 else (2 if distance == 2 else 1)
                    total += weight * (magnitude - 1)
                    weights += weight
    return (16 * total) // max(weights, 1), weights


@inlined
def _closest_magnitude(magnitudes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any) -> Any:
    """Step 3: 16 times the mean of what was coded at the closest known nodes (e)."""
    total: Any = np.int64(0)
    count = 0
    back = s if odd == ROOTS else 2 * s
    for axis in range(3):
        ex, ey, ez = int(axis == 0), int(axis == 1), int(axis == 2)
        before = value_or_zero(magnitudes, x - back * ex, y - back * ey, z - back * ez)
        if before > 0:
            total += before - 1
            count += 1
        if odd != ROOTS and odd & (odd - 1) and odd & (4 >> axis):
            for step in (-s, s):
                beside = value_or_zero(magnitudes, x + step * ex, y + step * ey, z + step * ez)
                if beside > 0:
                    total += beside - 1
                    count += 1
    return (16 * total) // max(count, 1)


@inlined
def _set_contexts(
    contexts: Any, near: Any, weights: Any, closest: Any, correction: Any, curvatures: Any,
    far: Any, odd: Any, level: Any,
) -> Any:  # fmt: skip
    """Step 4: contexts of the decisions; gives the row of weights of decision 0.

    Args:
        near, weights, closest: see `_near_magnitude` and `_closest_magnitude` (a, W, e).
        correction, curvatures: of the prediction (T >> 16, K).
        far: level of the predicted distance from the surface (HALF((32 |f| // U) // s)).
    """
    near_level, closest_level = _half_octave(near), _half_octave(closest)
    axes = (odd >> 2) + ((odd >> 1) & 1) + (odd & 1) if odd < ROOTS else 0
    contexts[0] = min(near_level, 23) + 24 * min(closest_level, 23)
    contexts[1] = PLANE + min(near_level, 23) + 24 * min(_half_octave(curvatures), 23)
    contexts[2] = 2 * PLANE + _half_octave(2 * near + closest) + 32 * (odd & 7)
    contexts[2] += 256 * min(level, 3)
    contexts[3] = 3 * PLANE + min(closest_level, 15) + 16 * min(far, 15) + 256 * axes
    contexts[4] = 4 * PLANE + min(_half_octave(correction), 15) + 16 * min(near_level, 15)
    contexts[4] += 256 * min(weights >> 5, 3)
    return min(near_level >> 1, 7) + (8 if level == 0 else 0)


@inlined
def _code_residual(
    coder: Any, mode: Any, memory: Any, values: Any, index: Any, targets: Any, prices: Any,
    place: Any, prediction: Any, row: Any, expected: Any, tables: Any,
) -> Any:  # fmt: skip
    """Step 4: code what a value is more than its prediction; gives its magnitude and sign."""
    magnitude, negative, target = wanted_residual(
        mode, values, index, targets, place, prediction.rounded
    )
    if mode == QUANTISE and 0 < magnitude < LARGE:
        magnitude = choose_magnitude(
            memory.mixer, target, magnitude, 0, row, expected, prices[place], tables
        )
    magnitude = code_magnitude(coder, memory, magnitude, 0, row, expected, tables)
    if magnitude:
        context = predicted_sign_context(prediction, magnitude)
        negative = code_direct(coder, memory.signs, context, negative, tables)
    return magnitude, negative


@inlined
def _code_node(
    coder: Any, mode: Any, nodes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any, level: Any,
    unit: Any, numbers: Any, position: Any, targets: Any, prices: Any, tables: Any,
) -> Any:  # fmt: skip
    """Steps 1 to 5: code the value of a node."""
    prediction, base, correction, curvatures = predict_node(nodes, x, y, z, s, odd)
    near, weights = _near_magnitude(nodes.magnitudes, x, y, z, s)
    closest = _closest_magnitude(nodes.magnitudes, x, y, z, s, odd)
    far = _half_octave((32 * abs(prediction.fine) // unit) // s)
    row = _set_contexts(
        nodes.memory.mixer.contexts, near, weights, closest, correction, curvatures, far, odd, level
    )
    magnitude, negative = _code_residual(
        coder, mode, nodes.memory, numbers, position, targets, prices, (x, y, z), prediction, row,
        (2 * near + closest) // 3, tables,
    )  # fmt: skip
    value = prediction.rounded + (-magnitude if negative else magnitude)
    numbers[position] = value
    nodes.values[x, y, z] = value
    residual = 16 * value - base
    nodes.residuals[x, y, z] = min(max(residual, -_RESIDUAL_LIMIT), _RESIDUAL_LIMIT)
    nodes.magnitudes[x, y, z] = min(magnitude + 1, 255)
    if prediction.energy > 0:
        learn_gains(nodes, odd, value, prediction)


@kernel
def code_nodes(
    coder: Any, mode: Any, cells: Any, nodes: Any, stride: Any, odd: Any, level: Any, unit: Any,
    numbers: Any, position: Any, targets: Any, prices: Any, tables: Any,
) -> Any:  # fmt: skip
    """Code a class of nodes of a level; gives the new position in `numbers`.

    Args:
        mode: DECODE, ENCODE, or QUANTISE, which chooses the numbers from `targets`.
        cells: of the level, padded by one cell.
        stride: nodes of the finest grid per cell of this level.
        odd: class of the nodes; see `octree_prediction`.
        unit: steps of a value per cell of the finest level, times 16.
        numbers: int32; -1 is returned where it is too short.
        position: of the first of the nodes in `numbers`.
        targets, prices: float32 over the nodes, values in steps, and what a bit is worth
            (QUANTISE).
    """
    parity, apart = (0, 1) if odd == ROOTS else (odd, 2)
    for i in range(parity >> 2, cells.shape[0] - 1, apart):
        for j in range((parity >> 1) & 1, cells.shape[1] - 1, apart):
            for k in range(parity & 1, cells.shape[2] - 1, apart):
                if not _is_corner(cells, i, j, k):
                    continue
                if position < 0 or position >= numbers.size:
                    position = -1
                    continue
                _code_node(
                    coder, mode, nodes, i * stride, j * stride, k * stride, stride, odd, level,
                    unit, numbers, position, targets, prices, tables,
                )  # fmt: skip
                position += 1
    return position
