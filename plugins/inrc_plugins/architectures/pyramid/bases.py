"""Orthonormal bases along one axis: the cosines, and one learned from the data (Karhunen-Loeve).

A file holds the synthesis matrix of a learned basis, each column rounded to its own precision.
Analysis uses the inverse of the rounded matrix, so that rounding costs some compaction but no
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

# Maximum length of an axis with a learned basis.
LONGEST = 4096
# Range of the precision of a column, in bits.
_MOST_BITS = 15
_LEAST_BITS = 4
# Precision of a column beyond the bits of its coefficients in units of the quantisation step.
_EXTRA_BITS = 3
# Maximum factor by which analysis may amplify errors of quantisation.
_CONDITION = 4
# Maximum number of samples from which a basis is learned, and of those multiplied at once.
_MOST_SAMPLES = 1 << 22
_CHUNK = 1 << 19
# Number of lines multiplied by a matrix at once.
_LINES = 512


@dataclass(frozen=True, eq=False)
class Factor:
    """Basis with rounded vectors.

    Attributes:
        values: (n, rank) int64; column k is basis vector k times 2^bits[k], rounded.
        bits: (rank,) int64, each 0..15.
    """

    values: Int64Array
    bits: Int64Array

    @property
    def matrix(self) -> Float64Array:
        """Synthesis matrix (n, rank), float64, from coefficients to samples."""
        return np.asarray(self.values / 2.0**self.bits, np.float64)


def dct_matrix(n: int) -> Float64Array:
    """Matrix (n, n) of the orthonormal cosine transform, type II; row k is basis vector k."""
    # Phases are reduced exactly, in integers, because they are large on long axes.
    phase = np.outer(np.arange(n), 2 * np.arange(n) + 1) % (4 * n)
    matrix = np.cos(phase * (np.pi / (2 * n))) * math.sqrt(2 / n)
    matrix[0] = math.sqrt(1 / n)
    return np.asarray(matrix, np.float64)


def fit_klt(array: Float32Array, axis: int, step: float) -> Factor:
    """Basis that compacts the lines along `axis`, at most 4096 samples long, best.

    Args:
        array: (n0, n1, n2, n3) float32.
        axis: 0 to 3.
        step: quantisation step of the coefficients, which sets the precision of each column.

    Returns:
        A factor of full rank, columns in falling order of energy.

    Raises:
        ValueError: if the axis is empty or longer than 4096 samples.
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
        # Columns with an entry of magnitude 1 would otherwise need a sixteenth bit.
        limit = 2**_MOST_BITS - 1
        values = np.clip(np.rint(vectors * 2.0**bits), -limit, limit)
        factor = Factor(values.astype(np.int64), bits)
        if bits.min() == _MOST_BITS or np.linalg.cond(factor.matrix) < _CONDITION:
            return factor
        bits = np.minimum(bits + 1, _MOST_BITS)


def _gram(lines_first: Float32Array) -> tuple[Float64Array, int]:
    """Sum of the outer products of lines with themselves, and the number of lines in it.

    If there are too many lines, evenly spread ones stand for all.
    """
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
        threads: number of threads; the result does not depend on it.

    Returns:
        C-contiguous array of the same dtype, with `rows` samples along `axis`.
    """
    rows, n = matrix.shape
    shape = array.shape
    outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    small = np.ascontiguousarray(matrix, array.dtype)
    source = np.ascontiguousarray(array).reshape(outer, n, inner)
    result = np.empty((outer, rows, inner), array.dtype)
    product = Affine(small)

    def work(block: tuple[slice, slice]) -> None:
        # Blocks of a few lines keep the memory for intermediate arrays small.
        lines, columns = block
        chosen = source[lines, :, columns].transpose(1, 0, 2)
        products = product.on_rows(chosen.reshape(n, -1)).reshape(rows, *chosen.shape[1:])
        result[lines, :, columns] = products.transpose(1, 0, 2)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, _blocks(outer, inner)):
            pass
    return result.reshape(*shape[:axis], rows, *shape[axis + 1 :])


def _blocks(outer: int, inner: int) -> Iterator[tuple[slice, slice]]:
    """Windows (outer, inner) of at most `_LINES` lines of an array (outer, n, inner)."""
    together = max(1, _LINES // max(inner, 1))
    for first in range(0, outer, together):
        for column in range(0, inner, _LINES):
            yield slice(first, first + together), slice(column, column + _LINES)


def pack(factor: Factor, rank: int) -> bytes:
    """Bytes of the first `rank` columns of a factor.

    Layout: a string of bits, most significant first, padded with zeros: rank:16, then for each
    column bits:4, need:4 and n times (sign:1, magnitude:need).
    """
    parts = [_to_bits(np.array([rank]), 16)]
    for column, bits in zip(factor.values.T[:rank], factor.bits[:rank], strict=True):
        magnitudes = np.abs(column)
        need = max(int(magnitudes.max()).bit_length(), 1)
        parts += [_to_bits(np.array([bits]), 4), _to_bits(np.array([need]), 4)]
        parts.append(_to_bits(magnitudes | (column < 0).astype(np.int64) << need, need + 1))
    return np.packbits(np.concatenate(parts)).tobytes()


def unpack(data: bytes, n: int) -> Factor:
    """Factor of n rows from bytes that `pack` wrote.

    Raises:
        CorruptError: if `pack` cannot have written these bytes for n rows.
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
    """Lowest `width` bits of each number, most significant first, one number after the other."""
    shifts = np.arange(width)[::-1]
    return (numbers[:, None] >> shifts & 1).astype(np.uint8).reshape(-1)


def _numbers(bits: UInt8Array) -> Int64Array:
    """Signed numbers from (count, 1 + need) bits: sign, then magnitude."""
    magnitudes = bits[:, 1:].astype(np.int64) @ (1 << np.arange(bits.shape[1] - 1)[::-1])
    negative = bits[:, 0] == 1
    if (negative & (magnitudes == 0)).any():
        raise CorruptError("a learned basis has a negative zero")
    return np.where(negative, -magnitudes, magnitudes)


def _integer(data: bytes, at: int, width: int) -> int:
    """Unsigned integer of `width` bits from bit `at`, most significant first."""
    return int(_take(data, at, width) @ (1 << np.arange(width)[::-1]))


def _take(data: bytes, at: int, count: int) -> UInt8Array:
    """Array of `count` bits from bit `at`, one bit per element."""
    if at + count > 8 * len(data):
        raise CorruptError("a learned basis ends too early")
    first = at // 8
    unpacked = np.unpackbits(np.frombuffer(data[first : -(-(at + count) // 8)], np.uint8))
    return unpacked[at - 8 * first : at - 8 * first + count]
