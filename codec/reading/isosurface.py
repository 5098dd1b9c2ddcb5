"""The zero surface of a field of distances as triangles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from codec.arrays import Float32Array, Float64Array, Int64Array
from codec.coding.evaluate import evaluate_points
from codec.errors import MissingDependencyError
from codec.options.decode import check_resolution
from codec.plugin_api.evaluator import Evaluator, OpenEvaluator
from codec.reading.near_surface import samples_near_surface
from codec.reading.open_surface import cut

# Steps of Newton's method that bring vertices onto the field's zero, and how far each may go, in
# nodes of the field.
_STEPS, _LONGEST = 3, 0.5
# Distance of the points whose difference is the gradient, in nodes.
_APART = 0.05
# Samples are kept away from 0 by this part of the way to the next.
_LEAST_SHARE = 0.05
# Parts that are no longer than this, in nodes, are noise.
_SPECK = 2.0

Advance = Callable[[float], None]


def extract(
    evaluator: Evaluator,
    shape: tuple[int, ...],
    band: float,
    resolution: int,
    threads: int,
    advance: Advance,
    closed: bool = False,
) -> tuple[Float64Array, Int64Array]:
    """Triangles of the surface where a field of distances is 0, outward where it grows.

    Args:
        evaluator: evaluator of normalised distances, positive outside.
        shape: nodes of the field.
        band: nodes from the surface to where normalised distances are 1.
        resolution: cells of the sampling along the longest axis.
        advance: told the share that is done.
        closed: keep what closes holes of the surface.

    Returns:
        Vertices in node indices, and faces; both empty where there is no surface.

    Raises:
        InvalidOptionError: the resolution is out of range.
    """
    check_resolution(resolution)
    spacing = (max(shape) - 1) / resolution
    counts = [round((size - 1) / spacing) + 1 for size in shape]
    axes = [np.linspace(0, size - 1, max(n, 2)) for size, n in zip(shape, counts, strict=True)]
    samples = samples_near_surface(evaluator, axes, band, threads)
    advance(0.5)
    steps = np.array([axis[1] - axis[0] for axis in axes])
    vertices, faces = _triangles(samples, float(steps.max()) / band)
    places = (vertices - 1) * steps
    vertices, faces = _without_specks(places, faces)
    vertices = _on_surface(_Field(evaluator, np.array(shape) - 1.0, threads), vertices)
    if closed or not isinstance(evaluator, OpenEvaluator):
        return vertices, faces
    past = evaluator.past_border(vertices)
    if past is None:
        return vertices, faces
    return _without_specks(*cut(vertices, faces, past))


def moved_inward(
    evaluator: Evaluator,
    shape: tuple[int, ...],
    vertices: Float64Array,
    distance: float,
    threads: int,
) -> Float64Array:
    """Vertices moved against the gradient of a field of distances.

    Args:
        shape: nodes of the field.
        distance: in nodes.
    """
    gradient = _Field(evaluator, np.array(shape) - 1.0, threads).gradient(vertices)
    length = np.linalg.norm(gradient, axis=1)
    return np.asarray(vertices - distance * gradient / np.maximum(length, 1e-12)[:, None])


def _triangles(samples: Float32Array, per_sample: float) -> tuple[Float64Array, Int64Array]:
    try:
        from skimage.measure import marching_cubes
    except ImportError:
        raise MissingDependencyError(
            "meshes are made with scikit-image, which is missing: pip install scikit-image"
        ) from None
    if not (samples < 0).any():
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    # Where the surface meets a sample, several vertices would fall together there.
    least = np.float32(_LEAST_SHARE * per_sample)
    close = np.abs(samples) < least
    samples[close] = np.where(samples[close] < 0, -least, least)
    untyped: Any = marching_cubes
    vertices, faces, _, _ = untyped(samples, 0.0, gradient_direction="descent")
    return vertices.astype(np.float64), faces.astype(np.int64)


def _without_specks(vertices: Float64Array, faces: Int64Array) -> tuple[Float64Array, Int64Array]:
    """Triangles without the parts that are smaller than the grid of the field can hold."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(vertices):
        return vertices, faces
    starts, ends = faces[:, :2].ravel(), faces[:, 1:].ravel()
    size = (len(vertices),) * 2
    joined = coo_matrix((np.ones(len(starts), np.int8), (starts, ends)), shape=size)
    count, part = connected_components(joined, directed=False)
    lower = np.full((count, 3), np.inf)
    upper = np.full((count, 3), -np.inf)
    np.minimum.at(lower, part, vertices)
    np.maximum.at(upper, part, vertices)
    large = ((upper - lower).max(1) > _SPECK)[part]
    numbers = np.cumsum(large) - 1
    return vertices[large], numbers[faces[large[faces[:, 0]]]]


class _Field:
    """A field of distances at positions of its grid; others are moved to the border.

    Args:
        highest: (3,) index of the last node.
    """

    def __init__(self, evaluator: Evaluator, highest: Float64Array, threads: int) -> None:
        self._evaluator = evaluator
        self._highest = highest
        self._threads = threads

    def at(self, places: Float64Array) -> Float64Array:
        """Normalised distances, (n,)."""
        inner = np.clip(places, 0, self._highest)
        components = evaluate_points(self._evaluator.at, inner, self._threads)
        return np.asarray(components[0], np.float64)

    def gradient(self, places: Float64Array) -> Float64Array:
        """Their gradient, (n, 3)."""
        gradient = np.empty_like(places)
        for axis in range(3):
            shift = np.zeros(3)
            shift[axis] = _APART
            ahead, behind = self.at(places + shift), self.at(places - shift)
            gradient[:, axis] = (ahead - behind) / (2 * _APART)
        return gradient


def _on_surface(field: _Field, places: Float64Array) -> Float64Array:
    """Vertices moved along the gradient to where the field is 0."""
    places = places.copy()
    value = field.at(places)
    # Points that a step brought closer go on; the next step of the others would be the same.
    left = np.arange(len(places))
    for _ in range(_STEPS):
        gradient = field.gradient(places[left])
        size = np.square(gradient).sum(1)
        move = -gradient * (value[left] / np.maximum(size, 1e-12))[:, None]
        # A step as long as that leaves the neighbourhood in which the gradient means anything.
        near = np.linalg.norm(move, axis=1) < _LONGEST
        left, moved = left[near], places[left[near]] + move[near]
        reached = field.at(moved)
        better = np.abs(reached) < np.abs(value[left])
        left = left[better]
        places[left], value[left] = moved[better], reached[better]
    return places
