"""fit -> prune -> finetune -> quantise -> finetune, for every network trained by gradients.

The size of the network follows from the target. For a byte budget it is chosen once, for a PSNR
the network grows, keeping what it has learned, until the float fit is a little better than the
target; quantisation then spends the difference. All estimates on the way are made on random
samples; what is returned was measured by `FitTask.measure`, on coded bytes and decoded values.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Generic

import numpy as np
import torch

from codec.measuring.metrics import mean_squared_error, peak_signal_to_noise
from codec.plugin_api.models import FittedModel, Model
from codec.plugin_api.tasks import FitSettings, FitTask
from codec.training.batches import AxisSampler
from codec.training.family_units import FamilyUnits
from codec.training.fitter import Tensors
from codec.training.network_family import ConfigT, NetworkFamily, UnitFamily
from codec.training.progress import StageProgress
from codec.training.quantised_fit import CURVATURE_SHARDS, QuantisedFit
from codec.training.trainer import Trainer

_log = logging.getLogger("inrc")

# Much smaller shards reach the same PSNR in the same time but keep only one core busy; larger ones
# take longer. docs/adr/0004-fit-and-decode.md has the figures.
SHARD_POINTS = {"cpu": 10240, "cuda": 65536}
# The float fit should beat the target by so much; quantisation then gives it back. Less leaves too
# little for coarse steps, more pays for parameters that coarse steps waste.
HEADROOM_DB = 1.5
# Gain in PSNR that the last, long training usually adds to a short one.
EXPECTED_GAIN_DB = 4.0
# Bits per parameter after pruning and coding, for the first guess of a network's size.
GUESSED_BITS = 5.0


@dataclass(frozen=True)
class Schedule:
    """Training steps per stage; a step is `shard_threads.SHARDS` shards of `SHARD_POINTS` samples.

    Effort e takes 300 * 2^e steps (above 3: 1.8 times the level below) for the last training of the
    float fit, up to as many to find the size, and a quarter each for pruning and for each round of
    the finetune under quantisation; whoever asks for a number of steps gets it.
    """

    rung: int
    rungs: int
    fit: int
    prune: int
    finetune: int

    @classmethod
    def for_effort(cls, effort: int, asked: FitSettings) -> Schedule:
        fit = 300 * 2**effort if effort < 4 else int(2400 * 1.8 ** (effort - 3))
        fit = asked.steps or fit
        prune, finetune = asked.prune_steps or fit // 4, asked.finetune_steps or fit // 4
        return cls(min(fit, max(60, fit // 8)), 8, fit, prune, finetune)


class GradientFit(Generic[ConfigT]):
    """One run of the stages for one item.

    Args:
        task: the item.
        family: the networks.
    """

    def __init__(self, task: FitTask, family: NetworkFamily[ConfigT]) -> None:
        self._task = task
        self._family = family
        self._schedule = Schedule.for_effort(task.effort, task.schedule)
        squeezed = (task.components, *task.active_sizes)
        valid = None if task.valid is None else task.valid.reshape(squeezed)
        self._samples = int(task.values.size if valid is None else valid.sum())
        self._sampler = AxisSampler(
            task.values.reshape(squeezed), valid, SHARD_POINTS[task.device], task.device
        )
        self._generator = torch.Generator().manual_seed(task.seed)

    def run(self) -> Model:
        """The best model found."""
        config, tensors, trainer = self._fit()
        if self._task.pruner is not None:
            tensors = self._family.centred(config, tensors)
        tensors = self._arranged(trainer, tensors)
        schedule, progress = self._schedule, self._progress(0.6, 1.0)
        later = self._later_stages(config, trainer, schedule.prune, schedule.finetune, progress)
        return later.run(tensors)

    def requantise(self, config: ConfigT, fitted: FittedModel) -> Model:
        """A fitted model, through the later stages alone; see `RequantisableArchitecture`."""
        specs = self._family.tensors(config)
        tensors = {
            spec.name: torch.from_numpy(np.array(values, np.float32))
            for spec, values in zip(specs, fitted.parameters, strict=True)
        }
        masks = {
            spec.name: np.array(mask)
            for spec, mask in zip(specs, fitted.masks, strict=True)
            if mask is not None
        }
        trainer, tensors = self._trainer(config), self._to_device(tensors)
        if not masks:
            tensors = self._arranged(trainer, tensors)
        asked, progress = self._task.schedule, self._progress(0.0, 1.0)
        later = self._later_stages(
            config, trainer, asked.prune_steps, asked.finetune_steps, progress
        )
        return later.run(tensors, masks)

    def _arranged(self, trainer: Trainer, tensors: Tensors) -> Tensors:
        if not self._family.arranges:
            return tensors
        curvature = trainer.curvature(tensors, trainer.draw(CURVATURE_SHARDS))
        with torch.no_grad():
            return self._family.arranged(tensors, curvature)

    def _later_stages(
        self,
        config: ConfigT,
        trainer: Trainer,
        prune_steps: int,
        finetune_steps: int,
        progress: StageProgress,
    ) -> QuantisedFit:
        return QuantisedFit(
            self._task,
            trainer,
            self._family.tensors(config),
            self._family.to_map(config),
            finetune_steps=finetune_steps,
            prune_steps=prune_steps,
            rates=self._family.rates(config),
            progress=progress,
            units=self._units(config),
        )

    def _units(self, config: ConfigT) -> FamilyUnits[ConfigT] | None:
        """Units that can be removed, if the family says so."""
        if not isinstance(self._family, UnitFamily):
            return None
        return FamilyUnits(self._family, config, self._trainer)

    def _trainer(self, config: ConfigT) -> Trainer:
        return self._family.trainer(config, self._sampler, self._task)

    def _progress(self, start: float, end: float) -> StageProgress:
        return StageProgress(self._task.report, start, end)

    def _fit(self) -> tuple[ConfigT, Tensors, Trainer]:
        goal = self._task.goal
        if goal.psnr is None:
            budget = goal.file_bytes or self._samples
            config = self._family.sized(int(8 * budget / GUESSED_BITS))
            tensors = self._family.start(config, self._generator)
            tensors = self._to_device(tensors)
        else:
            config, tensors = self._grow(goal.psnr)
        trainer = self._trainer(config)
        self._train(trainer, config, tensors, self._schedule.fit, self._progress(0.2, 0.6))
        for attempt in range(3):
            reached = self._estimate(trainer, tensors)
            if goal.psnr is None or reached >= goal.psnr + HEADROOM_DB / 3:
                break
            larger = self._family.sized(int(self._family.count(config) * 1.8))
            if self._too_large(larger) or self._family.count(larger) <= self._family.count(config):
                break
            _log.debug("fit reached %.2f dB, growing (attempt %d)", reached, attempt + 1)
            tensors = self._family.resize(tensors, config, larger)
            config, trainer = larger, self._trainer(larger)
            progress = self._progress(0.6, 0.6)
            self._train(trainer, config, tensors, self._schedule.fit // 2, progress)
        return config, tensors, trainer

    def _grow(self, target: float) -> tuple[ConfigT, Tensors]:
        """A network large enough for the target after the last training, trained shortly."""
        config = self._family.sized(max(400, self._samples // 1000))
        tensors = self._to_device(self._family.start(config, self._generator))
        for rung in range(self._schedule.rungs):
            trainer = self._trainer(config)
            share = 0.2 / self._schedule.rungs
            progress = self._progress(share * rung, share * (rung + 1))
            self._train(trainer, config, tensors, self._schedule.rung, progress, final_rate=0.2)
            gap = target + HEADROOM_DB - EXPECTED_GAIN_DB - self._estimate(trainer, tensors)
            _log.debug("%s parameters: %.2f dB short", self._family.count(config), gap)
            if gap <= 0:
                break
            factor = min(4.0, max(1.4, 1.22**gap))
            larger = self._family.sized(int(self._family.count(config) * factor))
            if self._too_large(larger) or self._family.count(larger) <= self._family.count(config):
                break
            tensors = self._family.resize(tensors, config, larger)
            config = larger
        return config, tensors

    def _too_large(self, config: ConfigT) -> bool:
        return self._family.count(config) > self._samples

    def _train(
        self,
        trainer: Trainer,
        config: ConfigT,
        tensors: Tensors,
        steps: int,
        progress: StageProgress,
        final_rate: float = 0.01,
    ) -> None:
        goal = self._task.goal
        stop = 0.0 if goal.psnr is None else mean_squared_error(goal.psnr + 2 * HEADROOM_DB)
        trainer.run(
            tensors,
            steps,
            self._family.rates(config),
            final_rate=final_rate,
            stop_below=stop,
            report=progress.stage("fit"),
            recipe=self._family.recipe,
        )

    def _estimate(self, trainer: Trainer, tensors: Tensors) -> float:
        return peak_signal_to_noise(trainer.estimate(tensors, trainer.draw(32)))

    def _to_device(self, tensors: Tensors) -> Tensors:
        return {name: tensor.to(self._task.device) for name, tensor in tensors.items()}
