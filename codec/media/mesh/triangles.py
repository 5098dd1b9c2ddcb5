"""Triangles in space: points on them, and exact distances to them (libigl)."""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import Float64Array, Int64Array
from codec.errors import MissingDependencyError

# Blocks of points that are asked for together, along the diagonal.
_BLOCKS = 64


class Triangles:
    """Faces of a mesh.

    Args:
        vertices: (n, 3) float64; faces: (m, 3) int64, each with an area.

    Attributes:
        vertices, faces: as given.
        normals: (m, 3) unit vectors.
        lower, upper: (3,) corners of the bounding box.
    """

    def __init__(self, vertices: Float64Array, faces: Int64Array) -> None:
        self._igl = load_igl()
        self.vertices, self.faces = vertices, faces
        used = vertices[np.unique(faces)]
        self.lower: Float64Array = used.min(0)
        self.upper: Float64Array = used.max(0)
        self._areas, self.normals = _areas(vertices, faces)
        self._tree: Any = None

    @property
    def area(self) -> float:
        """Area of all faces."""
        return float(self._areas.sum())

    @property
    def diagonal(self) -> float:
        """Length of the diagonal of the bounding box."""
        return float(np.linalg.norm(self.upper - self.lower))

    def sample(self, count: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """About `count` points spread evenly over the faces, and unit normals: (n, 3) each."""
        generator = np.random.default_rng(seed)
        ends = np.cumsum(self._areas)
        at = (np.arange(count) + generator.random(count)) / count * ends[-1]
        chosen = np.minimum(np.searchsorted(ends, at), len(ends) - 1)
        root, along = np.sqrt(generator.random(count)), generator.random(count)
        shares = np.stack([1 - root, root * (1 - along), root * along], 1)
        corners = self.vertices[self.faces[chosen]]
        return np.einsum("nk,nkd->nd", shares, corners), self.normals[chosen]

    def gap(self, points: Float64Array) -> Float64Array:
        """Distance to the closest face: (n,)."""
        squared = self._closest(points)[0]
        return np.sqrt(np.asarray(squared, np.float64).ravel())

    def closest(self, points: Float64Array) -> Float64Array:
        """The closest points on the faces: (n, 3)."""
        return np.asarray(self._closest(points)[2], np.float64).reshape(-1, 3)

    def _closest(self, points: Float64Array) -> Any:
        if self._tree is None:
            self._tree = self._igl.AABB()
            self._tree.init(self.vertices, self.faces)
        order = block_order(points, self.diagonal)
        ordered = self._tree.squared_distance(self.vertices, self.faces, points[order])
        answers = []
        for values in ordered:
            answer = np.empty_like(values)
            answer[order] = values
            answers.append(answer)
        return answers


def block_order(points: Float64Array, diagonal: float) -> Int64Array:
    """Order of (n, 3) points block by block: queries of a tree are faster where its parts recur."""
    blocks = np.floor((points - points.min(0, initial=0.0)) * (_BLOCKS / diagonal))
    x, y, z = np.minimum(blocks, 1 << 20).astype(np.int64).T
    return np.argsort((x << 42) + (y << 21) + z, kind="stable")


def has_open_edges(vertices: Float64Array, faces: Int64Array) -> bool:
    """Whether some edge has an odd number of faces, vertices at one place being the same."""
    if not _odd_edges(faces):
        return False
    _, merged = np.unique(vertices, axis=0, return_inverse=True)
    return _odd_edges(merged.reshape(-1)[faces])


def _odd_edges(faces: Int64Array) -> bool:
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    edges = edges[edges[:, 0] != edges[:, 1]]
    keys = np.sort(edges[:, 0] * (int(faces.max()) + 1) + edges[:, 1])
    counts = np.diff(np.flatnonzero(np.diff(keys, prepend=-1, append=-1)))
    return bool((counts % 2).any())


def load_igl() -> Any:
    """libigl.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import igl
    except ImportError:
        raise MissingDependencyError(
            "meshes are measured with libigl, which is missing: pip install libigl"
        ) from None
    return igl


def _areas(vertices: Float64Array, faces: Int64Array) -> tuple[Float64Array, Float64Array]:
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(cross, axis=1)
    return length / 2, cross / np.where(length > 0, length, 1)[:, None]
