"""Tables of the static coder for an encoder: hazards of counts, and their bits in a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..decoder.static_tables import FLAG, MAGNITUDE, SIGN, STATIC_CHANCES
from .streams import Ints, golomb, zigzag

MagnitudeTable = Ints | None
"""The hazards of a table, or None for that of the class before."""


@dataclass(frozen=True)
class TableChoice:
    """The tables of a stream."""

    magnitudes: Sequence[MagnitudeTable]
    signs: Ints
    flags: Ints


def fitted(
    counts: Sequence[Sequence[Ints]],
    magnitudes: Sequence[MagnitudeTable] | None = None,
    signs: Ints | None = None,
    flags: Ints | None = None,
) -> TableChoice:
    """Return tables for the counts of all classes, but for those that are given."""
    if magnitudes is None:
        magnitudes = [hazards_of(some) for some in counts[MAGNITUDE]]
    pairs = [_pairs(counts[kind]) for kind in (SIGN, FLAG)]
    return TableChoice(magnitudes, signs or pairs[0], flags or pairs[1])


def hazards_of(counts: Ints) -> MagnitudeTable:
    """Return the hazards that fit counts best, or None without any."""
    if not any(counts):
        return None
    last = max(n for n, count in enumerate(counts) if count)
    hazards: list[int] = []
    for i in range(last):
        remaining = sum(counts[i:])
        hazards.append(_nearest(counts[i] / remaining))
    return hazards


def _pairs(counts: Sequence[Ints]) -> list[int]:
    """Return a hazard for each class of two symbols; without counts that of the class before."""
    out = [32]
    for some in counts:
        out.append(_nearest(some[0] / sum(some)) if any(some) else out[-1])
    return out[1:]


def _nearest(chance: float) -> int:
    return min(range(len(STATIC_CHANCES)), key=lambda h: abs(STATIC_CHANCES[h] / 4096 - chance))


def seg(value: int, order: int) -> str:
    """Write a signed number as an exponential Golomb code of its zigzag."""
    return golomb([zigzag(value)], order)


def table_bits(tables: TableChoice) -> str:
    """Write all tables of a head."""
    text = ""
    classes: list[Ints] = []
    for hazards in tables.magnitudes:
        if hazards is None:
            text += "1"
            classes.append(classes[-1] if classes else ())
            continue
        symbols = len(classes[-1]) + 1 if classes else 1
        text += "0" + seg(len(hazards) + 1 - symbols, 1)
        for i, hazard in enumerate(hazards):
            text += seg(hazard - _expected(classes, hazards, i), 1)
        classes.append(hazards)
    for pairs in (tables.signs, tables.flags):
        before = 32
        for hazard in pairs:
            text += seg(hazard - before, 0)
            before = hazard
    return text


def _expected(classes: Sequence[Ints], hazards: Ints, i: int) -> int:
    """Return p_i of a table behind those of some classes."""
    for before in reversed(classes):
        if len(before) > i:
            return before[i]
    return hazards[i - 1] if i else 32
