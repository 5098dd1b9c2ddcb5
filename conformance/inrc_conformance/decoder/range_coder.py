"""Range decoding with integer tables (section 7.3)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from .errors import Malformed
from .numbers import words_of

_ALL = 2**64 - 1
_LOW = 2**32
_SEAL = 2**33 - 1


class RangeDecoder:
    """Decodes symbols; `cumulative` lists are the c[s] of a table, without the final 2^24."""

    def __init__(self, data: bytes) -> None:
        self._words = words_of(data, "RNG-1")
        self._next = 0
        self._lower = 0
        self._range = _ALL
        self._point = self._read() << 32 | self._read()

    def _read(self) -> int:
        """Return the next word, or 0 past the last."""
        index = self._next
        self._next = index + 1
        return self._words[index] if index < len(self._words) else 0

    def decode(
        self, frequencies: Sequence[int], cumulative: Sequence[int], count: int
    ) -> list[int]:
        """Decode `count` symbols of one table (RNG-2)."""
        lower, width, point = self._lower, self._range, self._point
        symbols: list[int] = []
        append = symbols.append
        for _ in range(count):
            unit = width >> 24
            target = ((point - lower) & _ALL) // unit
            if target >> 24:
                raise Malformed("RNG-2: the range coder left its range")
            symbol = bisect_right(cumulative, target) - 1
            lower = (lower + unit * cumulative[symbol]) & _ALL
            width = unit * frequencies[symbol]
            if width < _LOW:
                lower = (lower << 32) & _ALL
                width <<= 32
                point = (point << 32) & _ALL | self._read()
            append(symbol)
        self._lower, self._range, self._point = lower, width, point
        return symbols

    def finish(self) -> None:
        """Check the end of the data (RNG-3)."""
        if self._next < len(self._words):
            raise Malformed("RNG-3: words are left after the last symbol")
        if self._range != _ALL and (self._point - self._lower) & _ALL >= _SEAL:
            raise Malformed("RNG-3: the range coder does not end where its data ends")
