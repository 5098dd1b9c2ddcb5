"""Batches of scattered samples: grids that are turned gain nothing from outer products."""

from __future__ import annotations

import math

import numpy as np
import torch

from codec.arrays import BoolArray, Float32Array
from codec.training.batches import Shard


class PointSampler:
    """Draws samples one by one, each equally likely.

    The source draws positions between the samples and interpolates the field there. What is
    measured are the samples, and only they are known to be valid.

    Args:
        values: (components, *shape) float32; every axis of shape is longer than 1.
        valid: the same shape, bool, or None.
        points: how many samples a shard holds.
        device: where shards are put.
    """

    def __init__(
        self,
        values: Float32Array,
        valid: BoolArray | None,
        points: int,
        device: str,
    ) -> None:
        self._shape = values.shape[1:]
        self._values = values.reshape(len(values), -1)
        self._valid = None if valid is None else valid.reshape(len(values), -1)
        self._points = points
        self._device = device

    @property
    def whole(self) -> bool:
        """Whether a shard is the whole field."""
        return math.prod(self._shape) <= self._points

    def draw(self, generator: np.random.Generator) -> Shard:
        """A random shard; index i of every axis belongs to sample i of the shard."""
        total = math.prod(self._shape)
        chosen = np.arange(total)
        if not self.whole:
            chosen = generator.integers(0, total, self._points)
        indices = [
            torch.from_numpy(index).to(self._device)
            for index in np.unravel_index(chosen, self._shape)
        ]
        target = torch.from_numpy(self._values[:, chosen]).to(self._device)
        valid = None
        if self._valid is not None:
            valid = torch.from_numpy(self._valid[:, chosen].astype(np.float32)).to(self._device)
        return Shard(indices, target, valid)
