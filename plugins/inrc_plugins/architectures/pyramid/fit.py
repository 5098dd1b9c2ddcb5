"""From samples to a model that meets a target: plan, fill, transform, quantise, adjust the step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from codec.arrays import Float32Array
from codec.entropy.lattice import Segment
from codec.format.headers import Quantisation
from codec.plugin_api.models import CodedTensor, Measurement, Model
from codec.plugin_api.tasks import FitTask, ItemGoal
from inrc_plugins.architectures.pyramid import bases, restoration
from inrc_plugins.architectures.pyramid.config import (
    SEPARATE,
    SEPARATE_LEAST,
    PyramidConfig,
    halvings,
)
from inrc_plugins.architectures.pyramid.efforts import effort
from inrc_plugins.architectures.pyramid.error_model import ErrorModel, measured_surplus
from inrc_plugins.architectures.pyramid.fill import fill
from inrc_plugins.architectures.pyramid.magnitudes import (
    Coefficients,
    least_step,
    narrow,
    shifts_of,
)
from inrc_plugins.architectures.pyramid.planning import (
    PRICE,
    central_part,
    choose_plan,
    joint_plan,
    part_plan,
)
from inrc_plugins.architectures.pyramid.quantise import (
    decoded_segments,
    in_lattice,
    quantised,
    rounded,
)
from inrc_plugins.architectures.pyramid.transform import analyse, dequantise, synthesise

# A share of equal samples this large becomes the offset, so that it costs nothing.
_BACKGROUND = 0.05
# Rounds of filling invalid samples before the plan is chosen.
FIRST_FILL = 6
# A step at which no field of 16 bits comes back exactly.
_COARSE = 1e-2
# Steps tried where some give the field back exactly.
_EXACT_ATTEMPTS = 14
# Attempts where the search by secants ends short of the goal; each goes twice as far.
_INSISTENCE = 8
# Decibels per unit of the step's logarithm where every coefficient counts.
_STEEPEST = -20 / math.log(10)
# Step of a uniform quantiser for an error, of the range 2; a little more for its zone of 0.
_FIRST_STEP = 2.2 * math.sqrt(12) / 2


@dataclass(frozen=True)
class _Candidate:
    """A coded model and what it measures; without its integers, which are as large as the field."""

    config: PyramidConfig
    segments: tuple[Segment, ...]
    measured: Measurement

    @property
    def step(self) -> float:
        return self.config.step

    def model(self, values: Coefficients) -> Model:
        tensor = CodedTensor(values, Quantisation((1.0,)), None, self.segments)
        return Model(self.config.to_map(), (tensor,))

    def decoded(self) -> Coefficients:
        """Its integers again."""
        return decoded_segments(self.config.lattice, self.segments)


class PyramidFit:
    """One item at work; see the module."""

    def __init__(self, task: FitTask) -> None:
        self._task = task
        self._components = task.components
        active = [size for size in task.shape if size > 1]
        shape = [self._components, *active] if self._components > 1 else active
        self._array = task.values.reshape(shape)
        self._valid = None
        if task.valid is not None:
            self._valid = np.ascontiguousarray(np.broadcast_to(task.valid, task.values.shape))
            self._valid = self._valid.reshape(shape)
        self._slope = _STEEPEST
        self._least_step = 0.0
        self._effort = effort(task.effort)
        # Segments and integers of what was coded last: all others are given up, to save memory.
        self._latest: tuple[tuple[Segment, ...], Coefficients] | None = None

    def run(self) -> Model:
        """The smallest model found that meets the goal; never a worse one than effort 0 finds."""
        offset = self._offset()
        self._array -= np.float32(offset)
        last = effort(self._task.effort)
        first = effort(0)
        if last.static:
            self._effort = last
            best = self._attempt(self._array, offset, self._first_step())
        else:
            self._effort = first
            best = self._attempt(self._array.copy(), offset, self._first_step())
            best = replace(best, measured=self._task.measure(best.model(best.decoded())))
            self._effort = last
            best = self._better(best, self._attempt(self._array, offset, best.step))
        self._report("quantise", 1.0, best.measured.psnr)
        if self._latest is not None and self._latest[0] is best.segments:
            return best.model(self._latest[1])
        self._latest = None
        return best.model(best.decoded())

    def _attempt(self, array: Float32Array, offset: float, step: float) -> _Candidate:
        """The best model found with the present effort.

        Args:
            array: samples, the offset subtracted; overwritten.
            step: near the one that will be used.
        """
        level = self._effort
        self._report("plan", 0.0)
        joint = joint_plan(array.shape, self._components)
        self._fill(array, joint, step, FIRST_FILL)
        step = self._modelled_step(array, joint, step)
        plan = choose_plan(array, self._components, step, level, self._task.threads)
        self._fill(array, plan, step, level.fill)
        self._report("transform", 0.2)
        part = central_part(array, level.trial).copy()
        lengths = array.shape
        original = None
        if level.restore and restoration.fits(restoration.IMAGES[0], lengths, self._components):
            original = array.copy()
        coefficients, factors = analyse(array, plan, step)
        self._least_step = least_step(coefficients)
        packed = tuple(bases.pack(factors[axis], lengths[axis]) for axis in sorted(factors))
        config = PyramidConfig(lengths, plan, step, offset, factors=packed)
        step = self._estimated_step(coefficients, config, part)
        best = self._search(coefficients, config, level.prices[0], step)
        prices = level.prices[1:]
        if original is not None:
            restored = self._with_restoration(best, original)
            if restored.restoration:
                # It nearly always wins: the other prices are tried with what won.
                best = self._better(
                    best, self._search(coefficients, restored, level.prices[0], best.step)
                )
                config = replace(config, restoration=best.config.restoration)
        for price in prices:
            best = self._better(best, self._search(coefficients, config, price, best.step))
        return best

    def _with_restoration(self, candidate: _Candidate, original: Float32Array) -> PyramidConfig:
        """The config with the networks, and their weights, that bring its samples nearest."""
        config = candidate.config
        samples = in_lattice(config.lattice, candidate.decoded())
        dequantise(samples, config)
        samples = synthesise(samples, config, 0)
        samples -= np.float32(config.offset)
        chosen = restoration.fitted(original, samples, self._valid, config.step)
        return replace(config, restoration=chosen)

    def _report(self, stage: str, fraction: float, psnr: float | None = None) -> None:
        self._task.report(stage, fraction, None, psnr)

    def _offset(self) -> float:
        values = self._array if self._valid is None else self._array[self._valid]
        low = values.min(initial=np.float32(1))
        if np.count_nonzero(values == low) > _BACKGROUND * values.size:
            return float(low)
        return float(np.float32(values.mean(dtype=np.float64))) if values.size else 0.0

    def _first_step(self) -> float:
        psnr = self._task.goal.psnr
        return float(np.float32(_FIRST_STEP * 2 * 10 ** (-(50 if psnr is None else psnr) / 20)))

    def _fill(self, array: Float32Array, plan: tuple[int, ...], step: float, rounds: int) -> None:
        """Give invalid samples values that cost few bits, in place."""
        if self._valid is None:
            return
        shape = (1,) * (4 - array.ndim) + array.shape
        if array.ndim > 4:
            shape = (shape[0] * shape[1], *shape[2:])
        codes = (0,) * (4 - len(plan)) + plan
        if len(plan) > 4:
            codes = (0, *plan[2:])
        separate = tuple(
            halvings(length, SEPARATE_LEAST) if code == SEPARATE or code <= 0 else 0
            for code, length in zip(codes, shape, strict=True)
        )
        filled = fill(
            array.reshape(shape),
            self._valid.reshape(shape),
            tuple(max(code, 0) for code in codes),
            separate,
            step,
            rounds,
            self._task.threads,
        )
        array[...] = filled.reshape(array.shape)

    def _search(
        self, coefficients: Float32Array, config: PyramidConfig, price: float, step: float
    ) -> _Candidate:
        """The best candidate over the step, for one price of a bit."""
        goal, excess = self._task.goal, self._effort.excess
        tried: list[_Candidate] = []
        exact = False
        for number in range(_EXACT_ATTEMPTS):
            if number >= self._effort.attempts and not exact:
                break
            tried.append(self._candidate(coefficients, replace(config, step=step), price))
            self._report("quantise", 0.3 + 0.1 * number, tried[-1].measured.psnr)
            exact = exact or math.isinf(tried[-1].measured.psnr)
            if self._close(tried[-1].measured, goal, excess):
                break
            step = _next_step(tried, goal, excess / 2, self._slope)
            if any(abs(math.log(step / other.step)) < 1e-6 for other in tried):
                break
        if not any(goal.met_by(candidate.measured) for candidate in tried):
            tried.append(self._insisted(coefficients, config, price, tried))
        best = min(tried, key=lambda candidate: self._rank(candidate, goal))
        return best if best.segments else self._coded(coefficients, best)

    def _insisted(
        self,
        coefficients: Float32Array,
        config: PyramidConfig,
        price: float,
        tried: list[_Candidate],
    ) -> _Candidate:
        """Surely smaller (or larger) steps until the goal is met: error need not fall smoothly."""
        goal = self._task.goal
        nearest = min(tried, key=lambda candidate: self._rank(candidate, goal))
        step = nearest.step
        factor = 0.99 if goal.psnr is not None else 1.01
        for _ in range(_INSISTENCE):
            step *= factor
            candidate = self._candidate(coefficients, replace(config, step=step), price)
            if goal.met_by(candidate.measured):
                break
            factor *= factor
        return candidate

    @staticmethod
    def _close(measured: Measurement, goal: ItemGoal, excess: float) -> bool:
        if goal.psnr is not None:
            return goal.psnr <= measured.psnr <= goal.psnr + excess
        size = goal.file_bytes or 0
        return 0.985 * size <= measured.file_bytes <= size

    @staticmethod
    def _rank(candidate: _Candidate, goal: ItemGoal) -> tuple[bool, float]:
        """Candidates that meet the goal first; of these the smallest, or the most exact."""
        met = goal.met_by(candidate.measured)
        if goal.psnr is not None:
            # Without segments, a coarser step is taken to be the smaller model.
            cost = candidate.measured.file_bytes or candidate.measured.psnr
            return not met, cost if met else -candidate.measured.psnr
        return not met, -candidate.measured.psnr if met else candidate.measured.file_bytes

    def _better(self, first: _Candidate, second: _Candidate) -> _Candidate:
        return min(first, second, key=lambda candidate: self._rank(candidate, self._task.goal))

    def _modelled_step(self, array: Float32Array, plan: tuple[int, ...], step: float) -> float:
        """A step near the one that will be used, so that plans are compared where it counts."""
        psnr = self._task.goal.psnr
        if psnr is None:
            return step
        # The whole field: its middle may have another spread of coefficients.
        coefficients, _ = analyse(array.copy(), plan, step)
        return ErrorModel(coefficients).step_for(_error_of(psnr), step)

    def _estimated_step(
        self, coefficients: Float32Array, config: PyramidConfig, part: Float32Array
    ) -> float:
        """The step that should give the wanted error, from a sample and a part coded for real."""
        psnr = self._task.goal.psnr
        if psnr is None:
            return config.step
        model = ErrorModel(coefficients)
        step = model.step_for(_error_of(psnr), config.step)
        surplus = 1.0
        if self._effort.prices[0]:
            part_axes = part_plan(config.axes, part.shape)
            measured = measured_surplus(part, part_axes, step, PRICE, self._effort)
            # A part is a little harder to code well than the whole.
            surplus = min(max(0.97 * measured, 0.5), 2.0)
        excess = self._effort.excess / 2
        step = model.step_for(_error_of(psnr + excess) / surplus, step)
        self._slope = model.slope(step)
        return step

    def _candidate(
        self, coefficients: Float32Array, config: PyramidConfig, price: float
    ) -> _Candidate:
        config = replace(config, step=float(np.float32(config.step)))
        self._latest = None
        config = replace(config, step=max(config.step, self._least_step))
        if self._effort.static and not price and self._task.goal.psnr is not None:
            return self._uncoded(coefficients, config)
        coded, coded_segments = quantised(
            config.lattice, coefficients, config.step, price, self._effort, self._task.threads
        )
        segments = tuple(coded_segments)
        values = narrow(coded)
        del coded
        self._latest = segments, values
        config = replace(config, shifts=shifts_of(coefficients, values, config))
        candidate = _Candidate(config, segments, Measurement(0, 0.0))
        return replace(candidate, measured=self._task.measure(candidate.model(values)))

    def _uncoded(self, coefficients: Float32Array, config: PyramidConfig) -> _Candidate:
        """A candidate without segments: its PSNR does not depend on how integers are coded."""
        values = rounded(coefficients, config.step)
        config = replace(config, shifts=shifts_of(coefficients, values, config))
        candidate = _Candidate(config, (), Measurement(0, 0.0))
        psnr = self._task.psnr(candidate.model(values))
        return replace(candidate, measured=Measurement(0, psnr))

    def _coded(self, coefficients: Float32Array, candidate: _Candidate) -> _Candidate:
        """A candidate that had no segments."""
        config = candidate.config
        coded, segments = quantised(
            config.lattice, coefficients, config.step, 0.0, self._effort, self._task.threads
        )
        self._latest = tuple(segments), narrow(coded)
        return replace(candidate, segments=self._latest[0])


def _error_of(psnr: float) -> float:
    """Mean squared error of normalised samples, whose range is 2."""
    return 4 * 10 ** (-psnr / 10)


def _next_step(tried: list[_Candidate], goal: ItemGoal, margin: float, first_slope: float) -> float:
    """The step where a line through two candidates, on both sides of the goal if any, meets it."""
    exact = [t.step for t in tried if math.isinf(t.measured.psnr)]
    if goal.psnr is not None and exact:
        # Integers that come back exactly do so up to some step: halve the way to it.
        others = [t.step for t in tried if t.step > max(exact)]
        return float(np.float32(math.sqrt(max(exact) * min(others, default=_COARSE))))
    if goal.psnr is not None:
        points = [(math.log(t.step), min(t.measured.psnr, 400.0)) for t in tried]
        wanted, slope = goal.psnr + margin, first_slope
    else:
        points = [(math.log(t.step), math.log(t.measured.file_bytes)) for t in tried]
        wanted, slope = math.log(max(1, goal.file_bytes or 1)) - 0.005, -1.0
    below = [point for point in points if point[1] < wanted]
    above = [point for point in points if point[1] >= wanted]
    if below and above:
        return _between(max(below, key=lambda p: p[1]), min(above, key=lambda p: p[1]), wanted)
    points.sort(key=lambda point: abs(point[1] - wanted))
    place, reached = points[0]
    if len(points) > 1:
        other, there = points[1]
        if other != place and (there - reached) / (other - place) < slope / 20:
            slope = (there - reached) / (other - place)
    move = min(max((wanted - reached) / slope, -5.0), 5.0)
    return float(np.float32(math.exp(place + move)))


def _between(below: tuple[float, float], above: tuple[float, float], wanted: float) -> float:
    """The step on the line through two points, no nearer to either than a tenth of the way.

    Points are logarithms of steps, and what these reach, which may jump between them.
    """
    share = (wanted - below[1]) / (above[1] - below[1])
    share = min(max(share, 0.1), 0.9)
    return float(np.float32(math.exp(below[0] + share * (above[0] - below[0]))))
