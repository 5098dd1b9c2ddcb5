"""The inner loops of the octree coder, compiled by numba: which cells the surface crosses, and the
values at their corners.

Normative text: format_spec/inrc-1.md, section 7.5; names of its quantities are used here. All of it
is integer arithmetic but for the encoder's choice of magnitudes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from codec.compiling import compiled
from codec.entropy.mixing.kernels import (
    ENCODE,
    QUANTISE,
    choose_magnitude,
    code_magnitude,
)
from codec.entropy.mixing.range_coder import adapt, code_bit, code_direct, uncounted
from codec.entropy.mixing.state import PLANE, VALUE_LIMIT, Memory
from codec.entropy.mixing.tables import REACH

OUTSIDE, SURFACE, INSIDE = 0, 1, 2
# Cells that have no number yet, or lie outside the grid.
UNKNOWN = 3
FEATURES = 19
CELL_INPUTS = 6
CELL_PLANE = 8192
CELL_ROWS = 32
CELL_WEIGHT = 16384
CELL_GUESS = 1 << 21
ROOT_CHANCES = 8
SIDE_CHANCES = 64
GAIN_LIMIT = 1 << 20
RESIDUAL_LIMIT = 1 << 30
CLASS_ROWS = 9

Integers = npt.NDArray[np.int64]


class Scratch(NamedTuple):
    """What `choose_magnitude` and `code_magnitude` read: contexts and stretched chances."""

    contexts: Integers
    stretched: Integers


class CellMemory(NamedTuple):
    """What has been learned of cells: chances and weights of mixed bits, direct chances."""

    slots: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint8]
    weights: Integers
    contexts: Integers
    stretched: Integers
    roots: npt.NDArray[np.int32]
    root_counts: npt.NDArray[np.uint8]
    sides: npt.NDArray[np.int32]
    side_counts: npt.NDArray[np.uint8]


class Nodes(NamedTuple):
    """Dense arrays over the nodes of the finest grid.

    Attributes:
        values: int32, decoded so far.
        residuals: int32, 16 times the value less its linear interpolation, at most 2^30.
        magnitudes: uint8, 0 where nothing is decoded yet, else 1 + what was coded, at most 255.
        gains, features: of the prediction.
        memory, scratch: of coded magnitudes.
    """

    values: npt.NDArray[np.int32]
    residuals: npt.NDArray[np.int32]
    magnitudes: npt.NDArray[np.uint8]
    gains: Integers
    features: Integers
    memory: Memory
    scratch: Scratch


@compiled(inline="always")
def _half_octave(value: Any) -> Any:
    """Level of a number on a logarithmic scale with 2 levels an octave, at most 31."""
    found: Any = np.int64(0)
    rest = abs(value)
    if rest > 0:
        octave: Any = np.int64(0)
        high = rest
        while high > 1:
            high >>= 1
            octave += 1
        found = min(1 + 2 * octave + (((rest << 1) >> octave) & 1), 31)
    return found


@compiled(inline="always")
def _code_mixed(coder: Any, encoding: Any, memory: Any, row: Any, bit: Any, tables: Any) -> Any:
    total: Any = np.int64(0)
    for n in range(CELL_INPUTS):
        slot = np.int64(memory.slots[memory.contexts[n]])
        logit = np.int64(tables.stretch[(slot if slot >= 0 else CELL_GUESS) >> 10])
        memory.stretched[n] = logit
        total += memory.weights[row, n] * logit
    total = min(max(total >> 16, -REACH), REACH)
    chance = np.int64(tables.squash[total + REACH])
    bit = code_bit(coder, encoding, chance, bit)
    error = ((bit << 16) - chance) * 4
    for n in range(CELL_INPUTS):
        weight = memory.weights[row, n] + ((memory.stretched[n] * error + (1 << 17)) >> 18)
        memory.weights[row, n] = min(max(weight, -(1 << 20)), 1 << 20)
        slot = memory.contexts[n]
        if memory.slots[slot] < 0:
            memory.slots[slot] = CELL_GUESS
        adapt(memory.slots, memory.counts, slot, bit, tables)
    return bit


@uncounted
def code_roots(
    coder: Any, encoding: Any, cells: Any, numbers: Any, at: Any, memory: Any, tables: Any
) -> Any:
    """Code the cells of the coarsest level in C order; gives the new position in `numbers`.

    Args:
        cells: int8, padded by one with UNKNOWN; filled.
        numbers: int32, one per cell.
    """
    for i in range(1, cells.shape[0] - 1):
        for j in range(1, cells.shape[1] - 1):
            for k in range(1, cells.shape[2] - 1):
                crossed, within = 0, 0
                for before in (cells[i - 1, j, k], cells[i, j - 1, k], cells[i, j, k - 1]):
                    crossed += 1 if before == SURFACE else 0
                    within += 1 if before == INSIDE else 0
                number = numbers[at] if encoding else 0
                bit = 1 if number == SURFACE else 0
                bit = code_direct(
                    coder, encoding, memory.roots, memory.root_counts, crossed, bit, tables
                )
                if bit:
                    number = SURFACE
                else:
                    side = 1 if number == INSIDE else 0
                    context = 4 + min(within, 3)
                    side = code_direct(
                        coder, encoding, memory.roots, memory.root_counts, context, side, tables
                    )
                    number = INSIDE if side else OUTSIDE
                cells[i, j, k] = number
                numbers[at] = number
                at += 1
    return at


@compiled(inline="always")
def _corner_range(values: Any, i: Any, j: Any, k: Any, child: Any, stride: Any) -> Any:
    """Least, greatest and sum of 8 times the parent's values interpolated at a child's corners.

    Args:
        i, j, k: first node of the parent, in nodes of its level.
        stride: nodes of the finest grid from one node of the parent's level to the next.
    """
    least: Any = np.int64(1) << 40
    greatest: Any = -least
    total: Any = np.int64(0)
    for corner in range(8):
        x = (child >> 2) + (corner >> 2)
        y = ((child >> 1) & 1) + ((corner >> 1) & 1)
        z = (child & 1) + (corner & 1)
        here: Any = np.int64(0)
        for end in range(8):
            weight = x if end >> 2 else 2 - x
            weight *= y if (end >> 1) & 1 else 2 - y
            weight *= z if end & 1 else 2 - z
            if weight:
                value = values[
                    (i + (end >> 2)) * stride, (j + ((end >> 1) & 1)) * stride,
                    (k + (end & 1)) * stride,
                ]  # fmt: skip
                here += weight * np.int64(value)
        least = min(least, here)
        greatest = max(greatest, here)
        total += here
    return least, greatest, total


@compiled(inline="always")
def _set_cell_contexts(
    memory: Any, cells: Any, parents: Any, i: Any, j: Any, k: Any, child: Any, near: Any,
    middle: Any, spread: Any,
) -> Any:  # fmt: skip
    """Contexts of a child from its neighbours and from the distances interpolated in it."""
    crossed, unknown, faces = 0, 0, 0
    for di in range(-1, 2):
        for dj in range(-1, 2):
            for dk in range(-1, 2):
                cell = cells[i + di, j + dj, k + dk]
                crossed += 1 if cell == SURFACE else 0
                unknown += 1 if cell == UNKNOWN else 0
                if abs(di) + abs(dj) + abs(dk) == 1:
                    faces = 3 * faces + (2 if cell == SURFACE else (1 if cell == UNKNOWN else 0))
    edges = 1 if cells[i - 1, j - 1, k] == SURFACE else 0
    edges += 2 if cells[i - 1, j, k - 1] == SURFACE else 0
    edges += 4 if cells[i, j - 1, k - 1] == SURFACE else 0
    pi, pj, pk = (i + 1) >> 1, (j + 1) >> 1, (k + 1) >> 1
    aunts = 4 if parents[pi + (1 if child >> 2 else -1), pj, pk] == SURFACE else 0
    aunts += 2 if parents[pi, pj + (1 if (child >> 1) & 1 else -1), pk] == SURFACE else 0
    aunts += 1 if parents[pi, pj, pk + (1 if child & 1 else -1)] == SURFACE else 0
    depth = min(max(near + 24, 0), 47)
    rough = depth >> 2
    side = min(max(middle + 32, 0), 63)
    contexts = memory.contexts
    contexts[0] = depth + 48 * min(crossed, 15)
    contexts[1] = CELL_PLANE + depth + 48 * aunts + 384 * child
    contexts[2] = 2 * CELL_PLANE + faces + 729 * min(max((near + 16) >> 2, 0), 7)
    contexts[3] = 3 * CELL_PLANE + side + 64 * min(crossed, 7) + 512 * min(unknown >> 1, 7)
    contexts[4] = 4 * CELL_PLANE + rough + 12 * edges + 96 * min(crossed, 7)
    contexts[4] += 768 * min(unknown >> 2, 3)
    contexts[5] = 5 * CELL_PLANE + depth + 48 * min(max(spread >> 2, 0), 15)
    return rough, side


@uncounted
def code_cells(
    coder: Any, encoding: Any, cells: Any, parents: Any, values: Any, stride: Any, unit: Any,
    early: Any, numbers: Any, at: Any, memory: Any, tables: Any,
) -> Any:  # fmt: skip
    """Code the children of all cells that the surface crosses; gives the position in `numbers`.

    Args:
        cells: int8, padded by one; children of other cells hold the number of their parent.
        parents: of the level before, padded by one.
        values: of the nodes, int32.
        stride: nodes of the finest grid per cell of this level.
        unit: steps of a value per cell of the finest level, times 16.
        early: 1 in the first level with parents.
        numbers: int32; -1 is returned where it is too short.
    """
    for i in range(1, parents.shape[0] - 1):
        for j in range(1, parents.shape[1] - 1):
            for k in range(1, parents.shape[2] - 1):
                if parents[i, j, k] != SURFACE:
                    continue
                if at < 0 or at + 8 > numbers.size:
                    at = -1
                    continue
                for child in range(8):
                    least, greatest, total = _corner_range(
                        values, i - 1, j - 1, k - 1, child, 2 * stride
                    )
                    size = unit * stride
                    low, high = (least * 32) // size, (greatest * 32) // size
                    x = 2 * i - 1 + (child >> 2)
                    y = 2 * j - 1 + ((child >> 1) & 1)
                    z = 2 * k - 1 + (child & 1)
                    rough, side = _set_cell_contexts(
                        memory, cells, parents, x, y, z, child, min(-low, high),
                        (total * 4) // size, high - low,
                    )  # fmt: skip
                    number = numbers[at] if encoding else 0
                    bit = 1 if number == SURFACE else 0
                    bit = _code_mixed(coder, encoding, memory, rough + 16 * early, bit, tables)
                    if bit:
                        number = SURFACE
                    else:
                        within = 1 if number == INSIDE else 0
                        within = code_direct(
                            coder, encoding, memory.sides, memory.side_counts, side, within, tables
                        )
                        number = INSIDE if within else OUTSIDE
                    cells[x, y, z] = number
                    numbers[at] = number
                    at += 1
    return at


@compiled(inline="always")
def _is_corner(cells: Any, i: Any, j: Any, k: Any) -> Any:
    """Whether node (i, j, k) of a level is a corner of a cell that the surface crosses."""
    found = False
    for corner in range(8):
        if cells[i + (corner >> 2), j + ((corner >> 1) & 1), k + (corner & 1)] == SURFACE:
            found = True
    return found


@compiled(inline="always")
def _get(array: Any, x: Any, y: Any, z: Any) -> Any:
    """An entry of an array over the nodes, 0 outside."""
    n = array.shape
    if x < 0 or y < 0 or z < 0 or x >= n[0] or y >= n[1] or z >= n[2]:
        return np.int64(0)
    return np.int64(array[x, y, z])


@compiled(inline="always")
def _predict_root(nodes: Any, x: Any, y: Any, z: Any, s: Any) -> Any:
    """Base of a node of the coarsest level; its features are left in `nodes`."""
    total: Any = np.int64(0)
    found = 0
    for dx, dy, dz in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        if _get(nodes.magnitudes, x - s * dx, y - s * dy, z - s * dz):
            total += nodes.values[x - s * dx, y - s * dy, z - s * dz]
            found += 1
    base: Any = (16 * total) // found if found else np.int64(0)
    for number in range(13):
        px = x + s * (number // 9 - 1)
        py = y + s * (number // 3 % 3 - 1)
        pz = z + s * (number % 3 - 1)
        if _get(nodes.magnitudes, px, py, pz):
            nodes.features[number] = 16 * np.int64(nodes.values[px, py, pz]) - base
    return base


@compiled(inline="always")
def _ends(nodes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any) -> Any:
    """16 times the mean value and the mean residual of the nodes between which a node lies."""
    total: Any = np.int64(0)
    rest: Any = np.int64(0)
    found = 0
    for end in range(8):
        if end & ~odd:
            continue
        px = x + s * (2 * (end >> 2) - 1) * (odd >> 2)
        py = y + s * (2 * ((end >> 1) & 1) - 1) * ((odd >> 1) & 1)
        pz = z + s * (2 * (end & 1) - 1) * (odd & 1)
        total += nodes.values[px, py, pz]
        rest += nodes.residuals[px, py, pz]
        found += 1
    return (16 * total) // found, rest // found


@compiled(inline="always")
def _curvature(nodes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any, axis: Any) -> Any:
    """Twice the mean second difference along an odd axis at the ends that have one, 0 if none."""
    total: Any = np.int64(0)
    found = 0
    ex, ey, ez = 2 * s * (axis == 0), 2 * s * (axis == 1), 2 * s * (axis == 2)
    for end in range(8):
        if end & ~odd or end & (4 >> axis):
            continue
        px = x + s * (2 * (end >> 2) - 1) * (odd >> 2)
        py = y + s * (2 * ((end >> 1) & 1) - 1) * ((odd >> 1) & 1)
        pz = z + s * (2 * (end & 1) - 1) * (odd & 1)
        low = np.int64(nodes.values[px, py, pz])
        high = np.int64(nodes.values[px + ex, py + ey, pz + ez])
        if _get(nodes.magnitudes, px - ex, py - ey, pz - ez):
            total += np.int64(nodes.values[px - ex, py - ey, pz - ez]) - 2 * low + high
            found += 1
        if _get(nodes.magnitudes, px + 2 * ex, py + 2 * ey, pz + 2 * ez):
            total += np.int64(nodes.values[px + 2 * ex, py + 2 * ey, pz + 2 * ez]) - 2 * high + low
            found += 1
    return (2 * total) // found if found else np.int64(0)


@compiled(inline="always")
def _predict_between(nodes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any) -> Any:
    """Base of a node between nodes of the level before, and the sum of its curvatures."""
    features, residuals = nodes.features, nodes.residuals
    base, rest = _ends(nodes, x, y, z, s, odd)
    curved: Any = np.int64(0)
    several = (odd & (odd - 1)) != 0
    for axis in range(3):
        ex, ey, ez = s * (axis == 0), s * (axis == 1), s * (axis == 2)
        features[9 + axis] = _get(residuals, x - 2 * ex, y - 2 * ey, z - 2 * ez)
        if not odd & (4 >> axis):
            continue
        features[axis] = _curvature(nodes, x, y, z, s, odd, axis)
        curved += abs(features[axis])
        if several:
            low = _get(nodes.magnitudes, x - ex, y - ey, z - ez)
            high = _get(nodes.magnitudes, x + ex, y + ey, z + ez)
            if low and high:
                pair = np.int64(nodes.values[x - ex, y - ey, z - ez])
                pair += nodes.values[x + ex, y + ey, z + ez]
                features[3 + axis] = 8 * pair - base
            elif low:
                features[6 + axis] = residuals[x - ex, y - ey, z - ez]
            elif high:
                features[6 + axis] = residuals[x + ex, y + ey, z + ez]
    t = 2 * s
    features[12] = _get(residuals, x - t, y - t, z)
    features[13] = _get(residuals, x - t, y, z - t)
    features[14] = _get(residuals, x, y - t, z - t)
    features[15] = _get(residuals, x - t, y + t, z)
    features[16] = _get(residuals, x - t, y, z + t)
    features[17] = _get(residuals, x, y - t, z + t)
    features[18] = rest
    return base, curved


@compiled(inline="always")
def _activity(magnitudes: Any, x: Any, y: Any, z: Any, s: Any) -> Any:
    """16 times the weighted mean of what was coded around a node, and the sum of the weights."""
    total: Any = np.int64(0)
    weights: Any = np.int64(0)
    for dx in range(-2, 3):
        for dy in range(-2, 3):
            for dz in range(-2, 3):
                distance = abs(dx) + abs(dy) + abs(dz)
                shown = _get(magnitudes, x + s * dx, y + s * dy, z + s * dz)
                if shown > 0 and distance > 0:
                    weight = 4 if distance == 1 else (2 if distance == 2 else 1)
                    total += weight * (shown - 1)
                    weights += weight
    return (16 * total) // max(weights, 1), weights


@compiled(inline="always")
def _close_activity(magnitudes: Any, x: Any, y: Any, z: Any, s: Any, odd: Any) -> Any:
    """16 times the mean of what was coded at the closest nodes."""
    total: Any = np.int64(0)
    found = 0
    back = 2 * s if odd < 8 else s
    for axis in range(3):
        ex, ey, ez = int(axis == 0), int(axis == 1), int(axis == 2)
        before = _get(magnitudes, x - back * ex, y - back * ey, z - back * ez)
        if before > 0:
            total += before - 1
            found += 1
        if odd < 8 and odd & (odd - 1) and odd & (4 >> axis):
            for sign in (-1, 1):
                beside = _get(magnitudes, x + sign * s * ex, y + sign * s * ey, z + sign * s * ez)
                if beside > 0:
                    total += beside - 1
                    found += 1
    return (16 * total) // max(found, 1)


@compiled(inline="always")
def _correct(nodes: Any, row: Any) -> Any:
    """The learned correction in 1/65536, and the energy of the features, which are clipped."""
    total: Any = np.int64(0)
    energy: Any = np.int64(0)
    for m in range(FEATURES):
        feature = min(max(nodes.features[m], -GAIN_LIMIT), GAIN_LIMIT)
        nodes.features[m] = feature
        total += nodes.gains[row, m] * feature
        energy += feature * feature
    return total, energy


@compiled(inline="always")
def _learn_gains(nodes: Any, row: Any, error: Any, energy: Any) -> None:
    push = ((min(max(error, -GAIN_LIMIT), GAIN_LIMIT) * 300) << 20) // (energy + 256)
    for m in range(FEATURES):
        gain = nodes.gains[row, m] + ((push * nodes.features[m]) >> 20)
        nodes.gains[row, m] = min(max(gain, -GAIN_LIMIT), GAIN_LIMIT)


@uncounted
def code_nodes(
    coder: Any, mode: Any, cells: Any, nodes: Any, stride: Any, odd: Any, level: Any, unit: Any,
    numbers: Any, at: Any, targets: Any, prices: Any, tables: Any,
) -> Any:  # fmt: skip
    """Code one class of nodes of a level; gives the new position in `numbers`.

    Args:
        mode: DECODE, ENCODE, or QUANTISE, which chooses the numbers from `targets`.
        cells: of the level, padded by one.
        odd: bit 2 - a is set for the axes along which the nodes lie between those of the level
            before; 8 for all nodes of the coarsest level.
        unit: as in `code_cells`.
        targets, prices: float32 over the nodes, values in steps, and what a bit is worth
            (QUANTISE).
    """
    encoding = 1 if mode else 0
    memory, scratch = nodes.memory, nodes.scratch
    parity, apart = (0, 1) if odd == 8 else (odd, 2)
    for i in range(parity >> 2, cells.shape[0] - 1, apart):
        for j in range((parity >> 1) & 1, cells.shape[1] - 1, apart):
            for k in range(parity & 1, cells.shape[2] - 1, apart):
                if not _is_corner(cells, i, j, k):
                    continue
                if at < 0 or at >= numbers.size:
                    at = -1
                    continue
                x, y, z = i * stride, j * stride, k * stride
                for m in range(FEATURES):
                    nodes.features[m] = 0
                curved: Any = np.int64(0)
                if odd == 8:
                    base = _predict_root(nodes, x, y, z, stride)
                else:
                    base, curved = _predict_between(nodes, x, y, z, stride, odd)
                total, energy = _correct(nodes, odd)
                f = min(max(base + (total >> 16), -16 * VALUE_LIMIT), 16 * VALUE_LIMIT)
                prediction = (f + 8) >> 4
                a, weights = _activity(nodes.magnitudes, x, y, z, stride)
                e = _close_activity(nodes.magnitudes, x, y, z, stride, odd)
                ra, re = _half_octave(a), _half_octave(e)
                far = min(_half_octave((32 * abs(f) // unit) // stride), 15)
                bits = (odd >> 2) + ((odd >> 1) & 1) + (odd & 1) if odd < 8 else 0
                contexts = scratch.contexts
                contexts[0] = min(ra, 23) + 24 * min(re, 23)
                contexts[1] = PLANE + min(ra, 23) + 24 * min(_half_octave(curved), 23)
                contexts[2] = 2 * PLANE + _half_octave(2 * a + e) + 32 * (odd & 7)
                contexts[2] += 256 * min(level, 3)
                contexts[3] = 3 * PLANE + min(re, 15) + 16 * far + 256 * bits
                contexts[4] = 4 * PLANE + min(_half_octave(total >> 16), 15) + 16 * min(ra, 15)
                contexts[4] += 256 * min(weights >> 5, 3)
                row = min(ra >> 1, 7) + (8 if level == 0 else 0)
                expected = (2 * a + e) // 3
                magnitude: Any = np.int64(0)
                target: Any = np.float32(0)
                if mode == ENCODE:
                    magnitude = np.int64(numbers[at]) - prediction
                elif mode == QUANTISE:
                    target = targets[x, y, z] - np.float32(prediction)
                    magnitude = np.int64(np.rint(target))
                negative = 0
                if magnitude < 0:
                    negative = 1
                    magnitude = -magnitude
                if mode == QUANTISE and 0 < magnitude < 5:
                    magnitude = np.int64(
                        choose_magnitude(
                            memory, scratch, abs(target), magnitude, 0, row, expected,
                            prices[x, y, z], tables,
                        )
                    )  # fmt: skip
                magnitude = code_magnitude(
                    coder, encoding, memory, scratch, min(magnitude, VALUE_LIMIT), 0, row, expected,
                    tables,
                )  # fmt: skip
                if magnitude:
                    context = 4096 + (f - 16 * prediction) + 8 + 16 * min(magnitude, 3)
                    negative = code_direct(
                        coder, encoding, memory.signs, memory.sign_counts, context, negative, tables
                    )
                value = prediction + (-magnitude if negative else magnitude)
                numbers[at] = value
                at += 1
                nodes.values[x, y, z] = value
                rest = min(max(16 * value - base, -RESIDUAL_LIMIT), RESIDUAL_LIMIT)
                nodes.residuals[x, y, z] = rest
                nodes.magnitudes[x, y, z] = min(magnitude + 1, 255)
                if energy > 0:
                    _learn_gains(nodes, odd, 16 * value - f, energy)
    return at
