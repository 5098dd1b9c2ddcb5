"""Samples of a step of the descent: all samples of a field, or some."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch

from codec.arrays import BoolArray, Float32Array
from codec.coding.evaluate import windows
from codec.training.batches import AxisSampler, Shard

# Samples evaluated together on the CPU: their activations stay in its cache.
SHARD_SAMPLES = 16384


class Batches(Protocol):
    """Samples of a step.

    Attributes:
        whole: whether it is always the whole field, so that losses can be compared as they are.
    """

    @property
    def whole(self) -> bool: ...

    def draw(self) -> Sequence[Shard]:
        """The parts of the next batch."""
        ...

    def state(self) -> dict[str, Any]:
        """From which `restore` goes on with the same batches, as JSON holds it."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Draw from now on what followed `state`."""
        ...


class WholeField:
    """All samples in every step, in pieces.

    Args:
        values: (components, *shape) float32, axes longer than 1.
        valid: the same shape, or None.
        samples: at most so many in a piece.
    """

    whole = True

    def __init__(
        self, values: Float32Array, valid: BoolArray | None, samples: int, device: str
    ) -> None:
        shards = []
        for window in windows(values.shape[1:], samples):
            indices = [torch.arange(part.start, part.stop, device=device) for part in window]
            chosen = (slice(None), *window)
            target = torch.from_numpy(values[chosen].reshape(len(values), -1)).to(device)
            valid_part = None
            if valid is not None:
                part = valid[chosen].reshape(len(values), -1).astype(np.float32)
                valid_part = torch.from_numpy(part).to(device)
            shards.append(Shard(indices, target, valid_part))
        self._shards = shards

    def draw(self) -> Sequence[Shard]:
        return self._shards

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """There is nothing to remember."""


class RandomSamples:
    """About so many samples in every step, as outer products of random indices.

    Args:
        values, valid: as of `WholeField`.
        samples: in a batch; pieces: it is made of so many.
    """

    whole = False

    def __init__(
        self,
        values: Float32Array,
        valid: BoolArray | None,
        samples: int,
        pieces: int,
        seed: int,
        device: str,
    ) -> None:
        self._sampler = AxisSampler(values, valid, samples // pieces, device)
        self._generators = [np.random.default_rng([seed, number]) for number in range(pieces)]

    def draw(self) -> Sequence[Shard]:
        return [self._sampler.draw(generator) for generator in self._generators]

    def state(self) -> dict[str, Any]:
        return {"generators": [generator.bit_generator.state for generator in self._generators]}

    def restore(self, state: dict[str, Any]) -> None:
        for generator, generator_state in zip(self._generators, state["generators"], strict=True):
            generator.bit_generator.state = generator_state


def batches_of(
    values: Float32Array, valid: BoolArray | None, batch: int, seed: int, device: str
) -> WholeField | RandomSamples:
    """Batches of about `batch` samples of a field; of all if it is 0, or not less than all."""
    total = math.prod(values.shape[1:])
    piece = SHARD_SAMPLES if device == "cpu" else max(total, SHARD_SAMPLES)
    if batch == 0 or batch >= total:
        return WholeField(values, valid, piece, device)
    return RandomSamples(values, valid, batch, -(-batch // piece), seed, device)
