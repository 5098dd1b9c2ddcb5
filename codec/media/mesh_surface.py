"""The surface of a mesh: points on it, and exact signed distances to it.

Distances are those of libigl's `point_mesh_squared_distance`; inside is where the generalised
winding number (Jacobson et al. 2013, fast form by Barill et al. 2018) is beyond 1/2 in magnitude,
so that holes and faces that are turned inside out do no harm. libigl's own `signed_distance` with
winding numbers is no distance: it scales lengths by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from codec.errors import InvalidInputError, MissingDependencyError

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Points beside the surface at which winding numbers are judged, and how far away they are, as part
# of the diagonal.
_JUDGED, _AWAY = 20_000, 0.005
# Winding numbers between these say neither inside nor outside.
_UNSURE = (0.25, 0.75)
_UNSURE_MOST = 0.05
# Above this, some part lies inside another and the faces between are no boundary.
_NESTED = 1.5


class MeshSurface:
    """The boundary of what a mesh encloses.

    Attributes:
        lower, upper: (3,) corners of the bounding box.
        unsure: share of the points beside the surface where inside means nothing.
    """

    def __init__(self, vertices: Doubles, faces: Indices) -> None:
        self._igl = _igl()
        self._vertices, self._faces = vertices, faces
        self._all_faces = faces
        used = vertices[np.unique(faces)]
        self.lower, self.upper = used.min(0), used.max(0)
        self._areas, self._normals = _areas(vertices, faces)
        self.unsure = self._judge()

    @property
    def area(self) -> float:
        """Of all faces that are a boundary."""
        return float(self._areas.sum())

    def _judge(self) -> float:
        diagonal = float(np.linalg.norm(self.upper - self.lower))
        points, normals = self.sample(_JUDGED, 0)
        away = _AWAY * diagonal * normals
        winding = np.abs(np.stack([self._winding(points + away), self._winding(points - away)]))
        if winding.max() > _NESTED:
            self._keep_boundary()
        low, high = _UNSURE
        return float(((winding > low) & (winding < high)).mean())

    def _keep_boundary(self) -> None:
        """Leave out the faces with the inside on both sides, those of parts within others."""
        centres = self._vertices[self._all_faces].mean(1)
        normals = self._normals
        away = 1e-5 * float(np.linalg.norm(self.upper - self.lower)) * normals
        kept = self.inside(centres + away) != self.inside(centres - away)
        if kept.any():
            self._faces = np.ascontiguousarray(self._faces[kept])
            self._areas, self._normals = _areas(self._vertices, self._faces)

    def sample(self, count: int, seed: int) -> tuple[Doubles, Doubles]:
        """About `count` points spread evenly over the surface, and unit normals: (n, 3) each."""
        generator = np.random.default_rng(seed)
        ends = np.cumsum(self._areas)
        at = (np.arange(count) + generator.random(count)) / count * ends[-1]
        chosen = np.minimum(np.searchsorted(ends, at), len(ends) - 1)
        root, along = np.sqrt(generator.random(count)), generator.random(count)
        shares = np.stack([1 - root, root * (1 - along), root * along], 1)
        corners = self._vertices[self._faces[chosen]]
        return np.einsum("nk,nkd->nd", shares, corners), self._normals[chosen]

    def distance(self, points: Doubles) -> Doubles:
        """Distance to the surface, negative inside: (n,)."""
        squared = self._igl.point_mesh_squared_distance(
            np.ascontiguousarray(points), self._vertices, self._faces
        )[0]
        lengths = np.sqrt(np.asarray(squared, np.float64).ravel())
        return np.where(self.inside(points), -lengths, lengths)

    def inside(self, points: Doubles) -> Bools:
        """Where the winding number is beyond 1/2 in magnitude: (n,) bool."""
        return np.asarray(np.abs(self._winding(points)) > 0.5)

    def _winding(self, points: Doubles) -> Doubles:
        found = self._igl.fast_winding_number(
            self._vertices, self._all_faces, np.ascontiguousarray(points, np.float64)
        )
        return np.asarray(found, np.float64).ravel()


def surface_of(vertices: Doubles, faces: Indices, name: str) -> MeshSurface:
    """The surface of a mesh that encloses something.

    Args:
        vertices: (n, 3) float64; faces: (m, 3) int64.
        name: of the file, for the message.

    Raises:
        InvalidInputError: inside means nothing for this mesh.
    """
    surface = MeshSurface(vertices, faces)
    if surface.unsure > _UNSURE_MOST:
        raise InvalidInputError(
            f"{name}: the mesh encloses nothing: for {surface.unsure:.0%} of the points beside it "
            "neither side is inside; close its holes or join its faces"
        )
    return surface


def _areas(vertices: Doubles, faces: Indices) -> tuple[Doubles, Doubles]:
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(cross, axis=1)
    return length / 2, cross / np.where(length > 0, length, 1)[:, None]


def _igl() -> Any:
    try:
        import igl
    except ImportError:
        raise MissingDependencyError(
            "meshes need libigl and trimesh; install them with pip install 'inrc[mesh]'"
        ) from None
    return igl
