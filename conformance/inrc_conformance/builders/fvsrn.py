"""Items of architecture 1, without and with keys 5 to 8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .file import File
from .item import Components, Item


@dataclass
class Fvsrn(Item):
    """A small item of architecture 1 with pseudo-random integers."""

    dims: Sequence[int] = (5, 4)
    grid: Sequence[int] = (3, 3)
    features: int = 2
    width: int = 4
    layers: int = 1
    octaves: int = 1
    components: Components = (("a", 7, 0.0, 1.0),)
    seed: int = 1
    spread: int = 24
    step: float = 1 / 64
    architecture = 1

    def config(self) -> dict[int, Any]:
        """Return the config."""
        numbers = (list(self.grid), self.features, self.width, self.layers, self.octaves)
        return dict(enumerate(numbers))

    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of the tensors."""
        d = len(self.grid)
        inputs = d + 2 * d * self.octaves + self.features
        shapes: list[tuple[int, ...]] = [(self.features, *self.grid)]
        for j in range(self.layers + 1):
            rows = len(self.components) if j == self.layers else self.width
            shapes += [(rows, inputs if j == 0 else self.width), (rows,)]
        return shapes

    def quantisation(self) -> list[Any]:
        """Return the same step for each tensor."""
        return [self.step] * len(self.shapes())

    def integers(self, number: int | None = None) -> list[int]:
        """Return pseudo-random integers around 0."""
        count = sum(self.counts()) if number is None else number
        return bell(self.seed, self.spread, count)


def bell(seed: int, spread: int, count: int) -> list[int]:
    """Return pseudo-random integers, each the mean of three numbers within the spread."""
    state = seed * 2654435761 % 2**32
    out: list[int] = []
    for _ in range(count):
        parts = 0
        for _ in range(3):
            state = (state * 1664525 + 1013904223) % 2**32
            parts += (state >> 16) % (2 * spread + 1) - spread
        out.append(parts // 3)
    return out


def simple_file(model: Fvsrn, stream: bytes | None = None, **changes: Any) -> File:
    """Return a file with one item of architecture 1 in one raw stream or the given one."""
    return model.file(None if stream is None else [stream], **changes)
