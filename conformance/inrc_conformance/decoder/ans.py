"""ANS decoding with integer tables (section 7.2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from .errors import Malformed
from .numbers import words_of

_LOW = 2**32
_MASK = 2**24 - 1


class AnsDecoder:
    """Decodes symbols; `cumulative` lists are the c[s] of a table, without the final 2^24."""

    def __init__(self, data: bytes) -> None:
        words = words_of(data, "ANS-1")
        if words and words[-1] == 0:
            raise Malformed("ANS-1: the last word is 0")
        self._words = words
        self._state = 0
        for _ in range(2):
            if words:
                self._state = self._state << 32 | words.pop()

    def decode(
        self, frequencies: Sequence[int], cumulative: Sequence[int], count: int
    ) -> list[int]:
        """Decode `count` symbols of one table (ANS-3)."""
        state, words = self._state, self._words
        symbols: list[int] = []
        append = symbols.append
        for _ in range(count):
            target = state & _MASK
            symbol = bisect_right(cumulative, target) - 1
            state = (state >> 24) * frequencies[symbol] + target - cumulative[symbol]
            if state < _LOW and words:
                state = state << 32 | words.pop()
            append(symbol)
        self._state = state
        return symbols

    def finish(self) -> None:
        """Check the end of the data (ANS-4)."""
        if self._state or self._words:
            raise Malformed("ANS-4: the state or words are left after the last symbol")
