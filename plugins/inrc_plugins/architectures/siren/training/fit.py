"""Fitting `siren`: how wide, the descent, then quantisation under the target."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from codec.measuring.metrics import peak_signal_to_noise
from codec.plugin_api.models import FittedModel, Model
from codec.plugin_api.tasks import FitTask
from codec.training.batches import Sampler
from codec.training.gradient_fit import HEADROOM_DB, Schedule
from codec.training.progress import StageProgress
from codec.training.quantised_fit import QuantisedFit
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.settings import SirenSettings
from inrc_plugins.architectures.siren.trainer import SirenTrainer
from inrc_plugins.architectures.siren.training.descent import Descent, Plan
from inrc_plugins.architectures.siren.training.field_batches import Batches
from inrc_plugins.architectures.siren.training.growth import WIDEST, grows, widened, width_for
from inrc_plugins.architectures.siren.training.initialisation import (
    Start,
    fresh_start,
    start_from_prior,
)
from inrc_plugins.architectures.siren.training.network import AnyNetwork, SirenNetwork

_log = logging.getLogger("inrc")

# Bits per parameter after coding, for the choice of a width.
BITS = 6.0
# Bytes of a model that are no parameters.
_HEADER_BYTES = 90
# Gain in PSNR that the full descent usually adds to one of an eighth of its steps.
_EXPECTED_GAIN_DB = 2.0
# The finetune's rate is a tenth of this, or a tenth of a step if that is less.
_FINETUNE_RATE = 5e-3
_PRIOR_WARM_UP = 100
_NARROWEST = 16
_ATTEMPTS = 3


@dataclass(frozen=True)
class Problem:
    """Target that a network is fitted to.

    Attributes:
        axes: active axes.
        components: outputs.
        longest: samples along the longest axis.
        samples: there are; no network has more parameters.
        batches: of the descent.
        sampler: of batches to judge and finetune by.
        network: the function of a config, on the indices that batches and sampler give.
        price: of the sum of magnitudes.
        rate: learning rate.
        roll_back: whether steps that make the loss blow up are taken back.
    """

    axes: int
    components: int
    longest: int
    samples: int
    batches: Batches
    sampler: Sampler
    network: Callable[[SirenConfig], SirenNetwork]
    price: float
    rate: float
    roll_back: bool = False


class SirenFit:
    """One fit.

    Args:
        task: the goal, the stages and what measures; its values are those of the problem.
        problem: what to fit.
    """

    def __init__(self, task: FitTask, problem: Problem) -> None:
        self._task = task
        self._problem = problem
        self._settings: SirenSettings = task.settings
        self._schedule = Schedule.for_effort(task.effort, task.schedule)
        self._generator = torch.Generator().manual_seed(task.seed)

    def run(self) -> Model:
        """The best model found."""
        start, schedule = self._fitted(), self._schedule
        later = self._later_stages(start, schedule.prune, schedule.finetune, 0.6)
        return later.run(start.tensors)

    def requantised(self, start: Start, fitted: FittedModel) -> Model:
        """A fitted network through the later stages alone."""
        asked, start = self._task.schedule, start.to(self._task.device)
        later = self._later_stages(start, asked.prune_steps, asked.finetune_steps, 0.0)
        masks = zip(start.tensors, fitted.masks, strict=True)
        arrays = {name: np.array(mask) for name, mask in masks if mask is not None}
        return later.run(start.tensors, arrays)

    def _later_stages(
        self, start: Start, prune_steps: int, finetune_steps: int, done: float
    ) -> QuantisedFit:
        return QuantisedFit(
            self._task,
            self._trainer(start),
            start.config.tensors(self._problem.components),
            start.config.to_map(),
            finetune_steps=finetune_steps,
            prune_steps=prune_steps,
            rates=dict.fromkeys(start.tensors, _FINETUNE_RATE),
            progress=self._progress(done, 1.0),
        )

    def _fitted(self) -> Start:
        steps, settings, goal = self._schedule.fit, self._settings, self._task.goal
        if settings.prior:
            start = self._from_prior(settings.prior)
            return self._descended(start, steps, self._progress(0.0, 0.6), _PRIOR_WARM_UP)
        if settings.width or goal.psnr is None:
            start = self._fresh(settings.width or self._width_for_bytes())
            return self._descended(start, steps, self._progress(0.0, 0.6))
        return self._grown(goal.psnr)

    def _config(self, width: int) -> SirenConfig:
        problem = self._problem
        return self._settings.config(problem.axes, width, problem.longest, self._task.seed)

    def _width_for_bytes(self) -> int:
        budget = (self._task.goal.file_bytes or self._problem.samples) - _HEADER_BYTES
        return width_for(int(8 * budget / BITS), self._config, self._problem.components)

    def _fresh(self, width: int) -> Start:
        start = fresh_start(self._config(width), self._problem.components, self._generator)
        return start.to(self._task.device)

    def _from_prior(self, path: str) -> Start:
        problem = self._problem
        start = start_from_prior(path, problem.axes, problem.components, self._settings.width)
        start = start.to(self._task.device)
        return start.adapted(problem.network(start.config), problem.batches.draw())

    def _grown(self, target: float) -> Start:
        """A network wide enough for the target, with its descent behind it."""
        start = self._fresh(_NARROWEST)
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
        fits = wider.parameters(self._problem.components) < self._problem.samples
        return start.config.width < WIDEST and fits

    def _wider(self, start: Start, factor: float) -> Start:
        config = self._config(min(4 * math.ceil(factor * start.config.width / 4), WIDEST))
        if not grows(config.encoding):
            return self._fresh(config.width)
        tensors = widened(start.tensors, config, self._problem.components, self._generator)
        return Start(config, tensors).to(self._task.device)

    def _descended(
        self, start: Start, steps: int, progress: StageProgress, warm_up: int = 0
    ) -> Start:
        plan = Plan(
            steps=steps,
            rate=self._problem.rate,
            patience=self._settings.patience_for(steps),
            stop=self._settings.stop_for(steps),
            magnitude_price=self._problem.price,
            warm_up=warm_up,
            roll_back=self._problem.roll_back,
        )
        descent = Descent(
            self._network(start),
            self._problem.batches,
            plan,
            self._task.threads,
            progress.stage("fit"),
            self._task.journal,
        )
        return start.with_tensors(descent.run(start.tensors))

    def _network(self, start: Start) -> AnyNetwork:
        return start.network(self._problem.network(start.config))

    def _trainer(self, start: Start) -> SirenTrainer:
        network, task = self._network(start), self._task
        return SirenTrainer(network, self._problem.sampler, task.seed, task.threads, task.journal)

    def _estimate(self, start: Start) -> float:
        trainer = self._trainer(start)
        return peak_signal_to_noise(trainer.estimate(start.tensors, trainer.draw(32)))

    def _progress(self, start: float, end: float) -> StageProgress:
        return StageProgress(self._task.report, start, end)
