"""Contexts of a row: its energies, sums for signs, and classes, from rows that are finished.

Normative text: format_spec/inrc-1.md, section 7.6, "Contexts". A block's clipped coefficients
stand in rows of bytes with zeros around them, so that no offset leaves the array. A whole row is
worked out at once, in 16 bits (STA-2 is the bound), which LLVM turns into vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import inlined, kernel
from codec.entropy.static.alphabet import FLAG_CLASSES, GROUP, SIGN_CLASSES

# Zeros in front of a row, and at least so many behind it.
MARGIN = 32
# Planes and rows of zeros: two before, one after.
BEFORE, AROUND = 2, 3


def row_pitch(length: int) -> int:
    """Bytes from one row to the next."""
    return MARGIN + -(-length // GROUP) * GROUP + MARGIN


def clipped_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Shape of the array of the clipped coefficients of a block: rows, bytes."""
    slabs, planes, rows, length = shape
    return slabs * (planes + AROUND) * (rows + AROUND), row_pitch(length)


@inlined
def row_number(slab: Any, plane: Any, row: Any, planes: Any, rows: Any) -> Any:
    """Number of a row among the clipped rows of its block."""
    return (slab * (planes + 3) + plane + 2) * (rows + 3) + row + 2


@inlined
def half_octave(number: Any) -> Any:
    """CLASS of the specification: two classes an octave of number + 1, from 0 on."""
    # Exponent and first bit of the mantissa of a float32; integers to 2^24 are exact.
    return (np.float32(np.int32(number) + np.int32(1)).view(np.int32) >> np.int32(22)) - np.int32(
        254
    )


@inlined
def row_contexts(
    clipped: Any,
    number: Any,
    slab_before: Any,
    plane_rows: Any,
    prior: Any,
    w: Any,
    v: Any,
    energies: Any,
    sums: Any,
    length: Any,
) -> None:
    """E and P of every position of a row.

    Args:
        clipped: int8, rows of the block (`row_number`).
        number: number of the row.
        slab_before: number of the row one slab before; of a row of zeros, if there is none.
        plane_rows: rows from one plane to the next.
        prior: int16, w_7 and what parents and siblings add to E.
        w: int16 weights of magnitudes.
        v: int16 weights of signs.
        energies, sums: int16, to be filled.
        length: positions of the row.
    """
    north = clipped[number - 1]
    above = clipped[number - plane_rows]
    above_north = clipped[number - plane_rows - 1]
    above_south = clipped[number - plane_rows + 1]
    north2 = clipped[number - 2]
    above2 = clipped[number - 2 * plane_rows]
    past = clipped[slab_before]
    w0, w1, w2, w3, w4, w5, w6 = w[0], w[1], w[2], w[3], w[4], w[5], w[6]
    v0, v1, v2, v3, v4, v5, v6 = v[0], v[1], v[2], v[3], v[4], v[5], v[6]
    for x in range(length):
        i = x + MARGIN
        n0, nl, nr = np.int16(north[i]), np.int16(north[i - 1]), np.int16(north[i + 1])
        a0, al, ar = np.int16(above[i]), np.int16(above[i - 1]), np.int16(above[i + 1])
        an, as_ = np.int16(above_north[i]), np.int16(above_south[i])
        n2, a2, p0 = np.int16(north2[i]), np.int16(above2[i]), np.int16(past[i])
        energies[x] = np.int16(
            w0 * abs(n0)
            + w1 * (abs(nl) + abs(nr))
            + w2 * abs(a0)
            + w3 * (abs(al) + abs(ar))
            + w4 * (abs(an) + abs(as_))
            + w5 * (abs(n2) + abs(a2))
            + w6 * abs(p0)
            + prior[x]
        )
        sums[x] = np.int16(
            v0 * n0
            + v1 * (nl + nr)
            + v2 * a0
            + v3 * (al + ar)
            + v4 * (an + as_)
            + v5 * (n2 + a2)
            + v6 * p0
        )


@inlined
def is_busy(nonzero: Any, number: Any, slab_before: Any, plane_rows: Any) -> Any:
    """Whether any row that the contexts of a row are made of holds anything but 0."""
    return (
        nonzero[number - 1]
        | nonzero[number - 2]
        | nonzero[number - plane_rows]
        | nonzero[number - plane_rows - 1]
        | nonzero[number - plane_rows + 1]
        | nonzero[number - 2 * plane_rows]
        | nonzero[slab_before]
    ) != 0


@inlined
def row_classes(energies: Any, sums: Any, classes: Any, signs: Any, length: Any) -> None:
    """Classes of magnitudes, and of signs with 8 added where P is negative, of a row."""
    for x in range(length):
        classes[x] = np.uint8(half_octave(energies[x]))
    for x in range(length):
        total = np.int32(sums[x])
        octave = half_octave(abs(total)) >> np.int32(1)
        kind = min(octave, np.int32(SIGN_CLASSES - 1))
        signs[x] = np.uint8(kind | (np.int32(8) if total < 0 else np.int32(0)))


@inlined
def prepare_row(
    clipped: Any,
    nonzero: Any,
    place: Any,
    slab: Any,
    plane: Any,
    row: Any,
    prior: Any,
    active: Any,
    w: Any,
    v: Any,
    scratch: Any,
    quiet: Any,
) -> Any:
    """Energies and classes of a row, which are left in the scratch rows 0 to 3.

    A row is quiet if no row that its contexts are made of, and none of its priors, says anything;
    all quiet rows of a block are alike, so the second and later ones in succession cost nothing.

    Args:
        clipped, nonzero: rows of the block.
        place: (2, 4) int64: the block's first index and its shape.
        slab, plane, row: place of the row in the block.
        prior: int16 of the row; `active`: whether one of it is not w_7.
        w, v: int16 weights.
        scratch: int16; rows 0 to 3 are energies, sums, and as uint8 classes and sign classes.
        quiet: whether the row before was quiet.

    Returns:
        Whether the row is quiet.
    """
    length = place[1, 3]
    plane_rows = place[1, 2] + 3
    number = row_number(slab, plane, row, place[1, 1], place[1, 2])
    before = number - (place[1, 1] + 3) * plane_rows if slab > 0 else 0
    busy = active != 0 or is_busy(nonzero, number, before, plane_rows)
    energies, sums = scratch[0], scratch[1]
    if busy:
        row_contexts(clipped, number, before, plane_rows, prior, w, v, energies, sums, length)
    elif not quiet:
        for x in range(length):
            energies[x] = prior[x]
            sums[x] = 0
    if busy or not quiet:
        row_classes(energies, sums, scratch[2].view(np.uint8), scratch[3].view(np.uint8), length)
    return not busy


@inlined
def flag_class(energies: Any, start: Any, stop: Any) -> Any:
    """Class of the flag of a group of positions."""
    total = np.int32(0)
    for x in range(start, stop):
        total += np.int32(energies[x])
    return min(half_octave(total >> np.int32(2)), np.int32(FLAG_CLASSES - 1))


@kernel
def fill_clipped(values: Any, place: Any, clipped: Any, nonzero: Any) -> Any:
    """Write the coefficients of a block to its clipped rows; True if any is not 0.

    Args:
        values: int32, four axes, C-contiguous, of which the block is a part.
        place: (2, 4) int64: the block's first index and its shape.
        clipped: int8 of `clipped_shape`, zeros around the rows.
        nonzero: uint8 zeros, one per clipped row: whether it holds anything but 0.
    """
    o0, o1, o2, o3 = place[0, 0], place[0, 1], place[0, 2], place[0, 3]
    slabs, planes, rows, length = place[1, 0], place[1, 1], place[1, 2], place[1, 3]
    any_bits = np.int32(0)
    for slab in range(slabs):
        for plane in range(planes):
            for row in range(rows):
                source = values[o0 + slab, o1 + plane, o2 + row][o3 : o3 + length]
                number = row_number(slab, plane, row, planes, rows)
                target = clipped[number]
                row_bits = np.int32(0)
                for x in range(length):
                    value = source[x]
                    row_bits |= value
                    target[MARGIN + x] = np.int8(min(max(value, np.int32(-127)), np.int32(127)))
                nonzero[number] = row_bits != 0
                any_bits |= row_bits
    return any_bits != 0
