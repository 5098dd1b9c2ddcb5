"""Surfaces that close the holes of a mesh: where the winding number is 1/2 away from its faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from codec.errors import MissingDependencyError
from codec.media.mesh.triangles import Triangles

# Distance from a face, in cells, below which the cap is the surface itself, blurred by the grid.
_BESIDE = 0.35
# Caps that are nowhere as far from a face as this close no hole that a grid could show.
_LEAST_DEPTH = 0.75


def cap_in(
    mesh: Triangles,
    winding: Callable[[Float64Array], Float64Array],
    origin: Float64Array,
    spacing: float,
    cells: BoolArray,
) -> Triangles | None:
    """The cap of a mesh in some cells of a grid; see `codec.plugin_api.surface.Surface.cap`.

    Raises:
        MissingDependencyError: scikit-image is not installed.
    """
    first = np.array([np.flatnonzero(cells.any(_others(axis)))[0] for axis in range(3)])
    last = np.array([np.flatnonzero(cells.any(_others(axis)))[-1] for axis in range(3)])
    box = cells[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
    nodes = np.argwhere(_corners(box))
    samples = np.full([size + 1 for size in box.shape], -0.5, np.float32)
    # The level is moved where it meets a node, for triangles there would have no area.
    beyond = np.abs(winding(origin + spacing * (nodes + first))) - 0.5
    samples[tuple(nodes.T)] = np.where(np.abs(beyond) < 1e-4, 1e-4, beyond)
    vertices, faces = _triangles(samples)
    inside = np.floor(vertices[faces].mean(1)).astype(np.int64)
    faces = faces[box[tuple(inside.T)]] if len(faces) else faces
    vertices = origin + spacing * (vertices + first)
    return _away_from(mesh, vertices, faces, spacing)


def _others(axis: int) -> tuple[int, ...]:
    return tuple(other for other in range(3) if other != axis)


def _corners(cells: BoolArray) -> BoolArray:
    nodes = np.pad(cells, 1)
    for axis in range(3):
        moved = nodes.swapaxes(0, axis)
        nodes = (moved[1:] | moved[:-1]).swapaxes(0, axis)
    return np.asarray(nodes)


def _triangles(samples: Float32Array) -> tuple[Float64Array, Int64Array]:
    try:
        from skimage.measure import marching_cubes
    except ImportError:
        raise MissingDependencyError(
            "holes of meshes are closed with scikit-image, which is missing:"
            " pip install scikit-image"
        ) from None
    if not (samples > 0).any() or not (samples < 0).any():
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    extract: Any = marching_cubes
    vertices, faces, _, _ = extract(samples, 0.0, allow_degenerate=False)
    return vertices.astype(np.float64), faces.astype(np.int64)


def _away_from(
    mesh: Triangles, vertices: Float64Array, faces: Int64Array, spacing: float
) -> Triangles | None:
    """The triangles away from the mesh, of parts that reach far enough from it."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(faces):
        return None
    depths = mesh.gap(vertices) / spacing
    faces = faces[depths[faces].mean(1) > _BESIDE]
    if not len(faces):
        return None
    joined = coo_matrix(
        (np.ones(2 * len(faces)), (faces[:, [0, 1]].ravel(), faces[:, [1, 2]].ravel())),
        shape=(len(vertices), len(vertices)),
    )
    count, part = connected_components(joined, directed=False)
    deepest = np.zeros(count)
    np.maximum.at(deepest, part, depths)
    faces = faces[deepest[part[faces[:, 0]]] > _LEAST_DEPTH]
    if not len(faces):
        return None
    corners = vertices[faces]
    size = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    faces = faces[np.linalg.norm(size, axis=1) > 0]
    return Triangles(vertices, np.ascontiguousarray(faces))
