"""The transforms of the pyramid: the 9/7 synthesis by lifting, and the bases of single axes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import Malformed
from ..lattice import AXES, Lattice, halved
from .plan import Float64Array


class Filters(NamedTuple):
    """The constants of a synthesis."""

    a: float
    b: float
    c: float
    d: float
    k: float


CDF97 = Filters(
    -1.586134342059924,
    -0.052980118572961,
    0.882911075530934,
    0.443506852043971,
    1.149604398860241,
)


def synthesis(values: Float64Array, axis: int, filters: Filters = CDF97) -> Float64Array:
    """Return the synthesis of all lines of more than one sample along an axis."""
    lines = np.moveaxis(values, axis, 0)
    x = np.empty_like(lines)
    evens = (lines.shape[0] + 1) // 2
    x[0::2] = lines[:evens] / filters.k
    x[1::2] = lines[evens:] * filters.k
    for first, factor in ((0, filters.d), (1, filters.c), (0, filters.b), (1, filters.a)):
        x[first::2] -= factor * _neighbours(x, first)
    return np.moveaxis(x, 0, axis)


def _neighbours(x: Float64Array, first: int) -> Float64Array:
    """Return x_{i-1} + x_{i+1} for i = first, first + 2, ...; a missing one is the other."""
    count = x.shape[0]
    i = np.arange(first, count, 2)
    left = np.where(i > 0, i - 1, i + 1)
    right = np.where(i + 1 < count, i + 1, i - 1)
    return np.asarray(x[left] + x[right], dtype=np.float64)


def undo_joint(values: Float64Array, lattice: Lattice) -> Float64Array:
    """Undo the joint wavelet down to level 0."""
    out = values.copy()
    for level in range(lattice.depth - 1, -1, -1):
        sizes = lattice.box(level)
        box = tuple(slice(0, size) for size in sizes)
        for axis in range(AXES - 1, -1, -1):
            if lattice.levels[axis] > level and sizes[axis] > 1:
                out[box] = synthesis(out[box], axis)
    return out


def own_levels(length: int) -> int:
    """Return L(N), the number of halvings that leave at least 4 samples."""
    levels = 0
    while halved(length, levels + 1) >= 4 and length > 1:
        levels += 1
    return levels


def undo_own(values: Float64Array, axis: int) -> Float64Array:
    """Undo a wavelet of an axis of its own, from its coarsest level to its finest."""
    out = values.copy()
    length = values.shape[axis]
    for level in range(own_levels(length) - 1, -1, -1):
        box = [slice(None)] * values.ndim
        box[axis] = slice(0, halved(length, level))
        out[tuple(box)] = synthesis(out[tuple(box)], axis)
    return out


def apply_basis(values: Float64Array, axis: int, basis: Float64Array) -> Float64Array:
    """Replace each line c along an axis by M c."""
    return np.moveaxis(np.tensordot(basis, values, axes=([1], [axis])), 0, axis)


def cosine_basis(length: int) -> Float64Array:
    """Return the matrix of the cosine basis."""
    i = np.arange(length, dtype=np.float64)[:, None]
    k = np.arange(length, dtype=np.float64)[None, :]
    scale = np.sqrt(np.where(k == 0, 1.0, 2.0) / length)
    return np.asarray(scale * np.cos(np.pi * (2 * i + 1) * k / (2 * length)), dtype=np.float64)


def learned_basis(data: bytes, length: int) -> Float64Array:
    """Read a basis (PYR-3); the columns from its rank on are 0."""
    bits = _BitReader(data)
    rank = bits.take(16)
    if rank > length:
        raise Malformed("PYR-3: the rank of a basis is above its length")
    basis = np.zeros((length, length), dtype=np.float64)
    for column in range(rank):
        scale, need = bits.take(4), bits.take(4)
        if need < 1:
            raise Malformed("PYR-3: a column of a basis with 0 bits")
        for row in range(length):
            negative, magnitude = bits.take(1), bits.take(need)
            if negative and not magnitude:
                raise Malformed("PYR-3: an entry of a basis is a negative 0")
            basis[row, column] = (-magnitude if negative else magnitude) / 2.0**scale
    bits.end()
    return basis


class _BitReader:
    """Reads numbers from a string of bits."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int) -> int:
        """Read a number of `count` bits, most significant first."""
        start, stop = self._position, self._position + count
        if stop > 8 * len(self._data):
            raise Malformed("PYR-3: a basis ends early")
        part = self._data[start // 8 : (stop + 7) // 8]
        self._position = stop
        return int.from_bytes(part, "big") >> (-stop % 8) & ((1 << count) - 1)

    def end(self) -> None:
        """Check the padding and that nothing follows."""
        if (self._position + 7) // 8 != len(self._data):
            raise Malformed("PYR-3: bytes follow a basis")
        if self.take(-self._position % 8):
            raise Malformed("PYR-3: the padding of a basis is not 0")
