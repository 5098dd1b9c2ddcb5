"""Small items of architecture 6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .amgsrn import ONE
from .item import Components, Item
from .pyramid import randoms
from .streams import Ints


@dataclass
class Miner(Item):
    """An item of architecture 6 with pseudo-random integers."""

    dims: Sequence[int] = (9, 7)
    block: int = 4
    widths: Sequence[int] = (3, 3)
    layers: int = 1
    octaves: int = 0
    omega: int | None = None
    components: Components = ONE
    seed: int = 1
    spread: int = 24
    step: float = 1 / 32
    values: Ints | None = None
    """The integers in coded order, instead of pseudo-random ones."""
    extra: dict[int, Any] = field(default_factory=dict)
    """More keys of the item."""
    architecture = 6

    def config(self) -> dict[int, Any]:
        """Return the config."""
        values = (self.block, list(self.widths), self.layers, self.octaves)
        omega = {} if self.omega is None else {4: self.omega}
        return dict(enumerate(values)) | omega

    def blocks(self, level: int) -> tuple[int, ...]:
        """Return the number of blocks of a level along each active axis."""
        lengths = (-(-n // 2**level) for n in self.dims if n > 1)
        return tuple(-(-n // self.block) for n in lengths)

    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of the tensors, from the coarsest level on."""
        d = sum(n > 1 for n in self.dims)
        out: list[tuple[int, ...]] = []
        for level in reversed(range(len(self.widths))):
            width = self.widths[level]
            sizes = [2 * d * self.octaves or d, *[width] * self.layers, len(self.components)]
            for k in range(self.layers + 1):
                out.append((sizes[k + 1] * (sizes[k] + 1), *self.blocks(level)))
        return out

    def integers(self) -> list[int]:
        """Return the integers in coded order."""
        if self.values is not None:
            return list(self.values)
        draw, spread = randoms(self.seed), self.spread
        return [next(draw) % (2 * spread + 1) - spread for _ in range(sum(self.counts()))]

    def quantisation(self) -> list[Any]:
        """Return the steps of all levels; the last matrix of each has a smaller one."""
        return ([self.step] * self.layers + [self.step / 2]) * len(self.widths)

    def more_keys(self) -> dict[int, Any]:
        """Return the keys of the item beside 0 to 3."""
        return self.extra
