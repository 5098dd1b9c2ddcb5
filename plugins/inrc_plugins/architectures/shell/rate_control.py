"""Search for the resolution and the step that meet a goal best."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from codec.entropy.mixing.octree import MOST_NODES
from codec.plugin_api.models import ShapeModel
from codec.plugin_api.tasks import ShapeTask
from inrc_plugins.architectures.shell.least_squares import decibels
from inrc_plugins.architectures.shell.quantisation import BandCoder, Trial

# Cells along the longest axis: 4 to 7 times a power of two.
RESOLUTIONS = tuple(roots << depth for depth in range(1, 8) for roots in (4, 5, 6, 7))
# Bytes per square cell at the first step that is tried, for the first guess alone.
_BYTES_PER_CELL = 0.9
_FIRST_UNIT = 64
_LEAST_UNIT, _MOST_UNIT = 20, 1024
# Bytes fall with this power of the step.
_SLOPE = 0.45
# Errors of the first guess of the resolution, in cells.
_FLOOR_CELLS = 0.045
# A file is large enough if it has this part of what was asked for.
_CLOSE = 0.985
_LAST_TRIALS = 4
_CLOSE_DECIBELS = 0.1


def fit_shell(task: ShapeTask) -> ShapeModel:
    """The best shell for a task."""
    return _Search(task).run()


class _Search:
    """Tries resolutions, each with one step, then steps with the best resolution."""

    def __init__(self, task: ShapeTask) -> None:
        self._task = task
        self._surface = task.surface
        self._diagonal = float(np.linalg.norm(task.surface.upper - task.surface.lower))
        self._coder: BandCoder | None = None
        self._done = 0
        self._sizes: dict[tuple[int, int], int] = {}

    def run(self) -> ShapeModel:
        if self._task.goal.file_bytes is not None:
            trial = self._best(self._error_at_bytes, self._unit_for_bytes)
            return self._landed_bytes(trial).model
        trial = self._best(self._bytes_at_error, self._unit_for_error)
        return self._landed_error(trial).model

    def _code(self, resolution: int, unit: int) -> Trial:
        """One trial; the band of a resolution is made once and kept until another is asked for."""
        if self._coder is None or self._coder.resolution != resolution:
            self._coder = None
            by_values = self._task.goal.psnr is not None
            self._coder = BandCoder(self._surface, resolution, self._task.seed, by_values)
        trial = self._coder.code(min(max(unit, _LEAST_UNIT), _MOST_UNIT))
        self._sizes[trial.resolution, trial.unit] = self._task.size(trial.model)
        self._done += 1
        loss = trial.error**2
        self._task.report("fit", 1 - 0.8**self._done, loss, self._psnr(trial))
        return trial

    def _size(self, trial: Trial) -> int:
        return self._sizes[trial.resolution, trial.unit]

    def _psnr(self, trial: Trial) -> float:
        return decibels(trial.error, self._diagonal)

    @property
    def _wanted_bytes(self) -> int:
        return self._task.goal.file_bytes or 1

    @property
    def _wanted_error(self) -> float:
        return self._diagonal * 10 ** (-(self._task.goal.psnr or 0) / 20)

    def _best(self, cost: Callable[[Trial], float], unit: Callable[[Trial], int]) -> Trial:
        """The trial of the resolution with the least cost that is foreseen at the goal."""
        at = self._first_guess()
        coded = {at: self._code(RESOLUTIONS[at], _FIRST_UNIT)}
        direction = self._direction(coded[at])
        while True:
            best = min(coded, key=lambda number: cost(coded[number]))
            following = best + direction
            if following in coded:
                if direction > 0 or len(coded) > 2:
                    return coded[best]
                direction, following = 1, best + 1
            if not 0 <= following < len(RESOLUTIONS) or following in coded:
                return coded[best]
            if not self._fits(RESOLUTIONS[following]) or len(coded) >= self._most_trials:
                return coded[best]
            coded[following] = self._code(RESOLUTIONS[following], unit(coded[best]))
            if cost(coded[following]) > cost(coded[best]):
                if len(coded) > 2:
                    return coded[best]
                direction = -direction

    @property
    def _most_trials(self) -> int:
        return 1 + self._task.effort

    def _fits(self, resolution: int) -> bool:
        extent = self._surface.upper - self._surface.lower
        cells = resolution * extent / extent.max() + 8
        return float(np.prod(cells)) < MOST_NODES

    def _first_guess(self) -> int:
        """The resolution that would about meet the goal with the first step."""
        longest = float((self._surface.upper - self._surface.lower).max())
        if self._task.goal.file_bytes is not None:
            cells = self._wanted_bytes / _BYTES_PER_CELL
            wanted = longest * math.sqrt(cells / self._surface.area)
        else:
            wanted = longest * _FLOOR_CELLS / self._wanted_error
        ratios = [abs(math.log(resolution / max(wanted, 1))) for resolution in RESOLUTIONS]
        at = ratios.index(min(ratios))
        while at and not self._fits(RESOLUTIONS[at]):
            at -= 1
        return at

    def _direction(self, trial: Trial) -> int:
        if self._task.goal.file_bytes is not None:
            return 1 if self._size(trial) < 0.8 * self._wanted_bytes else -1
        return 1 if trial.floor > 0.7 * self._wanted_error else -1

    def _unit_for_bytes(self, trial: Trial) -> int:
        more = math.pow(self._wanted_bytes / self._size(trial), 1 / _SLOPE)
        return round(trial.unit * more)

    def _error_at_bytes(self, trial: Trial) -> float:
        """Error of a trial's resolution, foreseen at the bytes that are wanted."""
        step = 16 * trial.spacing / self._unit_for_bytes(trial)
        return math.hypot(trial.floor, trial.noise * step)

    def _unit_for_error(self, trial: Trial) -> int:
        left = math.sqrt(max(self._wanted_error**2 - trial.floor**2, 1e-4 * trial.floor**2))
        return round(16 * trial.spacing * trial.noise / left)

    def _bytes_at_error(self, trial: Trial) -> float:
        """Bytes of a trial's resolution, foreseen at the error that is wanted."""
        if trial.floor >= self._wanted_error:
            return math.inf if trial.floor > 0 else 0
        return self._size(trial) * math.pow(self._unit_for_error(trial) / trial.unit, _SLOPE)

    def _landed_bytes(self, trial: Trial) -> Trial:
        """The finest step that stays within the bytes."""
        wanted, best = self._wanted_bytes, None
        for _ in range(_LAST_TRIALS):
            size = self._size(trial)
            if size <= wanted and (best is None or size > self._size(best)):
                best = trial
            if _CLOSE * wanted <= size <= wanted:
                break
            aim = 0.5 * (1 + _CLOSE) * wanted
            unit = round(trial.unit * (aim / size) ** (1 / _SLOPE))
            unit = min(max(unit, _LEAST_UNIT), _MOST_UNIT)
            if (trial.resolution, unit) in self._sizes:
                break
            trial = self._code(trial.resolution, unit)
        if best is not None:
            return best
        return self._coarsened(trial)

    def _coarsened(self, trial: Trial) -> Trial:
        """Fewer cells, where no step was coarse enough."""
        at = RESOLUTIONS.index(trial.resolution)
        while self._size(trial) > self._wanted_bytes and at > 0:
            at -= 1
            trial = self._code(RESOLUTIONS[at], _LEAST_UNIT)
        return trial

    def _landed_error(self, trial: Trial) -> Trial:
        """The coarsest step that reaches the PSNR."""
        best, goal = None, self._task.goal.psnr or 0
        for _ in range(_LAST_TRIALS):
            psnr = self._psnr(trial)
            if psnr >= goal and (best is None or self._size(trial) < self._size(best)):
                best = trial
            if goal <= psnr <= goal + _CLOSE_DECIBELS:
                break
            unit = min(max(self._unit_for_error(trial), _LEAST_UNIT), _MOST_UNIT)
            unit += 1 if psnr < goal and unit <= trial.unit else 0
            if (trial.resolution, unit) in self._sizes:
                break
            trial = self._code(trial.resolution, unit)
        return trial if best is None else best
