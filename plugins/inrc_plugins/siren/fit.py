"""Fitting `siren` to a field: how wide, the descent, then quantisation under the target."""

from __future__ import annotations

import logging
import math

import torch

from codec.contracts import FitTask, Model
from codec.errors import InvalidOptionError
from codec.pipeline.batches import AxisSampler
from codec.pipeline.gradient_fit import HEADROOM_DB, SHARD_POINTS, Schedule
from codec.pipeline.metrics import peak_signal_to_noise
from codec.pipeline.progress import StageProgress
from codec.pipeline.quantised_fit import QuantisedFit
from codec.pipeline.trainer import Network, Trainer
from inrc_plugins.siren.config import SirenConfig, active_axes
from inrc_plugins.siren.descent import Plan, batches_of, descend
from inrc_plugins.siren.growth import WIDEST, grows, widened, width_for
from inrc_plugins.siren.initialisation import Start, fresh_start, start_from_prior
from inrc_plugins.siren.network import GridNetwork
from inrc_plugins.siren.settings import SirenSettings

_log = logging.getLogger("inrc")

# Bits per parameter after coding, for the choice of a width.
BITS = 6.0
# What the full descent usually adds to the PSNR of one of an eighth of its steps.
_EXPECTED_GAIN_DB = 2.0
# The finetune's rate is a tenth of this, or a tenth of a step if that is less.
FINETUNE_RATE = 5e-3
_WARM_UP = 100
_ATTEMPTS = 3


def fit_field(task: FitTask) -> Model:
    """The best model found for an array.

    Raises:
        InvalidOptionError: the field has no axis longer than 1 or more than four, or the prior is
            not one for it.
    """
    return _FieldFit(task).run()


class _FieldFit:
    def __init__(self, task: FitTask) -> None:
        self._task = task
        self._settings: SirenSettings = task.settings
        self._schedule = Schedule.for_effort(task.effort, task.schedule)
        active = active_axes(task.shape)
        if not 1 <= len(active) <= 4:
            raise InvalidOptionError(
                f"architecture siren fits 1 to 4 axes longer than 1, not {len(active)}; "
                "use --arch pyramid"
            )
        self._sizes = tuple(task.shape[axis] for axis in active)
        self._components = len(task.values)
        squeezed = (self._components, *self._sizes)
        self._values = task.values.reshape(squeezed)
        self._valid = None if task.valid is None else task.valid.reshape(squeezed)
        self._sampler = AxisSampler(
            self._values, self._valid, SHARD_POINTS[task.device], task.device
        )
        self._batches = batches_of(
            self._values, self._valid, self._settings.samples, task.seed, task.device
        )
        self._generator = torch.Generator().manual_seed(task.seed)

    def run(self) -> Model:
        """The best model found."""
        if self._settings.prior:
            start = self._from_prior(self._settings.prior)
            start = self._descended(start, self._schedule.fit, self._progress(0.0, 0.6), _WARM_UP)
        elif self._settings.width or self._task.goal.psnr is None:
            start = self._fresh(self._settings.width or self._width_for_bytes())
            start = self._descended(start, self._schedule.fit, self._progress(0.0, 0.6))
        else:
            start = self._grown(self._task.goal.psnr)
        quantised = QuantisedFit(
            self._task,
            self._trainer(start),
            start.config.tensors(self._components),
            start.config.to_map(),
            finetune_steps=self._schedule.finetune,
            prune_steps=self._schedule.prune,
            rates=dict.fromkeys(start.tensors, FINETUNE_RATE),
            progress=self._progress(0.6, 1.0),
        )
        return quantised.run(start.tensors)

    def _config(self, width: int) -> SirenConfig:
        return self._settings.config(
            len(self._sizes), width, max(self._sizes), self._task.seed
        )

    def _width_for_bytes(self) -> int:
        budget = self._task.goal.file_bytes or math.prod(self._sizes)
        return width_for(int(8 * budget / BITS), self._config, self._components)

    def _fresh(self, width: int) -> Start:
        return fresh_start(self._config(width), self._components, self._generator).to(
            self._task.device
        )

    def _from_prior(self, path: str) -> Start:
        axes, width = len(self._sizes), self._settings.width
        start = start_from_prior(path, axes, self._components, width).to(self._task.device)
        return start.adapted(GridNetwork(start.config, self._sizes), self._batches.draw())

    def _grown(self, target: float) -> Start:
        """A network wide enough for the target after the descent, which it has behind it."""
        start = self._fresh(16)
        for rung in range(self._schedule.rungs):
            progress = self._progress(0.03 * rung, 0.03 * (rung + 1))
            start = self._descended(start, self._schedule.rung, progress)
            gap = target + HEADROOM_DB - _EXPECTED_GAIN_DB - self._estimate(start)
            _log.debug("width %d: %.2f dB short", start.config.width, gap)
            if gap <= 0 or not self._may_grow(start):
                break
            start = self._wider(start, min(2.0, max(1.25, 1.1**gap)))
        start = self._descended(start, self._schedule.fit, self._progress(0.24, 0.6))
        for _ in range(_ATTEMPTS):
            if self._estimate(start) >= target + HEADROOM_DB / 3 or not self._may_grow(start):
                break
            start = self._wider(start, 1.4)
            start = self._descended(start, self._schedule.fit // 2, self._progress(0.6, 0.6))
        return start

    def _may_grow(self, start: Start) -> bool:
        wider = self._config(min(2 * start.config.width, WIDEST))
        return (
            start.config.width < WIDEST
            and wider.parameters(self._components) < self._values[0].size
        )

    def _wider(self, start: Start, factor: float) -> Start:
        config = self._config(min(4 * math.ceil(factor * start.config.width / 4), WIDEST))
        if not grows(config.encoding):
            return fresh_start(config, self._components, self._generator).to(self._task.device)
        tensors = widened(start.tensors, config, self._components, self._generator)
        return Start(config, tensors).to(self._task.device)

    def _descended(
        self, start: Start, steps: int, progress: StageProgress, warm_up: int = 0
    ) -> Start:
        plan = Plan(
            steps=steps,
            rate=self._settings.learning_rate(steps),
            patience=self._settings.patience_for(steps),
            stop=self._settings.stop_for(steps),
            magnitude_price=self._settings.l1,
            warm_up=warm_up,
        )
        tensors = descend(
            self._network(start),
            self._batches,
            start.tensors,
            plan,
            self._task.threads,
            progress.stage("fit"),
        )
        return start.with_tensors(tensors)

    def _network(self, start: Start) -> Network:
        return start.network(GridNetwork(start.config, self._sizes))

    def _trainer(self, start: Start) -> Trainer:
        return Trainer(self._network(start), self._sampler, self._task.seed, self._task.threads)

    def _estimate(self, start: Start) -> float:
        trainer = self._trainer(start)
        return peak_signal_to_noise(trainer.estimate(start.tensors, trainer.draw(32)))

    def _progress(self, start: float, end: float) -> StageProgress:
        return StageProgress(self._task.report, start, end)
