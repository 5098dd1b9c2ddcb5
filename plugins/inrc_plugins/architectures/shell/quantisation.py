"""Values of a band, chosen by rate and distortion while they are coded.

After each class of nodes the spline is fitted anew with what is already fixed, so that those coded
later make up for the errors of those before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from codec.arrays import BoolArray, Float32Array, Float64Array, Int32Array
from codec.entropy.mixing.octree import quantise_octree
from codec.format.headers import Quantisation
from codec.plugin_api.models import CodedTensor, Model, ShapeModel
from codec.plugin_api.surface import Sheet, Surface
from inrc_plugins.architectures.shell.band import Band, band_around, offset_for
from inrc_plugins.architectures.shell.capped import border_of, cap_of
from inrc_plugins.architectures.shell.config import BAND, ShellConfig
from inrc_plugins.architectures.shell.least_squares import SplineFit

# Squared error, in squared steps, that one bit is worth.
_PRICE = 0.15
# Weights of nodes, relative to the mean, are kept within these; the first is that of nodes of
# coarse levels alone, which help to predict and nothing else.
_LEAST_WEIGHT, _MOST_WEIGHT = 0.05, 3.0
# The spline is fitted again when so large a part of its coefficients was fixed since.
_WORTH_A_FIT = 0.06
_CHECK_POINTS = 50_000


@dataclass(frozen=True)
class Trial:
    """One resolution and step, coded.

    Attributes:
        resolution, unit: what was tried.
        model: the result.
        error: in the mesh's unit.
        floor: the error without quantisation.
    """

    resolution: int
    unit: int
    model: ShapeModel
    error: float
    floor: float

    @property
    def noise(self) -> float:
        """Error that quantisation adds (in squares), in the mesh's unit."""
        return math.sqrt(max(self.error**2 - self.floor**2, (0.02 * self.error) ** 2))


class BandCoder:
    """Codes one band with any step.

    Args:
        by_values: whether the error of a trial is that of the values, not how far surfaces are
            apart.
    """

    def __init__(
        self, surface: Surface | Sheet, resolution: int, seed: int, by_values: bool
    ) -> None:
        self.resolution = resolution
        self._by_values = by_values
        self._offset = 0.0
        if isinstance(surface, Sheet):
            self._offset = offset_for(surface, resolution)
            surface = surface.thickened(self._offset)
        self.band: Band = band_around(surface, resolution, seed)
        cap = cap_of(surface, self.band)
        self._border = None if cap is None else border_of(surface, cap, self.band, seed)
        self._fit = SplineFit(surface, self.band, seed, cap)
        self._points = self._fit.check_points(*surface.sample(_CHECK_POINTS, seed + 2))
        self.floor = self._error(self._fit.solution)

    def _error(self, coefficients: Float64Array) -> float:
        """Root mean square of the values at the surface, or its mean distance to the spline's."""
        values, away = self._fit.errors(coefficients, self._points)
        deviation = np.sqrt(np.square(values).mean()) if self._by_values else np.abs(away).mean()
        return float(deviation) * self.band.spacing

    def code(self, unit: int) -> Trial:
        """The band coded with 16 / unit cells as step."""
        octree = self.band.octree(unit)
        step = 16 / unit
        corners = self._fit.corners
        weights = np.full(self.band.shape, _LEAST_WEIGHT, np.float32)
        weights[corners] = np.clip(self._fit.weights, _LEAST_WEIGHT, _MOST_WEIGHT)
        numbers, segment = quantise_octree(
            octree, self.band.cells, _Targets(self._fit, step), np.float32(_PRICE) / weights
        )
        whole = Quantisation((1.0,))
        tensors = [CodedTensor(numbers, whole, segments=(segment,))]
        size = None
        if self._border is not None:
            size = self._border.size
            tensors.append(CodedTensor(self._border.flags, whole))
            tensors.append(CodedTensor(self._border.residuals, whole))
        origin = self.band.origin
        model = ShapeModel(
            Model(ShellConfig(octree, size).to_map(), tuple(tensors)),
            self.band.shape,
            (float(origin[0]), float(origin[1]), float(origin[2])),
            self.band.spacing,
            BAND * self.band.spacing,
            self._offset,
        )
        values = _coefficients(octree_values(model), corners, step)
        return Trial(self.resolution, unit, model, self._error(values), self.floor)


def octree_values(model: ShapeModel) -> Int32Array:
    """The numbers of a model at the nodes of its grid."""
    from codec.entropy.mixing.octree import place

    config = ShellConfig.from_map(model.model.config, model.shape, 1)
    return place(config.octree, model.model.tensors[0].values).values


def _coefficients(values: Int32Array, corners: BoolArray, step: float) -> Float64Array:
    return np.asarray(values[corners] * step, np.float64)


class _Targets:
    """Ideal values of the coefficients that are not chosen yet, in steps."""

    def __init__(self, fit: SplineFit, step: float) -> None:
        self._fit = fit
        self._step = step
        self._wanted = (fit.distances / step).astype(np.float32)
        self._coefficients = fit.solution.copy()
        self._fixed = np.zeros(len(fit.solution), np.bool_)
        self._wanted[fit.corners] = self._coefficients / step

    def __call__(self, values: Int32Array, known: BoolArray) -> Float32Array:
        fixed = known[self._fit.corners]
        self._coefficients[fixed] = values[self._fit.corners][fixed] * self._step
        if np.count_nonzero(fixed & ~self._fixed) > _WORTH_A_FIT * len(fixed):
            self._coefficients = self._fit.completed(self._coefficients, ~fixed)
            self._fixed = fixed
            self._wanted[self._fit.corners] = self._coefficients / self._step
        return self._wanted
