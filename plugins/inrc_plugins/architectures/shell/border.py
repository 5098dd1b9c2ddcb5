"""Holes closed by the zero of a shell, as integers of a file.

Normative text: format_spec/architectures/shell.md, "Border".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from codec.arrays import BoolArray, Float32Array, Float64Array, Int8Array, Int64Array
from codec.errors import CorruptError
from inrc_plugins.architectures.shell.border_values import predicted

# A flag of a cell: all of it is surface, some of it, none of it.
SURFACE, MIXED, CAP = -1, 0, 1
# Values of nodes without a value of their own, with the sign of their cell; and the most there is.
WHOLE, MOST = 8, 127


@dataclass(frozen=True)
class BorderSize:
    """Border as the config describes it.

    Attributes:
        level: of the octree, whose nodes have the values.
        flags, values: how many integers there are of each.
    """

    level: int
    flags: int
    values: int


@dataclass(frozen=True)
class Border:
    """A function over the nodes of a level: at most 0 on the surface, greater on what closes holes.

    Attributes:
        stride: nodes of the finest level from one node to the next.
        values: float32 over the nodes of the level; known: bool, where there is one.
    """

    stride: int
    values: Float32Array
    known: BoolArray

    def at(self, points: Float64Array) -> Float64Array:
        """Its values at (n, 3) node indices of the finest level: (n,); -1 where nothing is known.

        Between the nodes it is interpolated linearly along every axis, from those known.
        """
        places = points / self.stride
        first = np.clip(np.floor(places).astype(np.int64), 0, np.array(self.values.shape) - 2)
        offset = places - first
        total, weights = np.zeros(len(points)), np.zeros(len(points))
        for corner in np.ndindex(2, 2, 2):
            node = tuple((first + corner).T)
            weight = np.where(np.array(corner), offset, 1 - offset).prod(1) * self.known[node]
            total += weight * self.values[node]
            weights += weight
        return np.where(weights > 0, total / np.where(weights > 0, weights, 1), -1.0)


def crossed_cells(surface: BoolArray, depth: int, level: int) -> list[BoolArray]:
    """Per level up to `level`, which cells hold a finest cell that the surface crosses.

    Args:
        surface: over the finest cells; depth: their level.
    """
    levels = []
    for coarse in range(level + 1):
        side = 1 << (depth - coarse)
        a, b, c = (size // side for size in surface.shape)
        levels.append(np.asarray(surface.reshape(a, side, b, side, c, side).any((1, 3, 5))))
    return levels


def node_values(
    cells: Int8Array, crossed: BoolArray, values: Int64Array
) -> tuple[Int64Array, BoolArray]:
    """Values at the nodes of a level, and where there are any.

    Args:
        cells: flags; crossed: which of them count.
        values: at the corners of mixed cells, in C order.
    """
    valued = corners_of(crossed & (cells == MIXED))
    whole = corners_of(crossed & (cells == SURFACE))
    closing = corners_of(crossed & (cells == CAP))
    numbers = np.where(whole, -WHOLE, np.where(closing, WHOLE, 0))
    numbers[valued] = values
    return numbers, valued | whole | closing


def corners_of(cells: BoolArray) -> BoolArray:
    """Nodes at the corners of cells."""
    nodes = np.pad(cells, 1)
    for axis in range(3):
        moved = nodes.swapaxes(0, axis)
        nodes = (moved[1:] | moved[:-1]).swapaxes(0, axis)
    return np.asarray(nodes)


def _open_cells(crossed: list[BoolArray]) -> Iterator[tuple[int, BoolArray, Int8Array]]:
    """Per level, its number, the cells with a flag of their own, and an array for all flags.

    The array must have these flags before the next level is asked for.
    """
    parents: Int8Array | None = None
    for level, here in enumerate(crossed):
        if parents is None:
            flags = np.full(here.shape, MIXED, np.int8)
        else:
            flags = parents.repeat(2, 0).repeat(2, 1).repeat(2, 2)
        yield level, here & (flags == MIXED), flags
        parents = flags


def to_integers(
    cells: Int8Array, crossed: list[BoolArray], values: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """Flags and residuals of values, as they are coded.

    Args:
        cells: flags of the last level; values: at the corners of mixed ones, in C order.
    """
    last = len(crossed) - 1
    parts = []
    for level, asked, flags in _open_cells(crossed):
        side = 1 << (last - level)
        a, b, c = crossed[level].shape
        families = (a, side, b, side, c, side)
        mine = crossed[last]
        lowest = np.where(mine, cells, np.int8(CAP)).reshape(families).min((1, 3, 5))
        highest = np.where(mine, cells, np.int8(SURFACE)).reshape(families).max((1, 3, 5))
        flags[asked] = np.where(lowest == highest, lowest, np.int8(MIXED))[asked]
        parts.append(flags[asked])
    valued = corners_of(crossed[last] & (cells == MIXED))
    residuals = predicted(np.argwhere(valued), valued.shape, values.astype(np.int64), True, MOST)
    return np.concatenate(parts).astype(np.int64), residuals


def from_integers(
    size: BorderSize, surface: BoolArray, depth: int, flags: Int64Array, residuals: Int64Array
) -> Border:
    """The border of a file.

    Args:
        surface: which of the finest cells the surface crosses; depth: their level.

    Raises:
        CorruptError: a flag is none, or there are more or fewer integers than the cells need.
    """
    if not ((flags >= SURFACE) & (flags <= CAP)).all():
        raise CorruptError("a flag of a border is neither -1, 0 nor 1", section="TENS")
    crossed = crossed_cells(surface, depth, size.level)
    at, cells = 0, np.zeros(0, np.int8)
    for _, asked, cells in _open_cells(crossed):
        count = int(asked.sum())
        if at + count > len(flags):
            raise CorruptError("fewer flags of a border than the cells need", section="TENS")
        cells[asked] = flags[at : at + count]
        at += count
    valued = corners_of(crossed[-1] & (cells == MIXED))
    if at != len(flags) or int(valued.sum()) != len(residuals):
        raise CorruptError("a border has other integers than the cells need", section="TENS")
    values = predicted(np.argwhere(valued), valued.shape, residuals, False, MOST)
    numbers, known = node_values(cells, crossed[-1], values)
    return Border(1 << (depth - size.level), numbers.astype(np.float32), known)
