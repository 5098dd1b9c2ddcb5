"""Small items of architecture 5."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..decoder.architectures.amgsrn import AmgsrnPlan
from ..decoder.cbor import parse
from ..decoder.headers import parse_item
from .file import cbor
from .item import Components, Item
from .pyramid import randoms
from .streams import Ints

ONE = (("a", 7, 0.0, 1.0),)
_NUMBERS = (0, 2, 5, 10, 17)
_SPREAD = 16


@dataclass
class Amgsrn(Item):
    """An item of architecture 5 with pseudo-random integers, positive ones for the most part."""

    dims: Sequence[int] = (5, 4)
    grids: int = 2
    features: int = 2
    nodes: Sequence[int] = (3, 3)
    width: int = 4
    layers: int = 1
    bias: int = 1
    components: Components = ONE
    seed: int = 1
    given: dict[int, Ints] = field(default_factory=dict)
    """Integers of single tensors, by number, instead of pseudo-random ones."""
    steps: dict[int, Any] = field(default_factory=dict)
    """Quantisation of single tensors."""
    extra: dict[int, Any] = field(default_factory=dict)
    """More keys of the item."""
    architecture = 5

    def config(self) -> dict[int, Any]:
        """Return the config."""
        values = (self.grids, self.features, list(self.nodes), self.width, self.layers, self.bias)
        return dict(enumerate(values))

    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of the tensors."""
        out: list[tuple[int, ...]] = [
            (_NUMBERS[len(self.nodes)], self.grids),
            (self.features, self.grids, *self.nodes),
        ]
        widths = [self.grids * self.features, *[self.width] * self.layers, len(self.components)]
        for j in range(self.layers + 1):
            out.append((widths[j + 1], widths[j]))
            out += [(widths[j + 1],)] if self.bias else []
        return out

    def integers(self) -> list[int]:
        """Return the integers in coded order."""
        out: list[int] = []
        for number, shape in enumerate(self.shapes()):
            out += list(self.given.get(number, self._drawn(number, shape)))
        return out

    def _drawn(self, number: int, shape: tuple[int, ...]) -> list[int]:
        """Return integers of one tensor: grids and matrices are positive for the most part."""
        draw = _seeded(100 * self.seed + number)
        low = 0 if number == 1 else -_SPREAD // 2
        high = 3 * _SPREAD if len(shape) == 2 and number > 1 else _SPREAD
        return [low + next(draw) % (high - low + 1) for _ in range(math.prod(shape))]

    def quantisation(self) -> list[Any]:
        """Return one entry per tensor, the steps being powers of two."""
        out: list[Any] = []
        for number, shape in enumerate(self.shapes()):
            plain = 1 / 16 if number == 1 else 1 / 32 if number == 0 else 1 / 256
            if number > 1 and len(shape) == 2:
                plain = 2.0 ** -round(math.log2(_SPREAD * shape[1]))
            out.append(self.steps.get(number, plain))
        return out

    def settle(self) -> Amgsrn:
        """Choose the last step, and the last bias, so that y fills much of -1 to 1."""
        last = 3 + 2 * self.layers if self.bias else 2 + self.layers
        if self.bias:
            self.given[last] = [0] * len(self.components)
        plan = AmgsrnPlan(parse_item(parse(cbor(self.header()), 2**20)))
        parts = np.split(np.array(self.integers()), np.cumsum([*map(math.prod, plan.shapes)]))
        tensors = [
            (part.reshape(shape) * float(step)).astype(np.float32)
            for part, shape, step in zip(parts, plan.shapes, self.quantisation(), strict=False)
        ]
        m = (plan.evaluate(tensors) + 1) / 2
        matrix, most = last - self.bias, float(np.abs(m).max())
        if self.bias:
            most = float(np.ptp(m, axis=1).max())
        if most > 0:
            factor = min(2.0 ** math.floor(math.log2(0.95 / most)), 16.0)
            self.steps[matrix] = self.quantisation()[matrix] * factor
            if self.bias:
                middle = (m.max(axis=1) + m.min(axis=1)) / 2
                self.given[last] = [round(256 * (0.5 - factor * c)) for c in middle]
        return self

    def more_keys(self) -> dict[int, Any]:
        """Return the keys of the item beside 0 to 3."""
        return self.extra


def _seeded(seed: int) -> Iterator[int]:
    """Return a generator whose first number depends on all of the seed."""
    draw = randoms(seed)
    for _ in range(3):
        next(draw)
    return draw


def listed(
    values: Sequence[int], components: Components = ONE, step: float = 1 / 64, **extra: Any
) -> Amgsrn:
    """Return an item of one axis whose y at sample i is `2 step value_i - 1`, exactly."""
    given: dict[int, Ints] = {0: [0, 0], 1: list(values), 2: [1], 3: [1] * len(components)}
    steps: dict[int, Any] = {1: step, 2: 1.0, 3: 1.0}
    keys = {int(name[1:]): value for name, value in extra.items()}
    return Amgsrn((len(values),), 1, 1, (len(values),), 1, 1, 0, components, 1, given, steps, keys)
