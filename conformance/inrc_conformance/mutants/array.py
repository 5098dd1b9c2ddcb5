"""Wrong arrays of coder 7, for deliberately wrong decoders."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..decoder import decode, integer_sections, streams
from ..decoder.errors import Malformed
from ..decoder.integer_sections import IntegerSection
from ..decoder.lattice import AXES, Four
from ..decoder.mixing import BitDecoder
from ..decoder.numbers import Reader
from .memory import remembering
from .mutant import Patches

_LENGTHS = streams._lengths
_CHECK_ARRAYS, _CHECK_INTEGERS = integer_sections.check_arrays, decode._check_integers


def _laid_out(change: Callable[[list[int]], Sequence[int]]) -> Patches:
    """Use other axes; the lengths change places or are merged."""

    def wrong(reader: Reader, count: int, rule: str) -> Four:
        start = reader.position
        four = _LENGTHS(reader, count, rule)
        lengths = change(list(four[AXES - reader.data[start] :]))
        a, b, c, d = [1] * (AXES - len(lengths)) + list(lengths)
        return a, b, c, d

    return ((streams, "_lengths", wrong),)


def _ones_behind(lengths: list[int]) -> list[int]:
    return lengths + [1] * (AXES - len(lengths))


def _all_items(sections: Sequence[IntegerSection], items: int) -> None:
    """Count the arrays of a file."""
    _CHECK_ARRAYS([replace(section, item=0) for section in sections], items)


def _each_section(sections: Sequence[IntegerSection], items: int) -> None:
    """Count the arrays of each section alone."""
    for section in sections:
        _CHECK_ARRAYS([section], items)


def _tensors_and_residuals(parts: Any, limits: Any) -> None:
    """Count the arrays of TENS and RESD together."""
    both = [*parts.sections(residual=False), *parts.sections(residual=True)]
    _CHECK_ARRAYS(both, len(parts.items))
    _CHECK_INTEGERS(parts, limits)


class _Ending(BitDecoder):
    """A decoder for which data must not end before the integers do."""

    def bit(self, chance: int, value: int) -> int:
        """Decode one bit."""
        if self._next > len(self._data):
            raise Malformed("MIX-1: no data left")
        return super().bit(chance, value)


ARRAYS: tuple[tuple[str, Patches], ...] = (
    ("arrays share a memory", remembering(streams)),
    ("arrays share the memory of coder 5", remembering(streams, decode)),
    ("arrays without axes of length 1", _laid_out(lambda some: [n for n in some if n > 1])),
    ("arrays with their axes reversed", _laid_out(lambda some: some[::-1])),
    ("arrays with axes of length 1 behind", _laid_out(_ones_behind)),
    ("arrays of one axis", _laid_out(lambda some: [math.prod(some)])),
    ("arrays need all their data", ((streams, "BitDecoder", _Ending),)),
    ("arrays of a file are counted", ((decode, "check_arrays", _all_items),)),
    ("arrays of TENS and RESD are counted", ((decode, "_check_integers", _tensors_and_residuals),)),
    ("no more than 1023 arrays", ((integer_sections, "MOST_ARRAYS", 1023),)),
    ("no arrays", ((streams, "ARRAY", -1),)),
)
FAULTY_ARRAYS: tuple[tuple[str, Patches], ...] = (
    ("arrays of a section are counted", ((decode, "check_arrays", _each_section),)),
    ("1025 arrays", ((integer_sections, "MOST_ARRAYS", 1025),)),
)
"""Wrong counts of arrays that only a bad file shows."""
UNCHECKED_ARRAYS: tuple[tuple[str, str, str], ...] = (
    ("arrays of any rank", "STR-9: an array of rank", "malformed/array/*"),
    ("arrays of length 0", "STR-9: a length", "malformed/array/*"),
    ("arrays of another count", "STR-9: the lengths", "malformed/array/*"),
    ("any number of arrays", "STR-10", "malformed/array/more*"),
    ("coder 5 behind arrays", "STR-6: integers of another coder", "malformed/array/*"),
)
