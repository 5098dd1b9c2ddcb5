"""Batches that see more of where the error is, after fV-SRN (Weiss et al., CGF 2022).

The source draws 8 samples in each of 128^3 cells, and keeps a uniformly drawn sample with the
probability `a = max(0.01, error of its cell / largest error of a cell)`, the error being the mean
absolute one. Kept samples have no other weight: the loss is, on purpose, the mean over all samples
weighted by `a`.

Here batches are outer products of sample indices, of which single samples cannot be left out for
nothing. Instead, indices along each axis are drawn with probabilities that follow the mean of `a`
over the other axes, and a sample at indices (i, j, ...) weighs `a / (P_i P_j ...)`, P being the
probability that an index is in the batch: the expected gradient is exactly that of the source's
weighted loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import torch

from codec.arrays import Float64Array, Int64Array
from codec.training.batches import GridSampler, Shard, split_evenly

# Absolute errors (samples,) of a shard, averaged over its components.
ShardError = Callable[[Shard], Float64Array]

_FLOOR = 0.01
_DRAWS = 8
_MOST_CELLS_ALONG, _MOST_CELLS = 128, 1 << 15
# Half of the indices are drawn uniformly: no sample weighs more than 2^axes times its share.
_UNIFORM = 0.5


@dataclass(frozen=True)
class ErrorMap:
    """Share of the samples of each cell that is wanted.

    Attributes:
        shape: of the field, without its components.
        wanted: per cell, 0.01 to 1; cells divide every axis as evenly as can be.
    """

    shape: tuple[int, ...]
    wanted: Float64Array

    @property
    def cells(self) -> list[Int64Array]:
        """Per axis, the cell that each sample index lies in."""
        return _cells(self.shape, self.wanted.shape)

    @classmethod
    def measured(
        cls, sampler: GridSampler, error: ShardError, generator: np.random.Generator
    ) -> ErrorMap:
        """A map from a few samples at random places in every cell."""
        shape = sampler.shape
        counts = split_evenly(tuple(min(size, _MOST_CELLS_ALONG) for size in shape), _MOST_CELLS)
        cells = _cells(shape, counts)
        total = np.zeros(counts)
        for _ in range(_DRAWS):
            places = [
                _one_of_each(cell, count, generator)
                for cell, count in zip(cells, counts, strict=True)
            ]
            total += error(sampler.shard(places)).reshape(counts)
        largest = float(total.max())
        share = total / largest if largest else np.ones(counts)
        return cls(shape, np.maximum(share, _FLOOR))

    def at(self, places: Sequence[Int64Array]) -> Float64Array:
        """The wanted share of every sample of an outer product of indices."""
        chosen = [cell[place] for cell, place in zip(self.cells, places, strict=True)]
        return np.asarray(self.wanted[np.ix_(*chosen)])

    def along(self, axis: int) -> Float64Array:
        """Per sample index along an axis, the mean over the other axes."""
        others = tuple(other for other in range(self.wanted.ndim) if other != axis)
        cells = self.cells
        sizes = [np.bincount(cell) for cell in cells]
        weights = reduce(np.multiply.outer, [sizes[other] for other in others], np.ones(()))
        moved = np.moveaxis(self.wanted, axis, 0).reshape(len(sizes[axis]), -1)
        means = moved @ weights.ravel() / weights.sum()
        return np.asarray(means[cells[axis]])


class ErrorDrivenSampler:
    """Draws shards by an error map.

    Args:
        sampler: of the field.
        errors: the map.
    """

    def __init__(self, sampler: GridSampler, errors: ErrorMap) -> None:
        self._sampler = sampler
        self._errors = errors
        self._chances = []
        for axis, (size, count) in enumerate(zip(sampler.shape, sampler.counts, strict=True)):
            wanted = errors.along(axis)
            mixed = _UNIFORM / size + (1 - _UNIFORM) * wanted / wanted.sum()
            self._chances.append(inclusion_chances(mixed, count))
        # With this factor the weights of a shard are 1 on average.
        mean = float(errors.along(0).mean())
        self._factor = math.prod(sampler.counts) / math.prod(sampler.shape) / mean

    def draw(self, generator: np.random.Generator) -> Shard:
        """A random shard with weights."""
        places = [systematic_draw(chances, generator) for chances in self._chances]
        chance = reduce(
            np.multiply.outer,
            [chances[place] for chances, place in zip(self._chances, places, strict=True)],
        )
        shard = self._sampler.shard(places)
        weight = (self._factor * self._errors.at(places) / chance).ravel()
        return replace(shard, weight=torch.from_numpy(weight).to(shard.target))


def _cells(shape: tuple[int, ...], counts: tuple[int, ...]) -> list[Int64Array]:
    return [np.arange(size) * count // size for size, count in zip(shape, counts, strict=True)]


def inclusion_chances(weights: Float64Array, count: int) -> Float64Array:
    """Probabilities in proportion to `weights`, but at most 1, with the sum `count`."""
    certain = np.zeros(len(weights), np.bool_)
    while True:
        left = count - int(certain.sum())
        remainder = float(weights[~certain].sum())
        chances = np.where(certain, 1.0, weights * (left / remainder if remainder else 0.0))
        over = (chances > 1) & ~certain
        if not over.any():
            return chances
        certain |= over


def systematic_draw(chances: Float64Array, generator: np.random.Generator) -> Int64Array:
    """Distinct indices, sorted, each with its chance: equal strides through a shuffled line."""
    order = generator.permutation(len(chances))
    ends = np.cumsum(chances[order])
    marks = generator.random() + np.arange(round(float(ends[-1])))
    places = np.searchsorted(ends, marks, side="right")
    return np.unique(order[np.minimum(places, len(order) - 1)])


def _one_of_each(cell: Int64Array, count: int, generator: np.random.Generator) -> Int64Array:
    """A random sample index in each of `count` cells."""
    sizes = np.bincount(cell, minlength=count)
    starts = np.cumsum(sizes) - sizes
    return np.asarray(starts + (generator.random(count) * sizes).astype(np.int64))
