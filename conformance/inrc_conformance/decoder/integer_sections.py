"""L1: the streams of TENS and RESD sections (section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .errors import Malformed
from .lattice import Lattice
from .lattice_model import LatticeModel
from .mixing import BitDecoder
from .numbers import Int64Array
from .octree import Octree
from .octree_model import decode_octree
from .static_model import StaticModel
from .streams import ARRAY, MIXING, OCTREE, STATIC_LATTICE, Stream, decode_stream

MOST_ARRAYS = 1024
"""Streams of coder 7 in the TENS, or in the RESD, of an item."""


@dataclass(frozen=True)
class IntegerSection:
    """One TENS or RESD section: streams that are read but not decoded."""

    item: int
    streams: tuple[Stream, ...]
    residual: bool

    @property
    def count(self) -> int:
        """The number of integers."""
        return sum(stream.count for stream in self.streams)

    def has(self, coder: int) -> bool:
        """Return True where a stream has this coder."""
        return any(stream.coder == coder for stream in self.streams)


@dataclass(frozen=True)
class Models:
    """Decoders of the streams of an item that are not on their own."""

    mixing: LatticeModel | None = None
    static: StaticModel | None = None
    octree: Octree | None = None


def counts(sections: Sequence[IntegerSection], items: int) -> list[int]:
    """Return the number of integers of each item."""
    totals = [0] * items
    for section in sections:
        totals[section.item] += section.count
    return totals


def check_lattices(sections: Sequence[IntegerSection], lattices: Sequence[Lattice | None]) -> int:
    """Check where streams of coder 5 and 8 begin and end; return how many integers they hold.

    `sections` are all TENS, or all RESD, of a file, and `lattices` what they hold for each item.
    """
    position, mixed = [0] * len(lattices), [0] * len(lattices)
    static = 0
    for section in sections:
        item = section.item
        lattice = lattices[item]
        for stream in section.streams:
            start = position[item]
            position[item] += stream.count
            if stream.coder == STATIC_LATTICE:
                static += stream.count
                _check_static(lattice, start, position[item])
            if stream.coder != MIXING:
                continue
            if start != mixed[item]:
                raise Malformed("STR-6: integers of another coder before a stream of coder 5")
            if lattice is None or position[item] not in lattice.ends:
                raise Malformed("STR-6: a stream of coder 5 does not end with a level")
            mixed[item] = position[item]
    return sum(mixed) + static


def _check_static(lattice: Lattice | None, start: int, stop: int) -> None:
    """Check where a stream of coder 8 begins and ends (STR-11)."""
    if lattice is None or (start and start not in lattice.ends):
        raise Malformed("STR-11: a stream of coder 8 does not begin with a level")
    if stop not in lattice.ends:
        raise Malformed("STR-11: a stream of coder 8 does not end with a level")


def check_arrays(sections: Sequence[IntegerSection], items: int) -> None:
    """Check how many streams of coder 7 all TENS, or all RESD, hold for each item (STR-10)."""
    held = [0] * items
    for section in sections:
        held[section.item] += sum(stream.coder == ARRAY for stream in section.streams)
    if max(held, default=0) > MOST_ARRAYS:
        raise Malformed(f"STR-10: more than {MOST_ARRAYS} streams of coder 7")


def decode_integers(section: IntegerSection, models: Models) -> Int64Array:
    """Return the integers of a section in coded order."""
    parts = [np.zeros(0, dtype=np.int64)]
    for stream in section.streams:
        if stream.coder == STATIC_LATTICE and models.static is not None:
            parts.append(models.static.decode(stream.data, stream.count))
            continue
        parts.append(_decode(stream, models))
        if models.static is not None:
            models.static.add(parts[-1])
    return np.concatenate(parts)


def _decode(stream: Stream, models: Models) -> Int64Array:
    """Return the integers of a stream of another coder than 8."""
    if stream.coder == MIXING and models.mixing is not None:
        integers = models.mixing.code(BitDecoder(stream.data), [0] * stream.count)
        return np.array(integers, dtype=np.int64)
    if stream.coder == OCTREE and models.octree is not None:
        return np.array(decode_octree(models.octree, stream.data, stream.count), dtype=np.int64)
    return decode_stream(stream)
