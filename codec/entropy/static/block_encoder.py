"""Coding of a block: its symbols in decoding order, then their words from the last to the first.

Normative text of the decoder: format_spec/inrc-1.md, section 7.6. Interleaved asymmetric numeral
systems: Giesen, "Interleaved entropy coders", 2014; Duda, "Asymmetric numeral systems", 2013.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import UInt8Array, UInt16Array
from codec.entropy.compilation import inlined, kernel
from codec.entropy.static.alphabet import DIRECT, FIRST_FLAG, FIRST_SIGN, TOKEN_BASES
from codec.entropy.static.contexts import flag_class, prepare_row

# Bits that a lane costs besides its symbols, about, and the part of a block that lanes may cost.
_LANE_BITS, _LANE_SHARE = 20.0, 0.02


@inlined
def token_of(magnitude: Any) -> Any:
    """Token of a magnitude."""
    if magnitude < np.int32(DIRECT):
        return magnitude
    exponent = np.int32(3)
    while (magnitude >> (exponent + np.int32(1))) != 0:
        exponent += np.int32(1)
    return 2 * exponent + ((magnitude >> (exponent - np.int32(1))) & np.int32(1)) + np.int32(5)


@inlined
def _event(table: Any, symbol: Any, lane: Any) -> Any:
    """A symbol of a table in a lane: table, 6 bits; symbol, 6 bits; lane, 5 bits."""
    return np.uint32((np.int64(table) << 11) | (np.int64(symbol) << 5) | (np.int64(lane) & 31))


@kernel
def collect_events(
    values: Any,
    place: Any,
    clipped: Any,
    nonzero: Any,
    priors: Any,
    active: Any,
    w: Any,
    v: Any,
    scratch: Any,
    events: Any,
    raw: Any,
    counts: Any,
    sizes: Any,
) -> None:
    """The symbols of a block in decoding order.

    Args:
        values: int32, four axes, C-contiguous, of which the block is a part.
        place: (2, 4) int64: the block's first index and its shape.
        clipped: int8 rows of the block, filled; nonzero: uint8 per row.
        priors: int16 of the block's shape; `active`: uint8 per row, whether one is not w_7.
        w, v: int16 weights.
        scratch: (4, length or more) int16.
        events: uint32, room for 3 per coefficient of the block.
        raw: uint8 zeros, room for 4 per coefficient; raw bits, the lowest first.
        counts: int64 (TABLES, SYMBOLS), to be added to.
        sizes: int64 (2,), to be filled: numbers of events and of raw bits.
    """
    o0, o1, o2, o3 = place[0, 0], place[0, 1], place[0, 2], place[0, 3]
    slabs, planes, rows, length = place[1, 0], place[1, 1], place[1, 2], place[1, 3]
    count, bits, line = np.int64(0), np.int64(0), np.int64(0)
    quiet = False
    for slab in range(slabs):
        for plane in range(planes):
            for row in range(rows):
                quiet = prepare_row(
                    clipped, nonzero, place, slab, plane, row, priors[slab, plane, row],
                    active[line], w, v, scratch, quiet,
                )  # fmt: skip
                line += 1
                source = values[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length]
                for group in range((length + 31) >> 5):
                    start, stop = group * 32, min(group * 32 + 32, length)
                    table = FIRST_FLAG + flag_class(scratch[0], start, stop)
                    symbol = 1 if _any_bits(source, start, stop) != 0 else 0
                    counts[table, symbol] += 1
                    events[count] = _event(table, symbol, group)
                    count += 1
                for group in range((length + 31) >> 5):
                    start, stop = group * 32, min(group * 32 + 32, length)
                    if _any_bits(source, start, stop) != 0:
                        count, bits = _group_events(
                            source, start, stop, scratch, events, count, raw, bits, counts
                        )
    sizes[0], sizes[1] = count, bits


@inlined
def _any_bits(source: Any, start: Any, stop: Any) -> Any:
    """Bits that any of a group's integers has."""
    bits = np.int32(0)
    for x in range(start, stop):
        bits |= source[x]
    return bits


@inlined
def _group_events(
    source: Any,
    start: Any,
    stop: Any,
    scratch: Any,
    events: Any,
    count: Any,
    raw: Any,
    bits: Any,
    counts: Any,
) -> Any:
    """Events of the magnitudes and signs of a group; gives the numbers of events and raw bits."""
    classes, signs = scratch[2].view(np.uint8), scratch[3].view(np.uint8)
    for x in range(start, stop):
        magnitude = abs(source[x])
        token = token_of(magnitude)
        if token >= DIRECT:
            bits = _put_raw(raw, bits, magnitude - TOKEN_BASES[token], token)
        counts[np.int64(classes[x]), np.int64(token)] += 1
        events[count] = _event(classes[x], token, x)
        count += 1
    for x in range(start, stop):
        if source[x] != 0:
            negative = np.int64(1) if source[x] < 0 else np.int64(0)
            symbol = negative ^ (np.int64(signs[x]) >> 3)
            table = FIRST_SIGN + (np.int64(signs[x]) & 7)
            counts[table, symbol] += 1
            events[count] = _event(table, symbol, x)
            count += 1
    return count, bits


@inlined
def _put_raw(raw: Any, bits: Any, low: Any, token: Any) -> Any:
    """Append the raw bits of a token, the lowest first."""
    width = np.int64((token - 5) // 2 - 1)
    value = np.int64(low) << (bits & 7)
    at = bits >> 3
    while value != 0:
        raw[at] |= np.uint8(value & 255)
        value >>= 8
        at += 1
    return bits + width


@kernel
def encode_words(
    events: Any, frequencies: Any, starts: Any, lane_mask: Any, states: Any, words: Any
) -> Any:
    """Code events from the last to the first.

    Args:
        events: uint32, in decoding order.
        frequencies, starts: uint32 (TABLES * SYMBOLS).
        lane_mask: number of lanes less 1.
        states: uint64 per lane, to be filled.
        words: uint16, filled from the end; room for one per event.

    Returns:
        The first word that is used.
    """
    first = words.size
    for lane in range(states.size):
        states[lane] = 65536
    for index in range(events.size - 1, -1, -1):
        event = events[index]
        symbol = event >> np.uint32(5)
        lane = np.int64(event & np.uint32(31)) & lane_mask
        state = states[lane]
        frequency = np.uint64(frequencies[symbol])
        if state >= frequency << np.uint64(20):
            first -= 1
            words[first] = np.uint16(state & np.uint64(65535))
            state >>= np.uint64(16)
        # Exact for states below 2^32: a float64 quotient that is off lands below the true one.
        quotient = np.uint64(state // frequency)
        states[lane] = (
            (quotient << np.uint64(12)) + (state - quotient * frequency) + np.uint64(starts[symbol])
        )
    return first


def lanes_for(bits: float) -> int:
    """Lanes of a block of so many bits: as many as cost little beside them, a power of 2."""
    lanes = 32
    while lanes > 1 and lanes * _LANE_BITS > _LANE_SHARE * bits:
        lanes //= 2
    return lanes


def assemble_block(
    events: Any, raw: UInt8Array, raw_bits: int, tables: Any, lanes: int, length: int
) -> bytes:
    """The bytes of a block: states, words, raw bits from the end."""
    frequencies, starts = tables
    states = np.zeros(lanes, np.uint64)
    words: UInt16Array = np.empty(len(events) + 1, np.uint16)
    first = encode_words(events, frequencies, starts, lanes - 1, states, words)
    stored = states[: min(lanes, length)].astype("<u4")
    tail = raw[: (raw_bits + 7) // 8][::-1]
    return stored.tobytes() + words[first:].astype("<u2").tobytes() + tail.tobytes()
