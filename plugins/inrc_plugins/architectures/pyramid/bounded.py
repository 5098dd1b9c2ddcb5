"""A model for a bound that every sample must keep: the smallest together with its residuals.

Two kinds are tried. Samples quantised as they are, at twice the bound, and predicted, need no
residuals; SZ does the same with other predictors (Di and Cappello, "Fast error-bounded lossy HPC
data compression with SZ", 2016). Coefficients of a transform are smaller where the field is smooth,
and leave some samples to residuals, as outliers in SPERR (Li et al., "Lossy scientific data
compression with SPERR", 2023).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from codec.entropy.lattice import Segment
from codec.format.headers import Quantisation
from codec.plugin_api.models import CodedTensor, Model
from codec.plugin_api.tasks import FitTask
from inrc_plugins.architectures.pyramid import bases
from inrc_plugins.architectures.pyramid.config import NONE, PyramidConfig
from inrc_plugins.architectures.pyramid.efforts import effort
from inrc_plugins.architectures.pyramid.fit import FIRST_FILL, PyramidFit
from inrc_plugins.architectures.pyramid.magnitudes import (
    Coefficients,
    least_step,
    narrow,
    shifts_of,
)
from inrc_plugins.architectures.pyramid.planning import PRICE, choose_plan, joint_plan
from inrc_plugins.architectures.pyramid.quantise import coded_integers, quantised
from inrc_plugins.architectures.pyramid.transform import analyse

# Steps of coefficients in units of the bound, best first: the optimum is flat, and the more noise
# there is the nearer to the last it lies.
_STEPS = (2.0, 1.6, 2.5)
_STEPS_AT_EFFORT_0 = 1
# To find the spacing of values: samples looked at, and distinct values that leave no doubt.
_LOOKED_AT, _MOST_DISTINCT, _REFINEMENTS = 1 << 18, 1 << 16, 3
# Integers of parameters are exact in float32 below this.
_EXACT = 1 << 24


class BoundedFit(PyramidFit):
    """One item at work; see the module."""

    def __init__(self, task: FitTask) -> None:
        super().__init__(task)
        self._bound = task.goal.bound or 0.0

    def run(self) -> Model:
        """The model that needs fewest bytes with its residuals."""
        best: Model | None = None
        least = 0
        for number, model in enumerate(self._models()):
            size = self._task.bounded_size(model)
            self._report("quantise", 0.3 + 0.2 * number)
            if best is None or size < least:
                best, least = model, size
        if best is None:
            raise ValueError("a bounded fit tried no model")
        return best

    def _models(self) -> Iterator[Model]:
        plain = (NONE,) * self._array.ndim
        # The offset is a sample, so that integers of a lossless fit fall on the steps.
        offset = self._typical_sample()
        self._array -= np.float32(offset)
        step = _at_most(2 * self._bound)
        spacing = self._spacing(2 * self._bound)
        self._report("plan", 0.0)
        self._fill(self._array, joint_plan(self._array.shape, self._components), step, FIRST_FILL)
        tried = float(np.abs(self._array).max(initial=0)) / step < _EXACT
        if tried:
            sample_step = spacing or step
            yield self._sampled(
                PyramidConfig(self._array.shape, plain, sample_step, offset, precise=True)
            )
        # Effort 0 comes first at every effort, so that more effort is never worse.
        levels = (0, self._task.effort) if self._task.effort else (0,)
        for level in levels:
            self._effort = effort(level)
            plan = choose_plan(
                self._array, self._components, step, self._effort, self._task.threads
            )
            if plan == plain and tried:
                continue
            for factor in _STEPS if level else _STEPS[:_STEPS_AT_EFFORT_0]:
                yield self._transformed(plan, float(np.float32(factor * self._bound)), offset)

    def _typical_sample(self) -> float:
        values = self._array if self._valid is None else self._array[self._valid]
        if not values.size:
            return 0.0
        flat = values.reshape(-1)
        return float(flat[np.argmin(np.abs(flat - flat.mean(dtype=np.float64)))])

    def _spacing(self, least: float) -> float | None:
        """The step between values, where they are the multiples of one that is larger than `least`.

        Fields that were unpacked from integers, or written with few decimals, have one.
        """
        values = self._array if self._valid is None else self._array[self._valid]
        flat = values.reshape(-1)
        distinct = np.unique(flat[:: max(1, flat.size // _LOOKED_AT)]).astype(np.float64)
        gaps = np.diff(distinct)
        gaps = gaps[gaps > least]
        if not gaps.size or len(distinct) > _MOST_DISTINCT:
            return None
        spacing = float(gaps.min())
        for _ in range(_REFINEMENTS):
            # The offset is one of the values, and was subtracted.
            numbers = np.rint(distinct / spacing)
            spacing = float(numbers @ distinct) / max(float(numbers @ numbers), 1.0)
            if spacing <= least:
                return None
        rounded = float(np.float32(spacing))
        for start in range(0, flat.size, _LOOKED_AT):
            piece = flat[start : start + _LOOKED_AT].astype(np.float64)
            if np.abs(piece - np.rint(piece / rounded) * rounded).max() > least / 4:
                return None
        return rounded

    def _sampled(self, config: PyramidConfig) -> Model:
        """Samples, rounded to steps."""
        rounded = np.rint(self._array.reshape(-1).astype(np.float64) / config.step)
        values = rounded.astype(np.int32)
        segments = tuple(coded_integers(config.lattice, values, self._effort))
        return _model(config, narrow(values), segments)

    def _transformed(self, plan: tuple[int, ...], step: float, offset: float) -> Model:
        """Coefficients, chosen by rate and distortion."""
        array = self._array.copy()
        lengths = array.shape
        self._fill(array, plan, step, self._effort.fill)
        coefficients, factors = analyse(array, plan, step)
        step = max(step, least_step(coefficients))
        packed = tuple(bases.pack(factors[axis], lengths[axis]) for axis in sorted(factors))
        config = PyramidConfig(lengths, plan, step, offset, factors=packed, precise=True)
        values, segments = quantised(
            config.lattice, coefficients, step, PRICE, self._effort, self._task.threads
        )
        shifted = replace(config, shifts=shifts_of(coefficients, values, config))
        return _model(shifted, narrow(values), tuple(segments))


def _at_most(step: float) -> float:
    """The greatest float32 that is no greater, above 0."""
    near = np.float32(step)
    if near > step:
        near = np.nextafter(near, np.float32(0))
    return float(max(near, np.finfo(np.float32).smallest_normal))


def _model(config: PyramidConfig, values: Coefficients, segments: tuple[Segment, ...]) -> Model:
    tensor = CodedTensor(values, Quantisation((1.0,)), None, segments)
    return Model(config.to_map(), (tensor,))
