"""Interface between whoever trains a network and the stages that prune and quantise it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
import torch

from codec.training.batches import Shard

Tensors = dict[str, torch.Tensor]
Network = Callable[[Mapping[str, torch.Tensor], Sequence[torch.Tensor]], torch.Tensor]
Transform = Callable[[str, torch.Tensor], torch.Tensor]
StepReport = Callable[[float, float], None]
BatchT = TypeVar("BatchT")


def identity(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Transform that changes nothing."""
    return tensor


def no_penalty() -> torch.Tensor:
    """Penalty of a fit without pruning."""
    return torch.zeros(())


@dataclass(frozen=True)
class Batches:
    """Source of the shards of a step, and the loss that judges them.

    Attributes:
        draw: a random shard.
        loss: "l1" or "l2", as in `codec.training.recipe`.
    """

    draw: Callable[[np.random.Generator], Shard]
    loss: str


@dataclass(frozen=True)
class ShardResult:
    """Error of the network on a shard.

    Attributes:
        squared: sum of the squared errors, by the weights of the samples.
        count: number of valid values.
        gradients: gradients of the sum of the loss, one per tensor.
    """

    squared: float
    count: float
    gradients: tuple[torch.Tensor, ...]


class Fitter(Protocol[BatchT]):
    """Training of a network as pruning and quantisation need it; `Trainer` implements it."""

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
        """Train `tensors` in place; see `codec.training.trainer.Trainer.run`."""
        ...

    def draw(self, count: int) -> list[BatchT]:
        """Batches to judge by."""
        ...

    def estimate(self, tensors: Tensors, shards: Sequence[BatchT]) -> float:
        """Mean squared error over given batches."""
        ...

    def curvature(self, tensors: Tensors, shards: Sequence[BatchT]) -> Tensors:
        """Curvature of the loss per element; see `codec.training.curvature`."""
        ...


@runtime_checkable
class CarryingFitter(Protocol):
    """A `Fitter` that keeps a journal."""

    def carrying(self, tensors: Sequence[torch.Tensor]) -> AbstractContextManager[None]:
        """Block in which the journal keeps `tensors`, too; see `Trainer.carrying`."""
        ...


def carrying(fitter: object, tensors: Sequence[torch.Tensor]) -> AbstractContextManager[None]:
    """Block of `CarryingFitter.carrying`; an empty one for a fitter without a journal."""
    return fitter.carrying(tensors) if isinstance(fitter, CarryingFitter) else nullcontext()
