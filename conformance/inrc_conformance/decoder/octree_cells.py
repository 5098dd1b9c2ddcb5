"""Coding of the cells of an octree (section 7.5, "Cells of level 0" and "Children")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mixing import BitCoder, DirectChances, MixedChances
from .octree import CORNERS, INSIDE, OUTSIDE, SURFACE, UNKNOWN, Cells, Octree, Place, Tree

_SLOTS = 8192
_INPUTS = 6
_ROWS = 32
_RATE = 4
_EVEN = 2**21
_ALONG = ((-1, 0, 0), (0, -1, 0), (0, 0, -1))
FACES = ((-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, 0, 1), (0, 1, 0), (1, 0, 0))
EDGES = ((-1, -1, 0), (-1, 0, -1), (0, -1, -1))


@dataclass(frozen=True)
class Extent:
    """Extent of a child, from the values at the corners of its parent (step 1)."""

    low: int
    high: int
    middle: int

    @property
    def nearness(self) -> int:
        """Reach of the surface into the child."""
        return min(-self.low, self.high)

    @property
    def depth(self) -> int:
        """`depth` of step 2."""
        return min(max(self.nearness + 24, 0), 47)

    @property
    def side(self) -> int:
        """`side` of step 2."""
        return min(max(self.middle + 32, 0), 63)

    @property
    def spread(self) -> int:
        """`spread` of step 2."""
        return min(max((self.high - self.low) >> 2, 0), 15)


def interpolated(values: list[int], child: Place) -> list[int]:
    """Return t at the corners of a child from the values at the corners of its parent."""
    out: list[int] = []
    for corner in CORNERS:
        halves = [c + e for c, e in zip(child, corner, strict=True)]
        t = 0
        for value, far in zip(values, CORNERS, strict=True):
            weight = 1
            for half, end in zip(halves, far, strict=True):
                weight *= half if end else 2 - half
            t += weight * value
        out.append(t)
    return out


def extent(tree: Tree, place: Place) -> Extent:
    """Return the extent of a child."""
    octree = tree.octree
    stride = octree.stride(tree.level)
    i, j, k = (2 * stride * (index // 2) for index in place)
    wide = 2 * stride
    values = [tree.values[i + wide * a, j + wide * b, k + wide * c] for a, b, c in CORNERS]
    t = interpolated(values, child_of(place))
    size = octree.unit * stride
    return Extent(32 * min(t) // size, 32 * max(t) // size, 4 * sum(t) // size)


def child_of(place: Place) -> Place:
    """Return x, y and z of a child."""
    i, j, k = place
    return i % 2, j % 2, k % 2


def cell_at(around: Cells, offset: Place) -> int:
    """Return the cell at an offset."""
    i, j, k = offset
    return int(around[i + 1, j + 1, k + 1])


def faces(around: Cells) -> int:
    """Return F."""
    digits = {SURFACE: 2, UNKNOWN: 1}
    out = 0
    for offset in FACES:
        out = 3 * out + digits.get(cell_at(around, offset), 0)
    return out


def edges(around: Cells) -> int:
    """Return E."""
    return sum(1 << n for n, offset in enumerate(EDGES) if cell_at(around, offset) == SURFACE)


def beside_parent(tree: Tree, place: Place) -> int:
    """Return A: which neighbours of the parent on the side of the child are surface."""
    i, j, k = place
    around = tree.around(tree.level - 1, (i // 2, j // 2, k // 2))
    out = 0
    for axis, (along, odd) in enumerate(zip(_ALONG, child_of(place), strict=True)):
        a, b, c = along
        offset = (-a, -b, -c) if odd else along
        out += (4 >> axis) * (cell_at(around, offset) == SURFACE)
    return out


class CellModel:
    """Codes cells and remembers what it learned."""

    def __init__(self, octree: Octree) -> None:
        self._mixed = MixedChances(_INPUTS * _SLOTS, _ROWS, _INPUTS, 16384, _RATE)
        self._root = DirectChances(8, _EVEN)
        self._side = DirectChances(64, _EVEN)

    def code(self, coder: BitCoder, tree: Tree, place: Place, wanted: int) -> int:
        """Code one cell."""
        if tree.level == 0:
            return self._code_root(coder, tree, place, wanted)
        box = extent(tree, place)
        slots = [n * _SLOTS + context for n, context in enumerate(contexts(tree, place, box))]
        row = row_of(tree.level, box)
        if self._mixed.code(coder, slots, row, _EVEN, int(wanted == SURFACE)):
            return SURFACE
        return INSIDE if self._side.code(coder, box.side, int(wanted == INSIDE)) else OUTSIDE

    def _code_root(self, coder: BitCoder, tree: Tree, place: Place, wanted: int) -> int:
        """Code a cell of level 0."""
        before = [cell_at(tree.around(0, place), offset) for offset in _ALONG]
        if self._root.code(coder, before.count(SURFACE), int(wanted == SURFACE)):
            return SURFACE
        inside = self._root.code(coder, 4 + before.count(INSIDE), int(wanted == INSIDE))
        return INSIDE if inside else OUTSIDE


def row_of(level: int, box: Extent) -> int:
    """Return the row of weights of a child."""
    return (box.depth >> 2) + (16 if level == 1 else 0)


def contexts(tree: Tree, place: Place, box: Extent) -> tuple[int, ...]:
    """Return the six contexts of a child (step 3)."""
    around = tree.around(tree.level, place)
    surface = int(np.count_nonzero(around == SURFACE))
    unknown = int(np.count_nonzero(around == UNKNOWN))
    x, y, z = child_of(place)
    depth = box.depth
    near = min(surface, 7)
    return (
        depth + 48 * min(surface, 15),
        depth + 48 * beside_parent(tree, place) + 384 * (4 * x + 2 * y + z),
        faces(around) + 729 * min(max((box.nearness + 16) >> 2, 0), 7),
        box.side + 64 * near + 512 * min(unknown >> 1, 7),
        (depth >> 2) + 12 * edges(around) + 96 * near + 768 * min(unknown >> 2, 3),
        depth + 48 * box.spread,
    )
