"""Mask bits coded by mixing (section 8.2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .mixing import BitCoder, BitDecoder, MixedChances

Bits = npt.NDArray[np.uint8]
Rows = list[list[int]]
"""One slice with a margin of two zeros on each side."""

_INPUTS, _CONTEXTS, _ROWS = 4, 8192, 16
_MARGIN = 2


def decode_mixed_bits(shape: tuple[int, ...], data: bytes) -> Bits:
    """Decode the bits of a coded shape."""
    return code_mixed_bits(BitDecoder(data), np.zeros(shape, dtype=np.uint8))


def code_mixed_bits(coder: BitCoder, wanted: Bits) -> Bits:
    """Code all bits in C order; a decoder gives zeros as `wanted`, only their shape counts."""
    rows, columns = (1, 1, *(size for size in wanted.shape if size > 1))[-2:]
    slices = wanted.reshape(-1, rows, columns)
    out = np.zeros_like(slices)
    chances = MixedChances(_INPUTS * _CONTEXTS, _ROWS, _INPUTS, 26214, 4)
    before = _empty(rows, columns)
    for number, part in enumerate(slices.tolist()):
        now = _empty(rows, columns)
        first = int(number == 0)
        for j in range(rows):
            for k in range(columns):
                slots, row = _contexts(now, before, j + _MARGIN, k + _MARGIN, first)
                bit = chances.code(coder, slots, row, 2**21, part[j][k])
                now[j + _MARGIN][k + _MARGIN] = bit
                out[number, j, k] = bit
        before = now
    return out.reshape(wanted.shape)


def _empty(rows: int, columns: int) -> Rows:
    return [[0] * (columns + 2 * _MARGIN) for _ in range(rows + 2 * _MARGIN)]


def _contexts(y: Rows, u: Rows, j: int, k: int, first: int) -> tuple[list[int], int]:
    """Return the slots and the row of weights of a bit; j and k count the margin."""
    r = y[j][k - 1] + 2 * y[j][k - 2]
    above = y[j - 1]
    q = above[k - 1] + 2 * above[k] + 4 * above[k + 1] + 8 * above[k + 2] + 16 * above[k - 2]
    z = (
        u[j][k]
        + 2 * u[j][k + 1]
        + 4 * u[j + 1][k]
        + 8 * u[j][k - 1]
        + 16 * u[j - 1][k]
        + 32 * u[j + 1][k + 1]
        + 64 * u[j + 1][k - 1]
        + 128 * u[j - 1][k + 1]
        + 256 * u[j - 1][k - 1]
    )
    e = y[j - 2][k] + 2 * y[j - 2][k - 1] + 4 * y[j - 2][k + 1]
    f = u[j][k + 2] + 2 * u[j + 2][k] + 4 * u[j][k - 2] + 8 * u[j - 2][k]
    contexts = (
        r + 4 * q + 128 * (u[j][k] + 2 * first),
        r % 2 + 2 * (q % 8) + 16 * z,
        r + 4 * q + 128 * e + 1024 * (u[j][k] + 2 * u[j][k + 1] + 4 * u[j + 1][k]),
        z % 32 + 32 * f + 512 * (r % 2 + 2 * (q % 8)),
    )
    row = u[j][k] + 2 * (r % 2) + 4 * ((q >> 1) % 2) + 8 * first
    return [n * _CONTEXTS + context for n, context in enumerate(contexts)], row
