"""Distance of two surfaces: exact distances of points spread over both to triangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import igl
import numpy as np

from codec.arrays import Float64Array, Int64Array

_POINTS = 100_000


@dataclass(frozen=True)
class Mesh:
    """Vertices (n, 3) and faces (m, 3)."""

    vertices: Float64Array
    faces: Int64Array


@dataclass(frozen=True)
class Apart:
    """Distances in per cent of the diagonal of the original's bounding box.

    Attributes:
        chamfer: mean of the two one-sided means (Chamfer-L1).
        hausdorff: the greatest distance of any point, of either side.
    """

    chamfer: float
    hausdorff: float


def spread(mesh: Mesh, seed: int) -> Float64Array:
    """Points spread over a mesh by area, stratified."""
    generator = np.random.default_rng(seed)
    corners = mesh.vertices[mesh.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    ends = np.cumsum(np.linalg.norm(cross, axis=1))
    at = (np.arange(_POINTS) + generator.random(_POINTS)) / _POINTS * ends[-1]
    chosen = np.minimum(np.searchsorted(ends, at), len(ends) - 1)
    root, along = np.sqrt(generator.random(_POINTS)), generator.random(_POINTS)
    shares = np.stack([1 - root, root * (1 - along), root * along], 1)
    return np.asarray(np.einsum("nk,nkd->nd", shares, corners[chosen]), np.float64)


def compare(original: Mesh, decoded: Mesh) -> Apart:
    """Measure a decoded mesh."""
    used = original.vertices[np.unique(original.faces)]
    diagonal = float(np.linalg.norm(used.max(0) - used.min(0)))
    there = _distances(spread(original, 1), decoded)
    back = _distances(spread(decoded, 2), original)
    chamfer = float(there.mean() + back.mean()) / 2
    greatest = float(max(there.max(), back.max()))
    return Apart(100 * chamfer / diagonal, 100 * greatest / diagonal)


def _distances(points: Float64Array, mesh: Mesh) -> Any:
    squared = igl.point_mesh_squared_distance(points, mesh.vertices, mesh.faces)[0]
    return np.sqrt(np.asarray(squared).ravel())
