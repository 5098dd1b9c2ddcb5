"""Loops of the octree coder over cells, compiled by numba: which of them the surface crosses.

Normative text: format_spec/inrc-1.md, section 7.5, paragraphs "Cells of level 0" and "Children";
names of its quantities are in brackets. All of it is integer arithmetic.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from codec.entropy.compilation import inlined, kernel
from codec.entropy.mixing.chances import Chances, Mixer, code_direct, code_mixed

OUTSIDE, SURFACE, INSIDE = 0, 1, 2
# Cells that have no number yet, or lie outside the grid.
UNKNOWN = 3
CELL_INPUTS = 6
CELL_PLANE = 8192
CELL_ROWS = 32
CELL_WEIGHT = 16384
ROOT_CHANCES = 8
SIDE_CHANCES = 64


class CellMemory(NamedTuple):
    """Memory of cells.

    Attributes:
        mixer: whether the surface crosses a child.
        roots: of cells of the coarsest level: whether the surface crosses them, by the number of
            crossed neighbours, and whether others are inside, by that of neighbours inside plus 4.
        sides: whether a child that the surface does not cross is inside, by the distances in it.
    """

    mixer: Mixer
    roots: Chances
    sides: Chances


class Distances(NamedTuple):
    """Distances interpolated within a child, in 1/32 of its size.

    Attributes:
        straddle: the lesser of the reaches below and above 0 (min(-low, high)).
        middle: mean over the corners.
        spread: greatest less least.
    """

    straddle: Any
    middle: Any
    spread: Any


@inlined
def _code_number(
    coder: Any, number: Any, is_surface: Any, sides: Any, side: Any, tables: Any
) -> Any:
    """Number of a cell, of which `is_surface` is coded: a cell of another kind has a side, too."""
    if is_surface:
        number = SURFACE
    else:
        bit = code_direct(coder, sides, side, 1 if number == INSIDE else 0, tables)
        number = INSIDE if bit else OUTSIDE
    return number


@kernel
def code_roots(
    coder: Any, cells: Any, numbers: Any, position: Any, memory: Any, tables: Any
) -> Any:
    """Code the cells of the coarsest level in C order; gives the new position in `numbers`.

    Args:
        cells: int8, padded by one cell that is UNKNOWN; filled.
        numbers: int32, of the cells.
        position: of the first of them in `numbers`.
    """
    for i in range(1, cells.shape[0] - 1):
        for j in range(1, cells.shape[1] - 1):
            for k in range(1, cells.shape[2] - 1):
                crossed, within = 0, 0
                for before in (cells[i - 1, j, k], cells[i, j - 1, k], cells[i, j, k - 1]):
                    crossed += 1 if before == SURFACE else 0
                    within += 1 if before == INSIDE else 0
                number = numbers[position] if coder.encoding else 0
                bit = 1 if number == SURFACE else 0
                bit = code_direct(coder, memory.roots, crossed, bit, tables)
                number = _code_number(coder, number, bit, memory.roots, 4 + min(within, 3), tables)
                cells[i, j, k] = number
                numbers[position] = number
                position += 1
    return position


@inlined
def _value_at_corner(values: Any, i: Any, j: Any, k: Any, child: Any, corner: Any, s: Any) -> Any:
    """Step 1: 8 times the interpolated value at a corner of a child (t); see `_distances`."""
    x = (child >> 2) + (corner >> 2)
    y = ((child >> 1) & 1) + ((corner >> 1) & 1)
    z = (child & 1) + (corner & 1)
    total: Any = np.int64(0)
    for end in range(8):
        weight = x if end >> 2 else 2 - x
        weight *= y if (end >> 1) & 1 else 2 - y
        weight *= z if end & 1 else 2 - z
        if weight:
            value = values[(i + (end >> 2)) * s, (j + ((end >> 1) & 1)) * s, (k + (end & 1)) * s]
            total += weight * np.int64(value)
    return total


@inlined
def _distances(values: Any, i: Any, j: Any, k: Any, child: Any, stride: Any, unit: Any) -> Any:
    """Step 1: distances in a child, from the values at the corners of its parent.

    Args:
        i, j, k: first node of the parent, in nodes of its level.
        stride: nodes of the finest grid per cell of the child's level (s).
        unit: as in `code_cells` (U).
    """
    least: Any = np.int64(1) << 40
    greatest: Any = -least
    total: Any = np.int64(0)
    for corner in range(8):
        value = _value_at_corner(values, i, j, k, child, corner, 2 * stride)
        least = min(least, value)
        greatest = max(greatest, value)
        total += value
    size = unit * stride
    low, high = (least * 32) // size, (greatest * 32) // size
    return Distances(min(-low, high), (total * 4) // size, high - low)


@inlined
def _count_around(cells: Any, i: Any, j: Any, k: Any) -> Any:
    """Step 2: numbers of surface (N) and unknown cells (M) of 27, and the faces' digits (F)."""
    crossed, unknown, faces = 0, 0, 0
    for di in range(-1, 2):
        for dj in range(-1, 2):
            for dk in range(-1, 2):
                cell = cells[i + di, j + dj, k + dk]
                crossed += 1 if cell == SURFACE else 0
                unknown += 1 if cell == UNKNOWN else 0
                if abs(di) + abs(dj) + abs(dk) == 1:
                    faces = 3 * faces + (2 if cell == SURFACE else (1 if cell == UNKNOWN else 0))
    return crossed, unknown, faces


@inlined
def _crossed_edges(cells: Any, i: Any, j: Any, k: Any) -> Any:
    """Step 2: surface cells among those that share an edge and are coded before (E)."""
    edges = 1 if cells[i - 1, j - 1, k] == SURFACE else 0
    edges += 2 if cells[i - 1, j, k - 1] == SURFACE else 0
    edges += 4 if cells[i, j - 1, k - 1] == SURFACE else 0
    return edges


@inlined
def _crossed_aunts(parents: Any, i: Any, j: Any, k: Any, child: Any) -> Any:
    """Step 2: surface cells among the neighbours of the parent on the child's side (A)."""
    aunts = 4 if parents[i + (1 if child >> 2 else -1), j, k] == SURFACE else 0
    aunts += 2 if parents[i, j + (1 if (child >> 1) & 1 else -1), k] == SURFACE else 0
    aunts += 1 if parents[i, j, k + (1 if child & 1 else -1)] == SURFACE else 0
    return aunts


@inlined
def _set_contexts(
    contexts: Any, cells: Any, parents: Any, i: Any, j: Any, k: Any, child: Any, distances: Any
) -> Any:
    """Steps 2 and 3: contexts of the child at i, j, k; gives the row of weights and the side."""
    crossed, unknown, faces = _count_around(cells, i, j, k)
    edges = _crossed_edges(cells, i, j, k)
    aunts = _crossed_aunts(parents, (i + 1) >> 1, (j + 1) >> 1, (k + 1) >> 1, child)
    depth = min(max(distances.straddle + 24, 0), 47)
    rough = depth >> 2
    side = min(max(distances.middle + 32, 0), 63)
    spread = min(max(distances.spread >> 2, 0), 15)
    contexts[0] = depth + 48 * min(crossed, 15)
    contexts[1] = CELL_PLANE + depth + 48 * aunts + 384 * child
    contexts[2] = 2 * CELL_PLANE + faces
    contexts[2] += 729 * min(max((distances.straddle + 16) >> 2, 0), 7)
    contexts[3] = 3 * CELL_PLANE + side + 64 * min(crossed, 7) + 512 * min(unknown >> 1, 7)
    contexts[4] = 4 * CELL_PLANE + rough + 12 * edges + 96 * min(crossed, 7)
    contexts[4] += 768 * min(unknown >> 2, 3)
    contexts[5] = 5 * CELL_PLANE + depth + 48 * spread
    return rough, side


@kernel
def code_cells(
    coder: Any, cells: Any, parents: Any, values: Any, stride: Any, unit: Any, first_row: Any,
    numbers: Any, position: Any, memory: Any, tables: Any,
) -> Any:  # fmt: skip
    """Code the children of all surface cells; gives the new position in `numbers`.

    Args:
        cells: int8, padded by one cell; children of other cells hold the number of their parent.
        parents: of the level before, padded by one cell.
        values: of the nodes, int32.
        stride: nodes of the finest grid per cell of this level.
        unit: steps of a value per cell of the finest level, times 16.
        first_row: of the weights: 16 in level 1, 0 in later ones.
        numbers: int32; -1 is returned where it is too short.
        position: of the first of the children in `numbers`.
    """
    mixer = memory.mixer
    for i in range(1, parents.shape[0] - 1):
        for j in range(1, parents.shape[1] - 1):
            for k in range(1, parents.shape[2] - 1):
                if parents[i, j, k] != SURFACE:
                    continue
                if position < 0 or position + 8 > numbers.size:
                    position = -1
                    continue
                for child in range(8):
                    distances = _distances(values, i - 1, j - 1, k - 1, child, stride, unit)
                    x = 2 * i - 1 + (child >> 2)
                    y = 2 * j - 1 + ((child >> 1) & 1)
                    z = 2 * k - 1 + (child & 1)
                    rough, side = _set_contexts(
                        mixer.contexts, cells, parents, x, y, z, child, distances
                    )
                    number = numbers[position] if coder.encoding else 0
                    bit = 1 if number == SURFACE else 0
                    bit = code_mixed(coder, mixer, CELL_INPUTS, first_row + rough, bit, tables)
                    number = _code_number(coder, number, bit, memory.sides, side, tables)
                    cells[x, y, z] = number
                    numbers[position] = number
                    position += 1
    return position
