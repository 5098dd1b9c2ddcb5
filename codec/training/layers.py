"""Networks that show what their layers give, so that single layers can be trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from codec.arrays import Int64Array
from codec.training.batches import GridSampler, Sampler, Shard


@runtime_checkable
class LayeredNetwork(Protocol):
    """A `Network` that shows what its layers give.

    Attributes:
        layers: names of the tensors that each layer adds to those before it.
    """

    layers: tuple[tuple[str, ...], ...]

    def layer_outputs(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> Iterator[torch.Tensor]:
        """After each layer (units, samples), activation included; a layer needs only the tensors
        of it and of those before it."""
        ...


@dataclass(frozen=True)
class LayerSampler:
    """Shards of another sampler with other targets."""

    samples: Sampler
    target: Callable[[Sequence[torch.Tensor]], torch.Tensor]

    @property
    def whole(self) -> bool:
        return self.samples.whole

    def draw(self, generator: np.random.Generator) -> Shard:
        return self._targeted(self.samples.draw(generator))

    def _targeted(self, shard: Shard) -> Shard:
        with torch.no_grad():
            return Shard(shard.indices, self.target(shard.indices), None, shard.weight)


@dataclass(frozen=True)
class GridLayerSampler(LayerSampler):
    """The same of a sampler of outer products."""

    samples: GridSampler

    @property
    def shape(self) -> tuple[int, ...]:
        return self.samples.shape

    @property
    def counts(self) -> tuple[int, ...]:
        return self.samples.counts

    def shard(self, indices: Sequence[Int64Array]) -> Shard:
        return self._targeted(self.samples.shard(indices))


def layer_sampler(
    samples: Sampler, target: Callable[[Sequence[torch.Tensor]], torch.Tensor]
) -> LayerSampler:
    """Shards of `samples` with other targets, of outer products if those of `samples` are."""
    if isinstance(samples, GridSampler):
        return GridLayerSampler(samples, target)
    return LayerSampler(samples, target)
