"""Decoding of the coefficients of a lattice from static streams.

Normative text: format_spec/inrc-1.md, section 7.6.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from codec.arrays import Int32Array, Int64Array, UInt8Array, UInt32Array
from codec.entropy.lattice import Band, Box, Lattice
from codec.entropy.static.alphabet import CONSTANT, MOST_LANES, WEIGHTS
from codec.entropy.static.block_decoder import decode_block
from codec.entropy.static.block_decoder_avx2 import decode_block_avx2
from codec.entropy.static.blocks import block_boxes, block_count, place_within
from codec.entropy.static.contexts import fill_clipped
from codec.entropy.static.differences import sum_differences
from codec.entropy.static.head import BandContext, StaticHead, WeightMemory
from codec.entropy.static.lanes_avx2 import LANES_AT_ONCE, PERMUTATIONS
from codec.entropy.static.levels import LevelMemory, band_contexts, bands_of
from codec.entropy.static.priors import block_surroundings
from codec.entropy.static.tables import decoding_tables
from codec.entropy.static.workers import Workers
from codec.errors import CorruptError
from codec.format.leb128 import decode_uleb

# A row has at most 2^15 positions, each with two words of 2 bytes or up to 26 raw bits, and flags.
_MARGIN = (1 << 15) * 4 + (1 << 15) // 16 + 64
_FIRST_STATE = 1 << 16
_GROUPS = (1 << 15) // 32


@cache
def has_avx2() -> bool:
    """Whether loops are compiled for a processor that has AVX2."""
    from llvmlite import binding

    # numba compiles for another processor than this one where these are set.
    features = os.environ.get("NUMBA_CPU_FEATURES", "")
    if features or os.environ.get("NUMBA_CPU_NAME"):
        return "+avx2" in features
    return bool(binding.get_host_cpu_features().get("avx2", False))


@dataclass(frozen=True)
class _Block:
    """Bytes of a block in its stream's data, and its lanes."""

    box: Box
    start: int
    size: int
    lanes: int


class StaticDecoder:
    """Decoder of the static streams of a lattice into an array of its shape.

    Args:
        lattice: what is decoded.
        values: int32 of the lattice's shape, to be filled.
        threads: blocks decoded at once.
    """

    def __init__(self, lattice: Lattice, values: Int32Array, threads: int = 1) -> None:
        self._lattice = lattice
        self._values = values
        self._workers = Workers(threads)
        self._memory = WeightMemory()
        self._levels = LevelMemory(lattice)
        # Number of the band whose surroundings come next.
        self._remembered = 0

    def decode(self, start: int, count: int, data: bytes) -> Sequence[Band]:
        """Decode a stream of `count` coefficients from number `start` on, in coding order.

        Coefficients before these stand in the array already.

        Returns:
            The bands that are decoded.

        Raises:
            CorruptError: the stream breaks the specification.
        """
        chosen = bands_of(self._lattice, start, count)
        if chosen is None:
            raise CorruptError("a stream of coefficients does not end with a level", section="TENS")
        first, last = chosen
        self._remember_others(first)
        contexts = band_contexts(self._lattice, first, last)
        head, position = StaticHead.from_bytes(data, contexts, self._memory)
        blocks, end = self._index(contexts, head, data, position)
        margin = np.zeros(len(data) - end + 2 * _MARGIN, np.uint8)
        margin[_MARGIN : _MARGIN + len(data) - end] = np.frombuffer(data, np.uint8, offset=end)
        entries = decoding_tables(head.tables.frequencies())
        with self._workers:
            for context, weights, band_blocks in zip(contexts, head.weights, blocks, strict=True):
                self._decode_band(context, weights, band_blocks, margin, entries, head)
        self._remembered = last
        return self._lattice.bands[first:last]

    def _index(
        self, contexts: list[BandContext], head: StaticHead, data: bytes, position: int
    ) -> tuple[list[list[_Block]], int]:
        """The blocks of each band, and where their bytes begin."""
        counts = [block_count(context.band.shape, head.edges) for context in contexts]
        if sum(counts) > len(data) - position:
            raise CorruptError("fewer lengths than blocks", section="TENS")
        at = 0
        bands = []
        for context in contexts:
            blocks = []
            for box in block_boxes(context.band.shape, head.edges):
                entry, position = decode_uleb(data, position)
                lanes, size = 1 << (entry - 1) % 6, (entry - 1) // 6
                if entry == 0:
                    lanes, size = 0, 0
                blocks.append(_Block(box, at, size, lanes))
                at += size
            bands.append(blocks)
        if at != len(data) - position:
            raise CorruptError("the lengths of blocks are not those of their bytes", section="TENS")
        return bands, position

    def _remember_others(self, last: int) -> None:
        """Surroundings of bands that another coder held: each is one block."""
        scratch = self._workers.scratch
        for band in self._lattice.bands[self._remembered : last]:
            self._levels.enter(band)
            if not band.orientation:
                continue
            whole, place = place_within(band, tuple(slice(0, size) for size in band.shape))
            clipped, nonzero = scratch.clipped(band.shape)
            fill_clipped(self._values, whole, clipped, nonzero)
            surroundings = np.zeros(band.shape, np.uint8)
            block_surroundings(clipped, place, surroundings)
            self._levels.put(band, surroundings)

    def _decode_band(
        self,
        context: BandContext,
        weights: Int64Array,
        blocks: list[_Block],
        data: UInt8Array,
        entries: UInt32Array,
        head: StaticHead,
    ) -> None:
        band = context.band
        self._levels.enter(band)
        values = self._values[band.box]
        surroundings = np.zeros(band.shape, np.uint8)

        def work(block: _Block) -> bool:
            if not block.lanes:
                values[block.box] = 0
                return True
            return self._decode_block(context, weights, block, surroundings, data, entries)

        if not all(self._workers.map(work, blocks)):
            raise CorruptError("a block of coefficients is damaged", section="TENS")
        if not band.orientation:
            for block in blocks:
                sum_differences(values[block.box], head.differences)
        self._levels.put(band, surroundings)

    def _decode_block(
        self,
        context: BandContext,
        weights: Int64Array,
        block: _Block,
        surroundings: UInt8Array,
        data: UInt8Array,
        entries: UInt32Array,
    ) -> bool:
        whole, place = place_within(context.band, block.box)
        shape = tuple(place[1])
        lanes = min(block.lanes, shape[3])
        states = np.full(MOST_LANES + _GROUPS + 64, _FIRST_STATE, np.uint32)
        start = _MARGIN + block.start
        stop = start + block.size
        if 4 * lanes > block.size:
            return False
        states[:lanes] = data[start : start + 4 * lanes].view("<u4")
        if states[:lanes].min() < _FIRST_STATE:
            return False
        scratch = self._workers.scratch
        clipped, nonzero = scratch.clipped(shape)
        priors, active = scratch.priors(shape)
        narrow = weights.astype(np.int16)
        self._levels.fill_priors(context, place, narrow[CONSTANT:WEIGHTS], priors, active)
        arguments = (
            self._values, whole, clipped, nonzero, priors, active, narrow[:CONSTANT],
            narrow[WEIGHTS:],
            scratch.rows, data, start + 4 * lanes, stop,
        )  # fmt: skip
        coding = (block.lanes - 1, states, entries)
        if block.lanes >= LANES_AT_ONCE and has_avx2():
            complete = decode_block_avx2(*arguments, *coding, PERMUTATIONS)
        else:
            complete = decode_block(*arguments, *coding)
        if context.band.orientation:
            block_surroundings(clipped, place, surroundings)
        return bool(complete)
