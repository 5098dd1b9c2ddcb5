"""The surface of a mesh: points on it, and exact signed distances to it.

Distances are those of libigl's `AABB`; inside is where the generalised
winding number (Jacobson et al. 2013, fast form by Barill et al. 2018) is beyond 1/2 in magnitude,
so that holes and faces that are turned inside out do no harm. libigl's own `signed_distance` with
winding numbers is no distance: it scales lengths by them.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float64Array, Int64Array
from codec.errors import InvalidInputError
from codec.media.mesh.cap import cap_in
from codec.media.mesh.triangles import Triangles, block_order, has_open_edges, load_igl

# Points beside the surface at which winding numbers are judged, and how far away they are, as part
# of the diagonal.
_JUDGED, _AWAY = 20_000, 0.005
# Winding numbers between these say neither inside nor outside.
_UNSURE = (0.25, 0.75)
_UNSURE_MOST = 0.05
# Accuracy of the fast winding number (beta of Barill et al.): that of the paper, and one that is
# enough to tell 0 from 1 where a closed surface leaves nothing between.
_ACCURACY, _ACCURACY_CLOSED = 2.0, 1.0
# Above this, some part lies inside another and the faces between are no boundary.
_NESTED = 1.5


class MeshSurface:
    """The boundary of what a mesh encloses.

    Attributes:
        unsure: share of the points beside the surface where inside means nothing.
    """

    def __init__(self, vertices: Float64Array, faces: Int64Array) -> None:
        self._igl = load_igl()
        self._all = self._boundary = Triangles(vertices, faces)
        self._accuracy = _ACCURACY
        self.unsure = self._judge()
        if self.unsure == 0 and not self._is_open:
            self._accuracy = _ACCURACY_CLOSED

    @property
    def lower(self) -> Float64Array:
        """(3,) lower corner of the bounding box of all faces."""
        return self._all.lower

    @property
    def upper(self) -> Float64Array:
        """(3,) upper corner of the same."""
        return self._all.upper

    @property
    def area(self) -> float:
        """Area of all faces that are a boundary."""
        return self._boundary.area

    @property
    def encloses(self) -> bool:
        """Whether there is an inside."""
        return self.unsure <= _UNSURE_MOST

    def _judge(self) -> float:
        points, normals = self.sample(_JUDGED, 0)
        away = _AWAY * self._all.diagonal * normals
        winding = np.abs(np.stack([self._winding(points + away), self._winding(points - away)]))
        if winding.max() > _NESTED:
            self._keep_boundary()
        low, high = _UNSURE
        return float(((winding > low) & (winding < high)).mean())

    def _keep_boundary(self) -> None:
        """Leave out the faces with the inside on both sides, those of parts within others."""
        faces, vertices = self._all.faces, self._all.vertices
        centres = vertices[faces].mean(1)
        away = 1e-5 * self._all.diagonal * self._all.normals
        between = self.inside(centres + away) != self.inside(centres - away)
        if between.any():
            self._boundary = Triangles(vertices, np.ascontiguousarray(faces[between]))

    def sample(self, count: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """About `count` points spread evenly over the surface, and unit normals: (n, 3) each."""
        return self._boundary.sample(count, seed)

    def distance(self, points: Float64Array) -> Float64Array:
        """Distance to the surface, negative inside: (n,)."""
        lengths = self._boundary.gap(points)
        return np.where(self.inside(points), -lengths, lengths)

    def inside(self, points: Float64Array) -> BoolArray:
        """Whether the winding number is beyond 1/2 in magnitude: (n,) bool."""
        return np.asarray(np.abs(self._winding(points)) > 0.5)

    def cap(self, origin: Float64Array, spacing: float, cells: BoolArray) -> Triangles | None:
        """Surfaces that close the holes; see `codec.plugin_api.surface.Surface`."""
        if not self._is_open or not cells.any():
            return None
        return cap_in(self._all, self._winding, origin, spacing, cells)

    @cached_property
    def _is_open(self) -> bool:
        return has_open_edges(self._all.vertices, self._all.faces)

    def _winding(self, points: Float64Array) -> Float64Array:
        order = block_order(points, self._all.diagonal)
        winding = np.empty(len(points))
        winding[order] = self._winding_tree.winding_number(points[order], self._accuracy)
        return winding

    @cached_property
    def _winding_tree(self) -> Any:
        """Hierarchy of the fast winding number, built once for all queries."""
        tree = self._igl.FastWindingNumberBVH()
        tree.init(self._all.vertices, self._all.faces)
        return tree


def surface_of(vertices: Float64Array, faces: Int64Array, name: str) -> MeshSurface:
    """The surface of a mesh that encloses something.

    Args:
        vertices: (n, 3) float64; faces: (m, 3) int64.
        name: of the file, for the message.

    Raises:
        InvalidInputError: inside means nothing for this mesh.
    """
    surface = MeshSurface(vertices, faces)
    if not surface.encloses:
        raise InvalidInputError(
            f"{name}: the mesh encloses nothing: for {surface.unsure:.0%} of the points beside it "
            "neither side is inside; close its holes or join its faces, or keep distances without "
            "a side with --sdf unsigned"
        )
    return surface
