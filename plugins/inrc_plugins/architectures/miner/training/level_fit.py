"""The float fit of one level: the networks of its blocks, all at once, each until it is done.

A block that has reached its target leaves: its parameters and moments are cut out of the batch, so
the rest trains faster and the block stays what it was when it left. (The authors' code leaves it in
the optimiser, whose momentum moves it on.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from codec.training.shard_threads import one_torch_thread
from inrc_plugins.architectures.miner.config import MinerConfig
from inrc_plugins.architectures.miner.training.network import block_values

# Samples of all blocks that a step of one group takes: their activations stay in a core's cache.
_GROUP_SAMPLES = 1 << 14
# Steps from one look at which blocks are done to the next.
_PATIENCE = 25
_FINAL_RATE = 1 / 30
_BETAS, _EPSILON = (0.9, 0.999), 1e-8
_START_WIDTH = 0.1
_LEAST_LOSS = 1e-8


@dataclass(frozen=True)
class LevelTask:
    """Targets of the blocks of one level.

    Attributes:
        fans: (inputs, outputs) of every layer.
        inputs: (samples, inputs) of a block.
        target: (blocks, samples, components).
        weight: the same shape, 1 where a sample counts, else 0.
        steps: at most so many.
        rate: Adam's learning rate at the start; it falls along a cosine.
        samples: of each block in a step, the same for all blocks.
        floor: mean squared error at which a block is done.
        relative: share of the block's mean square at which it is done, too.
    """

    fans: Sequence[tuple[int, int]]
    inputs: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    steps: int
    rate: float
    samples: int
    floor: float
    relative: float


def peaks(target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(blocks, 1): the greatest magnitude of each block, 1 where all are 0."""
    highest = (target * weight).abs().amax(dim=(1, 2))
    return torch.where(highest > 0, highest, torch.ones_like(highest))[:, None]


def start_layers(
    config: MinerConfig, task: LevelTask, generator: torch.Generator
) -> list[torch.Tensor]:
    """Initial parameters, (blocks, entries) per layer, biases like weights.

    Sines: as the authors of MINER do, after SIREN. Gaussians: 1 / sqrt(inputs), as MINER_pl.
    """
    layers, last = [], len(task.fans) - 1
    for number, (into, out) in enumerate(task.fans):
        if config.omega is None:
            reach = 1 / math.sqrt(into) / (1 if number == last else _START_WIDTH)
        elif number == 0:
            reach = 1 / into
        else:
            reach = math.sqrt((1 if number == last else 6) / into) / config.omega
        shape = (len(task.target), out * (into + 1))
        layers.append((2 * torch.rand(shape, generator=generator) - 1) * reach)
    layers[-1] *= peaks(task.target, task.weight)
    return layers


def inherited_layers(
    parents: Sequence[torch.Tensor], rows: torch.Tensor, axes: int, started: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """Parameters of parents divided by sqrt(2^axes); as started where there is no parent (-1)."""
    layers_of_level = []
    for parent, fresh in zip(parents, started, strict=True):
        taken = parent[rows.clamp(min=0)] / math.sqrt(2**axes)
        layers_of_level.append(torch.where((rows >= 0)[:, None], taken, fresh))
    return layers_of_level


def fit_level(
    config: MinerConfig,
    task: LevelTask,
    layers: Sequence[torch.Tensor],
    seed: Sequence[int],
    threads: int,
    report: Callable[[float, float], None],
) -> list[torch.Tensor]:
    """Fit all blocks; the same whatever `threads` is.

    Args:
        layers: where to start, (blocks, entries) per layer, for Gaussians of width 1.
        seed: of the samples.
        report: called with the part done and a mean squared error.

    Returns:
        The layers; the trained widths of Gaussians are folded in, so that they are 1.
    """
    count = len(task.target)
    samples = min(task.samples, len(task.inputs))
    groups = torch.arange(count).tensor_split(-(-count * samples // _GROUP_SAMPLES))

    def train(number: int) -> list[torch.Tensor]:
        rows = groups[number]
        trainer = _BlockTrainer(config, task, [layer[rows] for layer in layers], rows)

        def tell(fraction: float, loss: float) -> None:
            report((number + fraction) / len(groups), loss)

        # Reports come from one thread, the first group of each round.
        quiet = tell if number % threads == 0 else _silent
        return trainer.run(np.random.default_rng([*seed, number]), quiet)

    with one_torch_thread(), ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(train, range(len(groups))))
    return [torch.cat(pieces) for pieces in zip(*parts, strict=True)]


def _silent(fraction: float, loss: float) -> None:
    """The report of who is not asked."""


class _BlockTrainer:
    """Adam on the networks of some blocks, fewer and fewer of them."""

    def __init__(
        self,
        config: MinerConfig,
        task: LevelTask,
        layers: Sequence[torch.Tensor],
        rows: torch.Tensor,
    ) -> None:
        self._config = config
        self._task = task
        self._target, self._weight = task.target[rows], task.weight[rows]
        # A block's target is brought to [-1, 1]; its amplitude goes into the last layer at the end.
        self._amplitude = peaks(self._target, self._weight)
        self._target = self._target / self._amplitude[:, :, None]
        self._counts = self._weight.sum(dim=(1, 2)).clamp(min=1)
        squares = (self._target * self._weight).square().sum(dim=(1, 2)) / self._counts
        floor = task.floor / self._amplitude[:, 0].square()
        self._enough = torch.maximum(task.relative * squares, floor)
        parameters = [layer.clone() for layer in layers]
        parameters[-1] /= self._amplitude
        if config.omega is None:
            for layer in parameters[:-1]:
                layer *= _START_WIDTH
            parameters += [torch.full((len(rows), 1), _START_WIDTH) for _ in layers[:-1]]
        self._done = [parameter.clone() for parameter in parameters]
        self._left = torch.arange(len(rows))
        self._state = _AdamState(parameters)

    def run(
        self, generator: np.random.Generator, report: Callable[[float, float], None]
    ) -> list[torch.Tensor]:
        """Train; the layers of all blocks, in their order."""
        steps = self._task.steps
        for step in range(steps):
            if step % _PATIENCE == 0 and not self._release(report, step / steps):
                break
            share = _FINAL_RATE + (1 - _FINAL_RATE) * (1 + math.cos(math.pi * step / steps)) / 2
            self._step(self._samples(generator), self._task.rate * share)
        self._keep(torch.ones(len(self._left), dtype=torch.bool))
        return self._folded()

    def _samples(self, generator: np.random.Generator) -> torch.Tensor:
        count = len(self._task.inputs)
        if self._task.samples >= count:
            return torch.arange(count)
        chosen = generator.choice(count, size=self._task.samples, replace=False, shuffle=False)
        return torch.from_numpy(np.sort(chosen))

    def _values(self, parameters: Sequence[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        layers = len(self._task.fans)
        return block_values(
            self._config, self._task.fans, parameters[:layers], inputs, parameters[layers:]
        )

    def _step(self, samples: torch.Tensor, rate: float) -> None:
        """One step of Adam on the sum of the logarithms of the blocks' errors."""
        leaves = [parameter.requires_grad_(True) for parameter in self._state.parameters]
        target, weight = self._target, self._weight
        if len(samples) < target.shape[1]:
            target, weight = target[:, samples], weight[:, samples]
        difference = (self._values(leaves, self._task.inputs[samples]) - target) * weight
        losses = difference.square().sum(dim=(1, 2)) / self._counts
        gradients = torch.autograd.grad((losses / (losses.detach() + _LEAST_LOSS)).sum(), leaves)
        for leaf in leaves:
            leaf.requires_grad_(False)
        self._state.step(list(gradients), rate)

    def _release(self, report: Callable[[float, float], None], fraction: float) -> bool:
        """Let go of the blocks that are done; whether any are left."""
        with torch.no_grad():
            values = self._values(self._state.parameters, self._task.inputs)
            losses = ((values - self._target) * self._weight).square().sum(dim=(1, 2))
            losses /= self._counts
        report(fraction, float((losses * self._amplitude[self._left, 0].square()).mean()))
        self._keep(losses <= self._enough)
        return len(self._left) > 0

    def _keep(self, leaving: torch.Tensor) -> None:
        """Write back the parameters of leaving blocks, and go on with the others."""
        if not leaving.any():
            return
        rows = self._left[leaving]
        for done, parameter in zip(self._done, self._state.parameters, strict=True):
            done[rows] = parameter.detach()[leaving]
        staying = ~leaving
        self._state.keep(staying)
        self._left = self._left[staying]
        self._target, self._weight = self._target[staying], self._weight[staying]
        self._counts, self._enough = self._counts[staying], self._enough[staying]

    def _folded(self) -> list[torch.Tensor]:
        """The layers of all blocks, with amplitudes and the widths of Gaussians folded in."""
        count = len(self._task.fans)
        layers, widths = self._done[:count], self._done[count:]
        for layer, width in zip(layers, widths, strict=False):
            layer /= width
        layers[-1] *= self._amplitude
        return layers


class _AdamState:
    """Parameters of a batch of blocks and their moments."""

    def __init__(self, parameters: Sequence[torch.Tensor]) -> None:
        self.parameters = list(parameters)
        self._first = [torch.zeros_like(parameter) for parameter in parameters]
        self._second = [torch.zeros_like(parameter) for parameter in parameters]
        self._steps = 0

    def step(self, gradients: list[torch.Tensor], rate: float) -> None:
        """One step down the gradients (bias-corrected, Kingma and Ba 2015)."""
        self._steps += 1
        first, second = _BETAS
        scale = math.sqrt(1 - second**self._steps)
        torch._foreach_lerp_(self._first, gradients, 1 - first)
        torch._foreach_mul_(self._second, second)
        torch._foreach_addcmul_(self._second, gradients, gradients, 1 - second)
        roots = torch._foreach_sqrt(self._second)
        torch._foreach_add_(roots, _EPSILON * scale)
        step = -rate * scale / (1 - first**self._steps)
        torch._foreach_addcdiv_(self.parameters, self._first, roots, step)

    def keep(self, staying: torch.Tensor) -> None:
        """Cut out the blocks that leave."""
        for group in (self.parameters, self._first, self._second):
            group[:] = [tensor.detach()[staying] for tensor in group]
