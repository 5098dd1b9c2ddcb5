"""The fit of `miner`: networks of a size that follows from the target, then quantisation.

The float fit is the source's: level after level, each on the residual of the decoded coarser ones.
Quantisation then trains all levels together under their rounding, with the error of level 0 as the
loss, so that fine blocks make up for what rounding does to coarse ones: the closed loop again, with
gradients that also tell the coarse levels what the fine ones cannot mend.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import torch

from codec.measuring.metrics import mean_squared_error, peak_signal_to_noise
from codec.plugin_api.models import FittedModel, Measurement, Model
from codec.plugin_api.tasks import FitTask
from codec.training.batches import Shard
from codec.training.fitter import Tensors
from codec.training.gradient_fit import HEADROOM_DB
from codec.training.progress import StageProgress
from codec.training.quantised_fit import QuantisedFit
from codec.training.trainer import Trainer
from inrc_plugins.architectures.miner.config import MinerConfig, layer_name
from inrc_plugins.architectures.miner.settings import MinerSettings
from inrc_plugins.architectures.miner.training import network, planning
from inrc_plugins.architectures.miner.training.coding import ActiveBlocks, active_blocks
from inrc_plugins.architectures.miner.training.float_fit import (
    Activation,
    FloatPyramid,
    LevelTarget,
    PyramidFit,
    TrainingPlan,
    level_targets,
)

_log = logging.getLogger("inrc")

_ATTEMPTS = 3
_GROWTH = 1.4
# Learning rates: that of a sine's weights counts `omega` times.
_SINE_RATE, _GAUSSIAN_RATE = 0.06, 0.01
_FIT_SHARE = 0.6
_MARGIN_DB = 0.08
# Batches to judge by: the shares of level 0 in a batch are large.
_MOST_BATCHES = 4


@dataclass(frozen=True)
class Schedule:
    """Steps per level, and under quantisation: effort e has 60 * 2^e and 25 * 2^e of them."""

    fit: int
    prune: int
    finetune: int

    @classmethod
    def of(cls, task: FitTask) -> Schedule:
        asked, doubled = task.schedule, 2**task.effort
        fit = asked.steps or 60 * doubled
        later = (asked.steps // 4 or 1) if asked.steps else 25 * doubled
        return cls(fit, asked.prune_steps or later, asked.finetune_steps or later)


class BlockSampler:
    """Draws the same random samples of all blocks of level 0.

    Args:
        target: of level 0.
        samples: of each block in a batch.
        device: where batches are put.
    """

    def __init__(self, target: LevelTarget, samples: int, device: str) -> None:
        self._values = network.to_blocks(target.values, target.grid)
        self._weight = network.to_blocks(target.weight, target.grid)
        self._count = min(samples, self._values.shape[1])
        self._device = device

    @property
    def whole(self) -> bool:
        """Whether a batch is the whole field."""
        return self._count == self._values.shape[1]

    def draw(self, generator: np.random.Generator) -> Shard:
        """A random batch; what lies beyond the field counts as invalid."""
        places = generator.choice(self._values.shape[1], self._count, replace=False, shuffle=False)
        chosen = torch.from_numpy(np.sort(places))
        values, weight = (
            blocks[:, chosen].reshape(-1, blocks.shape[2]).T.to(self._device)
            for blocks in (self._values, self._weight)
        )
        return Shard([chosen.to(self._device)], values, weight)


class MinerTrainer(Trainer):
    """A trainer that judges by few batches, for each takes all coarser levels."""

    def draw(self, count: int) -> list[Shard]:
        return super().draw(min(count, _MOST_BATCHES))


class MinerFit:
    """One run of the stages for one item.

    Args:
        task: the item.
        config: of a model that is fitted, if there is one.
    """

    def __init__(self, task: FitTask, config: MinerConfig | None = None) -> None:
        self._task = task
        self._settings: MinerSettings = task.settings
        self._schedule = Schedule.of(task)
        self._components = task.components
        self._axes = len(task.active_sizes)
        chosen = config
        config = chosen or planning.first_config(self._settings, task.shape, 1)
        self._targets = level_targets(config, task.shape, task.values, task.valid)
        self._block_samples = network.whole_block(self._targets[0].grid)
        self._config = chosen or self._sized(config)

    def run(self) -> Model:
        """The best model found."""
        fitted = self._float_fit()
        tensors = {
            layer_name(level, number): layer.T.contiguous().to(self._task.device)
            for level, layers in enumerate(fitted.layers)
            for number, layer in enumerate(layers)
            if len(fitted.active[level])
        }
        blocks = ActiveBlocks(fitted.config, self._task.shape, self._components, fitted.active)
        return self._later_stages(
            blocks, tensors, self._schedule.prune, self._schedule.finetune, _FIT_SHARE
        )

    def requantised(self, blocks: ActiveBlocks, tensors: Tensors) -> Model:
        """The networks of active blocks through the later stages alone."""
        asked, device = self._task.schedule, self._task.device
        on_device = {name: tensor.to(device) for name, tensor in tensors.items()}
        return self._later_stages(blocks, on_device, asked.prune_steps, asked.finetune_steps, 0.0)

    def _later_stages(
        self,
        blocks: ActiveBlocks,
        tensors: Tensors,
        prune_steps: int,
        finetune_steps: int,
        done: float,
    ) -> Model:
        chosen = _Chosen(self._task, blocks)
        quantised = QuantisedFit(
            chosen.task,
            self._trainer(blocks),
            blocks.specs(),
            blocks.config.to_map(),
            finetune_steps=finetune_steps,
            prune_steps=prune_steps,
            rates=dict.fromkeys(tensors, self._rate()),
            progress=StageProgress(self._task.report, done, 1.0),
        )
        quantised.run(tensors)
        return chosen.model

    def _sized(self, config: MinerConfig) -> MinerConfig:
        """The config with the width that the target asks for."""
        goal, width = self._task.goal, self._settings.width
        if not width and goal.psnr is not None:
            width = planning.width_for_psnr(self._targets, goal.psnr)
        if not width:
            size = goal.file_bytes or self._task.values.size
            width = planning.width_for_bytes(config, self._task.shape, self._components, size)
        return planning.with_width(config, width, self._settings.coarsest)

    def _float_fit(self) -> FloatPyramid:
        """Networks that beat the target a little, in floating point; wider until they do."""
        goal, config = self._task.goal, self._config
        for attempt in range(_ATTEMPTS):
            start = _FIT_SHARE * attempt / _ATTEMPTS
            progress = StageProgress(self._task.report, start, start + _FIT_SHARE / _ATTEMPTS)
            fitted = PyramidFit(
                config,
                self._targets,
                self._plan(),
                self._activation(config),
                progress,
                self._task.journal,
            ).run()
            reached = peak_signal_to_noise(fitted.error)
            count = fitted.parameters(self._axes, self._components)
            _log.debug("width %d: %.2f dB, %d parameters", config.widths[0], reached, count)
            if goal.psnr is None or reached >= goal.psnr + HEADROOM_DB / 3:
                break
            if self._settings.width or attempt + 1 == _ATTEMPTS:
                break
            wider = min(1024, int(config.widths[0] * _GROWTH) + 1)
            config = planning.with_width(config, wider, self._settings.coarsest)
        return fitted

    def _activation(self, config: MinerConfig) -> Activation:
        threshold = planning.threshold_of(self._settings, self._task.goal)
        if self._task.goal.psnr is not None:
            return planning.AboveThreshold(threshold)
        budget = planning.parameters_for(self._task.goal.file_bytes or self._task.values.size)
        return planning.WithinBudget(config, self._axes, self._components, budget, threshold)

    def _plan(self) -> TrainingPlan:
        task, psnr = self._task, self._task.goal.psnr
        return TrainingPlan(
            self._schedule.fit,
            self._rate(),
            self._samples(),
            0.0 if psnr is None else mean_squared_error(psnr + 2 * HEADROOM_DB),
            self._settings.relative,
            self._settings.inherit,
            task.seed,
            task.threads,
        )

    def _samples(self) -> int:
        """Samples of a block in a step: an eighth of them, at least 256."""
        return self._settings.samples or max(256, self._block_samples // 8)

    def _rate(self) -> float:
        if self._settings.rate:
            return self._settings.rate
        omega = self._config.omega
        return _GAUSSIAN_RATE if omega is None else _SINE_RATE / omega

    def _trainer(self, blocks: ActiveBlocks) -> MinerTrainer:
        function = network.MinerNetwork(
            blocks.config,
            blocks.shape,
            blocks.components,
            blocks.ids,
            device=self._task.device,
        )
        sampler = BlockSampler(self._targets[0], self._samples(), self._task.device)
        task = self._task
        return MinerTrainer(function, sampler, task.seed, task.threads, task.journal)


def requantise(task: FitTask, config: MinerConfig, fitted: FittedModel) -> Model:
    """A fitted model, through the later stages alone."""
    blocks, tensors = active_blocks(config, task.shape, task.components, fitted)
    return MinerFit(task, config).requantised(blocks, tensors)


class _Chosen:
    """The task as the quantised fit sees it, and the best model that was measured for it.

    Models have only the active blocks there. The PSNR to reach is a little higher: it jumps by some
    hundredths from one rounding to the next, and what just misses is no use.
    """

    def __init__(self, task: FitTask, blocks: ActiveBlocks) -> None:
        self._goal = task.goal
        self._measured: list[tuple[Model, Measurement]] = []

        def size(model: Model) -> int:
            return task.size(blocks.complete(model))

        def measure(model: Model) -> Measurement:
            complete = blocks.complete(model)
            self._measured.append((complete, task.measure(complete)))
            return self._measured[-1][1]

        goal = task.goal
        if goal.psnr is not None:
            goal = replace(goal, psnr=goal.psnr + _MARGIN_DB)
        self.task = replace(task, goal=goal, size=size, measure=measure)

    @property
    def model(self) -> Model:
        """The smallest that meets a PSNR, the best within a number of bytes, else the nearest."""
        return min(self._measured, key=self._rank)[0]

    def _rank(self, measured: tuple[Model, Measurement]) -> tuple[bool, float]:
        _, measurement = measured
        met = self._goal.met_by(measurement)
        small_first = met == (self._goal.psnr is not None)
        return not met, float(measurement.file_bytes) if small_first else -measurement.psnr
