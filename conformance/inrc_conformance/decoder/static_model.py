"""Streams of the static coder (section 7.6): bands, their blocks, parents and siblings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from .errors import Malformed
from .lattice import AXES, Band, Four, Lattice
from .numbers import Int64Array, Reader
from .static_block import BlockModel, clipped
from .static_head import Family, Head, Weights, read_head
from .static_lanes import BlockDecoder

MOST_SURROUNDINGS, MOST_SIBLINGS = 255, 1023
SURROUNDING_AXES = (1, 2, 3)
_LANES = 6
Box = tuple[slice, ...]
CodedBlock = Callable[[BlockModel, Four, Int64Array], Int64Array]
"""Codes the block of some lengths and wanted integers with its model."""


class StaticModel:
    """The streams of coder 8 of a lattice; `add` is told the integers of other coders."""

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self._weights: dict[int, Weights] = {}
        self._edges: dict[Band, Four] = {}
        self._bands: dict[Band, Int64Array] = {}
        self._pieces = [np.zeros(0, dtype=np.int64)]
        self._entries = 0

    def add(self, integers: Int64Array) -> None:
        """Take integers of another coder; they may end inside a band."""
        self._pieces.append(integers)
        self._entries += integers.size

    def families(self, count: int) -> list[Family]:
        """Return the bands of the next `count` coefficients."""
        families: list[Family] = []
        start = 0
        for band in self.lattice.bands:
            if self._entries <= start < self._entries + count:
                has_siblings = bool(self._siblings(band))
                families.append(Family(band, self._parent(band) is not None, has_siblings))
            start += band.entries
        return families

    def decode(self, data: bytes, count: int) -> Int64Array:
        """Decode a stream of `count` coefficients, which are whole levels."""
        reader = Reader(data)
        families = self.families(count)
        head = read_head(reader, families, self._weights)
        blocks = _Blocks(reader, families, head)
        out = self.code(families, head, np.zeros(count, dtype=np.int64), blocks.decode)
        if int(out.min()) < -(2**31) or int(out.max()) >= 2**31:
            raise Malformed("STA-5: a sum does not fit 32 bits")
        return out

    def code(
        self, families: Sequence[Family], head: Head, wanted: Int64Array, coded: CodedBlock
    ) -> Int64Array:
        """Code bands one after the other; return their integers.

        `wanted` are the integers to be encoded, those of the low band as differences.
        """
        self._lay_out()
        parts: list[Int64Array] = []
        start = 0
        for family, weights in zip(families, head.weights, strict=True):
            band = family.band
            part = wanted[start : start + band.entries].reshape(band.lengths)
            start += band.entries
            integers = self._code_band(band, head.edges, weights, part, coded)
            if band.is_low:
                integers = summed(integers, head)
            self._bands[band], self._edges[band] = integers, head.edges
            parts.append(integers.reshape(-1))
        out = np.concatenate(parts)
        self.add(out)
        return out

    def _code_band(
        self, band: Band, edges: Four, weights: Weights, wanted: Int64Array, coded: CodedBlock
    ) -> Int64Array:
        """Code the blocks of a band."""
        added = weights[7] + (weights[8] * self.parents(band) >> 3)
        added += weights[9] * self.siblings(band) >> 3
        integers = np.zeros(band.lengths, dtype=np.int64)
        for box in boxes(band.lengths, edges):
            a, b, c, d = integers[box].shape
            model = BlockModel((a, b, c, d), weights, added[box])
            integers[box] = coded(model, (a, b, c, d), wanted[box])
        return integers

    def _lay_out(self) -> None:
        """Put the integers of other coders into their bands."""
        integers = np.concatenate(self._pieces)
        start = 0
        for band in self.lattice.bands:
            stop = start + band.entries
            if stop <= integers.size and band not in self._bands:
                self._bands[band] = integers[start:stop].reshape(band.lengths)
            start = stop

    def _parent(self, band: Band) -> Band | None:
        """Return the band of the same orientation one level above, if there is one."""
        for other in self.lattice.bands:
            if (other.orientation, other.level) == (band.orientation, band.level + 1):
                return None if band.is_low else other
        return None

    def _siblings(self, band: Band) -> list[Band]:
        """Return the bands of the same level before a band, but for the low band."""
        before = self.lattice.bands[: self.lattice.bands.index(band)]
        return [b for b in before if b.level == band.level and not b.is_low]

    def parents(self, band: Band) -> Int64Array:
        """Return p at each position of a band."""
        parent = self._parent(band)
        if parent is None:
            return np.zeros(band.lengths, dtype=np.int64)
        halves = [int(band.level + 1 < count) for count in self.lattice.levels]
        return self._at(parent, band, halves)

    def siblings(self, band: Band) -> Int64Array:
        """Return s at each position of a band."""
        total = np.zeros(band.lengths, dtype=np.int64)
        for sibling in self._siblings(band):
            total += self._at(sibling, band, [0] * AXES)
        return np.minimum(total, MOST_SIBLINGS)

    def _at(self, other: Band, band: Band, halves: Sequence[int]) -> Int64Array:
        """Return B of another band at the place of each position of a band."""
        places = [
            np.minimum(np.arange(length) >> half, last - 1)
            for length, half, last in zip(band.lengths, halves, other.lengths, strict=True)
        ]
        edges = self._edges.get(other, other.lengths)
        return surroundings(self._bands[other], edges)[np.ix_(*places)]


class _Blocks:
    """The blocks of a stream, whose lengths stand before all of them (STA-3)."""

    def __init__(self, reader: Reader, families: Sequence[Family], head: Head) -> None:
        number = sum(blocks_of(family.band.lengths, head.edges) for family in families)
        if number > reader.left:
            raise Malformed(f"STA-3: {number} blocks in {reader.left} bytes")
        self._reader = reader
        self._tables = head.tables
        entries = [reader.uleb() for _ in range(number)]
        total = sum((entry - 1) // _LANES for entry in entries if entry)
        if total != reader.left:
            raise Malformed(f"STA-3: blocks of {total} bytes, {reader.left} are left")
        self._entries: Iterator[int] = iter(entries)

    def decode(self, model: BlockModel, lengths: Four, wanted: Int64Array) -> Int64Array:
        """Decode the next block."""
        entry = next(self._entries)
        if not entry:
            return np.zeros_like(wanted)
        data = self._reader.take((entry - 1) // _LANES)
        lanes = 1 << (entry - 1) % _LANES
        decoder = BlockDecoder(data, lanes, lengths[-1], self._tables)
        integers = model.code(decoder, wanted)
        decoder.finish()
        return integers


def blocks_of(lengths: Four, edges: Four) -> int:
    """Return the number of blocks of a band."""
    return math.prod(-(-n // edge) for n, edge in zip(lengths, edges, strict=True))


def boxes(lengths: Sequence[int], edges: Sequence[int]) -> Iterator[Box]:
    """Return the blocks of a band in C order."""
    starts = (range(0, n, edge) for n, edge in zip(lengths, edges, strict=True))
    for corner in product(*starts):
        yield tuple(slice(start, start + e) for start, e in zip(corner, edges, strict=True))


def surroundings(integers: Int64Array, edges: Sequence[int]) -> Int64Array:
    """Return B of each integer of a band with blocks of some edges."""
    sizes = np.abs(clipped(integers))
    total = 2 * sizes
    for axis in SURROUNDING_AXES:
        ahead, behind = [slice(None)] * AXES, [slice(None)] * AXES
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        joined = np.arange(1, integers.shape[axis]) % edges[axis] > 0
        shape = [-1 if a == axis else 1 for a in range(AXES)]
        same_block = joined.astype(np.int64).reshape(shape)
        total[tuple(ahead)] += sizes[tuple(behind)] * same_block
        total[tuple(behind)] += sizes[tuple(ahead)] * same_block
    return np.asarray(np.minimum(total, MOST_SURROUNDINGS), dtype=np.int64)


def summed(integers: Int64Array, head: Head) -> Int64Array:
    """Return the low band from its differences; the sums may be too large (STA-5)."""
    out = integers.copy()
    for box in boxes(integers.shape, head.edges):
        for axis in range(AXES - 1, -1, -1):
            if head.summed[axis]:
                out[box] = np.cumsum(out[box], axis=axis)
    return out
