"""The symbols of one block of the static coder: lanes, words and raw bits (section 7.6).

The models ask a `BlockCoder` for every symbol and say which one they expect, so that an encoder can
use the same models; a decoder does not look at what is expected.
"""

from __future__ import annotations

from typing import Protocol

from .errors import Malformed
from .static_tables import BITS, TOTAL, StaticTables

LEAST_STATE = 2**16
_STATE_BYTES, _WORD_BYTES = 4, 2


class BlockCoder(Protocol):
    """Codes the symbols of a block one after the other."""

    lanes: int
    """L, a power of 2."""

    def symbol(self, kind: int, number: int, lane: int, wanted: int) -> int:
        """Code a symbol of the class `number` of a kind; return it."""

    def raw(self, count: int, wanted: int) -> int:
        """Code a number of `count` raw bits; return it."""


class BlockDecoder:
    """Decodes the bytes of a block; `length` is that of its rows (STA-4)."""

    def __init__(self, data: bytes, lanes: int, length: int, tables: StaticTables) -> None:
        self.lanes = lanes
        self._data = data
        self._tables = tables
        states = min(lanes, length)
        self._next = _STATE_BYTES * states
        if len(data) < self._next:
            raise Malformed("STA-4: a block is too short for its states")
        self._states = [
            int.from_bytes(data[start : start + _STATE_BYTES], "little")
            for start in range(0, self._next, _STATE_BYTES)
        ]
        if min(self._states) < LEAST_STATE:
            raise Malformed("STA-4: a state begins below 2^16")
        self._raw = 0

    def symbol(self, kind: int, number: int, lane: int, wanted: int) -> int:
        """Decode a symbol."""
        table = self._tables.of(kind, number)
        state = self._states[lane]
        u = state % TOTAL
        s = symbol_at(table.cumulative, u)
        state = table.frequencies[s] * (state >> BITS) + u - table.cumulative[s]
        self._states[lane] = state if state >= LEAST_STATE else state << 16 | self._word()
        return s

    def _word(self) -> int:
        start = self._next
        self._next = start + _WORD_BYTES
        if self._next > len(self._data):
            raise Malformed("STA-4: no word is left in the block")
        return int.from_bytes(self._data[start : self._next], "little")

    def raw(self, count: int, wanted: int) -> int:
        """Decode raw bits, the lowest first, from the end of the block."""
        number = 0
        for place in range(count):
            index = len(self._data) - 1 - self._raw // 8
            if index < self._next:
                raise Malformed("STA-4: no raw bit is left in the block")
            number |= (self._data[index] >> self._raw % 8 & 1) << place
            self._raw += 1
        return number

    def finish(self) -> None:
        """Check that the block ends after its last symbol."""
        if any(state != LEAST_STATE for state in self._states):
            raise Malformed("STA-4: a state does not end at 2^16")
        if self._next + (self._raw + 7) // 8 != len(self._data):
            raise Malformed("STA-4: a block has other bytes than its symbols need")
        if self._raw % 8 and self._data[self._next] >> self._raw % 8:
            raise Malformed("STA-4: raw bits that are left are not 0")


def symbol_at(cumulative: tuple[int, ...], u: int) -> int:
    """Return the symbol s with c_s <= u < c_s + f_s."""
    s = len(cumulative) - 1
    while cumulative[s] > u:
        s -= 1
    return s
