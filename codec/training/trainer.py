"""Gradient descent on the tensors of a network, on all cores, with a result that does not depend on
how many there are.

Each step evaluates a fixed number of shards, one thread each, and adds their gradients in a fixed
order. One thread per shard also beats torch's own threading here, whose operators are too short.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice

import numpy as np
import torch

from codec.arrays import Float64Array
from codec.files.fit_journal import FitJournal, Snapshot, no_journal
from codec.training.adam_state import kept_moments, load_moments
from codec.training.batches import GridSampler, Sampler, Shard, sample_count
from codec.training.curvature import curvature, signed_gradients
from codec.training.fitter import (
    Batches,
    Network,
    ShardResult,
    StepReport,
    Tensors,
    Transform,
    identity,
    no_penalty,
)
from codec.training.layers import LayeredNetwork, layer_sampler
from codec.training.recipe import L1, USUAL, Recipe
from codec.training.resampling import ErrorDrivenSampler, ErrorMap
from codec.training.shard_threads import SHARDS, one_torch_thread, share_work

_SMOOTHING = 0.95
_WARM_UP = 20


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

    # Adam's epsilon, far below any gradient that counts.
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
        optimiser = self._optimiser(tensors, rates, extra, extra_rate)
        base = [group["lr"] for group in optimiser.param_groups]
        smoothed, start, errors = math.nan, 0, None
        stored = self._journal.begin()
        if stored is not None:
            smoothed, start = self._restore(stored, leaves, optimiser)
            errors = self._restored_errors(stored)
        finished = stored is not None and stored.finished
        batches = self._batches(recipe, errors)
        with one_torch_thread(), self._workers() as pool:
            for step in range(steps if finished else start, steps):
                share = recipe.rate_share(step, steps, final_rate)
                for group, rate in zip(optimiser.param_groups, base, strict=True):
                    group["lr"] = rate * share
                if recipe.resample and step and step % recipe.resample == 0:
                    errors = self._error_map(tensors)
                    batches = self._batches(recipe, errors)
                loss = self._step(tensors, transform, penalty, leaves, pool, batches)
                optimiser.step()
                smoothed = _smoothed(smoothed, loss, step)
                report((step + 1) / steps, smoothed)
                if step >= _WARM_UP and smoothed < stop_below:
                    break
                snapshot = functools.partial(
                    self._snapshot, leaves, optimiser, smoothed, step + 1, errors
                )
                self._journal.keep(snapshot, finished=False)
        if not finished:
            end = functools.partial(self._snapshot, leaves, optimiser, smoothed, steps, errors)
            self._journal.keep(end, finished=True)
        for leaf in leaves:
            leaf.requires_grad_(False)
        return smoothed

    def _optimiser(
        self,
        tensors: Tensors,
        rates: Mapping[str, float],
        extra: Sequence[torch.Tensor],
        extra_rate: float,
    ) -> torch.optim.Adam:
        """Adam on all leaves, in one group for each learning rate."""
        by_rate: dict[float, list[torch.Tensor]] = {}
        for name, tensor in tensors.items():
            by_rate.setdefault(rates[name], []).append(tensor)
        groups = [{"params": group, "lr": rate} for rate, group in by_rate.items()]
        if extra:
            groups.append({"params": list(extra), "lr": extra_rate})
        return torch.optim.Adam(groups, betas=(0.9, 0.99), eps=self._epsilon, fused=True)

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
        arrays |= {f"carried/{n}": t.cpu().numpy().copy() for n, t in enumerate(self._carried)}
        if not finished:
            if errors is not None:
                arrays["wanted"] = errors.wanted
            arrays |= kept_moments(optimiser)
        generators = [generator.bit_generator.state for generator in self._generators]
        state = {"smoothed": smoothed, "step": step, "generators": generators}
        return Snapshot(finished, arrays, state)

    def _restore(
        self, snapshot: Snapshot, leaves: Sequence[torch.Tensor], optimiser: torch.optim.Optimizer
    ) -> tuple[float, int]:
        """Take up a training; returns its smoothed loss and the number of steps it had done."""
        with torch.no_grad():
            for name, array in snapshot.arrays.items():
                kind, _, number = name.partition("/")
                if kind == "leaf":
                    leaves[int(number)].copy_(torch.from_numpy(array))
                elif kind == "carried":
                    self._carried[int(number)].copy_(torch.from_numpy(array))
        load_moments(optimiser, snapshot.arrays)
        for generator, state in zip(self._generators, snapshot.state["generators"], strict=True):
            generator.bit_generator.state = state
        return snapshot.state["smoothed"], snapshot.state["step"]

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
        results = share_work(
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

    def _restored_errors(self, snapshot: Snapshot) -> ErrorMap | None:
        """Map of the error that a training had when it was stopped."""
        wanted = snapshot.arrays.get("wanted")
        return None if wanted is None else ErrorMap(self._grid().shape, wanted)

    def _error_map(self, tensors: Tensors) -> ErrorMap:
        """Map of the error as it is now."""

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

    def signed_gradients(self, tensors: Tensors, shards: Sequence[Shard]) -> list[Tensors]:
        """Gradients under random signs; see `codec.training.curvature.signed_gradients`."""
        return signed_gradients(self._network, tensors, shards)

    def curvature(self, tensors: Tensors, shards: Sequence[Shard]) -> Tensors:
        """Curvature of the loss per element; see `codec.training.curvature.curvature`."""
        return curvature(self._network, tensors, shards)


def _smoothed(before: float, loss: float, step: int) -> float:
    """Running mean of the losses: a plain mean at first, then an exponential one."""
    if step == 0:
        return loss
    share = _SMOOTHING if step >= _WARM_UP else step / (step + 1)
    return share * before + (1 - share) * loss


def _weighted_sum(errors: torch.Tensor, shard: Shard) -> torch.Tensor:
    return errors.sum() if shard.weight is None else (errors * shard.weight).sum()
