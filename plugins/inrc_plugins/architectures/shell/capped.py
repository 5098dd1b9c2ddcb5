"""A surface whose holes are closed, and where along it the surface itself ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codec.arrays import BoolArray, Float64Array, Int8Array, Int64Array
from codec.plugin_api.surface import Cap, Surface
from inrc_plugins.architectures.shell.band import Band
from inrc_plugins.architectures.shell.border import (
    CAP,
    MIXED,
    SURFACE,
    WHOLE,
    BorderSize,
    corners_of,
    crossed_cells,
    to_integers,
)
from inrc_plugins.architectures.shell.spline import dilated

# Points on either part per square cell.
_DENSITY = 16
# In cells: as far from the surface, a point of the cap is past the border whatever the grid blurs.
_CERTAIN = 0.6
# In cells: the spline rounds the edge where the cap meets the surface, and so loses its last piece;
# what of the cap is kept makes up for it.
_OVERHANG = 0.15
# Levels above the finest that the border's values are at.
_COARSER = 1
# Steps of the border's values per cell of its level.
_STEPS = 4
# Cells of its level within which the border must be for a cell to have values.
_NEAR = 0.15
# Weight of the value at the closest point, per node, where points in its cells have 1 each.
_PLAIN_WEIGHT = 0.3
# Points of the cap that are asked how far the border is.
_ANCHORS = 16


class CappedSurface:
    """A surface with what closes its holes: distances are to the closer of both."""

    def __init__(self, surface: Surface, cap: Cap) -> None:
        self._surface = surface
        self.cap = cap

    def distance(self, points: Float64Array) -> Float64Array:
        """Distance to the surface or its cap, negative inside: (n,)."""
        distances = self._surface.distance(points)
        lengths = np.minimum(np.abs(distances), self.cap.gap(points))
        return np.where(distances < 0, -lengths, lengths)


@dataclass(frozen=True)
class CodedBorder:
    """A border as integers."""

    size: BorderSize
    flags: Int64Array
    residuals: Int64Array


def cap_of(surface: Surface, band: Band) -> Cap | None:
    """Cap of the holes that cells of a band can show."""
    near = dilated(dilated(band.bare)) & band.crossed
    return surface.cap(band.origin, band.spacing, near)


def border_of(surface: Surface, cap: Cap, band: Band, seed: int) -> CodedBorder | None:
    """The border between a surface and its cap; None if no cell of the band shows it."""
    level = max(band.depth - _COARSER, 0)
    crossed = crossed_cells(band.crossed, band.depth, level)
    stride = 1 << (band.depth - level)
    points, past = _past_border(surface, cap, band.spacing, stride, seed)
    if not len(points):
        return None
    places = band.indices(points) / stride
    cells = _flags(places, past, crossed[-1])
    valued = corners_of(crossed[-1] & (cells == MIXED))
    if not valued.any():
        return None
    values = _fitted(places, past, crossed[-1] & (cells == MIXED), valued)
    flags, residuals = to_integers(cells, crossed, values)
    return CodedBorder(BorderSize(level, len(flags), len(residuals)), flags, residuals)


def _past_border(
    surface: Surface, cap: Cap, spacing: float, stride: int, seed: int
) -> tuple[Float64Array, Float64Array]:
    """Points on both parts, and how far past the border they are, in cells of the level.

    On the cap that is the distance to the surface; from there it is continued so that it falls by
    the distance, which on the surface makes it the negative distance to the border.
    """
    from scipy.spatial import cKDTree

    closing, _ = cap.sample(int(_DENSITY * cap.area / spacing**2) + 100, seed)
    depths = np.abs(surface.distance(closing))
    certain = depths > _CERTAIN * spacing
    closing, depths = closing[certain], depths[certain]
    if not len(closing):
        return np.zeros((0, 3)), np.zeros(0)
    whole, _ = surface.sample(int(_DENSITY * surface.area / spacing**2) + 1000, seed)
    unit = spacing * stride
    most = WHOLE / _STEPS * unit
    away, nearest = cKDTree(closing).query(
        whole, k=min(_ANCHORS, len(closing)), distance_upper_bound=3 * most
    )
    padded = np.append(depths, -np.inf)
    farthest = (padded[nearest] - away).reshape(len(whole), -1).max(1)
    past = np.concatenate([depths, np.minimum(farthest, 0)]) / unit
    past -= _OVERHANG / stride
    return np.concatenate([closing, whole]), np.clip(past, -most / unit, most / unit)


def _flags(places: Float64Array, past: Float64Array, crossed: BoolArray) -> Int8Array:
    """Cells of the surface, of the cap, and those that have the border near points in them."""
    from scipy.spatial import cKDTree

    cell = np.clip(np.floor(places).astype(np.int64), 0, np.array(crossed.shape) - 1)
    lowest, highest = np.full(crossed.shape, np.inf), np.full(crossed.shape, -np.inf)
    np.minimum.at(lowest, tuple(cell.T), past)
    np.maximum.at(highest, tuple(cell.T), past)
    without = np.argwhere(crossed & np.isinf(lowest))
    if len(without):
        _, nearest = cKDTree(places).query(without + 0.5)
        # Such a cell is at best touched: it goes with what is closest to it.
        beside = np.where(past[nearest] > 0, np.inf, -np.inf)
        lowest[tuple(without.T)] = highest[tuple(without.T)] = beside
    flags = np.where(lowest >= _NEAR, np.int8(CAP), np.int8(MIXED))
    return np.where(highest <= -_NEAR, np.int8(SURFACE), flags)


def _fitted(
    places: Float64Array, past: Float64Array, mixed: BoolArray, valued: BoolArray
) -> Int64Array:
    """Values at nodes, in steps, that interpolate to what points in the mixed cells have."""
    from scipy import sparse
    from scipy.sparse.linalg import spsolve
    from scipy.spatial import cKDTree

    cell = np.clip(np.floor(places).astype(np.int64), 0, np.array(mixed.shape) - 1)
    chosen = mixed[tuple(cell.T)]
    first, wanted = cell[chosen], past[chosen]
    offset = places[chosen] - first
    number = np.cumsum(valued.ravel()).reshape(valued.shape) - 1
    weights, columns = [], []
    for corner in np.ndindex(2, 2, 2):
        weights.append(np.where(np.array(corner), offset, 1 - offset).prod(1))
        columns.append(number[tuple((first + corner).T)])
    rows = np.tile(np.arange(len(first)), 8)
    size = (len(first), int(valued.sum()))
    taps = sparse.csr_matrix((np.concatenate(weights), (rows, np.concatenate(columns))), shape=size)
    _, nearest = cKDTree(places).query(np.argwhere(valued))
    plain = _PLAIN_WEIGHT * sparse.identity(size[1], format="csr")
    normal = (taps.T @ taps + plain).tocsc()
    solution = np.atleast_1d(spsolve(normal, taps.T @ wanted + _PLAIN_WEIGHT * past[nearest]))
    return np.asarray(np.clip(np.rint(_STEPS * solution), -WHOLE, WHOLE), np.int64)
