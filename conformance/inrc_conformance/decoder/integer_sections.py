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
from .streams import ARRAY, MIXING, OCTREE, Stream, decode_stream

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

    @property
    def is_mixed(self) -> bool:
        """True where a stream has coder 5."""
        return any(stream.coder == MIXING for stream in self.streams)


def counts(sections: Sequence[IntegerSection], items: int) -> list[int]:
    """Return the number of integers of each item."""
    totals = [0] * items
    for section in sections:
        totals[section.item] += section.count
    return totals


def check_lattices(sections: Sequence[IntegerSection], lattices: Sequence[Lattice | None]) -> int:
    """Check where streams of coder 5 begin and end (STR-6); return how many integers they hold.

    `sections` are all TENS, or all RESD, of a file, and `lattices` what they hold for each item.
    """
    position, mixed = [0] * len(lattices), [0] * len(lattices)
    for section in sections:
        item = section.item
        lattice = lattices[item]
        for stream in section.streams:
            start = position[item]
            position[item] += stream.count
            if stream.coder != MIXING:
                continue
            if start != mixed[item]:
                raise Malformed("STR-6: integers of another coder before a stream of coder 5")
            if lattice is None or position[item] not in lattice.ends:
                raise Malformed("STR-6: a stream of coder 5 does not end with a level")
            mixed[item] = position[item]
    return sum(mixed)


def check_arrays(sections: Sequence[IntegerSection], items: int) -> None:
    """Check how many streams of coder 7 all TENS, or all RESD, hold for each item (STR-10)."""
    held = [0] * items
    for section in sections:
        held[section.item] += sum(stream.coder == ARRAY for stream in section.streams)
    if max(held, default=0) > MOST_ARRAYS:
        raise Malformed(f"STR-10: more than {MOST_ARRAYS} streams of coder 7")


def decode_integers(
    section: IntegerSection, model: LatticeModel | None, octree: Octree | None
) -> Int64Array:
    """Return the integers of a section in coded order.

    `model` is that of its lattice, and `octree` the octree that it may hold.
    """
    parts = [np.zeros(0, dtype=np.int64)]
    for stream in section.streams:
        if stream.coder == MIXING and model is not None:
            integers = model.code(BitDecoder(stream.data), [0] * stream.count)
            parts.append(np.array(integers, dtype=np.int64))
        elif stream.coder == OCTREE and octree is not None:
            integers = decode_octree(octree, stream.data, stream.count)
            parts.append(np.array(integers, dtype=np.int64))
        else:
            parts.append(decode_stream(stream))
    return np.concatenate(parts)
