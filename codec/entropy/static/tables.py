"""Tables of 12 bits from hazards, and hazards from counts.

Normative text: format_spec/inrc-1.md, section 7.6, "Head". A hazard is the chance, on a scale of
64 steps of the logistic function, that a symbol is the one at hand if it is none of those before.
Tables made of hazards always have the right sum, and those of neighbouring classes are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import Float32Array, Int64Array, UInt32Array
from codec.entropy.compilation import kernel
from codec.entropy.static.alphabet import (
    FIRST_FLAG,
    FIRST_SIGN,
    MOST_TOKENS,
    SYMBOLS,
    TABLES,
    TOTAL,
)
from codec.entropy.static.constants import CHANCES

MOST_HAZARD = 63
MIDDLE_HAZARD = 32


@dataclass(frozen=True)
class HazardTables:
    """All tables of a stream.

    Attributes:
        sizes: (TABLES,) int64, symbols of each table, 1 to 59.
        hazards: (TABLES, SYMBOLS) int64; the first size - 1 of a row count.
    """

    sizes: Int64Array
    hazards: Int64Array

    def frequencies(self) -> Int64Array:
        """(TABLES, SYMBOLS) int64 frequencies; each row has the sum 4096."""
        out = np.zeros((TABLES, SYMBOLS), np.int64)
        _frequencies(self.sizes, self.hazards, CHANCES, out)
        return out


@kernel
def _frequencies(sizes: Any, hazards: Any, chances: Any, out: Any) -> None:
    for table in range(sizes.size):
        left = np.int64(TOTAL)
        for symbol in range(sizes[table] - 1):
            share = (left * chances[hazards[table, symbol]] + 2048) >> 12
            share = min(max(share, 1), left - (sizes[table] - 1 - symbol))
            out[table, symbol] = share
            left -= share
        out[table, sizes[table] - 1] = left


def tables_for(counts: Int64Array) -> HazardTables:
    """Tables that suit counts, hazards chosen by what they and the symbols cost.

    Args:
        counts: (TABLES, SYMBOLS) int64, how often each symbol occurs.
    """
    sizes = np.ones(TABLES, np.int64)
    hazards = np.full((TABLES, SYMBOLS), MIDDLE_HAZARD, np.int64)
    latest = np.full(SYMBOLS, -1, np.int64)
    _choose(counts, CHANCES / float(TOTAL), sizes, hazards, latest)
    return HazardTables(sizes, hazards)


@kernel
def _choose(counts: Any, chances: Any, sizes: Any, hazards: Any, latest: Any) -> None:
    previous = np.int64(1)
    for table in range(sizes.size):
        order = 1
        if table >= FIRST_SIGN:
            order = 0
            sizes[table] = 2
            if table in (FIRST_SIGN, FIRST_FLAG):
                latest[0] = -1
        else:
            used = 0
            for symbol in range(MOST_TOKENS):
                if counts[table, symbol] > 0:
                    used = symbol + 1
            sizes[table] = used if used > 0 else previous
            previous = sizes[table]
        after = np.int64(0)
        for symbol in range(sizes[table]):
            after += counts[table, symbol]
        for symbol in range(sizes[table] - 1):
            here = counts[table, symbol]
            after -= here
            expected = latest[symbol]
            if expected < 0:
                expected = hazards[table, symbol - 1] if symbol > 0 else MIDDLE_HAZARD
            best, least = expected, 1e300
            for hazard in range(64):
                away = 2 * abs(hazard - expected)
                bits = order + 1.0
                part = (away >> order) + 1
                while part > 1:
                    bits += 2.0
                    part >>= 1
                chance = chances[hazard]
                cost = bits - here * np.log2(chance) - after * np.log2(1.0 - chance)
                if cost < least:
                    best, least = hazard, cost
            hazards[table, symbol] = best
            latest[symbol] = best


def decoding_tables(frequencies: Int64Array) -> UInt32Array:
    """Entry of each slot of each table, flat uint32.

    An entry has the frequency less 1 in its upper 12 bits, then 12 bits of the slot less the one
    where its symbol begins, then the symbol in its lower 8.
    """
    entries = np.zeros(TABLES * TOTAL, np.uint32)
    _fill_entries(frequencies, entries)
    return entries


@kernel
def _fill_entries(frequencies: Any, entries: Any) -> None:
    for table in range(frequencies.shape[0]):
        at = table * TOTAL
        for symbol in range(frequencies.shape[1]):
            frequency = frequencies[table, symbol]
            for slot in range(frequency):
                entries[at] = np.uint32(
                    (np.uint32(frequency - 1) << np.uint32(20))
                    | (np.uint32(slot) << np.uint32(8))
                    | np.uint32(symbol)
                )
                at += 1


def code_lengths(frequencies: Int64Array) -> Float32Array:
    """(TABLES, SYMBOLS) float32: bits of each symbol; symbols that cannot occur cost 30."""
    with np.errstate(divide="ignore"):
        bits = 12 - np.log2(frequencies)
    lengths: Float32Array = np.minimum(bits, 30).astype(np.float32)
    return lengths
