"""The spline that fits a surface best, and what is left to choose once some of it is fixed.

Coefficients are those of the finest corners, in cells. A spline is wanted that is 0 at points of
the surface, has the right distance beside it, and whose coefficients stay close to distances where
neither says anything. The normal equations are solved by conjugate gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float64Array, Int64Array
from codec.plugin_api.surface import Cap, Surface
from inrc_plugins.architectures.shell.band import Band
from inrc_plugins.architectures.shell.capped import CappedSurface
from inrc_plugins.architectures.shell.continuation import Continuation
from inrc_plugins.architectures.shell.normal_equations import NormalEquations
from inrc_plugins.architectures.shell.spline import MARGIN

# Points on the surface per square cell, and of these the share that has a partner beside it.
_DENSITY = 32
_BESIDE_EVERY = 8
# Distance of the partners: standard deviation and limit, in cells.
_BESIDE, _BESIDE_MOST = 0.7, 1.0
# Weights of the partners, and of plain distances per node where points have 1 each.
_BESIDE_WEIGHT, _PLAIN_WEIGHT = 0.3, 0.1
# Weight of points on what closes holes, which need no more than a side to each side.
_CAP_WEIGHT = 0.3
# Couplings of two nodes that are left out, relative to the weight of plain distances: a node has at
# most 124, so that all of these together stay below that weight.
_LEAST_COUPLING = 0.001
_FIRST_ROUNDS, _LATER_ROUNDS = 30, 3
_TOLERANCE = 1e-5
# Where the slope of the spline is measured, in cells, and the least it is taken for.
_GRADIENT_AT, _LEAST_SLOPE = 0.25, 0.3


@dataclass(frozen=True)
class CheckPoints:
    """Taps of the spline at points of the surface, and on either side of them."""

    on: Any
    above: Any
    below: Any


class SplineFit:
    """The least-squares problem of one band.

    Args:
        cap: what closes the surface's holes.

    Attributes:
        corners: nodes whose coefficients are wanted, bool over the grid.
        distances: true distances in cells at all coded nodes, float64 over the grid, else 0.
        solution: the best coefficients at the corners, in C order.
        weights: how much each matters, 1 on average.
    """

    def __init__(self, surface: Surface, band: Band, seed: int, cap: Cap | None) -> None:
        self._band = band
        self.corners = band.fine_corners()
        self._continuation = Continuation(self.corners)
        count = int(_DENSITY * surface.area / band.spacing**2) + 1000
        points, normals = surface.sample(count, seed + 1)
        generator = np.random.default_rng(seed)
        points_beside, normals = points[::_BESIDE_EVERY], normals[::_BESIDE_EVERY]
        away = np.clip(
            _BESIDE * generator.standard_normal(len(points_beside)), -_BESIDE_MOST, _BESIDE_MOST
        )
        beside = points_beside + normals * (away * band.spacing)[:, None]
        places = np.argwhere(band.coded())
        asked = np.concatenate([band.positions(places), beside])
        closed = surface if cap is None else CappedSurface(surface, cap)
        distances = closed.distance(asked) / band.spacing
        self.distances = np.zeros(band.shape)
        self.distances[tuple(places.T)] = distances[: len(places)]
        equations = NormalEquations(self._continuation.numbers, self._continuation.count)
        equations.add(band.indices(points), np.zeros(len(points)), 1.0)
        equations.add(band.indices(beside), distances[len(places) :], _BESIDE_WEIGHT**2)
        if cap is not None:
            closing, _ = cap.sample(int(_DENSITY * cap.area / band.spacing**2) + 100, seed)
            equations.add(band.indices(closing), np.zeros(len(closing)), _CAP_WEIGHT**2)
        plain = self.distances[self.corners]
        self._plain = _PLAIN_WEIGHT**2 * len(points) / len(plain)
        self._couplings = equations.couplings(_LEAST_COUPLING * self._plain)
        self._right = self._continuation.back(equations.right) + self._plain * plain
        self._diagonal = self._continuation.back_squared(equations.diagonal) + self._plain
        self.weights = self._diagonal / self._diagonal.mean()
        everything = np.ones(len(plain), np.bool_)
        self.solution = self.completed(plain, everything, _FIRST_ROUNDS)

    def _taps(self, points: Float64Array) -> Any:
        """Rows of the spline at positions, over all nodes with coefficients (float32, sparse)."""
        from scipy import sparse

        rows, places, weights = tap_weights(self._band.indices(points), self._band.shape)
        columns = self._continuation.numbers.reshape(-1)[places]
        inner = columns >= 0
        count = self._continuation.count
        return sparse.csr_matrix(
            (weights[inner].astype(np.float32), (rows[inner], columns[inner])),
            shape=(len(points), count),
        )

    def _normal(self, coefficients: Float64Array) -> Float64Array:
        coupled = self._couplings @ self._continuation.onward(coefficients)
        return self._continuation.back(coupled) + self._plain * coefficients

    def completed(
        self, coefficients: Float64Array, free: BoolArray, rounds: int = _LATER_ROUNDS
    ) -> Float64Array:
        """The best coefficients where they are free, given the others."""
        residual = np.where(free, self._right - self._normal(coefficients), 0)
        change = np.zeros_like(coefficients)
        scaled = residual / self._diagonal
        direction = scaled
        size = first = float(residual @ scaled)
        for _ in range(rounds):
            if size <= _TOLERANCE * first or size == 0:
                break
            image = np.where(free, self._normal(direction), 0)
            length = size / float(direction @ image)
            change += length * direction
            residual = residual - length * image
            scaled = residual / self._diagonal
            size, before = float(residual @ scaled), size
            direction = scaled + size / before * direction
        return coefficients + change

    def check_points(self, points: Float64Array, normals: Float64Array) -> CheckPoints:
        """Matrix that measures the spline at points of the surface."""
        away = _GRADIENT_AT * self._band.spacing * normals
        return CheckPoints(self._taps(points), self._taps(points + away), self._taps(points - away))

    def errors(
        self, coefficients: Float64Array, at: CheckPoints
    ) -> tuple[Float64Array, Float64Array]:
        """Values of the spline at points of the surface, and how far its zero is, both in cells."""
        full = self._continuation.onward(coefficients)
        values = np.asarray(at.on @ full, np.float64)
        slope = np.asarray(at.above @ full - at.below @ full, np.float64) / (2 * _GRADIENT_AT)
        return values, values / np.maximum(slope, _LEAST_SLOPE)


def tap_weights(
    indices: Float64Array, shape: tuple[int, ...]
) -> tuple[Int64Array, Int64Array, Float64Array]:
    """The 27 nodes of the spline at every point, as (row, flat place with margins, weight)."""
    closest = np.floor(indices + 0.5).astype(np.int64)
    offset = indices - closest
    along = np.stack([0.5 * (0.5 - offset) ** 2, 0.75 - offset**2, 0.5 * (0.5 + offset) ** 2], 2)
    weights = along[:, 0, :, None, None] * along[:, 1, None, :, None] * along[:, 2, None, None, :]
    wide = [size + 2 * MARGIN for size in shape]
    taps = np.arange(3) + MARGIN - 1
    i, j, k = (closest[:, axis, None] + taps for axis in range(3))
    places = (i[:, :, None, None] * wide[1] + j[:, None, :, None]) * wide[2] + k[:, None, None, :]
    rows = np.repeat(np.arange(len(indices)), 27)
    return rows, places.reshape(-1), weights.reshape(-1)


def decibels(error: float, peak: float) -> float:
    """PSNR of an error with a peak in the same unit."""
    return 20 * math.log10(peak / error) if error > 0 else math.inf
