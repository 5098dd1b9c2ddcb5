"""Tables of the entropy coders and the rules that make them (section 7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from .bit_strings import BitReader
from .errors import Malformed
from .laplace_rows import LAPLACE_CLASSES
from .numbers import Reader

TOTAL = 2**24
_MAX_SYMBOLS = 65536
_MAX_ORDER = 7


@dataclass(frozen=True)
class Table:
    """The f[s] of a table and their c[s]."""

    frequencies: tuple[int, ...]
    cumulative: tuple[int, ...]


def make_table(frequencies: Sequence[int]) -> Table:
    """Return a table with its cumulative sums."""
    return Table(tuple(frequencies), (0, *accumulate(frequencies[:-1])))


def static_table(counts: Sequence[int]) -> Table:
    """Return the table of counts (TAB-2)."""
    n, total = len(counts), sum(counts)
    frequencies = [1 + k * (TOTAL - n) // total for k in counts]
    frequencies[counts.index(max(counts))] += TOTAL - sum(frequencies)
    return make_table(frequencies)


def read_counts(reader: Reader, n: int, order: int) -> list[int]:
    """Read n exponential Golomb codes (TAB-1)."""
    if not 2 <= n <= _MAX_SYMBOLS:
        raise Malformed(f"TAB-1: a table of {n} symbols")
    if order > _MAX_ORDER:
        raise Malformed(f"TAB-1: order {order}")
    bits = BitReader(reader, "TAB-1")
    counts: list[int] = []
    for _ in range(n):
        count = bits.golomb(order)
        if count >= 2**32:
            raise Malformed("TAB-1: a count is not below 2^32")
        counts.append(count)
    bits.end()
    if not any(counts):
        raise Malformed("TAB-1: all counts are 0")
    return counts


def laplace_shift(index: int) -> int:
    """Return the number of low bits S of a class."""
    return LAPLACE_CLASSES[index][0]


def laplace_half_width(index: int) -> int:
    """Return M of a class; symbol 2M + 1 is the escape."""
    return LAPLACE_CLASSES[index][1]


@lru_cache(maxsize=64)
def laplace_table(index: int) -> Table:
    """Return the table of a class (LAP-2)."""
    _, half_width, tail, ratio = LAPLACE_CLASSES[index]
    m = [tail >> 2]
    for _ in range(half_width):
        m.append((m[-1] * ratio) >> 32)
    side = [(m[i - 1] - m[i]) >> 1 for i in range(1, half_width + 1)]
    weights = [*reversed(side), 2**30 - m[0], *side, m[half_width]]
    n = 2 * half_width + 2
    frequencies = [1 + ((w * (TOTAL - n)) >> 30) for w in weights]
    frequencies[half_width] += TOTAL - sum(frequencies)
    return make_table(frequencies)
