"""Search for the resolution and the step that meet a goal best."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from codec.entropy.mixing.octree import MOST_NODES
from codec.plugin_api.models import ShapeModel
from codec.plugin_api.tasks import ShapeTask
from inrc_plugins.architectures.shell.forecast import Sample, foreseen, step_power
from inrc_plugins.architectures.shell.least_squares import decibels
from inrc_plugins.architectures.shell.quantisation import BandCoder, Trial

# Cells along the longest axis: a power of two times 4 to 7, and in between.
RESOLUTIONS = tuple(
    sorted(
        {roots << depth for depth in range(1, 8) for roots in (4, 5, 6, 7)}
        | {roots << depth for depth in range(2, 7) for roots in (9, 11, 13, 15)}
    )
)
# Bytes per square cell and error in cells, for the first guess of the resolution alone.
_BYTES_PER_CELL = 1.0
_FLOOR_CELLS = 0.01
# Resolutions that are coded before the final one, as parts of what is foreseen for that.
_COARSE_PARTS = (1 / 3, 1 / 1.8)
_COARSE_UNIT = 160
_LEAST_UNIT, _MOST_UNIT = 20, 1024
# A file is large enough if it has this part of what was asked for; the next step aims higher.
_CLOSE, _AIM = 0.985, 0.994
_LAST_TRIALS = 3
# Part of the finest unit that was too fine, for each trial without one that is coarse enough.
_CERTAIN = 0.97
_CLOSE_DECIBELS = 0.1


def fit_shell(task: ShapeTask) -> ShapeModel:
    """The best shell for a task."""
    return _Search(task).run()


class _Search:
    """Codes two coarse resolutions, then the one that these say is best, with few steps."""

    def __init__(self, task: ShapeTask) -> None:
        self._task = task
        self._surface = task.surface
        self._diagonal = float(np.linalg.norm(task.surface.upper - task.surface.lower))
        self._coder: BandCoder | None = None
        self._done = 0
        self._sizes: dict[tuple[int, int], int] = {}

    def run(self) -> ShapeModel:
        trial = self._first_of_best()
        if self._task.goal.file_bytes is not None:
            return self._landed_bytes(trial).model
        return self._landed_error(trial).model

    def _code(self, resolution: int, unit: float) -> Trial:
        """One trial; the band of a resolution is made once and kept until another is asked for."""
        if self._coder is None or self._coder.resolution != resolution:
            self._coder = None
            by_values = self._task.goal.psnr is not None
            self._coder = BandCoder(self._surface, resolution, self._task.seed, by_values)
        trial = self._coder.code(round(min(max(unit, _LEAST_UNIT), _MOST_UNIT)))
        self._sizes[trial.resolution, trial.unit] = self._task.size(trial.model)
        self._done += 1
        loss = trial.error**2
        self._task.report("fit", 1 - 0.8**self._done, loss, self._psnr(trial))
        return trial

    def _size(self, trial: Trial) -> int:
        return self._sizes[trial.resolution, trial.unit]

    def _psnr(self, trial: Trial) -> float:
        return decibels(trial.error, self._diagonal)

    def _sample(self, trial: Trial) -> Sample:
        return Sample(trial.resolution, trial.unit, self._size(trial), trial.floor, trial.noise)

    @property
    def _wanted_bytes(self) -> int:
        return self._task.goal.file_bytes or 1

    @property
    def _wanted_error(self) -> float:
        return self._diagonal * 10 ** (-(self._task.goal.psnr or 0) / 20)

    def _first_of_best(self) -> Trial:
        """The best resolution, with the step that is foreseen for it."""
        samples: list[Sample] = []
        resolution, wanted = RESOLUTIONS[0], self._first_guess()
        for part in _COARSE_PARTS:
            coarse = self._coarse(wanted * part, samples)
            samples.append(self._sample(self._code(coarse, _COARSE_UNIT)))
            wanted = resolution = self._best(samples)
        return self._code(resolution, self._unit(foreseen(samples, resolution)))

    def _coarse(self, wanted: float, samples: list[Sample]) -> int:
        """The possible resolution closest to `wanted` that is finer than those of samples."""
        most = max((sample.resolution for sample in samples), default=0)
        finer = [resolution for resolution in RESOLUTIONS if resolution > most]
        return min(self._possible(finer), key=lambda resolution: abs(math.log(resolution / wanted)))

    def _possible(self, resolutions: Sequence[int]) -> list[int]:
        """Resolutions whose grid is not too large; the coarsest of all if there is none."""
        return [r for r in resolutions if self._fits(r)] or [RESOLUTIONS[0]]

    def _fits(self, resolution: int) -> bool:
        extent = self._surface.upper - self._surface.lower
        cells = resolution * extent / extent.max() + 8
        return float(np.prod(cells)) < MOST_NODES

    def _first_guess(self) -> float:
        """The resolution that would about meet the goal."""
        longest = float((self._surface.upper - self._surface.lower).max())
        if self._task.goal.file_bytes is not None:
            cells = self._wanted_bytes / _BYTES_PER_CELL
            return longest * math.sqrt(cells / self._surface.area)
        return longest * _FLOOR_CELLS / self._wanted_error

    def _best(self, samples: list[Sample]) -> int:
        """The resolution with the least error, or the fewest bytes, that is foreseen."""

        def cost(resolution: int) -> float:
            sample = foreseen(samples, resolution)
            if self._task.goal.file_bytes is not None:
                return sample.error_at(self._wanted_bytes)
            return sample.size_within(self._wanted_error)

        possible = self._possible(RESOLUTIONS)
        best = min(possible, key=cost)
        return best if math.isfinite(cost(best)) else possible[-1]

    def _unit(self, sample: Sample) -> float:
        """The unit of a resolution that meets the goal, as foreseen."""
        if self._task.goal.file_bytes is not None:
            return sample.unit_at(_AIM * self._wanted_bytes)
        return min(sample.unit_within(self._wanted_error), _MOST_UNIT)

    def _landed_bytes(self, trial: Trial) -> Trial:
        """The finest step that stays within the bytes."""
        wanted, trials = self._wanted_bytes, [trial]
        within: list[Trial] = []
        while True:
            if self._size(trial) <= wanted:
                within.append(trial)
            if _CLOSE * wanted <= self._size(trial) <= wanted:
                return trial
            unit = self._next_unit(trials)
            if within and ((trial.resolution, unit) in self._sizes or len(trials) > _LAST_TRIALS):
                return max(within, key=self._size)
            if not within:
                # Small files do not grow evenly; so much fewer steps shrink them for certain.
                coarsest = min(trial.unit for trial in trials)
                unit = min(unit, math.ceil(coarsest * _CERTAIN ** (len(trials) - 1)) - 1)
                if coarsest <= _LEAST_UNIT:
                    return self._coarsened(trial)
            trial = self._code(trial.resolution, unit)
            trials.append(trial)

    def _next_unit(self, trials: list[Trial]) -> int:
        """Unit that the two trials with the sizes closest to the goal say."""
        aim = _AIM * self._wanted_bytes
        samples = sorted(map(self._sample, trials), key=lambda s: abs(math.log(s.size / aim)))
        unit = samples[0].unit_at(aim, step_power(samples[:2]))
        return round(min(max(unit, _LEAST_UNIT), _MOST_UNIT))

    def _coarsened(self, trial: Trial) -> Trial:
        """Fewer cells, where no step was coarse enough."""
        at = RESOLUTIONS.index(trial.resolution)
        while self._size(trial) > self._wanted_bytes and at > 0:
            at -= 1
            trial = self._code(RESOLUTIONS[at], _LEAST_UNIT)
        return trial

    def _landed_error(self, trial: Trial) -> Trial:
        """The coarsest step that reaches the PSNR."""
        goal, trials = self._task.goal.psnr or 0, [trial]
        while not goal <= self._psnr(trials[-1]) <= goal + _CLOSE_DECIBELS:
            trial = trials[-1]
            unit = round(min(max(self._unit(self._sample(trial)), _LEAST_UNIT), _MOST_UNIT))
            unit += 1 if self._psnr(trial) < goal and unit <= trial.unit else 0
            if (trial.resolution, unit) in self._sizes or len(trials) > _LAST_TRIALS:
                break
            trials.append(self._code(trial.resolution, unit))
        enough = [trial for trial in trials if self._psnr(trial) >= goal]
        return min(enough, key=self._size) if enough else max(trials, key=self._psnr)
