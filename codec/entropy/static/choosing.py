"""Choice of magnitudes by rate and distortion, row by row, with the contexts that they will have.

A magnitude may be the nearest integer or the one below; a group of positions may be all zeros.
What a choice does to the contexts of later rows is not looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import Float32Array, Int64Array
from codec.entropy.compilation import inlined, kernel
from codec.entropy.static.alphabet import (
    FIRST_FLAG,
    FIRST_SIGN,
    FLAG_CLASSES,
    MAGNITUDE_CLASSES,
    SIGN_CLASSES,
    SYMBOLS,
    TABLES,
)
from codec.entropy.static.contexts import MARGIN, flag_class, prepare_row, row_number

# Magnitudes from this on are rounded to nearest: what they cost hardly depends on the choice.
_ALL_ALIKE = 9
# Symbols that a class is assumed to have had before any is counted.
_ASSUMED = 24.0
# Bits of a sign, about.
_SIGN_BITS = 0.95
# Magnitudes are cut off here.
_MOST = 1 << 26


def expected_counts() -> Int64Array:
    """Counts of symbols, (TABLES, SYMBOLS), before any is known: geometric, by the class's E.

    They are multiplied by 64, so that they are integers.
    """
    counts = np.zeros((TABLES, SYMBOLS))
    magnitudes = np.arange(12)
    for kind in range(MAGNITUDE_CLASSES):
        mean = 2.0 ** (kind / 2) * 1.2 / 64
        ratio = mean / (1 + mean)
        counts[kind, :12] = (1 - ratio) * ratio**magnitudes
    counts[FIRST_SIGN : FIRST_SIGN + SIGN_CLASSES, :2] = 0.5
    for kind in range(FLAG_CLASSES):
        # E summed over a group and divided by 4 is 512 times the mean magnitude.
        zeros = 1 / (1 + 2.0 ** (kind / 2) * 1.2 / 512) ** 32
        counts[FIRST_FLAG + kind, :2] = zeros, 1 - zeros
    return np.rint(counts * _ASSUMED * 64).astype(np.int64)


def lengths_of(counts: Int64Array) -> Float32Array:
    """Bits of each symbol by its counts, (TABLES, SYMBOLS) float32; at most 24."""
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with np.errstate(divide="ignore"):
        bits = np.log2(totals) - np.log2(counts)
    lengths: Float32Array = np.minimum(bits, 24).astype(np.float32)
    return lengths


@kernel
def choose_block(
    coefficients: Any,
    place: Any,
    scale: Any,
    price: Any,
    lengths: Any,
    values: Any,
    clipped: Any,
    nonzero: Any,
    priors: Any,
    active: Any,
    w: Any,
    v: Any,
    scratch: Any,
) -> None:
    """Choose the integers of a block.

    Args:
        coefficients: float32, four axes, C-contiguous, of which the block is a part.
        place: (2, 4) int64: the block's first index and its shape.
        scale: float32, 1 over the step.
        price: float32, squared error in squared steps that a bit is worth.
        lengths: float32 (TABLES, SYMBOLS), bits of symbols.
        values: int32 of the shape of `coefficients`, to be filled.
        clipped, nonzero: zeros, to be filled; others as for `decode_block`.
    """
    o0, o1, o2, o3 = place[0, 0], place[0, 1], place[0, 2], place[0, 3]
    slabs, planes, rows, length = place[1, 0], place[1, 1], place[1, 2], place[1, 3]
    line, quiet = np.int64(0), False
    for slab in range(slabs):
        for plane in range(planes):
            for row in range(rows):
                quiet = prepare_row(
                    clipped, nonzero, place, slab, plane, row, priors[slab, plane, row],
                    active[line], w, v, scratch, quiet,
                )  # fmt: skip
                line += 1
                source = coefficients[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length]
                target = values[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length]
                number = row_number(slab, plane, row, planes, rows)
                for group in range((length + 31) >> 5):
                    first, end = group * 32, min(group * 32 + 32, length)
                    most = np.float32(0)
                    for x in range(first, end):
                        most = max(most, abs(source[x]))
                        target[x] = 0
                    if most * scale >= np.float32(0.5) and _choose_group(
                        source, target, first, end, scale, price, lengths, scratch
                    ):
                        _put_group(source, target, first, end, clipped[number])
                        nonzero[number] = 1


@inlined
def _choose_group(
    source: Any,
    target: Any,
    first: Any,
    end: Any,
    scale: Any,
    price: Any,
    lengths: Any,
    scratch: Any,
) -> Any:
    """Choose the magnitudes of a group of zeros; whether any is not 0."""
    classes = scratch[2].view(np.uint8)
    table = FIRST_FLAG + flag_class(scratch[0], first, end)
    # Gain of the chosen integers over zeros, in squared steps.
    gain = price * (lengths[table, 0] - lengths[table, 1])
    bits = np.int32(0)
    for x in range(first, end):
        kind = np.int64(classes[x])
        size = abs(source[x]) * scale
        if size < np.float32(0.5):
            gain -= price * lengths[kind, 0]
            continue
        best = np.int32(min(size + np.float32(0.5), np.float32(_MOST)))
        cost = np.float32(0)
        if best < _ALL_ALIKE:
            cost = _cost(size, best, price, lengths, kind)
            other = _cost(size, best - np.int32(1), price, lengths, kind)
            if other <= cost:
                best, cost = best - np.int32(1), other
        target[x] = best
        bits |= best
        gain += size * size - cost
    if bits != 0 and gain > 0:
        return True
    for x in range(first, end):
        target[x] = 0
    return False


@inlined
def _cost(size: Any, magnitude: Any, price: Any, lengths: Any, kind: Any) -> Any:
    """Squared error, and price of the bits, of a magnitude for a coefficient of a size."""
    error = size - np.float32(magnitude)
    bits = lengths[kind, np.int64(magnitude)]
    if magnitude > 0:
        bits += np.float32(_SIGN_BITS)
    return error * error + price * bits


@inlined
def _put_group(source: Any, target: Any, first: Any, end: Any, out: Any) -> None:
    """Give magnitudes their signs, and write them to the clipped row."""
    for x in range(first, end):
        value = -target[x] if source[x] < 0 else target[x]
        target[x] = value
        out[MARGIN + x] = np.int8(min(max(value, np.int32(-127)), np.int32(127)))
