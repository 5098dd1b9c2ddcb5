"""Sizes of networks that a target asks for, and the blocks that get one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from codec.arrays import Float64Array, Int64Array
from codec.measuring.metrics import mean_squared_error, peak_signal_to_noise
from codec.plugin_api.tasks import ItemGoal
from codec.training.gradient_fit import GUESSED_BITS, HEADROOM_DB
from inrc_plugins.architectures.miner.config import MinerConfig
from inrc_plugins.architectures.miner.settings import SINE, MinerSettings
from inrc_plugins.architectures.miner.training import network
from inrc_plugins.architectures.miner.training.float_fit import LevelTarget, residual_energies
from inrc_plugins.shared.config_map import active_axes

# Samples of a block along each axis, by the number of axes; the sources' for 2 and 3.
_BLOCKS = {1: 64, 2: 32, 3: 16, 4: 8}
_MOST_LEVELS = 4
_OMEGA = 30
_LEAST_WIDTH, _MOST_WIDTH = 6, 48
# Hidden units per dB that a level is to win over its upsampled coarser one, and what none takes.
_UNITS_PER_DB, _FIRST_UNITS = 1.0, 8.0
# Settings give mean squares of values from 0 to 1, normalised values run from -1 to 1.
_UNIT_SQUARE = 4.0


def first_config(settings: MinerSettings, shape: tuple[int, ...], width: int) -> MinerConfig:
    """The config that settings and axes ask for, with networks of a given width."""
    sizes = [shape[axis] for axis in active_axes(shape)]
    block = max(2, settings.block or _BLOCKS[len(sizes)])
    levels = settings.levels
    if not levels:
        halvings = math.ceil(math.log2(max(1.0, max(sizes) / block)))
        levels = min(_MOST_LEVELS, 1 + halvings)
    omega = (settings.omega or _OMEGA) if settings.unit == SINE else None
    bare = MinerConfig(block, (1,) * levels, settings.layers, settings.octaves, omega)
    return with_width(bare, width, settings.coarsest)


def with_width(config: MinerConfig, width: int, coarsest: int) -> MinerConfig:
    """The config with networks of another width, that of the coarsest level times `coarsest`."""
    widest = min(1024, width * coarsest)
    widths = (*[width] * (config.levels - 1), widest)
    return replace(config, widths=widths if config.levels > 1 else (width,))


def width_for_psnr(targets: Sequence[LevelTarget], psnr: float) -> int:
    """A guess of the width at which the blocks of level 0 reach a PSNR."""
    finest = targets[0]
    residual = finest.values
    if len(targets) > 1:
        residual = residual - network.upsample(targets[1].values, finest.grid.sizes)
    sums, counts = residual_energies(
        network.to_blocks(residual, finest.grid), network.to_blocks(finest.weight, finest.grid)
    )
    chosen = AboveThreshold(between_levels(psnr))(0, sums, counts)
    if not len(chosen):
        return _LEAST_WIDTH
    before = peak_signal_to_noise(float(sums[chosen].sum() / counts[chosen].sum()))
    units = _FIRST_UNITS + _UNITS_PER_DB * (psnr + HEADROOM_DB - before)
    return int(min(max(round(units), _LEAST_WIDTH), _MOST_WIDTH))


def width_for_bytes(config: MinerConfig, shape: tuple[int, ...], components: int, size: int) -> int:
    """The greatest width at which all blocks of all levels fit a number of bytes."""
    budget = parameters_for(size)
    width = _LEAST_WIDTH
    while width < _MOST_WIDTH and _all_blocks(config, width + 1, shape, components) <= budget:
        width += 1
    return width


def _all_blocks(config: MinerConfig, width: int, shape: tuple[int, ...], components: int) -> int:
    """Parameters if every block had a network."""
    wide = with_width(config, width, 1)
    axes = len(active_axes(shape))
    return sum(
        wide.grid(level, shape).count * wide.block_parameters(level, axes, components)
        for level in range(wide.levels)
    )


def parameters_for(size: int) -> int:
    """About how many parameters a number of bytes codes."""
    return int(8 * size / GUESSED_BITS)


def between_levels(psnr: float) -> float:
    """The mean squared residual at which a block needs a network if the PSNR is to be reached."""
    return mean_squared_error(psnr + HEADROOM_DB / 2)


def threshold_of(settings: MinerSettings, goal: ItemGoal) -> float:
    """The mean squared residual above which a block gets a network; 0 where bytes decide."""
    if settings.threshold:
        return settings.threshold * _UNIT_SQUARE
    return 0.0 if goal.psnr is None else between_levels(goal.psnr)


@dataclass(frozen=True)
class AboveThreshold:
    """Blocks whose mean squared residual is above a threshold."""

    threshold: float

    def __call__(self, level: int, sums: Float64Array, counts: Float64Array) -> Int64Array:
        means = sums / np.maximum(counts, 1)
        return np.flatnonzero(means > self.threshold).astype(np.int64)


class WithinBudget:
    """Blocks with the greatest residuals above a threshold, as the parameters last.

    Called level by level, the coarsest first; what a level takes is gone for the finer ones.
    """

    def __init__(
        self, config: MinerConfig, axes: int, components: int, budget: int, threshold: float
    ) -> None:
        self._costs = [
            config.block_parameters(level, axes, components) for level in range(config.levels)
        ]
        self._left = budget
        self._above = AboveThreshold(threshold)

    def __call__(self, level: int, sums: Float64Array, counts: Float64Array) -> Int64Array:
        blocks = self._above(level, sums, counts)
        affordable = max(0, self._left // self._costs[level])
        if len(blocks) > affordable:
            blocks = np.sort(blocks[np.argsort(-sums[blocks], kind="stable")[:affordable]])
        self._left -= len(blocks) * self._costs[level]
        return blocks
