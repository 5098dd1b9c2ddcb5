"""The cells and nodes of an octree and the order of its integers (section 7.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
import numpy.typing as npt

from .errors import Malformed
from .numbers import Int64Array

Place = tuple[int, int, int]
Cells = npt.NDArray[np.uint8]
OUTSIDE, SURFACE, INSIDE, UNKNOWN = range(4)
CORNERS: tuple[Place, ...] = tuple(product((0, 1), (0, 1), (0, 1)))
"""Offsets of the corners of a cell, and of its children, in C order."""
_NEAR = (-1, 0, 1)
NEIGHBOURS: tuple[Place, ...] = tuple(d for d in product(_NEAR, _NEAR, _NEAR) if any(d))
"""The 26 offsets around a cell or node, in ascending order."""
CLASSES = (1, 2, 4, 3, 5, 6, 7)
"""The order of the classes of nodes in levels after the first."""
ROOT_CLASS = 8


@dataclass(frozen=True)
class Octree:
    """Depth D, roots g_0..g_2 and unit U."""

    depth: int
    roots: Place
    unit: int

    def stride(self, level: int) -> int:
        """Return the distance of two nodes of a level in nodes of the finest one."""
        return 1 << (self.depth - level)

    def lengths(self, level: int) -> Place:
        """Return the number of cells of a level along each axis."""
        a, b, c = (root << level for root in self.roots)
        return a, b, c


@dataclass(frozen=True)
class Node:
    """A new node: its level, stride, class, and place among the nodes of the finest level."""

    level: int
    stride: int
    kind: int
    place: Place

    @property
    def odd_axes(self) -> list[int]:
        """The axes along which its index in its level is odd; none in class 8."""
        return [axis for axis in range(3) if self.kind % 8 >> (2 - axis) & 1]

    def at(self, times: int, offset: Place) -> Place:
        """Return the place that lies so many strides away along an offset."""
        i, j, k = self.place
        a, b, c = offset
        step = times * self.stride
        return i + step * a, j + step * b, k + step * c

    def along(self, times: int, axis: int) -> Place:
        """Return the place that lies so many strides away along an axis."""
        return self.at(times, unit(axis))


def unit(axis: int) -> Place:
    """Return the offset of 1 along an axis."""
    a, b, c = (int(axis == other) for other in range(3))
    return a, b, c


class Tree:
    """Known part of an octree: cells of its levels, and values at nodes of the finest level."""

    def __init__(self, octree: Octree) -> None:
        self.octree = octree
        self.values: dict[Place, int] = {}
        self._levels: list[Cells] = []

    @property
    def level(self) -> int:
        """The level that is coded now."""
        return len(self._levels) - 1

    def cells(self, level: int) -> Cells:
        """Return the cells of a level, which may be changed."""
        return self._levels[level][1:-1, 1:-1, 1:-1]

    def around(self, level: int, place: Place) -> Cells:
        """Return the 27 cells around a cell, itself in the middle; those outside are unknown."""
        i, j, k = place
        return self._levels[level][i : i + 3, j : j + 3, k : k + 3]

    def begin_level(self) -> Iterator[Place]:
        """Begin the next level; return the cells of it that are coded, in their order."""
        level = len(self._levels)
        a, b, c = self.octree.lengths(level)
        self._levels.append(np.full((a + 2, b + 2, c + 2), UNKNOWN, dtype=np.uint8))
        if level == 0:
            return product(range(a), range(b), range(c))
        parents = self.cells(level - 1)
        children = parents.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
        self.cells(level)[:] = np.where(children == SURFACE, UNKNOWN, children)
        return children_of(surface_cells(parents))

    def new_nodes(self) -> list[Node]:
        """Return the nodes of this level that get a value, in their order."""
        stride = self.octree.stride(self.level)
        indices = {
            (i + a, j + b, k + c)
            for i, j, k in surface_cells(self.cells(self.level))
            for a, b, c in CORNERS
        }
        by_class: dict[int, list[Place]] = {}
        for index in sorted(indices):
            by_class.setdefault(self._class(index), []).append(index)
        kinds = CLASSES if self.level else (ROOT_CLASS,)
        return [
            Node(self.level, stride, kind, (i * stride, j * stride, k * stride))
            for kind in kinds
            for i, j, k in by_class.get(kind, [])
        ]

    def _class(self, index: Place) -> int:
        """Return the class of a node of this level; 0 for nodes of the level before."""
        i, j, k = (entry % 2 for entry in index)
        return 4 * i + 2 * j + k if self.level else ROOT_CLASS


def surface_cells(cells: Cells) -> Iterator[Place]:
    """Return the surface cells of a level in C order."""
    for place in np.argwhere(cells == SURFACE):
        i, j, k = map(int, place)
        yield i, j, k


def children_of(parents: Iterable[Place]) -> Iterator[Place]:
    """Return the eight children of each cell."""
    for i, j, k in parents:
        for a, b, c in CORNERS:
            yield 2 * i + a, 2 * j + b, 2 * k + c


class Source(Protocol):
    """Gives the integers of an octree one after the other."""

    def cell(self, tree: Tree, place: Place) -> int:
        """Return a cell of the level that is coded now."""

    def value(self, tree: Tree, node: Node) -> int:
        """Return the value at a new node."""


def grow(octree: Octree, source: Source) -> tuple[Tree, list[int]]:
    """Return a whole octree and its integers."""
    tree = Tree(octree)
    integers: list[int] = []
    for _ in range(octree.depth + 1):
        for place in tree.begin_level():
            cell = source.cell(tree, place)
            if cell not in (OUTSIDE, SURFACE, INSIDE):
                raise Malformed(f"STR-8: a cell is {cell}")
            tree.cells(tree.level)[place] = cell
            integers.append(cell)
        for node in tree.new_nodes():
            tree.values[node.place] = source.value(tree, node)
            integers.append(tree.values[node.place])
    return tree, integers


class Listed:
    """The integers of an octree as a list."""

    def __init__(self, integers: Iterable[int]) -> None:
        self._integers = iter(integers)

    def cell(self, tree: Tree, place: Place) -> int:
        """Return the next integer."""
        return self._next()

    def value(self, tree: Tree, node: Node) -> int:
        """Return the next integer."""
        return self._next()

    def _next(self) -> int:
        for integer in self._integers:
            return integer
        raise Malformed("STR-8: an octree has more integers")

    def end(self) -> None:
        """Refuse integers that are left."""
        for _ in self._integers:
            raise Malformed("STR-8: integers after those of the octree")


def listed_tree(octree: Octree, integers: Int64Array) -> Tree:
    """Return the octree that some integers make up."""
    source = Listed(integers.tolist())
    tree, _ = grow(octree, source)
    source.end()
    return tree
