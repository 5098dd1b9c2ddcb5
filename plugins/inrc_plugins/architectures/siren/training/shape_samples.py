"""Samples of a shape: everywhere, near its surface, and on it, as the source draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from codec.arrays import Float64Array
from codec.plugin_api.surface import Surface
from codec.training.batches import Shard
from inrc_plugins.architectures.siren.encodings import unit_places

# Shares of the samples that are drawn from the whole grid, and near the surface; the rest is on it.
_UNIFORM, _NEAR = 0.2, 0.4


@dataclass(frozen=True)
class Grid:
    """The nodes that coordinates refer to.

    Attributes:
        origin: position of the first node.
        spacing: from one node to the next.
        counts: nodes per axis.
    """

    origin: Float64Array
    spacing: float
    counts: tuple[int, int, int]

    @property
    def extent(self) -> Float64Array:
        """(3,) from the first node to the last."""
        return self.spacing * (np.array(self.counts) - 1.0)

    def places(self, points: Float64Array) -> Float64Array:
        """(n, 3) coordinates in [-1, 1]."""
        indices = (points - self.origin) / self.spacing
        return np.stack([unit_places(indices[:, a], n) for a, n in enumerate(self.counts)], 1)


@dataclass(frozen=True)
class Samples:
    """Points and distances, (n, 3) float64 in [-1, 1] and (n,) float64 in units of the band."""

    places: Float64Array
    distances: Float64Array

    def shard(self, generator: np.random.Generator, count: int, device: str) -> Shard:
        """Some of them."""
        chosen = generator.integers(len(self.places), size=count)
        axes = [torch.from_numpy(axis[chosen]).to(device) for axis in self.places.T]
        target = torch.from_numpy(self.distances[chosen].astype(np.float32))[None]
        return Shard(axes, target.to(device), None)


class ShapeSampler:
    """Draws samples of a surface.

    Args:
        surface: of the shape.
        grid: that it lies in.
        band: the distance that becomes 1; greater ones are cut off.
        count: samples in all.
        sigma: deviation of points near the surface from it, in its unit.
    """

    def __init__(self, surface: Surface, grid: Grid, band: float, count: int, sigma: float) -> None:
        self._surface, self._grid, self._band = surface, grid, band
        self._count, self._sigma = count, sigma

    def draw(self, seed: int) -> Samples:
        """New samples: 20 % in the whole grid, 40 % near the surface, 40 % on it."""
        generator = np.random.default_rng([seed, self._count])
        grid, uniform = self._grid, int(_UNIFORM * self._count)
        anywhere = grid.origin + grid.extent * generator.random((uniform, 3))
        near, _ = self._surface.sample(int(_NEAR * self._count), 2 * seed)
        near = near + self._sigma * generator.standard_normal(near.shape)
        near = np.clip(near, grid.origin, grid.origin + grid.extent)
        on, _ = self._surface.sample(self._count - uniform - len(near), 2 * seed + 1)
        away = self._surface.distance(np.concatenate([anywhere, near]))
        distances = np.concatenate([away, np.zeros(len(on))]) / self._band
        places = grid.places(np.concatenate([anywhere, near, on]))
        return Samples(places, np.clip(distances, -1, 1))


class FixedSamples:
    """A sampler over one draw, for judging and finetuning (see `codec.training.batches`)."""

    whole = False

    def __init__(self, samples: Samples, count: int, device: str) -> None:
        self._samples, self._count, self._device = samples, count, device

    def draw(self, generator: np.random.Generator) -> Shard:
        return self._samples.shard(generator, self._count, self._device)


class FreshSamples:
    """Batches for the descent, from samples that are drawn anew every so many steps."""

    whole = False
    _KEPT_STEPS = 1000

    def __init__(self, sampler: ShapeSampler, count: int, seed: int, device: str) -> None:
        self._sampler, self._count, self._device = sampler, count, device
        self._generator = np.random.default_rng([seed, 1])
        self._seed, self._steps = seed, 0
        self._samples = sampler.draw(seed)

    def draw(self) -> Sequence[Shard]:
        if self._steps and self._steps % self._KEPT_STEPS == 0:
            self._samples = self._sampler.draw(self._seed + self._steps // self._KEPT_STEPS)
        self._steps += 1
        return [self._samples.shard(self._generator, self._count, self._device)]

    def state(self) -> dict[str, Any]:
        return {"steps": self._steps, "generator": self._generator.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        self._steps = state["steps"]
        self._generator.bit_generator.state = state["generator"]
        drawn = max(self._steps - 1, 0) // self._KEPT_STEPS
        self._samples = self._sampler.draw(self._seed + drawn)
