"""Orthonormal bases along one axis: the cosines, and one learned from the data (Karhunen-Loeve).

What is coded of a learned basis is its synthesis matrix, each column rounded to a precision of its
own. Analysis is the inverse of the rounded matrix, so that rounding costs compaction and never
accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from codec.arrays import Float32Array, Float64Array, Int64Array, UInt8Array
from codec.errors import CorruptError
from inrc_plugins.shared.sample_panels import Affine

LONGEST = 4096
_MOST_BITS = 15
_LEAST_BITS = 4
# Bits of a column beyond those that its coefficients have in steps.
_EXTRA_BITS = 3
# Analysis amplifies the error of quantisation by no more than this.
_CONDITION = 4
_MOST_SAMPLES = 1 << 22
_CHUNK = 1 << 19
# Lines multiplied by a matrix at once.
_LINES = 512


@dataclass(frozen=True, eq=False)
class Factor:
    """A rounded basis.

    Attributes:
        values: (n, rank) int64; column k is basis vector k times 2^bits[k], rounded.
        bits: (rank,) int64, each 0..15.
    """

    values: Int64Array
    bits: Int64Array

    @property
    def matrix(self) -> Float64Array:
        """(n, rank) float64: from coefficients to samples."""
        return np.asarray(self.values / 2.0**self.bits, np.float64)


def dct_matrix(n: int) -> Float64Array:
    """The orthonormal cosine transform, type II: (n, n) float64, row k is basis vector k."""
    # Reduced exactly, in integers, for long axes need cosines of large multiples.
    phase = np.outer(np.arange(n), 2 * np.arange(n) + 1) % (4 * n)
    matrix = np.cos(phase * (np.pi / (2 * n))) * math.sqrt(2 / n)
    matrix[0] = math.sqrt(1 / n)
    return np.asarray(matrix, np.float64)


def fit_klt(array: Float32Array, axis: int, step: float) -> Factor:
    """The basis that compacts the lines along `axis` best, at most 4096 long.

    Args:
        array: (n0, n1, n2, n3) float32.
        axis: 0 to 3.
        step: of the coefficients' quantiser; sets the precision of each column.

    Returns:
        A factor of full rank, columns in falling order of energy.
    """
    n = array.shape[axis]
    if not 1 <= n <= LONGEST:
        raise ValueError(f"a learned basis along an axis of {n} samples")
    gram, lines = _gram(np.moveaxis(array, axis, 0))
    energies, vectors = np.linalg.eigh(gram)
    energies, vectors = np.maximum(energies[::-1], 0), vectors[:, ::-1]
    vectors = vectors * np.where(vectors.sum(0) < 0, -1, 1)
    rms = np.sqrt(energies / max(lines, 1))
    wanted = np.ceil(np.log2(np.maximum(rms / step, 1e-9))) + _EXTRA_BITS
    bits = np.clip(wanted, _LEAST_BITS, _MOST_BITS).astype(np.int64)
    while True:
        # A column with one sample of size 1 would otherwise need a sixteenth bit.
        limit = 2**_MOST_BITS - 1
        values = np.clip(np.rint(vectors * 2.0**bits), -limit, limit)
        factor = Factor(values.astype(np.int64), bits)
        if bits.min() == _MOST_BITS or np.linalg.cond(factor.matrix) < _CONDITION:
            return factor
        bits = np.minimum(bits + 1, _MOST_BITS)


def _gram(lines_first: Float32Array) -> tuple[Float64Array, int]:
    """Sum over lines of their outer products, and their number; of some lines if there are many."""
    n, *others = lines_first.shape
    total = math.prod(others)
    count = min(total, max(_MOST_SAMPLES // n, n))
    chosen = np.arange(total)
    if count < total:
        # Multiples of the golden section are spread evenly and in step with no axis.
        chosen = np.sort((np.arange(count) * 0.6180339887498949 % 1 * total).astype(np.int64))
    gram = np.zeros((n, n))
    at_once = max(_CHUNK // n, 1)
    for start in range(0, count, at_once):
        a, b, c = np.unravel_index(chosen[start : start + at_once], others)
        lines = lines_first[:, a, b, c].astype(np.float64)
        gram += lines @ lines.T
    return gram, count


def apply(matrix: Float64Array, array: Float32Array, axis: int, threads: int = 2) -> Float32Array:
    """Multiply every line along one axis by a matrix.

    Args:
        matrix: (rows, n).
        array: 4-D float32 or float64 with n samples along `axis`; copied unless C-contiguous.
        axis: 0 to 3.
        threads: that share the work; they do not change the result.

    Returns:
        C-contiguous, of the array's dtype, with `rows` samples along `axis`.
    """
    rows, n = matrix.shape
    shape = array.shape
    outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    small = np.ascontiguousarray(matrix, array.dtype)
    source = np.ascontiguousarray(array).reshape(outer, n, inner)
    result = np.empty((outer, rows, inner), array.dtype)
    product = Affine(small)

    def work(block: tuple[slice, slice]) -> None:
        # Some lines at a time: nothing as large as the array is needed besides.
        lines, columns = block
        chosen = source[lines, :, columns].transpose(1, 0, 2)
        products = product.on_rows(chosen.reshape(n, -1)).reshape(rows, *chosen.shape[1:])
        result[lines, :, columns] = products.transpose(1, 0, 2)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, _blocks(outer, inner)):
            pass
    return result.reshape(*shape[:axis], rows, *shape[axis + 1 :])


def _blocks(outer: int, inner: int) -> Iterator[tuple[slice, slice]]:
    """Windows of at most so many lines of an array (outer, n, inner)."""
    together = max(1, _LINES // max(inner, 1))
    for first in range(0, outer, together):
        for column in range(0, inner, _LINES):
            yield slice(first, first + together), slice(column, column + _LINES)


def pack(factor: Factor, rank: int) -> bytes:
    """The first `rank` columns of a factor as bytes.

    A string of bits, most significant first, padded with zeros: rank:16, then for each column
    bits:4, need:4 and n times (sign:1, magnitude:need).
    """
    parts = [_to_bits(np.array([rank]), 16)]
    for column, bits in zip(factor.values.T[:rank], factor.bits[:rank], strict=True):
        magnitudes = np.abs(column)
        need = max(int(magnitudes.max()).bit_length(), 1)
        parts += [_to_bits(np.array([bits]), 4), _to_bits(np.array([need]), 4)]
        parts.append(_to_bits(magnitudes | (column < 0).astype(np.int64) << need, need + 1))
    return np.packbits(np.concatenate(parts)).tobytes()


def unpack(data: bytes, n: int) -> Factor:
    """Undo `pack`: a factor of n rows and as many columns as were packed.

    Raises:
        CorruptError: if `pack` cannot have written this for n rows.
    """
    if not 1 <= n <= LONGEST:
        raise CorruptError(f"a learned basis along an axis of {n} samples")
    rank = _integer(data, 0, 16)
    if rank > n:
        raise CorruptError(f"a learned basis of rank {rank} along an axis of {n} samples")
    values, bits = np.zeros((n, rank), np.int64), np.zeros(rank, np.int64)
    at = 16
    for k in range(rank):
        bits[k], need = _integer(data, at, 4), _integer(data, at + 4, 4)
        if need == 0:
            raise CorruptError("a learned basis has a column of numbers without bits")
        values[:, k] = _numbers(_take(data, at + 8, n * (need + 1)).reshape(n, need + 1))
        at += 8 + n * (need + 1)
    if len(data) != (at + 7) // 8:
        raise CorruptError("a learned basis is followed by bytes that belong to nothing")
    if _take(data, at, -at % 8).any():
        raise CorruptError("a learned basis is padded with bits that are not zero")
    return Factor(values, bits)


def _to_bits(numbers: Int64Array, width: int) -> UInt8Array:
    """The lowest `width` bits of each number, most significant first, one after the other."""
    shifts = np.arange(width)[::-1]
    return (numbers[:, None] >> shifts & 1).astype(np.uint8).reshape(-1)


def _numbers(bits: UInt8Array) -> Int64Array:
    """Signed numbers of (count, 1 + need) bits: sign, then magnitude."""
    magnitudes = bits[:, 1:].astype(np.int64) @ (1 << np.arange(bits.shape[1] - 1)[::-1])
    negative = bits[:, 0] == 1
    if (negative & (magnitudes == 0)).any():
        raise CorruptError("a learned basis has a negative zero")
    return np.where(negative, -magnitudes, magnitudes)


def _integer(data: bytes, at: int, width: int) -> int:
    return int(_take(data, at, width) @ (1 << np.arange(width)[::-1]))


def _take(data: bytes, at: int, count: int) -> UInt8Array:
    """`count` bits from bit `at`, one per element."""
    if at + count > 8 * len(data):
        raise CorruptError("a learned basis ends too early")
    first = at // 8
    unpacked = np.unpackbits(np.frombuffer(data[first : -(-(at + count) // 8)], np.uint8))
    return unpacked[at - 8 * first : at - 8 * first + count]
