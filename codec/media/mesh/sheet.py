"""Faces that enclose nothing: their distance has no side, but what is near them has a boundary."""

from __future__ import annotations

import numpy as np

from codec.arrays import BoolArray, Float64Array, Int64Array
from codec.media.mesh.triangles import Triangles

# Distance that points go from a face before they are put where they belong, in offsets: far enough
# for some to go around its edges.
_REACH = 3.0
# Distance from where they belong that points may keep, in offsets.
_EXACT = 1e-6


class MeshSheet:
    """The faces of a mesh, whatever they are like."""

    def __init__(self, vertices: Float64Array, faces: Int64Array) -> None:
        self._triangles = Triangles(vertices, faces)

    @property
    def lower(self) -> Float64Array:
        """(3,) lower corner of the bounding box."""
        return self._triangles.lower

    @property
    def upper(self) -> Float64Array:
        """(3,) upper corner of the bounding box."""
        return self._triangles.upper

    @property
    def area(self) -> float:
        """Area of both sides of all faces."""
        return 2 * self._triangles.area

    def thickened(self, offset: float) -> OffsetSurface:
        """The boundary of what is nearer than `offset`."""
        return OffsetSurface(self._triangles, offset)


class OffsetSurface:
    """The surface at a distance of `offset` from some faces; nearer is inside.

    Attributes:
        lower, upper: (3,) corners of the bounding box.
        area: of the surface, edges of faces not counted.
    """

    def __init__(self, triangles: Triangles, offset: float) -> None:
        self._triangles, self._offset = triangles, offset
        self.lower: Float64Array = triangles.lower - offset
        self.upper: Float64Array = triangles.upper + offset
        self.area = 2 * triangles.area

    def sample(self, count: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """About `count` points, even but for edges, and unit normals there: (n, 3) each."""
        points, _ = self._triangles.sample(count, seed)
        away = np.random.default_rng(seed + 1).standard_normal(points.shape)
        away *= _REACH * self._offset / np.linalg.norm(away, axis=1)[:, None]
        beside = points + away
        normals = beside - self._triangles.closest(beside)
        length = np.linalg.norm(normals, axis=1)
        normals /= np.maximum(length, 1e-300)[:, None]
        points = beside + normals * (self._offset - length)[:, None]
        # Between faces that are close together, some other face can be nearer.
        exact = np.abs(self._triangles.gap(points) - self._offset) < _EXACT * self._offset
        return points[exact], normals[exact]

    def distance(self, points: Float64Array) -> Float64Array:
        """Distance to the faces less the offset: (n,)."""
        return self._triangles.gap(points) - self._offset

    def inside(self, points: Float64Array) -> BoolArray:
        """Whether each of the points is nearer than the offset: (n,)."""
        return self.distance(points) < 0

    def cap(self, origin: Float64Array, spacing: float, cells: BoolArray) -> None:
        """No holes: such a surface has no holes."""
