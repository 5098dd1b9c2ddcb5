"""Small items of the architectures of networks over coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, log2, prod, sqrt
from typing import Any

from .fvsrn import bell
from .item import Components, Item

ONE = (("a", 7, 0.5, 2.0),)
_SPREAD = 24
_DEVIATION = 8.0
"""Standard deviation of the pseudo-random integers, about."""


def step_for(deviation: float) -> float:
    """Return a power of two that gives parameters about this standard deviation."""
    return 2.0 ** round(log2(deviation / _DEVIATION))


@dataclass
class Network(Item):
    """An item with pseudo-random integers; its values fill about half of -1 to 1."""

    dims: Sequence[int] = (5, 4)
    components: Components = ONE
    seed: int = 1
    gain: float = 1.0
    """A factor on all steps."""
    extra: dict[int, Any] = field(default_factory=dict)
    """More keys of the config."""
    architecture = 0

    @property
    def active(self) -> list[int]:
        """The sizes above 1."""
        return [size for size in self.dims if size > 1]

    def plain_config(self) -> dict[int, Any]:
        """Return the keys of the config that every item has."""
        raise NotImplementedError

    def config(self) -> dict[int, Any]:
        """Return the config."""
        return self.plain_config() | self.extra

    def layers(self) -> list[tuple[tuple[int, ...], float]]:
        """Return shape and standard deviation of each tensor."""
        raise NotImplementedError

    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of the tensors."""
        return [shape for shape, _ in self.layers()]

    def steps(self) -> list[float]:
        """Return the steps of the tensors."""
        return [step_for(self.gain * deviation) for _, deviation in self.layers()]

    def quantisation(self) -> list[Any]:
        """Return the steps of the tensors."""
        return [*self.steps()]

    def integers(self, number: int | None = None) -> list[int]:
        """Return pseudo-random integers around 0."""
        count = sum(self.counts()) if number is None else number
        return bell(self.seed, _SPREAD, count)


@dataclass
class Neurcomp(Network):
    """Architecture 4."""

    width: int = 5
    blocks: int = 1
    frequency: int = 30
    architecture = 4

    def plain_config(self) -> dict[int, Any]:
        """Return the config."""
        return {0: self.width, 1: self.blocks, 2: self.frequency}

    def layers(self) -> list[tuple[tuple[int, ...], float]]:
        """Return shape and standard deviation of each tensor."""
        h, w = self.width, self.frequency
        middle = [((h, h), 1.5 / w / sqrt(h)), ((h,), 1 / w)] * (2 * self.blocks)
        first = [((h, len(self.active)), 2 / w), ((h,), 1 / w)]
        c = len(self.components)
        return [*first, *middle, ((c, h), 0.5 / sqrt(h)), ((c,), 0.1)]


@dataclass
class Siren(Network):
    """Architecture 7."""

    width: int = 5
    hidden: int = 1
    encoding: Sequence[int] = (0,)
    architecture = 7

    def plain_config(self) -> dict[int, Any]:
        """Return the keys of the config that every item has."""
        return {0: self.width, 1: self.hidden, 2: list(self.encoding)}

    def inputs(self) -> int:
        """Return the length of the encoding."""
        d = len(self.active)
        kind, number = self.encoding[0], [*self.encoding, 0][1]
        return {0: d, 1: d + 2 * d * number, 2: 2 * d * number}.get(kind, 2 * number)

    def layers(self) -> list[tuple[tuple[int, ...], float]]:
        """Return shape and standard deviation of each tensor."""
        omega = self.extra.get(3, 30)
        sizes = [self.inputs(), *[self.width] * (self.hidden + 1)]
        out: list[tuple[tuple[int, ...], float]] = []
        for before, after in pairwise(sizes):
            out += [((after, before), 1.5 / omega / sqrt(before)), ((after,), 1 / omega)]
        c = len(self.components)
        return [*out, ((c, self.width), 0.5 / sqrt(self.width)), ((c,), 0.1)]


@dataclass
class Hashgrid(Network):
    """Architecture 8."""

    levels: int = 3
    features: int = 2
    table: int = 4
    base: int = 2
    growth: float = 1.5
    width: int = 5
    hidden: int = 1
    architecture = 8

    def plain_config(self) -> dict[int, Any]:
        """Return the config."""
        numbers = [self.levels, self.features, self.table, self.base]
        return dict(enumerate([*numbers, self.growth, self.width, self.hidden]))

    def resolutions(self) -> list[int]:
        """Return R of all levels."""
        nodes, out = float(self.base), []
        for _ in range(self.levels):
            out.append(ceil(nodes - 1) + 1)
            nodes *= self.growth
        return out

    def layers(self) -> list[tuple[tuple[int, ...], float]]:
        """Return shape and standard deviation of each tensor."""
        d, out = len(self.active), []
        for resolution in self.resolutions():
            entries = min(ceil(resolution**d / 8) * 8, 2**self.table)
            out.append(((self.features, entries), 1.0))
        sizes = [self.levels * self.features, *[self.width] * self.hidden]
        shapes = [((after, before), 1.5 / sqrt(before)) for before, after in pairwise(sizes)]
        return [*out, *shapes, ((len(self.components), self.width), 0.4 / sqrt(self.width))]


@dataclass
class Latent(Network):
    """Architecture 1 with keys 5 to 8."""

    grid: Sequence[int] = (3, 3)
    features: int = 2
    width: int = 4
    hidden: int = 1
    octaves: int = 1
    architecture = 1

    def plain_config(self) -> dict[int, Any]:
        """Return keys 0 to 4."""
        numbers = (list(self.grid), self.features, self.width, self.hidden, self.octaves)
        return dict(enumerate(numbers))

    def inputs(self) -> int:
        """Return the number of inputs of the network."""
        axis, raw, octaves = self.extra.get(6, (0, 1, self.octaves))
        d = len(self.grid)
        others = 0 if axis >= d else (d - 1) * (1 + 2 * self.octaves)
        rows = self.extra.get(7, (0,))[0]
        return int(others + raw + 2 * octaves + 2 * rows + self.features)

    def bands(self) -> list[tuple[int, ...]]:
        """Return the shapes of the tensors of the grid."""
        if 5 not in self.extra:
            return [(self.features, *self.grid)]
        box, details = list(self.grid), []
        for _ in range(self.extra[5][1]):
            half = [(size + 1) // 2 for size in box]
            details.append((self.features, prod(box) - prod(half)))
            box = half
        return [(self.features, prod(box)), *reversed(details)]

    def layers(self) -> list[tuple[tuple[int, ...], float]]:
        """Return shape and standard deviation of each tensor; coarse coefficients are larger."""
        f = self.extra.get(8, 256) / 256
        d, bands = len(self.grid), self.bands()
        out: list[tuple[tuple[int, ...], float]] = []
        for index, shape in enumerate(bands):
            coarse = max(0, len(bands) - 1 - max(index, 1) + (index == 0))
            out.append((shape, 0.7 * 2.0 ** (d * coarse / 2) / (1 + (index > 0))))
        sizes = [self.inputs(), *[self.width] * self.hidden]
        factor = 1.0
        for before, after in pairwise(sizes):
            out += [((after, before), factor / sqrt(before)), ((after,), 0.5)]
            factor = 2 * f
        c = len(self.components)
        return [*out, ((c, self.width), 0.35 * factor / sqrt(self.width)), ((c,), 0.1)]
