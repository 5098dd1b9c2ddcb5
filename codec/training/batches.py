"""Mini-batches that are outer products of random sample indices.

A batch of scattered points makes interpolation a gather, whose gradient is a slow scatter. The
outer product of a few random indices per axis costs small dense matrix products instead, and as
every index is equally likely, so is every sample: the expected gradient is that of the whole field.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from codec.arrays import BoolArray, Float32Array, Int64Array


@dataclass(frozen=True)
class Shard:
    """One batch.

    Attributes:
        indices: per active axis, int64 sample indices; the batch is their outer product.
        target: (components, samples) float32.
        valid: the same shape, float32 of 0 and 1, or None if all are valid.
        weight: (samples,) float32, what the errors count, 1 on average; None for 1.
    """

    indices: Sequence[torch.Tensor]
    target: torch.Tensor
    valid: torch.Tensor | None
    weight: torch.Tensor | None = None


def sample_count(shard: Shard) -> float:
    """Valid values in a shard, over all components."""
    return float(shard.target.numel() if shard.valid is None else shard.valid.sum())


class Sampler(Protocol):
    """Draws shards."""

    @property
    def whole(self) -> bool:
        """Whether a shard is the whole field."""
        ...

    def draw(self, generator: np.random.Generator) -> Shard:
        """A random shard."""
        ...


@runtime_checkable
class GridSampler(Sampler, Protocol):
    """A sampler whose shards are outer products; `AxisSampler` is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the field, without its components."""
        ...

    @property
    def counts(self) -> tuple[int, ...]:
        """Indices per axis of a random shard."""
        ...

    def shard(self, indices: Sequence[Int64Array]) -> Shard:
        """The shard at given indices per axis."""
        ...


class AxisSampler:
    """Draws shards from a field.

    Args:
        values: (components, *shape) float32; every axis of shape is longer than 1.
        valid: the same shape, bool, or None.
        points: about how many samples a shard holds.
        device: where shards are put.

    Attributes:
        shape: of the field, without its components.
        counts: indices per axis of a shard.
    """

    def __init__(
        self,
        values: Float32Array,
        valid: BoolArray | None,
        points: int,
        device: str,
    ) -> None:
        self._values = values
        self._valid = valid
        self._device = device
        self.shape: tuple[int, ...] = values.shape[1:]
        self.counts = split_evenly(self.shape, points)

    @property
    def whole(self) -> bool:
        """Whether a shard is the whole field."""
        return self.counts == self.shape

    def draw(self, generator: np.random.Generator) -> Shard:
        """A random shard."""
        indices = [
            np.arange(size)
            if count == size
            else np.sort(generator.choice(size, size=count, replace=False, shuffle=False))
            for size, count in zip(self.shape, self.counts, strict=True)
        ]
        return self.shard(indices)

    def shard(self, indices: Sequence[Int64Array]) -> Shard:
        """The shard at given indices per axis."""
        window = np.ix_(np.arange(self._values.shape[0]), *indices)
        target = torch.from_numpy(self._values[window].reshape(self._values.shape[0], -1))
        valid = None
        if self._valid is not None:
            chosen = self._valid[window].reshape(self._values.shape[0], -1)
            valid = torch.from_numpy(chosen.astype(np.float32)).to(self._device)
        places = [torch.from_numpy(index).to(self._device) for index in indices]
        return Shard(places, target.to(self._device), valid)


def split_evenly(shape: tuple[int, ...], points: int) -> tuple[int, ...]:
    """Counts per axis: equal shares of each axis, at least 2, with a product of about `points`."""
    total = math.prod(shape)
    if total <= points:
        return shape
    counts = list(shape)
    for _ in range(16):
        factor = (points / math.prod(counts)) ** (1 / len(shape))
        counts = [
            min(size, max(2, round(count * factor)))
            for size, count in zip(shape, counts, strict=True)
        ]
    return tuple(counts)
