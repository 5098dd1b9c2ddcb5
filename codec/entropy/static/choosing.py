"""Choice of magnitudes by rate and distortion, row by row, with the contexts that they will have.

A magnitude may be the nearest integer or the one below; a group of positions may be all zeros.
What a choice does to the contexts of later rows is not looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import Float32Array, Int64Array
from codec.entropy.compilation import kernel
from codec.entropy.static.alphabet import (
    FIRST_FLAG,
    FIRST_SIGN,
    FLAG_CLASSES,
    MAGNITUDE_CLASSES,
    SIGN_CLASSES,
    SYMBOLS,
    TABLES,
)
from codec.entropy.static.contexts import (
    MARGIN,
    flag_class,
    is_busy,
    row_classes,
    row_contexts,
    row_number,
)

# Magnitudes from this on are rounded to nearest: what they cost hardly depends on the choice.
_ALL_ALIKE = 9
# Symbols that a class is assumed to have had before any is counted.
_ASSUMED = 24.0


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
    return np.minimum(bits, 24).astype(np.float32)


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
    o0, o1, o2, o3 = place[0]
    slabs, planes, rows, length = place[1]
    plane_rows = rows + 3
    energies, sums = scratch[0], scratch[1]
    classes, signs = scratch[2].view(np.uint8), scratch[3].view(np.uint8)
    groups = (length + 31) >> 5
    line, quiet = np.int64(0), False
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
                    quiet = not busy
                source = coefficients[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length]
                target = values[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length]
                out = clipped[number]
                for group in range(groups):
                    first, end = group * 32, min(group * 32 + 32, length)
                    most = np.float32(0)
                    for x in range(first, end):
                        most = max(most, abs(source[x]))
                        target[x] = 0
                    if most * scale < np.float32(0.5):
                        continue
                    # Gain of the chosen integers over zeros, in squared steps.
                    table = FIRST_FLAG + flag_class(energies, first, end)
                    gain = price * (lengths[table, 0] - lengths[table, 1])
                    for x in range(first, end):
                        kind = np.int64(classes[x])
                        of_zero = price * lengths[kind, 0]
                        size = abs(source[x]) * scale
                        if size < np.float32(0.5):
                            gain -= of_zero
                            continue
                        nearest = np.int32(size + np.float32(0.5))
                        if nearest >= _ALL_ALIKE:
                            target[x] = nearest
                            gain += size * size
                            continue
                        error = size - np.float32(nearest)
                        sign = price * np.float32(0.95)
                        cost = error * error + price * lengths[kind, nearest] + sign
                        lower = nearest - np.int32(1)
                        error = size - np.float32(lower)
                        other = error * error + price * lengths[kind, lower]
                        if lower > 0:
                            other += sign
                        best = nearest
                        if other <= cost:
                            best, cost = lower, other
                        target[x] = best
                        gain += size * size - cost
                    if gain <= 0:
                        for x in range(first, end):
                            target[x] = 0
                        continue
                    bits = np.int32(0)
                    for x in range(first, end):
                        value = target[x]
                        bits |= value
                        if source[x] < 0:
                            value = -value
                            target[x] = value
                        out[MARGIN + x] = np.int8(min(max(value, np.int32(-127)), np.int32(127)))
                    if bits != 0:
                        nonzero[number] = 1
