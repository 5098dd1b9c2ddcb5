"""The float fit of the source: Adam, a rate that falls on plateaus, and the best state kept.

Strümpler et al., ECCV 2022. The loss is the mean squared error of values in [-1, 1] plus a price on
the sum of the magnitudes of all parameters; both count where states are compared.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from codec.contracts import Floats, Mask
from codec.pipeline.batches import AxisSampler, Shard
from codec.pipeline.blocks import windows
from codec.pipeline.trainer import Network, one_torch_thread

StepReport = Callable[[float, float], None]
Tensors = dict[str, torch.Tensor]

# Samples evaluated together on the CPU: their activations stay in its cache.
SHARD_SAMPLES = 16384
_PLATEAU_FACTOR, _PLATEAU_THRESHOLD = 0.5, 1e-4
# Steps over which losses of random batches are averaged before they are compared.
_SMOOTHED_STEPS = 100
# A loss so many times the one of a step ago is a fit that blew up.
_BLOW_UP = 10.0


@dataclass(frozen=True)
class Plan:
    """How to descend.

    Attributes:
        steps: at most.
        rate: Adam's learning rate at the start.
        patience: steps without a better loss before the rate is halved.
        stop: steps without a better loss before the fit ends.
        magnitude_price: of the sum of |parameter|, 0 for none.
        warm_up: steps over which the rate rises from 0.
        roll_back: whether a step that makes the loss blow up is taken back.
    """

    steps: int
    rate: float
    patience: int
    stop: int
    magnitude_price: float
    warm_up: int = 0
    roll_back: bool = False


class Batches(Protocol):
    """What a step is made on.

    Attributes:
        whole: whether it is always the whole field, so that losses can be compared as they are.
    """

    @property
    def whole(self) -> bool: ...

    def draw(self) -> Sequence[Shard]:
        """The parts of the next batch."""
        ...


class WholeField:
    """All samples in every step, in pieces.

    Args:
        values: (components, *shape) float32, axes longer than 1.
        valid: the same shape, or None.
        samples: at most so many in a piece.
    """

    whole = True

    def __init__(self, values: Floats, valid: Mask | None, samples: int, device: str) -> None:
        shards = []
        for window in windows(values.shape[1:], samples):
            indices = [torch.arange(part.start, part.stop, device=device) for part in window]
            chosen = (slice(None), *window)
            target = torch.from_numpy(values[chosen].reshape(len(values), -1)).to(device)
            kept = None
            if valid is not None:
                part = valid[chosen].reshape(len(values), -1).astype(np.float32)
                kept = torch.from_numpy(part).to(device)
            shards.append(Shard(indices, target, kept))
        self._shards = shards

    def draw(self) -> Sequence[Shard]:
        return self._shards


class RandomSamples:
    """About so many samples in every step, as outer products of random indices.

    Args:
        values, valid: as of `WholeField`.
        samples: in a batch; pieces: it is made of so many.
    """

    whole = False

    def __init__(
        self,
        values: Floats,
        valid: Mask | None,
        samples: int,
        pieces: int,
        seed: int,
        device: str,
    ) -> None:
        self._sampler = AxisSampler(values, valid, samples // pieces, device)
        self._generators = [np.random.default_rng([seed, number]) for number in range(pieces)]

    def draw(self) -> Sequence[Shard]:
        return [self._sampler.draw(generator) for generator in self._generators]


def batches_of(
    values: Floats, valid: Mask | None, batch: int, seed: int, device: str
) -> WholeField | RandomSamples:
    """Batches of about `batch` samples of a field; of all if it is 0, or not less than all."""
    total = math.prod(values.shape[1:])
    piece = SHARD_SAMPLES if device == "cpu" else max(total, SHARD_SAMPLES)
    if batch == 0 or batch >= total:
        return WholeField(values, valid, piece, device)
    return RandomSamples(values, valid, batch, -(-batch // piece), seed, device)


def descend(
    network: Network,
    batches: Batches,
    tensors: Tensors,
    plan: Plan,
    threads: int,
    report: StepReport,
) -> Tensors:
    """The best state met on the way down from `tensors`, which stay as they are.

    Deterministic for its arguments, but for `threads`, which change nothing.

    Args:
        report: called with the share done and the loss (mean squared error alone).
    """
    leaves = {name: tensor.clone().requires_grad_(True) for name, tensor in tensors.items()}
    optimiser = torch.optim.Adam(leaves.values(), lr=plan.rate, fused=True)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser,
        factor=_PLATEAU_FACTOR,
        patience=plan.patience,
        threshold=_PLATEAU_THRESHOLD,
    )
    best = _Best()
    judged, before = math.inf, math.inf
    safe = _Safe(leaves, optimiser) if plan.roll_back else None
    with one_torch_thread(), _workers(threads) as pool:
        for step in range(plan.steps):
            error = _gradients(network, batches.draw(), leaves, pool)
            loss = error + plan.magnitude_price * _magnitude(leaves)
            if safe is not None:
                if not loss < _BLOW_UP * before:
                    safe.restore(leaves, optimiser)
                    before = math.inf
                    continue
                safe.keep(leaves, optimiser)
            before = loss
            judged = loss if batches.whole else _smoothed(judged, loss, step)
            best.offer(judged, step, leaves)
            if step - best.step > plan.stop:
                break
            for leaf in leaves.values():
                if plan.magnitude_price and leaf.grad is not None:
                    leaf.grad.add_(torch.sign(leaf.detach()), alpha=plan.magnitude_price)
            if step < plan.warm_up:
                _set_rate(optimiser, plan.rate * (step + 1) / plan.warm_up)
            optimiser.step()
            if step >= plan.warm_up:
                plateau.step(judged)
            report((step + 1) / plan.steps, error)
    return best.tensors or {name: leaf.detach() for name, leaf in leaves.items()}


class _Best:
    """The state with the lowest loss so far."""

    def __init__(self) -> None:
        self.loss, self.step = math.inf, 0
        self.tensors: Tensors = {}

    def offer(self, loss: float, step: int, tensors: Tensors) -> None:
        if loss < self.loss:
            self.loss, self.step = loss, step
            self.tensors = {name: tensor.detach().clone() for name, tensor in tensors.items()}


class _Safe:
    """Parameters and moments as they were before the last step."""

    def __init__(self, tensors: Tensors, optimiser: torch.optim.Adam) -> None:
        self.keep(tensors, optimiser)

    def keep(self, tensors: Tensors, optimiser: torch.optim.Adam) -> None:
        self._values = [tensor.detach().clone() for tensor in tensors.values()]
        self._moments = [
            {key: value.clone() for key, value in optimiser.state[tensor].items()}
            for tensor in tensors.values()
        ]

    def restore(self, tensors: Tensors, optimiser: torch.optim.Adam) -> None:
        with torch.no_grad():
            for tensor, value in zip(tensors.values(), self._values, strict=True):
                tensor.copy_(value)
        for tensor, moments in zip(tensors.values(), self._moments, strict=True):
            # Without any, as before the first step, Adam starts anew.
            optimiser.state[tensor].clear()
            optimiser.state[tensor].update({k: value.clone() for k, value in moments.items()})


def _gradients(
    network: Network,
    shards: Sequence[Shard],
    leaves: Tensors,
    pool: ThreadPoolExecutor | None,
) -> float:
    """Fill the gradients of the mean squared error over all shards; returns the error."""

    def one(shard: Shard) -> tuple[float, tuple[torch.Tensor, ...]]:
        inputs = {name: leaf.detach().requires_grad_(True) for name, leaf in leaves.items()}
        difference = network(inputs, shard.indices) - shard.target
        if shard.valid is not None:
            difference = difference * shard.valid
        squared = difference.square().sum()
        found = torch.autograd.grad(squared, list(inputs.values()))
        return float(squared.detach()), found

    results = [one(shard) for shard in shards] if pool is None else list(pool.map(one, shards))
    count = sum(_count(shard) for shard in shards) or 1.0
    for number, leaf in enumerate(leaves.values()):
        total = functools.reduce(torch.add, (gradients[number] for _, gradients in results))
        leaf.grad = total.div(count).contiguous()
    return sum(squared for squared, _ in results) / count


def _count(shard: Shard) -> float:
    return float(shard.target.numel() if shard.valid is None else shard.valid.sum())


def _magnitude(tensors: Tensors) -> float:
    with torch.no_grad():
        return float(torch.stack([tensor.abs().sum() for tensor in tensors.values()]).sum())


def _smoothed(before: float, loss: float, step: int) -> float:
    """A running mean; at the start over what there is, so that it does not hang on the first."""
    share = max(1 / _SMOOTHED_STEPS, 1 / (step + 1))
    return loss if math.isinf(before) else (1 - share) * before + share * loss


def _set_rate(optimiser: torch.optim.Adam, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


@contextmanager
def _workers(threads: int) -> Iterator[ThreadPoolExecutor | None]:
    if threads == 1:
        yield None
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool
