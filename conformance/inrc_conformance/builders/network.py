"""Small items of the architectures of networks over coordinates, for the vector builder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, log2, prod, sqrt
from typing import Any

from .file import File, Fvsrn
from .streams import Ints, raw_stream

ONE = (("a", 7, 0.5, 2.0),)
_SPREAD = 24
_DEVIATION = 8.0
"""Of the pseudo-random integers."""


def step_for(deviation: float) -> float:
    """Return a power of two that gives parameters about this standard deviation."""
    return 2.0 ** round(log2(deviation / _DEVIATION))


@dataclass
class Network:
    """An item with pseudo-random integers; its values fill about half of -1 to 1."""

    dims: Sequence[int] = (5, 4)
    components: Sequence[Sequence[Any]] = ONE
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

    def config(self) -> dict[int, Any]:
        """Return the config."""
        raise NotImplementedError

    def layers(self) -> list[tuple[tuple[int, ...], float]]:
        """Return shape and standard deviation of each tensor."""
        raise NotImplementedError

    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of the tensors."""
        return [shape for shape, _ in self.layers()]

    def steps(self) -> list[float]:
        """Return the steps of the tensors."""
        return [step_for(self.gain * deviation) for _, deviation in self.layers()]

    def counts(self) -> list[int]:
        """Return the number of entries of each tensor."""
        return [prod(shape) for shape in self.shapes()]

    def integers(self, number: int | None = None) -> list[int]:
        """Return pseudo-random integers around 0."""
        count = sum(self.counts()) if number is None else number
        return Fvsrn(seed=self.seed, spread=_SPREAD).integers(count)

    def header(self, **changes: Any) -> dict[Any, Any]:
        """Return the ITEM map; `changes` replace entries, named k0 to k7."""
        value: dict[Any, Any] = {
            0: [list(component) for component in self.components],
            1: list(self.dims),
            2: [self.architecture, 1, self.config() | self.extra],
            3: self.steps(),
        }
        for name, change in changes.items():
            value[int(name[1:])] = change
        return value

    def file(
        self, streams: Sequence[bytes] | None = None, integers: Ints | None = None, **changes: Any
    ) -> File:
        """Return a file with this item; its integers are in one raw stream or the given ones."""
        some = self.integers() if integers is None else integers
        given = [raw_stream(some)] if streams is None else streams
        return File().item(self.header(**changes)).tens(given, some)


@dataclass
class Neurcomp(Network):
    """Architecture 4."""

    width: int = 5
    blocks: int = 1
    frequency: int = 30
    architecture = 4

    def config(self) -> dict[int, Any]:
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

    def config(self) -> dict[int, Any]:
        """Return the config."""
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

    def config(self) -> dict[int, Any]:
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

    def config(self) -> dict[int, Any]:
        """Return the config."""
        return dict(
            enumerate([list(self.grid), self.features, self.width, self.hidden, self.octaves])
        )

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
