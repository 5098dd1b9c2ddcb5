"""The float fit: level after level, each on what the decoded coarser ones leave over."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from codec.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from codec.files.fit_journal import FitJournal, Snapshot
from codec.training.progress import StageProgress
from inrc_plugins.architectures.miner.config import LevelGrid, MinerConfig
from inrc_plugins.architectures.miner.training import network
from inrc_plugins.architectures.miner.training.level_fit import (
    LevelTask,
    fit_level,
    inherited_layers,
    start_layers,
)
from inrc_plugins.shared.config_map import active_axes

# Which blocks get a network: (level, energies) -> ids. Energies are the sums of squared residuals
# and the counts of valid samples, per block.
Activation = Callable[[int, Float64Array, Float64Array], Int64Array]


@dataclass(frozen=True)
class LevelTarget:
    """Target of a level.

    Attributes:
        grid: of the level.
        values: (components, *sizes) float32, low-passed from the finer level; 0 where invalid.
        weight: the same shape, 1 where there is a valid sample behind it, else 0.
    """

    grid: LevelGrid
    values: torch.Tensor
    weight: torch.Tensor


@dataclass(frozen=True)
class FloatPyramid:
    """Fitted networks.

    Attributes:
        config: their shape.
        active: per level, ids of the blocks that have one, ascending.
        layers: per level, (blocks, entries) per layer.
        error: mean squared error over the valid samples of level 0.
    """

    config: MinerConfig
    active: tuple[Int64Array, ...]
    layers: tuple[tuple[torch.Tensor, ...], ...]
    error: float

    def parameters(self, axes: int, components: int) -> int:
        """Weights and biases of all blocks."""
        return sum(
            len(ids) * self.config.block_parameters(level, axes, components)
            for level, ids in enumerate(self.active)
        )


@dataclass(frozen=True)
class TrainingPlan:
    """Training of levels.

    Attributes:
        steps: at most so many per level.
        rate: Adam's learning rate at the start.
        samples: of each block in a step.
        floor: mean squared error at which a block is done.
        relative: share of its energy at which a block is done.
        inherit: whether blocks start from their parents.
        seed, threads: as in `FitTask`.
    """

    steps: int
    rate: float
    samples: int
    floor: float
    relative: float
    inherit: bool
    seed: int
    threads: int


def level_targets(
    config: MinerConfig, shape: tuple[int, ...], values: Float32Array, valid: BoolArray | None
) -> list[LevelTarget]:
    """The targets of all levels, the finest first."""
    axes = active_axes(shape)
    squeezed = (values.shape[0], *(shape[axis] for axis in axes))
    samples = torch.from_numpy(values.reshape(squeezed).copy())
    weight = torch.ones_like(samples)
    if valid is not None:
        weight = torch.from_numpy(valid.reshape(squeezed).astype(np.float32))
    weighted = samples * weight
    targets = []
    for level in range(config.levels):
        grid = config.grid(level, shape)
        if level:
            weighted = network.downsample(weighted, grid.sizes)
            weight = network.downsample(weight, grid.sizes)
        mean = weighted / torch.where(weight > 0, weight, torch.ones_like(weight))
        targets.append(LevelTarget(grid, mean, (weight > 0).float()))
    return targets


def residual_energies(
    residual: torch.Tensor, weight: torch.Tensor
) -> tuple[Float64Array, Float64Array]:
    """Per block, the sum of squares of (blocks, samples, components) and how many count."""
    sums = (residual * weight).double().square().sum(dim=(1, 2))
    return sums.numpy(), weight.double().sum(dim=(1, 2)).numpy()


class PyramidFit:
    """Fits all levels of one config.

    Args:
        config: to fit.
        targets: of all levels, the finest first.
        plan: how.
        activation: which blocks get a network.
        progress: the part of the whole that this is.
        journal: where levels that are done are kept.
    """

    def __init__(
        self,
        config: MinerConfig,
        targets: Sequence[LevelTarget],
        plan: TrainingPlan,
        activation: Activation,
        progress: StageProgress,
        journal: FitJournal,
    ) -> None:
        self._config = config
        self._journal = journal
        self._targets = targets
        self._plan = plan
        self._activation = activation
        self._progress = progress
        self._axes = len(targets[0].grid.sizes)
        self._inputs = network.block_inputs(config, self._axes, torch.float32)
        self._generator = torch.Generator().manual_seed(plan.seed)

    def run(self) -> FloatPyramid:
        """The networks of all levels."""
        active: list[Int64Array] = []
        fitted: list[tuple[torch.Tensor, ...]] = []
        decoded: torch.Tensor | None = None
        samples = [math.prod(target.grid.padded) for target in self._targets]
        done = 0
        for level in reversed(range(self._config.levels)):
            target = self._targets[level]
            below = torch.zeros_like(target.values)
            if decoded is not None:
                below = network.upsample(decoded, target.grid.sizes)
            part = self._progress.part(done / sum(samples), (done + samples[level]) / sum(samples))
            done += samples[level]
            parents = (active[-1], fitted[-1]) if active else None
            ids, layers = self._fit(level, target.values - below, parents, part)
            active.append(ids)
            fitted.append(tuple(layers))
            decoded = below + self._decoded(level, ids, layers)
        if decoded is None:
            raise ValueError("a pyramid has at least one level")
        finest = self._targets[0]
        wrong = ((decoded - finest.values) * finest.weight).double().square().sum()
        error = float(wrong / finest.weight.double().sum().clamp(min=1))
        return FloatPyramid(self._config, tuple(active[::-1]), tuple(fitted[::-1]), error)

    def _fit(
        self,
        level: int,
        residual: torch.Tensor,
        parents: tuple[Int64Array, tuple[torch.Tensor, ...]] | None,
        progress: StageProgress,
    ) -> tuple[Int64Array, list[torch.Tensor]]:
        """The blocks of a level that get a network, and their layers."""
        grid, plan = self._targets[level].grid, self._plan
        blocks = network.to_blocks(residual, grid)
        weight = network.to_blocks(self._targets[level].weight, grid)
        ids = self._activation(level, *residual_energies(blocks, weight))
        chosen = torch.from_numpy(ids)
        components = residual.shape[0]
        task = LevelTask(
            self._config.fans(level, self._axes, components),
            self._inputs,
            blocks[chosen],
            weight[chosen],
            plan.steps,
            plan.rate,
            plan.samples,
            plan.floor,
            plan.relative,
        )
        layers = start_layers(self._config, task, self._generator)
        if parents is not None and plan.inherit:
            layers = self._inherited(level, ids, parents, layers)
        return ids, self._trained(level, task, layers, progress) if len(ids) else layers

    def _trained(
        self,
        level: int,
        task: LevelTask,
        layers: list[torch.Tensor],
        progress: StageProgress,
    ) -> list[torch.Tensor]:
        """The fitted layers of a level, from the journal if it has them."""
        snapshot = self._journal.begin()
        if snapshot is not None:
            return [torch.from_numpy(snapshot.arrays[str(number)]) for number in range(len(layers))]
        seed, report = [self._plan.seed, level], progress.stage("fit")
        fitted = fit_level(self._config, task, layers, seed, self._plan.threads, report)
        arrays = {str(number): layer.numpy() for number, layer in enumerate(fitted)}
        self._journal.keep(lambda finished: Snapshot(finished, arrays, {}), finished=True)
        return fitted

    def _inherited(
        self,
        level: int,
        ids: Int64Array,
        parents: tuple[Int64Array, tuple[torch.Tensor, ...]],
        started: list[torch.Tensor],
    ) -> list[torch.Tensor]:
        """Layers of the blocks' parents, where these have networks of the same shape."""
        above, layers = parents
        if [layer.shape[1] for layer in layers] != [layer.shape[1] for layer in started]:
            return started
        grid, coarser = self._targets[level].grid, self._targets[level + 1].grid
        if not len(above):
            return started
        places = [place // 2 for place in np.unravel_index(ids, grid.blocks)]
        numbers = np.ravel_multi_index(tuple(places), coarser.blocks)
        rows = np.minimum(np.searchsorted(above, numbers), len(above) - 1)
        rows = np.where(above[rows] == numbers, rows, -1)
        return inherited_layers(layers, torch.from_numpy(rows), self._axes, started)

    def _decoded(self, level: int, ids: Int64Array, layers: Sequence[torch.Tensor]) -> torch.Tensor:
        """Contribution of the blocks to the level."""
        grid = self._targets[level].grid
        fans = self._config.fans(level, self._axes, self._targets[0].values.shape[0])
        with torch.no_grad():
            values = network.block_values(self._config, fans, layers, self._inputs)
        return network.from_blocks(values, torch.from_numpy(ids), grid)
