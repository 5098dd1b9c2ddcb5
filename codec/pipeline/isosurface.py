"""The zero surface of a field of distances as triangles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from codec.contracts import Evaluator, OpenEvaluator, Positions
from codec.errors import InvalidOptionError, MissingDependencyError
from codec.pipeline.blocks import Window, evaluate_blocks
from codec.pipeline.open_surface import cut

DEFAULT_RESOLUTION = 256
MOST_RESOLUTION = 1024
# Steps of Newton's method that bring vertices onto the field's zero, and how far each may go, in
# nodes of the field.
_STEPS, _LONGEST = 3, 0.5
# Distance of the points whose difference is the gradient, in nodes.
_APART = 0.05
# Samples are kept away from 0 by this part of the way to the next.
_LEAST_SHARE = 0.05
# Parts that are no longer than this, in nodes, are noise.
_SPECK = 2.0

Doubles = npt.NDArray[np.float64]
Faces = npt.NDArray[np.int64]
Advance = Callable[[float], None]


def extract(
    evaluator: Evaluator,
    shape: tuple[int, ...],
    band: float,
    resolution: int,
    threads: int,
    advance: Advance,
    closed: bool = False,
) -> tuple[Doubles, Faces]:
    """Triangles of the surface where a field of distances is 0, outward where it grows.

    Args:
        evaluator: of normalised distances, positive outside.
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
    if not 2 <= resolution <= MOST_RESOLUTION:
        raise InvalidOptionError(f"resolution {resolution}: choose 2 to {MOST_RESOLUTION}")
    spacing = (max(shape) - 1) / resolution
    counts = [round((size - 1) / spacing) + 1 for size in shape]
    axes = [np.linspace(0, size - 1, max(n, 2)) for size, n in zip(shape, counts, strict=True)]
    # One node of outside all around, so that a surface at the border of the grid is closed.
    samples = np.ones([len(axis) + 2 for axis in axes], np.float32)

    def store(window: Window, values: npt.NDArray[np.float32]) -> None:
        inner = tuple(slice(part.start + 1, part.stop + 1) for part in window)
        samples[inner] = values[0]

    evaluate_blocks(_AtNodes(evaluator, axes), [np.arange(len(a)) for a in axes], threads, store)
    advance(0.5)
    steps = np.array([axis[1] - axis[0] for axis in axes])
    vertices, faces = _triangles(samples, float(steps.max()) / band)
    places = (vertices - 1) * steps
    vertices, faces = _without_specks(places, faces)
    vertices = _on_surface(evaluator, vertices, np.array(shape) - 1.0)
    if closed or not isinstance(evaluator, OpenEvaluator):
        return vertices, faces
    past = evaluator.past_border(vertices)
    if past is None:
        return vertices, faces
    return _without_specks(*cut(vertices, faces, past))


def moved_inward(
    evaluator: Evaluator, shape: tuple[int, ...], vertices: Doubles, distance: float
) -> Doubles:
    """Vertices moved against the gradient of a field of distances.

    Args:
        shape: nodes of the field.
        distance: in nodes.
    """
    gradient = _gradient(evaluator, vertices, np.array(shape) - 1.0)
    length = np.linalg.norm(gradient, axis=1)
    return np.asarray(vertices - distance * gradient / np.maximum(length, 1e-12)[:, None])


class _AtNodes:
    """An evaluator whose indices count other positions."""

    def __init__(self, evaluator: Evaluator, axes: list[Doubles]) -> None:
        self._evaluator = evaluator
        self._axes = axes

    def on_axes(self, positions: Sequence[Positions]) -> npt.NDArray[np.float32]:
        pairs = zip(self._axes, positions, strict=True)
        return self._evaluator.on_axes([axis[at.astype(np.int64)] for axis, at in pairs])

    def at(self, points: Positions) -> npt.NDArray[np.float32]:
        return self._evaluator.at(points)


def _triangles(samples: npt.NDArray[np.float32], per_sample: float) -> tuple[Doubles, Faces]:
    try:
        from skimage.measure import marching_cubes
    except ImportError:
        raise MissingDependencyError(
            "meshes are made with scikit-image; install it with pip install 'inrc[mesh]'"
        ) from None
    if not (samples < 0).any():
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    # Where the surface meets a sample, several vertices would fall together there.
    least = np.float32(_LEAST_SHARE * per_sample)
    close = np.abs(samples) < least
    samples[close] = np.where(samples[close] < 0, -least, least)
    found: Any = marching_cubes
    vertices, faces, _, _ = found(samples, 0.0, gradient_direction="descent")
    return vertices.astype(np.float64), faces.astype(np.int64)


def _without_specks(vertices: Doubles, faces: Faces) -> tuple[Doubles, Faces]:
    """Without the parts that are smaller than what the grid of the field can hold."""
    part = np.arange(len(vertices))
    while True:
        least = part[faces].min(1)
        joined = part.copy()
        for corner in range(3):
            np.minimum.at(joined, faces[:, corner], least)
        joined = joined[joined]
        if (joined == part).all():
            break
        part = joined
    names, part = np.unique(part, return_inverse=True)
    lower = np.full((len(names), 3), np.inf)
    upper = np.full((len(names), 3), -np.inf)
    np.minimum.at(lower, part, vertices)
    np.maximum.at(upper, part, vertices)
    kept = ((upper - lower).max(1) > _SPECK)[part]
    numbers = np.cumsum(kept) - 1
    return vertices[kept], numbers[faces[kept[faces[:, 0]]]]


def _on_surface(evaluator: Evaluator, places: Doubles, highest: Doubles) -> Doubles:
    """Vertices moved along the gradient to where the field is 0."""
    if not len(places):
        return places
    value = evaluator.at(np.clip(places, 0, highest))[0].astype(np.float64)
    for _ in range(_STEPS):
        gradient = _gradient(evaluator, places, highest)
        size = np.square(gradient).sum(1)
        move = -gradient * (value / np.maximum(size, 1e-12))[:, None]
        length = np.linalg.norm(move, axis=1)
        # A step as long as that leaves the neighbourhood in which the gradient means anything.
        moved = np.where((length < _LONGEST)[:, None], places + move, places)
        reached = evaluator.at(np.clip(moved, 0, highest))[0].astype(np.float64)
        better = np.abs(reached) < np.abs(value)
        places = np.where(better[:, None], moved, places)
        value = np.where(better, reached, value)
    return places


def _gradient(evaluator: Evaluator, places: Doubles, highest: Doubles) -> Doubles:
    """Gradient of the field at positions, (n, 3)."""
    gradient = np.empty_like(places)
    for axis in range(3):
        shift = np.zeros(3)
        shift[axis] = _APART
        ahead = evaluator.at(np.clip(places + shift, 0, highest))[0]
        behind = evaluator.at(np.clip(places - shift, 0, highest))[0]
        gradient[:, axis] = (ahead.astype(np.float64) - behind) / (2 * _APART)
    return gradient
