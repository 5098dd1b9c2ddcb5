"""Cutting triangles off along a border."""

from __future__ import annotations

import numpy as np

from codec.arrays import Float64Array, Int64Array

# A vertex so close to the border, as part of an edge across it, is on it: this leaves no slivers.
_ON_BORDER = 0.15


def cut(
    vertices: Float64Array, faces: Int64Array, past: Float64Array
) -> tuple[Float64Array, Int64Array]:
    """The part of a surface that is not past its border.

    Args:
        vertices: (n, 3); faces: (m, 3).
        past: (n,) how far a vertex is past the border; linear along edges.

    Returns:
        Vertices, those on the border added, and faces, turned as they were; no vertex is unused.
    """
    past = _snapped(faces, past)
    side = np.sign(past).astype(np.int64)[faces]
    inside, outside = (side < 0).sum(1), (side > 0).sum(1)
    whole = faces[outside == 0]
    crossing = (inside > 0) & (outside > 0)
    split, ends = _split(faces[crossing], side[crossing], len(vertices))
    share = past[ends[:, 0]] / (past[ends[:, 0]] - past[ends[:, 1]])
    added = vertices[ends[:, 0]] + share[:, None] * (vertices[ends[:, 1]] - vertices[ends[:, 0]])
    everything = np.concatenate([vertices, added])
    used, numbers = np.unique(np.concatenate([whole, split]), return_inverse=True)
    return everything[used], numbers.reshape(-1, 3).astype(np.int64)


def _snapped(faces: Int64Array, past: Float64Array) -> Float64Array:
    """Values with 0 at the vertices that are next to the border along an edge."""
    snapped = past.copy()
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    across = edges[(past[edges[:, 0]] <= 0) != (past[edges[:, 1]] <= 0)]
    for near, far in (across.T, across.T[::-1]):
        share = past[near] / (past[near] - past[far])
        snapped[near[share < _ON_BORDER]] = 0
    return snapped


def _split(faces: Int64Array, side: Int64Array, first: int) -> tuple[Int64Array, Int64Array]:
    """Remaining parts of faces with vertices on both sides, and the edges of new vertices.

    Args:
        side: of each vertex: -1 for those that remain, 0 on the border, 1 for those past it.
        first: number of the first new vertex.
    """
    # The first vertex of every face becomes one that remains, after one that does not.
    turn = np.argmax((side < 0) & (np.roll(side, 1, axis=1) >= 0), axis=1)
    order = (turn[:, None] + np.arange(3)) % 3
    faces, side = np.take_along_axis(faces, order, 1), np.take_along_axis(side, order, 1)
    edges = np.concatenate([np.sort(faces[:, [0, 1]]), np.sort(faces[:, [1, 2]]),
                            np.sort(faces[:, [2, 0]])])  # fmt: skip
    sides = np.concatenate([side[:, 0] * side[:, 1], side[:, 1] * side[:, 2],
                            side[:, 2] * side[:, 0]])  # fmt: skip
    ends, numbers = np.unique(edges[sides < 0], axis=0, return_inverse=True)
    new = np.full(len(edges), -1, np.int64)
    new[sides < 0] = first + numbers.reshape(-1)
    ab, bc, ca = new.reshape(3, -1)
    a, b, c = faces.T
    second, third = side[:, 1], side[:, 2]
    parts = []
    for chosen, corners in (
        ((second > 0) & (third > 0), ((a, ab, ca),)),
        ((second < 0) & (third > 0), ((a, b, bc), (a, bc, ca))),
        ((second == 0) & (third > 0), ((a, b, ca),)),
        ((second > 0) & (third == 0), ((a, ab, c),)),
    ):
        parts += [np.stack([corner[chosen] for corner in face], 1) for face in corners]
    return np.concatenate(parts), ends
