"""Small items of architecture 2 with pseudo-random coefficients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from ..decoder import cbor as decoder_cbor
from ..decoder.architectures.pyramid import PyramidPlan
from ..decoder.headers import parse_item
from ..decoder.lattice import Lattice
from .file import cbor
from .item import Components, Item
from .mixing import lattice_streams
from .streams import Ints, pack_bits

ONE = (("a", 7, 0.5, 2.0),)


def randoms(seed: int) -> Iterator[int]:
    """Return numbers of 16 bits from a small generator."""
    state = seed * 2654435761 % 2**32
    while True:
        state = (state * 1664525 + 1013904223) % 2**32
        yield state >> 16


@dataclass
class Pyramid(Item):
    """An item of architecture 2; the step makes its values fill about half of -1 to 1."""

    dims: Sequence[int]
    codes: Sequence[int]
    components: Components = ONE
    seed: int = 1
    spread: int = 40
    """The largest integers of the low band, about; those of the finest level are small."""
    values: Ints | None = None
    """The integers in coded order, instead of pseudo-random ones."""
    extra: dict[int, Any] = field(default_factory=dict)
    """Keys 2 to 6 of the config."""
    fixed_step: float | None = None
    architecture = 2

    def config(self, step: float = 1.0) -> dict[int, Any]:
        """Return the config."""
        return {0: list(self.codes), 1: step} | self.extra

    def header(self, step: float | None = None, **changes: Any) -> dict[Any, Any]:
        """Return the ITEM map; `changes` replace entries, named k0 to k7."""
        config = self.config(self.step() if step is None else step)
        return super().header(**{"k2": [2, 1, config]} | changes)

    def quantisation(self) -> list[Any]:
        """Return the step of a lattice."""
        return [1.0]

    def plan(self) -> PyramidPlan:
        """Return what the decoder makes of the item, with a step of 1."""
        item = parse_item(decoder_cbor.parse(cbor(self.header(1.0)), 2**20))
        return PyramidPlan(item)

    @property
    def lattice(self) -> Lattice:
        """The lattice of the item."""
        return self.plan().coefficients

    def ends(self) -> list[int]:
        """Return the number of coefficients of each level, the low band's first."""
        ends = [0, *self.lattice.ends]
        return [b - a for a, b in pairwise(ends)]

    def integers(self) -> list[int]:
        """Return the integers in coded order."""
        if self.values is not None:
            return list(self.values)
        draw = randoms(self.seed)
        lattice = self.lattice
        out: list[int] = []
        for band in lattice.bands:
            if band.is_low:
                walk = 0
                for _ in range(band.entries):
                    walk = (3 * walk + next(draw) % (4 * self.spread + 1) - 2 * self.spread) // 4
                    out.append(walk)
                continue
            most = max(1, self.spread >> (lattice.depth - band.level))
            for place in range(band.entries):
                some = next(draw) % 5 < (1 + place * 4 // band.entries)
                out.append((next(draw) % (2 * most + 1) - most) if some else 0)
        return out

    def step(self) -> float:
        """Return a power of 2 that leaves y within -1 and 1, unless a step is fixed."""
        if self.fixed_step is not None:
            return self.fixed_step
        plan = self.plan()
        offset, plan.offset = plan.offset, 0.0
        tensor = np.zeros(plan.coefficients.entries, dtype=np.float32)
        tensor[plan.coefficients.order()] = self.integers()
        top = float(np.abs(plan.evaluate([tensor.reshape(plan.shapes[0])])).max())
        step = 1.0
        while step * top + abs(offset) >= 1:
            step /= 2
        return step

    def streams(self, counts: Sequence[int] = ()) -> list[bytes]:
        """Return streams of coder 5, all in one if nothing else is asked for."""
        integers = self.integers()
        return lattice_streams(self.lattice, integers, counts or [len(integers)])


def basis(columns: Sequence[tuple[int, int, Ints]], rank: int | None = None) -> bytes:
    """Write a basis of columns (bits, need, entries)."""
    text = format(len(columns) if rank is None else rank, "016b")
    for bits, need, entries in columns:
        text += format(bits, "04b") + format(need, "04b")
        for entry in entries:
            text += ("1" if entry < 0 else "0") + (format(abs(entry), f"0{need}b") if need else "")
    return pack_bits(text)


def some_basis(length: int, rank: int, seed: int = 1) -> bytes:
    """Write a basis of pseudo-random columns, each with numbers of bits of its own."""
    draw = randoms(seed)
    columns: list[tuple[int, int, Ints]] = []
    for column in range(rank):
        need = 5 + column % 8
        most = 2**need - 1
        columns.append((need, need, [next(draw) % (2 * most + 1) - most for _ in range(length)]))
    return basis(columns)
