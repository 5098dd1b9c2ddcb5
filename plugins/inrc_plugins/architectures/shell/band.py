"""The grid around a surface: which cells it crosses, on every level, and which are inside."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codec.arrays import BoolArray, Float64Array, Int8Array
from codec.entropy.mixing.octree import MOST_NODES, Octree, corners, count_numbers, padded
from codec.entropy.mixing.octree_cells import INSIDE, OUTSIDE, SURFACE
from codec.errors import InvalidInputError
from codec.plugin_api.surface import Sheet, Surface
from inrc_plugins.architectures.shell.spline import dilated

# Points on the surface per square cell: few crossed cells are missed, and those at a corner only.
_DENSITY = 40
# Cells of the coarsest level along the longest axis: at least this.
_LEAST_ROOTS = 4
# In cells, how far from a sheet its two sides are.
_OFFSET = 1.0
# Share of a cell that the surface stays from the border of the grid.
_BORDER = 0.25


@dataclass(frozen=True)
class Band:
    """The cells of every level, and where the grid lies.

    Attributes:
        cells: per level, the coarsest first, int8: OUTSIDE, SURFACE or INSIDE.
        origin: (3,) position of the first node; each number is a float32.
        spacing: of the finest nodes, a float32.
        bare: of the finest cells that the surface crosses, those without points of it: bool.
    """

    cells: tuple[Int8Array, ...]
    origin: Float64Array
    spacing: float
    bare: BoolArray

    @property
    def depth(self) -> int:
        """Number of times that the coarsest cells are halved."""
        return len(self.cells) - 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Nodes of the finest grid along each axis."""
        a, b, c = (size + 1 for size in self.cells[-1].shape)
        return a, b, c

    @property
    def crossed(self) -> BoolArray:
        """Finest cells that the surface crosses."""
        return np.asarray(self.cells[-1] == SURFACE)

    def octree(self, unit: int) -> Octree:
        """The octree of these cells, with 16 / unit cells as the step of its values."""
        a, b, c = self.cells[0].shape
        return Octree((a, b, c), self.depth, unit, count_numbers(self.cells))

    def fine_corners(self) -> BoolArray:
        """Nodes at the corners of the finest cells that the surface crosses."""
        return corners(padded(self.cells[-1]))

    def coded(self) -> BoolArray:
        """All nodes that have a value, those of coarser levels alone included."""
        nodes = np.zeros(self.shape, np.bool_)
        for level, cells in enumerate(self.cells):
            stride = 1 << (self.depth - level)
            nodes[::stride, ::stride, ::stride] |= corners(padded(cells))
        return nodes

    def indices(self, points: Float64Array) -> Float64Array:
        """Node indices of positions."""
        return (points - self.origin) / self.spacing

    def positions(self, indices: npt.NDArray[np.number]) -> Float64Array:
        """Positions of node indices."""
        return np.asarray(self.origin + self.spacing * indices, np.float64)


def band_around(surface: Surface, resolution: int, seed: int) -> Band:
    """The band around a surface.

    Args:
        resolution: cells along the longest axis of the bounding box, at least 4.
    """
    depth = max(0, int(math.log2(resolution / _LEAST_ROOTS)))
    while resolution % (1 << depth):
        depth -= 1
    extent = surface.upper - surface.lower
    spacing = float(np.float32(extent.max() / (resolution - 2 * _BORDER)))
    if not spacing > 0 or not math.isfinite(spacing):
        raise InvalidInputError("the mesh has no extent; is it a single point?")
    roots = np.ceil((extent / spacing + 2 * _BORDER) / (1 << depth) - 1e-6).astype(np.int64)
    size = np.maximum(roots, 1) << depth
    if math.prod(int(n) + 1 for n in size) > MOST_NODES:
        raise InvalidInputError(f"{resolution} cells along the longest axis are too many; ask for "
                                "a smaller file or a lower PSNR")  # fmt: skip
    centre = (surface.upper + surface.lower) / 2
    origin = (centre - spacing * size / 2).astype(np.float32).astype(np.float64)
    finest, bare = _finest(surface, origin, spacing, tuple(int(n) for n in size), seed)
    levels = [finest]
    for _ in range(depth):
        levels.insert(0, _coarser(levels[0]))
    return Band(tuple(levels), origin, spacing, bare)


def offset_for(sheet: Sheet, resolution: int) -> float:
    """Distance of the two sides of a sheet, for `resolution` cells along the longest axis."""
    extent = float((sheet.upper - sheet.lower).max())
    return float(np.float32(_OFFSET * extent / (resolution - 2 * _BORDER - 2 * _OFFSET)))


def _finest(
    surface: Surface, origin: Float64Array, spacing: float, size: tuple[int, ...], seed: int
) -> tuple[Int8Array, BoolArray]:
    """The finest cells: crossed where the surface has points or the side of corners differs.

    And which of the crossed have no points.
    """
    count = int(_DENSITY * surface.area / spacing**2) + 1000
    points, _ = surface.sample(count, seed)
    places = np.clip(np.floor((points - origin) / spacing), 0, np.array(size) - 1)
    crossed = np.zeros(size, np.bool_)
    crossed[tuple(places.astype(np.int64).T)] = True
    touched = crossed.copy()
    sides = _Sides(surface, origin, spacing, size)
    front = dilated(crossed)
    while front.any():
        new = sides.mixed(front) & ~crossed
        crossed |= new
        # Where a surface has holes, the sides meet across them; the band follows.
        front = dilated(new) & ~crossed
    cells = np.where(crossed, np.int8(SURFACE), np.int8(OUTSIDE))
    return _filled(cells, sides), crossed & ~touched


class _Sides:
    """Nodes that are inside, asked of the surface once."""

    def __init__(
        self, surface: Surface, origin: Float64Array, spacing: float, size: tuple[int, ...]
    ) -> None:
        self._surface = surface
        self._origin = origin
        self._spacing = spacing
        nodes = tuple(n + 1 for n in size)
        self.inside = np.zeros(nodes, np.bool_)
        self.known = np.zeros(nodes, np.bool_)

    def mixed(self, cells: BoolArray) -> BoolArray:
        """Cells that have corners on both sides."""
        wanted = corners(padded(np.where(cells, np.int8(SURFACE), np.int8(OUTSIDE))))
        places = np.argwhere(wanted & ~self.known)
        if len(places):
            inside = self._surface.inside(self._origin + self._spacing * places)
            self.inside[tuple(places.T)] = inside
            self.known |= wanted
        some, every = _any_corner(self.inside), ~_any_corner(~self.inside)
        return np.asarray(cells & some & ~every)


def _any_corner(nodes: BoolArray) -> BoolArray:
    for axis in range(3):
        moved = nodes.swapaxes(0, axis)
        nodes = (moved[1:] | moved[:-1]).swapaxes(0, axis)
    return nodes


def _filled(cells: Int8Array, sides: _Sides) -> Int8Array:
    """The cells with those inside marked: their sides spread from the band to what it encloses."""
    crossed = cells == SURFACE
    inside = sides.inside[:-1, :-1, :-1] & sides.known[:-1, :-1, :-1] & ~crossed
    # Along each line, sides hold until the next cell that the surface crosses.
    free = ~crossed
    while True:
        grown = inside
        for axis in range(3):
            grown = _swept(grown, free, axis)
        if (grown == inside).all():
            break
        inside = grown
    return np.where(inside, np.int8(INSIDE), cells)


def _swept(inside: BoolArray, free: BoolArray, axis: int) -> BoolArray:
    """Spread along an axis, both ways, through free cells."""
    lines, open_lines = inside.swapaxes(0, axis).copy(), free.swapaxes(0, axis)
    for i in range(1, len(lines)):
        lines[i] |= lines[i - 1] & open_lines[i]
    for i in range(len(lines) - 2, -1, -1):
        lines[i] |= lines[i + 1] & open_lines[i]
    return lines.swapaxes(0, axis)


def _coarser(cells: Int8Array) -> Int8Array:
    """Cells of twice the size: crossed where one of the eight is, or where they differ."""
    a, b, c = (size // 2 for size in cells.shape)
    families = cells.reshape(a, 2, b, 2, c, 2).transpose(0, 2, 4, 1, 3, 5).reshape(a, b, c, 8)
    same = (families == families[..., :1]).all(-1)
    return np.where(same, families[..., 0], np.int8(SURFACE))
