"""Tables of a static stream as bits of its head, each by what is new against the class before.

Normative text: format_spec/inrc-1.md, section 7.6, "Head".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import UInt8Array
from codec.entropy.compilation import inlined, kernel
from codec.entropy.static.alphabet import FIRST_FLAG, FIRST_SIGN, MOST_TOKENS, SYMBOLS, TABLES
from codec.entropy.static.tables import MIDDLE_HAZARD, MOST_HAZARD, HazardTables
from codec.errors import CorruptError

# Bits that all tables take at most, when written: two numbers of 15 bits for each symbol.
_ROOM = TABLES * SYMBOLS * 32
_CUT_SHORT, _TOO_MANY_SYMBOLS, _HAZARD_OUT_OF_RANGE, _LONG_NUMBER = -1, -2, -3, -4
_REASONS = {
    _CUT_SHORT: "the head of coded coefficients is cut short",
    _TOO_MANY_SYMBOLS: f"a table of less than 1 or more than {MOST_TOKENS} symbols",
    _HAZARD_OUT_OF_RANGE: "a table with a hazard out of range",
    _LONG_NUMBER: "a number of more than 32 bits",
}


def write_tables(tables: HazardTables) -> str:
    """The tables as a string of the digits 0 and 1."""
    bits = np.zeros(_ROOM, np.uint8)
    latest = np.full(SYMBOLS, -1, np.int64)
    count = _write(tables.sizes, tables.hazards, latest, bits)
    return (bits[:count] + ord("0")).tobytes().decode("ascii")


def read_tables(bits: UInt8Array, start: int) -> tuple[HazardTables, int]:
    """Tables from bits, one per element, and the first bit behind them.

    Raises:
        CorruptError: these bits are no tables.
    """
    sizes = np.ones(TABLES, np.int64)
    hazards = np.full((TABLES, SYMBOLS), MIDDLE_HAZARD, np.int64)
    latest = np.full(SYMBOLS, -1, np.int64)
    end = _read(bits, start, sizes, hazards, latest)
    if end < 0:
        raise CorruptError(_REASONS[end], section="TENS")
    return HazardTables(sizes, hazards), end


@inlined
def _expected(hazards: Any, latest: Any, table: Any, symbol: Any) -> Any:
    """Hazard of the nearest class before that has one for a symbol, or of the symbol before."""
    if latest[symbol] >= 0:
        return latest[symbol]
    return hazards[table, symbol - 1] if symbol > 0 else np.int64(MIDDLE_HAZARD)


@inlined
def _put(bits: Any, at: Any, difference: Any, order: Any) -> Any:
    """Write the exponential Golomb code of a number of either sign."""
    folded = 2 * difference if difference >= 0 else -2 * difference - 1
    quotient = (folded >> order) + 1
    length = np.int64(0)
    while quotient >> (length + 1) != 0:
        length += 1
    at += length
    for place in range(length, -1, -1):
        bits[at] = (quotient >> place) & 1
        at += 1
    for place in range(order - 1, -1, -1):
        bits[at] = (folded >> place) & 1
        at += 1
    return at


@kernel
def _write(sizes: Any, hazards: Any, latest: Any, bits: Any) -> Any:
    at, before = np.int64(0), np.int64(1)
    for table in range(sizes.size):
        order = np.int64(0)
        if table < FIRST_SIGN:
            order = np.int64(1)
            same = sizes[table] == before
            for symbol in range(sizes[table] - 1):
                same = same and table > 0 and hazards[table, symbol] == hazards[table - 1, symbol]
            bits[at] = 1 if same else 0
            at += 1
            if same:
                continue
            at = _put(bits, at, sizes[table] - before, order)
            before = sizes[table]
        elif table in (FIRST_SIGN, FIRST_FLAG):
            latest[0] = -1
        for symbol in range(sizes[table] - 1):
            expected = _expected(hazards, latest, table, symbol)
            at = _put(bits, at, hazards[table, symbol] - expected, order)
            latest[symbol] = hazards[table, symbol]
    return at


@inlined
def _take(bits: Any, at: Any, order: Any) -> Any:
    """A number of either sign, and the bit behind its code; a negative place is an error."""
    zeros = np.int64(0)
    while at < bits.size and bits[at] == 0:
        zeros += 1
        at += 1
    if zeros > 32:
        return np.int64(0), np.int64(_LONG_NUMBER)
    if at + zeros + 1 + order > bits.size:
        return np.int64(0), np.int64(_CUT_SHORT)
    quotient = np.int64(0)
    for _ in range(zeros + 1):
        quotient = (quotient << 1) | bits[at]
        at += 1
    folded = quotient - 1
    for _ in range(order):
        folded = (folded << 1) | bits[at]
        at += 1
    return (folded >> 1) ^ -(folded & 1), at


@kernel
def _read(bits: Any, at: Any, sizes: Any, hazards: Any, latest: Any) -> Any:
    before = np.int64(1)
    for table in range(sizes.size):
        order = np.int64(0)
        if table < FIRST_SIGN:
            order = np.int64(1)
            if at >= bits.size:
                return np.int64(_CUT_SHORT)
            at += 1
            if bits[at - 1] == 1:
                sizes[table] = before
                if table > 0:
                    for symbol in range(before - 1):
                        hazards[table, symbol] = hazards[table - 1, symbol]
                continue
            difference, at = _take(bits, at, order)
            if at < 0:
                return at
            before += difference
            if before < 1 or before > MOST_TOKENS:
                return np.int64(_TOO_MANY_SYMBOLS)
            sizes[table] = before
        else:
            sizes[table] = 2
            if table in (FIRST_SIGN, FIRST_FLAG):
                latest[0] = -1
        for symbol in range(sizes[table] - 1):
            difference, at = _take(bits, at, order)
            if at < 0:
                return at
            hazard = _expected(hazards, latest, table, symbol) + difference
            if hazard < 0 or hazard > MOST_HAZARD:
                return np.int64(_HAZARD_OUT_OF_RANGE)
            hazards[table, symbol] = hazard
            latest[symbol] = hazard
    return at
