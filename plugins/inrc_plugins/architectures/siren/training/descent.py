"""The float fit of the source: Adam on all samples of a field, or on some in every step.

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

from codec.arrays import Array
from codec.files.fit_journal import Arrays, FitJournal, Snapshot, no_journal
from codec.training.adam_state import kept_moments, load_moments
from codec.training.batches import Shard, sample_count
from codec.training.shard_threads import one_torch_thread
from inrc_plugins.architectures.siren.training.course import CosineCourse, Course, PlateauCourse
from inrc_plugins.architectures.siren.training.field_batches import Batches

StepReport = Callable[[float, float], None]
Tensors = dict[str, torch.Tensor]

# A loss so many times the one of a step ago is a fit that blew up.
_BLOW_UP = 10.0


@dataclass(frozen=True)
class Plan:
    """Settings of a descent.

    Attributes:
        steps: at most.
        rate: Adam's learning rate: at the start, or, on random samples, its mean.
        patience: steps on all samples without a better loss before the rate is halved.
        stop: steps on all samples without a better loss before the fit ends.
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


class DifferentiatedNetwork(Protocol):
    """A network that gives its gradients; `SirenNetwork` is one."""

    def squared_error(
        self, tensors: Tensors, shard: Shard
    ) -> tuple[float, tuple[torch.Tensor, ...]]:
        """Sum of squared errors over a shard, and its gradients in the order of `tensors`."""
        ...


class Descent:
    """One way down. Deterministic for its arguments, but for `threads`, which change nothing.

    Args:
        network: the function.
        batches: that the steps are made on.
        plan: how to go.
        threads: shards evaluated at once.
        report: called with the share done and the loss (mean squared error alone).
        journal: where the descent is kept, if anywhere.
    """

    def __init__(
        self,
        network: DifferentiatedNetwork,
        batches: Batches,
        plan: Plan,
        threads: int,
        report: StepReport,
        journal: FitJournal | None = None,
    ) -> None:
        self._network, self._batches, self._plan = network, batches, plan
        self._threads, self._report = threads, report
        self._journal = journal or no_journal()
        self._course: Course = (
            PlateauCourse(plan.patience, plan.stop) if batches.whole else CosineCourse(plan.steps)
        )
        self._before = math.inf

    def run(self, tensors: Tensors) -> Tensors:
        """The state that the way leads to from `tensors`, which stay as they are."""
        leaves = {name: tensor.clone().requires_grad_(True) for name, tensor in tensors.items()}
        optimiser = torch.optim.Adam(leaves.values(), lr=self._plan.rate, fused=True)
        safe = _Safe(leaves, optimiser) if self._plan.roll_back else None
        start, snapshot = 0, self._journal.begin()
        if snapshot is not None:
            self._batches.restore(snapshot.state["batches"])
            _fill(leaves, snapshot)
            if snapshot.finished:
                return _detached(leaves)
            start = self._restore(snapshot, optimiser, safe)
        with one_torch_thread(), _workers(self._threads) as pool:
            for step in range(start, self._plan.steps):
                if not self._step(step, leaves, optimiser, safe, pool):
                    break
                keep = functools.partial(self._snapshot, step + 1, leaves, optimiser, safe)
                self._journal.keep(keep, finished=False)
        result = self._course.result(_detached(leaves))
        self._journal.keep(functools.partial(self._end, result), finished=True)
        return result

    def _step(
        self,
        step: int,
        leaves: Tensors,
        optimiser: torch.optim.Adam,
        safe: _Safe | None,
        pool: ThreadPoolExecutor | None,
    ) -> bool:
        """Whether there is a further one."""
        plan = self._plan
        error = _gradients(self._network, self._batches.draw(), leaves, pool)
        loss = error + plan.magnitude_price * _magnitude(leaves)
        if safe is not None:
            if not loss < _BLOW_UP * self._before:
                safe.restore(leaves, optimiser)
                self._before = math.inf
                return True
            safe.keep(leaves, optimiser)
        self._before = loss
        if step >= plan.warm_up and not self._course.goes_on(loss, step, leaves):
            return False
        for leaf in leaves.values():
            if plan.magnitude_price and leaf.grad is not None:
                leaf.grad.add_(torch.sign(leaf.detach()), alpha=plan.magnitude_price)
        warm = min(1.0, (step + 1) / plan.warm_up) if plan.warm_up else 1.0
        for group in optimiser.param_groups:
            group["lr"] = plan.rate * warm * self._course.share(step)
        optimiser.step()
        self._report((step + 1) / plan.steps, error)
        return True

    def _snapshot(
        self,
        step: int,
        leaves: Tensors,
        optimiser: torch.optim.Adam,
        safe: _Safe | None,
        finished: bool,
    ) -> Snapshot:
        """The descent after `step` steps."""
        course, tensors = self._course.state()
        arrays = {f"leaf/{n}": leaf.detach().cpu().numpy().copy() for n, leaf in leaves.items()}
        arrays |= kept_moments(optimiser)
        arrays |= {f"course/{name}": np.array(array) for name, array in tensors.items()}
        if safe is not None:
            arrays |= {f"safe/{name}": np.array(array) for name, array in safe.state().items()}
        state = {"step": step, "before": self._before, "course": course}
        return Snapshot(finished, arrays, {**state, "batches": self._batches.state()})

    def _end(self, result: Tensors, finished: bool) -> Snapshot:
        arrays = {f"leaf/{name}": tensor.cpu().numpy().copy() for name, tensor in result.items()}
        return Snapshot(finished, arrays, {"batches": self._batches.state()})

    def _restore(self, snapshot: Snapshot, optimiser: torch.optim.Adam, safe: _Safe | None) -> int:
        """Take up a descent; returns how many steps it had done."""
        load_moments(optimiser, snapshot.arrays)
        self._course.restore(snapshot.state["course"], _under(snapshot, "course"))
        self._before = snapshot.state["before"]
        if safe is not None:
            safe.load(_under(snapshot, "safe"))
        return int(snapshot.state["step"])


class _Safe:
    """Parameters and moments as they were before the last step."""

    def __init__(self, tensors: Tensors, optimiser: torch.optim.Adam) -> None:
        self.keep(tensors, optimiser)

    def keep(self, tensors: Tensors, optimiser: torch.optim.Adam) -> None:
        self._values = _detached(tensors, copied=True)
        self._moments = {
            name: {key: value.clone() for key, value in optimiser.state[tensor].items()}
            for name, tensor in tensors.items()
        }

    def restore(self, tensors: Tensors, optimiser: torch.optim.Adam) -> None:
        for name, tensor in tensors.items():
            with torch.no_grad():
                tensor.copy_(self._values[name])
            # Without any, as before the first step, Adam starts anew.
            optimiser.state[tensor].clear()
            moments = self._moments[name].items()
            optimiser.state[tensor].update({key: value.clone() for key, value in moments})

    def state(self) -> dict[str, Array]:
        """State that a journal keeps."""
        values = {f"{name}/value": tensor.cpu().numpy() for name, tensor in self._values.items()}
        for name, moments in self._moments.items():
            values |= {f"{name}/{key}": value.cpu().numpy() for key, value in moments.items()}
        return values

    def load(self, arrays: Arrays) -> None:
        """Go on from what a journal kept."""
        self._moments = {name: {} for name in self._values}
        for key, array in arrays.items():
            name, part = key.split("/")
            device = self._values[name].device
            tensor = torch.from_numpy(array).to("cpu" if part == "step" else device)
            if part == "value":
                self._values[name] = tensor
            else:
                self._moments[name][part] = tensor


def _gradients(
    network: DifferentiatedNetwork,
    shards: Sequence[Shard],
    leaves: Tensors,
    pool: ThreadPoolExecutor | None,
) -> float:
    """Fill the gradients of the mean squared error over all shards; returns the error."""
    squared_error = functools.partial(network.squared_error, leaves)
    results = (
        [squared_error(shard) for shard in shards]
        if pool is None
        else list(pool.map(squared_error, shards))
    )
    count = sum(sample_count(shard) for shard in shards) or 1.0
    for number, leaf in enumerate(leaves.values()):
        total = functools.reduce(torch.add, (gradients[number] for _, gradients in results))
        leaf.grad = total.div(count).contiguous()
    return sum(squared for squared, _ in results) / count


def _magnitude(tensors: Tensors) -> float:
    with torch.no_grad():
        return float(torch.stack([tensor.abs().sum() for tensor in tensors.values()]).sum())


def _detached(tensors: Tensors, *, copied: bool = False) -> Tensors:
    return {name: t.detach().clone() if copied else t.detach() for name, t in tensors.items()}


def _under(snapshot: Snapshot, kind: str) -> dict[str, Array]:
    """The arrays of a kind, by the rest of their names."""
    prefix = f"{kind}/"
    return {
        name.removeprefix(prefix): array
        for name, array in snapshot.arrays.items()
        if name.startswith(prefix)
    }


def _fill(tensors: Tensors, snapshot: Snapshot) -> None:
    with torch.no_grad():
        for name, array in _under(snapshot, "leaf").items():
            tensors[name].copy_(torch.from_numpy(array))


@contextmanager
def _workers(threads: int) -> Iterator[ThreadPoolExecutor | None]:
    if threads == 1:
        yield None
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool
