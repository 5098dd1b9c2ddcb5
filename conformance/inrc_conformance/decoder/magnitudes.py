"""Coding of magnitudes: an index by decisions, then the low bits (section 7.4, step 5)."""

from __future__ import annotations

from collections.abc import Sequence

from .mixing import HALF, BitCoder, DirectChances, MixedChances

_LAST_INDEX = 54
INPUTS, DECISIONS, CONTEXTS, ROWS = 5, 32, 1024, 16
_RATE = 6


def index_of(magnitude: int) -> int:
    """Return the index that stands for a magnitude (the inverse of step 5)."""
    if magnitude < 5:
        return magnitude
    index = 5
    while magnitude >= _first(index + 1) and index < _LAST_INDEX:
        index += 1
    return index


def _bits(index: int) -> int:
    """Return the number of bits that follow an index >= 5."""
    return (index - 5) // 2 + 1


def _first(index: int) -> int:
    """Return the smallest magnitude of an index >= 5."""
    return ((2 + (index - 5) % 2) << _bits(index)) + 1


class MagnitudeChances:
    """The memory of magnitudes: mixed chances of decisions and low chances."""

    def __init__(self) -> None:
        slots = INPUTS * DECISIONS * CONTEXTS
        self._mixed = MixedChances(slots, DECISIONS * ROWS, INPUTS, 19660, _RATE)
        self._low = DirectChances(64, 2**21)

    def code(
        self, coder: BitCoder, contexts: Sequence[int], row: int, e: int, first: int, wanted: int
    ) -> int:
        """Code a magnitude by the decisions from `first` on; `e` makes the first guess."""
        index = self._index(coder, contexts, row, e, first, index_of(wanted))
        if index < 5:
            return index
        low = 0
        want = wanted - _first(index)
        for place in range(_bits(index) - 1, -1, -1):
            bit = want >> place & 1
            if place == _bits(index) - 1:
                bit = self._low.code(coder, index, bit)
            else:
                bit = coder.bit(HALF, bit)
            low = 2 * low + bit
        return _first(index) + low

    def _index(
        self, coder: BitCoder, contexts: Sequence[int], row: int, e: int, first: int, wanted: int
    ) -> int:
        """Code the decisions and return the index."""
        for t in range(first, _LAST_INDEX):
            capped = min(t, DECISIONS - 1)
            slots = [(k * DECISIONS + capped) * CONTEXTS + c for k, c in enumerate(contexts)]
            guess = ((e + 2) << 22) // (e + 2 + (24 if t == 0 else 16))
            if not self._mixed.code(coder, slots, capped * ROWS + row, guess, int(wanted > t)):
                return t
        return _LAST_INDEX
