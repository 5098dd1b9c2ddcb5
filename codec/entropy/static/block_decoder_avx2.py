"""Decoding of a block of 8, 16 or 32 lanes in AVX2 instructions: 32 positions of a row at a time.

The bytes, and what they mean, are those of `block_decoder`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import inlined, kernel
from codec.entropy.static.alphabet import FIRST_SIGN, TOKEN_BASES, TOKEN_WIDTHS
from codec.entropy.static.block_decoder import decode_flags, is_finished, raw_number
from codec.entropy.static.contexts import MARGIN, prepare_row, row_number
from codec.entropy.static.lanes_avx2 import step_lanes, store_lanes, trailing_zeros


@kernel
def decode_block_avx2(
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
    permutations: Any,
) -> Any:
    """Decode the coefficients of a block of 8, 16 or 32 lanes; see `decode_block`.

    Args:
        scratch: (8, length and 64 more) int16.
        states: uint32, 32 lanes and room for the flags of a row and for what follows.
        permutations: of the refill, see `lanes_avx2`.
    """
    o0, o1, o2, o3 = place[0, 0], place[0, 1], place[0, 2], place[0, 3]
    slabs, planes, rows, length = place[1, 0], place[1, 1], place[1, 2], place[1, 3]
    flags = states[32:]
    at, bits, last = np.int64(start), np.int64(0), np.int64(stop) - 1
    line, quiet = np.int64(0), False
    for slab in range(slabs):
        for plane in range(planes):
            for row in range(rows):
                was_quiet = quiet
                quiet = prepare_row(
                    clipped, nonzero, place, slab, plane, row, priors[slab, plane, row],
                    active[line], w, v, scratch, quiet,
                )  # fmt: skip
                if not quiet or not was_quiet:
                    _split_signs(scratch, length)
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
                        data, at, last, bits, states, lane_mask, entries, scratch, permutations,
                        first, end, target, clipped[number],
                    )  # fmt: skip
                if at > stop or at + ((bits + 7) >> 3) > stop:
                    return False
    return is_finished(data, at, bits, stop, states, lane_mask + 1)


@inlined
def _split_signs(scratch: Any, length: Any) -> None:
    """Tables of signs, and whether a sign means its opposite, in the scratch rows 4 and 5."""
    signs = scratch[3].view(np.uint8)
    sign_tables, flips = scratch[4].view(np.uint8), scratch[5].view(np.uint8)
    for x in range(length):
        sign_tables[x] = np.uint8(FIRST_SIGN) + (signs[x] & np.uint8(7))
        flips[x] = signs[x] >> np.uint8(3)


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
    permutations: Any,
    first: Any,
    end: Any,
    target: Any,
    out: Any,
) -> Any:
    """Decode the positions `first` to `end` - 1 of a row; gives the next byte and raw bit."""
    symbols, wide = scratch[6].view(np.uint8), states[1056:1088].view(np.int32)
    masks = states[1088:1090]
    state_address, entry_address = states.ctypes.data, entries.ctypes.data
    data_address, permutation_address = data.ctypes.data, permutations.ctypes.data
    mask_address, symbol_address = masks.ctypes.data, symbols.ctypes.data
    sign_address = symbol_address + 32
    present = np.uint32(0xFFFFFFFF)
    if end - first < 32:
        present = np.uint32((1 << (end - first)) - 1)
    at = step_lanes(
        state_address, lane_mask, entry_address, scratch[2].ctypes.data + first, present,
        data_address + at, symbol_address, permutation_address, mask_address,
    ) - data_address  # fmt: skip
    large = masks[1]
    at = step_lanes(
        state_address, lane_mask, entry_address, scratch[4].ctypes.data + first, masks[0],
        data_address + at, sign_address, permutation_address, mask_address,
    ) - data_address  # fmt: skip
    store_lanes(
        symbol_address, sign_address, scratch[5].ctypes.data + first, wide.ctypes.data,
        out.ctypes.data + MARGIN + first,
    )  # fmt: skip
    for x in range(end - first):
        target[first + x] = wide[x]
    while large != 0:
        lane = trailing_zeros(large)
        large &= np.uint32(large - np.uint32(1))
        token = np.int64(symbols[lane])
        width = np.int64(TOKEN_WIDTHS[token])
        value = TOKEN_BASES[token] + raw_number(data, last, bits, width)
        bits += width
        if wide[lane] < 0:
            value = -value
        target[first + lane] = value
        out[MARGIN + first + lane] = np.int8(min(max(value, np.int32(-127)), np.int32(127)))
    return at, bits
