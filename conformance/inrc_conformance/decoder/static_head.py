"""The head of a stream of the static coder (section 7.6): edges, weights and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .bit_strings import BitReader
from .errors import Malformed
from .lattice import AXES, Band, Four
from .numbers import Reader, unzigzag
from .static_tables import (
    CLASSES,
    FLAG,
    GREATEST_HAZARD,
    MAGNITUDE,
    MOST_SYMBOLS,
    SIGN,
    STATIC_WEIGHTS,
    StaticTables,
    table_of,
)
from .tables import Table

SIZES, SIGNED = 10, 7
"""Numbers of weights w of magnitudes, and v of signs."""
TAPS = 7
_SIZE_LIMIT, _SIGN_LIMIT = 178, 258
_TIMES = (1, 2, 1, 2, 2, 2, 1)
"""Offsets in each tap."""
_MIDDLE_HAZARD = 32
Weights = tuple[int, ...]
"""w_0..w_9, v_0..v_6."""


@dataclass(frozen=True)
class Family:
    """A band of a stream, and whether it has a parent and earlier siblings."""

    band: Band
    parent: bool
    siblings: bool

    def listed(self) -> list[int]:
        """Return the places in `Weights` of the weights that a stream gives."""
        optional = {8: self.parent, 9: self.siblings, 6: self.deep, SIZES + 6: self.deep}
        return [n for n in range(SIZES + SIGNED) if optional.get(n, True)]

    @property
    def deep(self) -> bool:
        """True where axis 0 is longer than 1."""
        return self.band.lengths[0] > 1


@dataclass(frozen=True)
class Head:
    """Parameters that a stream has before its lengths."""

    edges: Four
    summed: tuple[bool, ...]
    """True for the axes along which the low band is coded as differences."""
    weights: tuple[Weights, ...]
    """Weights of each band."""
    tables: StaticTables


def read_head(reader: Reader, families: Sequence[Family], memory: dict[int, Weights]) -> Head:
    """Read the head of a stream; `memory` has the last weights of each orientation (STA-1)."""
    bits = BitReader(reader, "STA-1")
    a, b, c, d = (1 << bits.read(4) for _ in range(AXES))
    low = any(family.band.is_low for family in families)
    axes = bits.read(AXES) if low else 0
    summed = tuple(bool(axes >> (AXES - 1 - axis) & 1) for axis in range(AXES))
    weights = tuple(_weights(bits, family, memory) for family in families)
    tables = (_magnitude_tables(bits), _pair_tables(bits, SIGN), _pair_tables(bits, FLAG))
    bits.end()
    return Head((a, b, c, d), summed, weights, StaticTables(tables))


def _weights(bits: BitReader, family: Family, memory: dict[int, Weights]) -> Weights:
    """Read or remember the weights of a band."""
    weights = list(memory.get(family.band.orientation, STATIC_WEIGHTS))
    if bits.read(1):
        for place in family.listed():
            number = bits.read(6)
            weights[place] = signed(number) if place >= SIZES else number
    check_weights(weights)
    memory[family.band.orientation] = tuple(weights)
    return tuple(weights)


def signed(number: int) -> int:
    """Return a two's complement number of six bits."""
    return number - 64 if number >= 32 else number


def check_weights(weights: Sequence[int]) -> None:
    """Refuse weights that make contexts too large (STA-2)."""
    sizes = sum(n * w for n, w in zip(_TIMES, weights[:TAPS], strict=True))
    signs = sum(n * abs(v) for n, v in zip(_TIMES, weights[SIZES:], strict=True))
    if sizes > _SIZE_LIMIT or signs > _SIGN_LIMIT:
        raise Malformed(f"STA-2: weights with the sums {sizes} and {signs}")


def _magnitude_tables(bits: BitReader) -> tuple[Table, ...]:
    """Read the tables of the magnitude classes; class 0 follows a table of one symbol."""
    tables: list[Table] = []
    hazards: list[int] = []
    nearest: list[int] = []
    for _ in range(CLASSES[MAGNITUDE]):
        if not bits.read(1):
            n = len(hazards) + 1 + unzigzag(bits.golomb(1))
            if not 1 <= n <= MOST_SYMBOLS:
                raise Malformed(f"STA-1: a table of {n} symbols")
            hazards = _hazards(bits, n - 1, nearest)
            nearest = nearest_hazards(hazards, nearest)
        tables.append(table_of(tuple(hazards)))
    return tuple(tables)


def nearest_hazards(hazards: list[int], before: list[int]) -> list[int]:
    """Return the h_i of the nearest class that has them, behind a table of some hazards."""
    return hazards + before[len(hazards) :]


def _hazards(bits: BitReader, number: int, nearest: Sequence[int]) -> list[int]:
    """Read the hazards of a table; `nearest` are those of the nearest classes that have them."""
    hazards: list[int] = []
    for i in range(number):
        before = hazards[-1] if hazards else _MIDDLE_HAZARD
        expected = nearest[i] if i < len(nearest) else before
        hazards.append(_hazard(bits, expected, 1))
    return hazards


def _hazard(bits: BitReader, expected: int, order: int) -> int:
    hazard = expected + unzigzag(bits.golomb(order))
    if not 0 <= hazard <= GREATEST_HAZARD:
        raise Malformed(f"STA-1: a hazard of {hazard}")
    return hazard


def _pair_tables(bits: BitReader, kind: int) -> tuple[Table, ...]:
    """Read the tables of the sign or flag classes, of two symbols each."""
    tables: list[Table] = []
    hazard = _MIDDLE_HAZARD
    for _ in range(CLASSES[kind]):
        hazard = _hazard(bits, hazard, 0)
        tables.append(table_of((hazard,)))
    return tuple(tables)
