"""Decoding of a block of 8, 16 or 32 lanes in AVX2 instructions: 32 positions of a row at a time.

The bytes, and what they mean, are those of `block_decoder`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import kernel
from codec.entropy.static.alphabet import FIRST_FLAG, FIRST_SIGN, TOKEN_BASES, TOKEN_WIDTHS
from codec.entropy.static.block_decoder import is_finished, raw_number
from codec.entropy.static.contexts import (
    MARGIN,
    flag_class,
    is_busy,
    row_classes,
    row_contexts,
    row_number,
)
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
    o0, o1, o2, o3 = place[0]
    slabs, planes, rows, length = place[1]
    plane_rows = rows + 3
    energies, sums = scratch[0], scratch[1]
    classes, signs = scratch[2].view(np.uint8), scratch[3].view(np.uint8)
    sign_tables, flips = scratch[4].view(np.uint8), scratch[5].view(np.uint8)
    symbols, sign_symbols = scratch[6].view(np.uint8), scratch[7].view(np.uint8)
    wide = states[1056:1088].view(np.int32)
    masks = states[1088:1090]
    flags = states[32:]
    groups = (length + 31) >> 5
    at, bits, last = np.int64(start), np.int64(0), np.int64(stop) - 1
    line, quiet = np.int64(0), False
    state_address, entry_address = np.int64(states.ctypes.data), np.int64(entries.ctypes.data)
    data_address = np.int64(data.ctypes.data)
    permutation_address = np.int64(permutations.ctypes.data)
    class_address, table_address = np.int64(classes.ctypes.data), np.int64(sign_tables.ctypes.data)
    flip_address, mask_address = np.int64(flips.ctypes.data), np.int64(masks.ctypes.data)
    symbol_address, sign_address = np.int64(symbols.ctypes.data), np.int64(sign_symbols.ctypes.data)
    wide_address = np.int64(wide.ctypes.data)
    clipped_address, pitch = np.int64(clipped.ctypes.data), clipped.shape[1]
    for slab in range(slabs):
        for plane in range(planes):
            for row in range(rows):
                number = row_number(slab, plane, row, planes, rows)
                before = number - (planes + 3) * plane_rows if slab > 0 else 0
                prior = priors[slab, plane, row]
                busy = active[line] != 0 or is_busy(nonzero, number, before, plane_rows)
                line += 1
                if busy or not quiet:
                    if busy:
                        row_contexts(
                            clipped, number, before, plane_rows, prior, w, v, energies, sums,
                            length,
                        )  # fmt: skip
                    else:
                        for x in range(length):
                            energies[x] = prior[x]
                            sums[x] = 0
                    row_classes(energies, sums, classes, signs, length)
                    for x in range(length):
                        sign_tables[x] = np.uint8(FIRST_SIGN) + (signs[x] & np.uint8(7))
                        flips[x] = signs[x] >> np.uint8(3)
                    quiet = not busy
                target = values[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length]
                out = clipped[number]
                out_address = clipped_address + number * pitch + MARGIN
                for group in range(groups):
                    first, end = group * 32, min(group * 32 + 32, length)
                    table = FIRST_FLAG + flag_class(energies, first, end)
                    state = states[group & lane_mask]
                    entry = entries[(np.int64(table) << 12) + np.int64(state & np.uint32(4095))]
                    state = np.uint32(
                        np.uint32((entry >> np.uint32(20)) + np.uint32(1))
                        * np.uint32(state >> np.uint32(12))
                        + np.uint32((entry >> np.uint32(8)) & np.uint32(4095))
                    )
                    if state < np.uint32(65536):
                        word = np.uint32(data[at]) | np.uint32(
                            np.uint32(data[at + 1]) << np.uint32(8)
                        )
                        state = np.uint32(np.uint32(state << np.uint32(16)) | word)
                        at += 2
                    states[group & lane_mask] = state
                    flags[group] = entry & np.uint32(1)
                nonzero[number] = 0
                for group in range(groups):
                    first, end = group * 32, min(group * 32 + 32, length)
                    if flags[group] == 0:
                        for x in range(first, end):
                            target[x] = 0
                        continue
                    nonzero[number] = 1
                    present = np.uint32(0xFFFFFFFF)
                    if end - first < 32:
                        present = np.uint32((1 << (end - first)) - 1)
                    at = step_lanes(
                        state_address, lane_mask, entry_address, class_address + first, present,
                        data_address + at, symbol_address, permutation_address, mask_address,
                    ) - data_address  # fmt: skip
                    large = masks[1]
                    at = step_lanes(
                        state_address, lane_mask, entry_address, table_address + first, masks[0],
                        data_address + at, sign_address, permutation_address, mask_address,
                    ) - data_address  # fmt: skip
                    store_lanes(
                        symbol_address, sign_address, flip_address + first, wide_address,
                        out_address + first,
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
                        out[MARGIN + first + lane] = np.int8(
                            min(max(value, np.int32(-127)), np.int32(127))
                        )
                if at > stop or at + ((bits + 7) >> 3) > stop:
                    return False
    return is_finished(data, at, bits, stop, states, lane_mask + 1)
