"""Integer frequency tables: every probability in a file is a whole number out of 2**24.

The tables are made by integer arithmetic from small integers, so every machine makes the same
ones. Normative text: format_spec/inrc-1.md, section 7.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from codec.arrays import Float64Array, Int64Array
from codec.entropy.laplace_constants import ROWS
from codec.errors import CorruptError

PRECISION = 24
TOTAL = 1 << PRECISION
LAPLACE_CLASSES = len(ROWS)
MAX_ALPHABET = 1 << 16
_TAIL_BITS = 30


def normalise_counts(counts: Int64Array) -> Int64Array:
    """Frequencies of sum 2**24, each >= 1, in proportion to `counts` (1-D, >= 0, sum >= 1).

    Each symbol gets 1 and the floor of its share of the remaining sum; the remainder goes to the
    first symbol of the greatest count.
    """
    free = TOTAL - len(counts)
    frequencies = 1 + counts * free // int(counts.sum())
    frequencies[int(np.argmax(counts))] += TOTAL - int(frequencies.sum())
    return frequencies


@cache
def laplace_frequencies(index: int) -> Int64Array:
    """Frequencies of Laplace class `index`: 2 M + 1 symbols -M..M, then the escape."""
    _, half_width, tail, ratio = ROWS[index]
    mass = tail >> (32 - _TAIL_BITS)
    centre = (1 << _TAIL_BITS) - mass
    wing = []
    for _ in range(half_width):
        following = mass * ratio >> 32
        wing.append((mass - following) >> 1)
        mass = following
    weights = np.array([*reversed(wing), centre, *wing, mass], dtype=np.int64)
    frequencies = 1 + (weights * (TOTAL - len(weights)) >> _TAIL_BITS)
    frequencies[half_width] += TOTAL - int(frequencies.sum())
    frequencies.setflags(write=False)
    return frequencies


def check_counts(counts: Int64Array) -> None:
    """Raise `CorruptError` unless `counts` can be normalised."""
    if not 2 <= len(counts) <= MAX_ALPHABET:
        raise CorruptError(f"a table of {len(counts)} symbols; 2 to {MAX_ALPHABET} are allowed")
    if int(counts.sum()) < 1 or int(counts.max()) >= 1 << 32:
        raise CorruptError("the counts of a table are out of range")


@cache
def _laplace_costs() -> Float64Array:
    """Bits per symbol for |v| = 0..63 under each class: a (64 classes, 64 magnitudes) array."""
    costs = np.empty((LAPLACE_CLASSES, 64))
    for index, (shift, half_width, _, _) in enumerate(ROWS):
        bits = PRECISION - np.log2(laplace_frequencies(index))
        for magnitude in range(64):
            symbol = magnitude >> shift
            costs[index, magnitude] = (
                bits[half_width + symbol] + shift if symbol <= half_width else bits[-1] + 16
            )
    return costs


def best_laplace_class(values: Int64Array) -> int:
    """The class that codes `values` (1-D, any sign) in about the fewest bits.

    Small magnitudes are priced by table; beyond them the maximum-likelihood scale, the mean
    magnitude, is close enough.
    """
    if len(values) == 0:
        return 0
    magnitudes = np.abs(values)
    mean = float(magnitudes.mean())
    if mean > 8:
        return int(np.clip(round(3 * np.log2(mean)) + 12, 0, LAPLACE_CLASSES - 1))
    histogram = np.bincount(np.minimum(magnitudes, 63), minlength=64)
    return int(np.argmin(_laplace_costs() @ histogram))
