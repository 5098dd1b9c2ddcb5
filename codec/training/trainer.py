"""Gradient descent on the tensors of a network, on all cores, with a result that does not depend on
how many there are.

Each step evaluates a fixed number of shards, one thread each, and adds their gradients in a fixed
order. One thread per shard also beats torch's own threading here, whose operators are too short.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
import torch

from codec.arrays import Float64Array
from codec.files.fit_journal import FitJournal, Snapshot, no_journal
from codec.training.adam_state import kept_moments, load_moments
from codec.training.batches import GridSampler, Sampler, Shard
from codec.training.layers import LayeredNetwork, layer_sampler
from codec.training.recipe import L1, USUAL, Recipe
from codec.training.resampling import ErrorDrivenSampler, ErrorMap

Tensors = dict[str, torch.Tensor]
Network = Callable[[Mapping[str, torch.Tensor], Sequence[torch.Tensor]], torch.Tensor]
Transform = Callable[[str, torch.Tensor], torch.Tensor]
StepReport = Callable[[float, float], None]
_In = TypeVar("_In")
_Out = TypeVar("_Out")
BatchT = TypeVar("BatchT")

SHARDS = 2
# Seconds. Two threads that run short operators hand Python's lock over all the time; at its default
# of 5 ms each waits for the other longer than it works.
_SWITCH_INTERVAL = 1e-4
_SMOOTHING = 0.95
_WARM_UP = 20
_SIGN_DRAWS = 2


def identity(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The transform that changes nothing."""
    return tensor


def no_penalty() -> torch.Tensor:
    """The penalty of a fit without pruning."""
    return torch.zeros(())


@dataclass(frozen=True)
class Batches:
    """What draws the shards of a step, and what they are judged by ("l1" or "l2")."""

    draw: Callable[[np.random.Generator], Shard]
    loss: str


@dataclass(frozen=True)
class ShardResult:
    """Sum of squared errors over a shard, how many there were, and the sum's gradients."""

    squared: float
    count: float
    gradients: tuple[torch.Tensor, ...]


class Fitter(Protocol[BatchT]):
    """What pruning and quantisation need of whoever trains a network; `Trainer` is one."""

    def run(
        self,
        tensors: Tensors,
        steps: int,
        rates: Mapping[str, float],
        *,
        final_rate: float = ...,
        transform: Transform = ...,
        extra: Sequence[torch.Tensor] = ...,
        extra_rate: float = ...,
        penalty: Callable[[], torch.Tensor] = ...,
        stop_below: float = ...,
        report: StepReport = ...,
    ) -> float:
        """As `Trainer.run`."""
        ...

    def draw(self, count: int) -> list[BatchT]:
        """Batches to judge by."""
        ...

    def estimate(self, tensors: Tensors, shards: Sequence[BatchT]) -> float:
        """Mean squared error over given batches."""
        ...

    def curvature(self, tensors: Tensors, shards: Sequence[BatchT]) -> Tensors:
        """As `Trainer.curvature`."""
        ...


@runtime_checkable
class CarryingFitter(Protocol):
    """A `Fitter` that keeps a journal."""

    def carrying(self, tensors: Sequence[torch.Tensor]) -> AbstractContextManager[None]:
        """As `Trainer.carrying`."""
        ...


def carrying(fitter: object, tensors: Sequence[torch.Tensor]) -> AbstractContextManager[None]:
    """`CarryingFitter.carrying`, or nothing for a fitter without a journal."""
    return fitter.carrying(tensors) if isinstance(fitter, CarryingFitter) else nullcontext()


class Trainer:
    """Fits tensors to a field.

    A subclass may take the gradients of some tensors from elsewhere (`_gradients`), and do more
    with them before the step is taken (`_step`); tensors without one stay as they are. What it then
    has to remember belongs in the journal, too (`_snapshot`, `_restore`).

    Args:
        network: maps tensors and sample indices per axis to (components, samples).
        sampler: draws the shards.
        seed: of the batches.
        threads: how many shards are evaluated at once.
        journal: where trainings are kept, if anywhere.
    """

    # Of Adam: far below any gradient that counts.
    _epsilon = 1e-12

    def __init__(
        self,
        network: Network,
        sampler: Sampler,
        seed: int,
        threads: int,
        journal: FitJournal | None = None,
    ) -> None:
        self._network = network
        self._sampler = sampler
        self._seed = seed
        self._generators = [np.random.default_rng([seed, number]) for number in range(SHARDS)]
        self._threads = min(threads, SHARDS)
        self._journal = journal or no_journal()
        self._carried: Sequence[torch.Tensor] = ()

    def run(
        self,
        tensors: Tensors,
        steps: int,
        rates: Mapping[str, float],
        *,
        final_rate: float = 0.01,
        transform: Transform = identity,
        extra: Sequence[torch.Tensor] = (),
        extra_rate: float = 0.0,
        penalty: Callable[[], torch.Tensor] = no_penalty,
        stop_below: float = 0.0,
        report: StepReport = lambda fraction, loss: None,
        recipe: Recipe = USUAL,
    ) -> float:
        """Train `tensors` in place.

        Args:
            tensors: leaf tensors by name.
            steps: at most so many.
            rates: Adam's learning rate per tensor, lowered along a cosine.
            final_rate: where the cosine ends, as a share of the start.
            transform: applied to each tensor before the network sees it (pruning, quantisation).
            extra: further leaf tensors that `transform` and `penalty` depend on, at `extra_rate`.
            penalty: added to the loss.
            stop_below: stop early once the smoothed loss is below this.
            report: called with the part done and the smoothed loss.
            recipe: loss, decay of the rates, and choice of samples.

        Returns:
            The smoothed mean squared error of the last steps, by the weights of their samples and
            without the penalty, whatever the loss.
        """
        leaves = [*tensors.values(), *extra]
        for leaf in leaves:
            leaf.requires_grad_(True)
        by_rate: dict[float, list[torch.Tensor]] = {}
        for name, tensor in tensors.items():
            by_rate.setdefault(rates[name], []).append(tensor)
        groups = [{"params": group, "lr": rate} for rate, group in by_rate.items()]
        if extra:
            groups.append({"params": list(extra), "lr": extra_rate})
        optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99), eps=self._epsilon, fused=True)
        base = [group["lr"] for group in optimiser.param_groups]
        smoothed, start, errors = math.nan, 0, None
        if (found := self._journal.begin()) is not None:
            smoothed, start = self._restore(found, leaves, optimiser)
            errors = self._restored_errors(found)
            if found.finished:
                start = steps
        batches = self._batches(recipe, errors)
        with one_torch_thread(), self._workers() as pool:
            for step in range(start, steps):
                share = recipe.rate_share(step, steps, final_rate)
                for group, rate in zip(optimiser.param_groups, base, strict=True):
                    group["lr"] = rate * share
                if recipe.resample and step and step % recipe.resample == 0:
                    errors = self._error_map(tensors)
                    batches = self._batches(recipe, errors)
                loss = self._step(tensors, transform, penalty, leaves, pool, batches)
                optimiser.step()
                keep = _SMOOTHING if step >= _WARM_UP else step / (step + 1)
                smoothed = loss if step == 0 else keep * smoothed + (1 - keep) * loss
                report((step + 1) / steps, smoothed)
                if step >= _WARM_UP and smoothed < stop_below:
                    break
                self._journal.keep(
                    functools.partial(
                        self._snapshot, leaves, optimiser, smoothed, step + 1, errors
                    ),
                    finished=False,
                )
        if found is None or not found.finished:
            end = functools.partial(self._snapshot, leaves, optimiser, smoothed, steps, errors)
            self._journal.keep(end, finished=True)
        for leaf in leaves:
            leaf.requires_grad_(False)
        return smoothed

    @contextmanager
    def carrying(self, tensors: Sequence[torch.Tensor]) -> Iterator[None]:
        """Inside the block, `tensors`, which trainings change in place by `transform`, `penalty`
        and `report`, are kept in the journal with what is trained."""
        before, self._carried = self._carried, tensors
        try:
            yield
        finally:
            self._carried = before

    def _snapshot(
        self,
        leaves: Sequence[torch.Tensor],
        optimiser: torch.optim.Optimizer,
        smoothed: float,
        step: int,
        errors: ErrorMap | None,
        finished: bool,
    ) -> Snapshot:
        """The training after `step` steps; of a finished one, no optimiser."""
        arrays = {f"leaf/{n}": leaf.detach().cpu().numpy().copy() for n, leaf in enumerate(leaves)}
        arrays |= {f"carried/{n}": one.cpu().numpy().copy() for n, one in enumerate(self._carried)}
        if not finished:
            if errors is not None:
                arrays["wanted"] = errors.wanted
            arrays |= kept_moments(optimiser)
        generators = [generator.bit_generator.state for generator in self._generators]
        state = {"smoothed": smoothed, "step": step, "generators": generators}
        return Snapshot(finished, arrays, state)

    def _restore(
        self, found: Snapshot, leaves: Sequence[torch.Tensor], optimiser: torch.optim.Optimizer
    ) -> tuple[float, int]:
        """Take up a training; returns its smoothed loss and how many steps it had done."""
        with torch.no_grad():
            for name, array in found.arrays.items():
                kind, *rest = name.split("/")
                if kind == "leaf":
                    leaves[int(rest[0])].copy_(torch.from_numpy(array))
                elif kind == "carried":
                    self._carried[int(rest[0])].copy_(torch.from_numpy(array))
        load_moments(optimiser, found.arrays)
        for generator, state in zip(self._generators, found.state["generators"], strict=True):
            generator.bit_generator.state = state
        return found.state["smoothed"], found.state["step"]

    def _step(
        self,
        tensors: Tensors,
        transform: Transform,
        penalty: Callable[[], torch.Tensor],
        leaves: Sequence[torch.Tensor],
        pool: ThreadPoolExecutor | None,
        batches: Batches,
    ) -> float:
        """Fill the gradients of all leaves; returns the loss without the penalty."""
        effective = {name: transform(name, tensor) for name, tensor in tensors.items()}
        inputs = {name: tensor.detach().requires_grad_(True) for name, tensor in effective.items()}
        generators = self._generators[: self._shards_needed(SHARDS)]
        results = _share(
            pool, lambda generator: self._gradients(inputs, generator, batches), generators
        )
        count = sum(result.count for result in results) or 1.0
        totals = [
            functools.reduce(torch.add, parts[1:], parts[0]).div_(count)
            for parts in zip(*(result.gradients for result in results), strict=True)
        ]
        for leaf in leaves:
            leaf.grad = None
        price = penalty()
        if transform is identity and not price.requires_grad:
            for tensor, total in zip(tensors.values(), totals, strict=True):
                # The fused optimiser reads memory in order, whatever the gradient's strides say.
                tensor.grad = total.contiguous()
        else:
            roots, gradients = list(effective.values()), list[torch.Tensor | None](totals)
            if price.requires_grad:
                roots.append(price)
                gradients.append(None)
            torch.autograd.backward(roots, gradients)
        return sum(result.squared for result in results) / count

    def _workers(self) -> AbstractContextManager[ThreadPoolExecutor | None]:
        """A pool for all shards but the first, or none for a single thread."""
        return ThreadPoolExecutor(self._threads - 1) if self._threads > 1 else nullcontext()

    def _gradients(
        self, inputs: Tensors, generator: np.random.Generator, batches: Batches
    ) -> ShardResult:
        shard = batches.draw(generator)
        difference = self._difference(inputs, shard)
        squared = _weighted_sum(difference.square(), shard)
        loss = _weighted_sum(difference.abs(), shard) if batches.loss == L1 else squared
        gradients = torch.autograd.grad(loss, list(inputs.values()))
        return ShardResult(float(squared.detach()), sample_count(shard), gradients)

    def _difference(self, tensors: Tensors, shard: Shard) -> torch.Tensor:
        difference = self._network(tensors, shard.indices) - shard.target
        return difference if shard.valid is None else difference * shard.valid

    def _batches(self, recipe: Recipe, errors: ErrorMap | None) -> Batches:
        if errors is None:
            return Batches(self._sampler.draw, recipe.loss)
        return Batches(ErrorDrivenSampler(self._grid(), errors).draw, recipe.loss)

    def _grid(self) -> GridSampler:
        if not isinstance(self._sampler, GridSampler):
            raise TypeError("only samplers of outer products are steered by the error")
        return self._sampler

    def _restored_errors(self, found: Snapshot) -> ErrorMap | None:
        """The map of the error that a training had when it was stopped."""
        wanted = found.arrays.get("wanted")
        return None if wanted is None else ErrorMap(self._grid().shape, wanted)

    def _error_map(self, tensors: Tensors) -> ErrorMap:
        """Where the error is now."""

        def error(shard: Shard) -> Float64Array:
            with torch.no_grad():
                absolute = self._difference(tensors, shard).abs().mean(dim=0)
            return absolute.cpu().double().numpy()

        return ErrorMap.measured(self._grid(), error, self._generators[0])

    def _shards_needed(self, count: int) -> int:
        return 1 if self._sampler.whole else count

    def draw(self, count: int) -> list[Shard]:
        """Random shards; one if a shard is the whole field."""
        generator = self._generators[0]
        return [self._sampler.draw(generator) for _ in range(self._shards_needed(count))]

    def estimate(self, tensors: Tensors, shards: Sequence[Shard]) -> float:
        """Mean squared error over given shards."""
        with one_torch_thread(), torch.no_grad(), ThreadPoolExecutor(self._threads) as pool:

            def squared(shard: Shard) -> float:
                return float(self._difference(tensors, shard).double().square().sum())

            count = sum(sample_count(shard) for shard in shards)
            return sum(pool.map(squared, shards)) / (count or 1.0)

    def signed_gradients(self, tensors: Tensors, shards: Sequence[Shard]) -> list[Tensors]:
        """Gradients of sums over the samples of sign * squared error, signs random.

        As the signs are independent, the mean of the square of any one derivative, divided by the
        root of the number of samples as it is here, estimates E[(dD/dp)^2] over single samples.
        """
        generator = torch.Generator().manual_seed(0)
        found = []
        with one_torch_thread():
            for shard in shards:
                inputs = {name: t.detach().requires_grad_(True) for name, t in tensors.items()}
                squared = (self._network(inputs, shard.indices) - shard.target).square()
                if shard.valid is not None:
                    squared = squared * shard.valid
                each = squared.sum(dim=0)
                for _ in range(_SIGN_DRAWS):
                    signs = torch.randint(0, 2, each.shape, generator=generator) * 2.0 - 1.0
                    gradients = torch.autograd.grad(
                        (each * signs.to(each.device)).sum() / len(each) ** 0.5,
                        list(inputs.values()),
                        retain_graph=True,
                    )
                    found.append(dict(zip(inputs, gradients, strict=True)))
        return found

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Tensors of each layer, if the network shows its layers."""
        return self._network.layers if isinstance(self._network, LayeredNetwork) else ()

    def layer_fitter(self, layer: int, reference: Tensors) -> Trainer:
        """A trainer of the tensors up to a layer, whose targets are the layer's outputs with
        `reference`."""
        network = self._network
        if not isinstance(network, LayeredNetwork):
            raise TypeError("the network does not show its layers")

        def outputs(
            tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
        ) -> torch.Tensor:
            return next(islice(network.layer_outputs(tensors, indices), layer, None))

        sampler = layer_sampler(self._sampler, lambda indices: outputs(reference, indices))
        return Trainer(outputs, sampler, self._seed, self._threads, self._journal)

    def curvature(self, tensors: Tensors, shards: Sequence[Shard]) -> Tensors:
        """Diagonal of the Gauss-Newton matrix of the mean squared error, per element.

        Random signs on the outputs make the square of one gradient an unbiased estimate of the sum
        of squared derivatives (Hutchinson).
        """
        generator = torch.Generator().manual_seed(0)
        sums = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
        count = 0.0
        with one_torch_thread():
            for shard in shards:
                inputs = {name: t.detach().requires_grad_(True) for name, t in tensors.items()}
                outputs = self._network(inputs, shard.indices)
                signs = torch.randint(0, 2, outputs.shape, generator=generator) * 2.0 - 1.0
                signs = signs.to(outputs.device)
                if shard.valid is not None:
                    signs = signs * shard.valid
                gradients = torch.autograd.grad((outputs * signs).sum(), list(inputs.values()))
                for name, gradient in zip(inputs, gradients, strict=True):
                    sums[name] += gradient.square()
                count += sample_count(shard)
        return {name: 2 * total / max(count, 1.0) for name, total in sums.items()}


def _share(
    pool: ThreadPoolExecutor | None, work: Callable[[_In], _Out], tasks: Sequence[_In]
) -> list[_Out]:
    """`work` on every task, in order; the calling thread does its share.

    A caller that only waited would wake its workers on its own core, and steps are so short that
    they would stay there.
    """
    if pool is None:
        return [work(task) for task in tasks]
    others = [pool.submit(work, task) for task in tasks[1:]]
    return [work(tasks[0]), *(other.result() for other in others)]


def _weighted_sum(errors: torch.Tensor, shard: Shard) -> torch.Tensor:
    return errors.sum() if shard.weight is None else (errors * shard.weight).sum()


def sample_count(shard: Shard) -> float:
    """Valid values in a shard, over all components."""
    return float(shard.target.numel() if shard.valid is None else shard.valid.sum())


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Torch's own threading off inside the block; the shards are the threads."""
    threads, interval = torch.get_num_threads(), sys.getswitchinterval()
    torch.set_num_threads(1)
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        sys.setswitchinterval(interval)
