"""Decoding of a block by a loop that every machine runs.

Normative text: format_spec/inrc-1.md, section 7.6.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import inlined, kernel
from codec.entropy.static.alphabet import (
    DIRECT,
    FIRST_FLAG,
    FIRST_SIGN,
    TOKEN_BASES,
    TOKEN_WIDTHS,
)
from codec.entropy.static.contexts import MARGIN, flag_class, prepare_row, row_number


@inlined
def _step(data: Any, at: Any, states: Any, lane: Any, entries: Any, table: Any) -> Any:
    """The entry of the next symbol of a lane, and the byte where the next word begins."""
    state = states[lane]
    entry = entries[(np.int64(table) << 12) + np.int64(state & np.uint32(4095))]
    state = np.uint32(
        np.uint32((entry >> np.uint32(20)) + np.uint32(1)) * np.uint32(state >> np.uint32(12))
        + np.uint32((entry >> np.uint32(8)) & np.uint32(4095))
    )
    if state < np.uint32(65536):
        word = np.uint32(data[at]) | np.uint32(np.uint32(data[at + 1]) << np.uint32(8))
        state = np.uint32(np.uint32(state << np.uint32(16)) | word)
        at += 2
    states[lane] = state
    return entry, at


@inlined
def raw_number(data: Any, last: Any, bits: Any, width: Any) -> Any:
    """The number of `width` raw bits from bit `bits` on; byte 0 is at `last`, others before."""
    at = last - (bits >> 3)
    window = (
        np.int64(data[at])
        | (np.int64(data[at - 1]) << 8)
        | (np.int64(data[at - 2]) << 16)
        | (np.int64(data[at - 3]) << 24)
        | (np.int64(data[at - 4]) << 32)
    )
    return np.int32((window >> (bits & 7)) & ((np.int64(1) << width) - 1))


@kernel
def decode_block(
    values: Any,
    place: Any,
    clipped: Any,
    nonzero: Any,
    priors: Any,
    active: Any,
    w: Any,
    v: Any,
    scratch: Any,
    data: Any,
    start: Any,
    stop: Any,
    lane_mask: Any,
    states: Any,
    entries: Any,
) -> Any:
    """Decode the coefficients of a block.

    Args:
        values: int32, four axes, C-contiguous, of which the block is a part, to be filled.
        place: (2, 4) int64: the block's first index and its shape.
        clipped: int8 rows of zeros, to be filled.
        nonzero: uint8 zeros, one per clipped row: whether it holds anything but 0.
        priors: int16 of the block's shape; `active`: uint8 per row, whether one is not w_7.
        w, v: int16 weights.
        scratch: (4, length or more) int16.
        data: uint8 of the stream; room before and behind it, as long as four rows.
        start, stop: bytes of the block's words and raw bits.
        lane_mask: number of lanes less 1.
        states: uint32 per lane, as the block begins.
        entries: uint32, see `decoding_tables`.

    Returns:
        Whether the block is what an encoder can have written.
    """
    o0, o1, o2, o3 = place[0, 0], place[0, 1], place[0, 2], place[0, 3]
    slabs, planes, rows, length = place[1, 0], place[1, 1], place[1, 2], place[1, 3]
    flags = states[lane_mask + 1 :]
    at, bits, last = np.int64(start), np.int64(0), np.int64(stop) - 1
    line, quiet = np.int64(0), False
    for slab in range(slabs):
        for plane in range(planes):
            for row in range(rows):
                quiet = prepare_row(
                    clipped, nonzero, place, slab, plane, row, priors[slab, plane, row],
                    active[line], w, v, scratch, quiet,
                )  # fmt: skip
                line += 1
                target = values[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length]
                number = row_number(slab, plane, row, planes, rows)
                at = decode_flags(data, at, states, lane_mask, entries, scratch[0], length, flags)
                for group in range((length + 31) >> 5):
                    first, end = group * 32, min(group * 32 + 32, length)
                    if flags[group] == 0:
                        for x in range(first, end):
                            target[x] = 0
                        continue
                    nonzero[number] = 1
                    at, bits = _decode_group(
                        data, at, last, bits, states, lane_mask, entries, scratch, first, end,
                        target, clipped[number],
                    )  # fmt: skip
                if at > stop or at + ((bits + 7) >> 3) > stop:
                    return False
    return is_finished(data, at, bits, stop, states, lane_mask + 1)


@inlined
def decode_flags(
    data: Any, at: Any, states: Any, lane_mask: Any, entries: Any, energies: Any, length: Any,
    flags: Any,
) -> Any:  # fmt: skip
    """Decode the flags of a row's groups; gives the byte where the next word begins."""
    for group in range((length + 31) >> 5):
        table = FIRST_FLAG + flag_class(energies, group * 32, min(group * 32 + 32, length))
        entry, at = _step(data, at, states, group & lane_mask, entries, table)
        flags[group] = entry & np.uint32(1)
    return at


@inlined
def _decode_group(
    data: Any,
    at: Any,
    last: Any,
    bits: Any,
    states: Any,
    lane_mask: Any,
    entries: Any,
    scratch: Any,
    first: Any,
    end: Any,
    target: Any,
    out: Any,
) -> Any:
    """Decode the positions `first` to `end` - 1 of a row; gives the next byte and raw bit."""
    classes, signs = scratch[2].view(np.uint8), scratch[3].view(np.uint8)
    for x in range(first, end):
        entry, at = _step(data, at, states, x & lane_mask, entries, classes[x])
        token = np.int64(entry & np.uint32(63))
        magnitude = TOKEN_BASES[token]
        if token >= DIRECT:
            width = np.int64(TOKEN_WIDTHS[token])
            magnitude += raw_number(data, last, bits, width)
            bits += width
        target[x] = magnitude
    for x in range(first, end):
        magnitude = target[x]
        if magnitude != 0:
            table = FIRST_SIGN + (np.int64(signs[x]) & 7)
            entry, at = _step(data, at, states, x & lane_mask, entries, table)
            if (np.int64(entry & np.uint32(1)) ^ (np.int64(signs[x]) >> 3)) != 0:
                target[x] = -magnitude
    for x in range(first, end):
        out[MARGIN + x] = np.int8(min(max(target[x], np.int32(-127)), np.int32(127)))
    return at, bits


@inlined
def is_finished(data: Any, at: Any, bits: Any, stop: Any, states: Any, lanes: Any) -> Any:
    """Whether the words, raw bits and states of a block end as they must."""
    for lane in range(lanes):
        if states[lane] != np.uint32(65536):
            return False
    if at + ((bits + 7) >> 3) != stop:
        return False
    if bits & 7:
        return (np.int64(data[at]) >> (bits & 7)) == 0
    return True
