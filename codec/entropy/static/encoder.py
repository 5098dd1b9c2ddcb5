"""Coding of the coefficients of a lattice by the static coder.

Normative text of the decoder: format_spec/inrc-1.md, section 7.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from codec.arrays import (
    Float32Array,
    Int32Array,
    Int64Array,
    UInt8Array,
    UInt32Array,
)
from codec.entropy.coder_numbers import STATIC_LATTICE
from codec.entropy.lattice import AXES, Box, Lattice, Segment
from codec.entropy.static import weights as fitting
from codec.entropy.static.alphabet import (
    CONSTANT,
    MOST_MAGNITUDE,
    SYMBOLS,
    TABLES,
    WEIGHTS,
)
from codec.entropy.static.block_encoder import assemble_block, collect_events, lanes_for
from codec.entropy.static.blocks import Edges, block_boxes, edges_for, place_within
from codec.entropy.static.choosing import choose_block, expected_counts, lengths_of
from codec.entropy.static.contexts import fill_clipped
from codec.entropy.static.differences import chosen_axes, take_differences
from codec.entropy.static.head import BandContext, StaticHead, WeightMemory
from codec.entropy.static.levels import LevelMemory, band_contexts
from codec.entropy.static.priors import block_surroundings
from codec.entropy.static.tables import code_lengths, tables_for
from codec.entropy.static.workers import Workers
from codec.errors import InvalidInputError
from codec.format.leb128 import encode_uleb

# Levels share a stream until it holds so many coefficients that are not 0: tables cost about a
# hundred bytes.
_STREAM_NONZERO = 3000
# Coefficients from which on a band is worth weights of its own.
_FITTED_NONZERO = 1000
# Blocks of a band that weights are fitted to, at most about.
_SAMPLED_BLOCKS = 3


@dataclass(frozen=True)
class _BlockEvents:
    """Symbols of a block that is not all zeros."""

    events: UInt32Array
    raw: UInt8Array
    raw_bits: int
    length: int
    counts: Int64Array


@dataclass(frozen=True)
class Choice:
    """Coefficients of which integers are chosen by rate and distortion.

    Attributes:
        coefficients: float32 of the lattice's shape.
        step: quantisation step.
        price: squared error, in squared steps, that a bit is worth.
    """

    coefficients: Float32Array
    step: float
    price: float


class StaticEncoder:
    """Coder of a lattice whose integers stand in an array of its shape.

    Args:
        lattice: what is coded.
        values: int32 of the lattice's shape; the low band is overwritten.
        threads: blocks coded at once; the bytes do not depend on it.
        choice: what integers outside of the low band are chosen from; they are then overwritten.
    """

    def __init__(
        self,
        lattice: Lattice,
        values: Int32Array,
        threads: int = 1,
        choice: Choice | None = None,
    ) -> None:
        self._lattice = lattice
        self._values = values
        self._workers = Workers(threads)
        self._choice = choice
        # Counts of the symbols of all bands so far, by which choices are made.
        self._counts = expected_counts()
        self._differences = (False,) * AXES
        # Weights as bands have chosen them, and as heads that are written have given them.
        self._chosen, self._written = WeightMemory(), WeightMemory()
        self._levels = LevelMemory(lattice)

    def segments(self) -> list[Segment]:
        """The streams' segments, from coarse to fine.

        Raises:
            InvalidInputError: a magnitude is 2^27 or more.
        """
        bands = self._lattice.bands
        most = max(int(self._values.max(initial=0)), -int(self._values.min(initial=0)))
        if most >= MOST_MAGNITUDE:
            raise InvalidInputError(
                "a quantised coefficient is too large to code; use larger steps"
            )
        segments, first, nonzero = [], 0, 0
        counts = [int(np.count_nonzero(self._values[band.box])) for band in bands]
        with self._workers:
            for number, band in enumerate(bands):
                nonzero += counts[number]
                last = number + 1 == len(bands)
                if last or (bands[number + 1].level != band.level and nonzero >= _STREAM_NONZERO):
                    streamed = bands[first : number + 1]
                    largest = tuple(map(max, zip(*(part.shape for part in streamed), strict=True)))
                    edges = edges_for(largest, nonzero / sum(part.size for part in streamed))
                    segments.append(self._segment(first, number + 1, edges))
                    first, nonzero = number + 1, 0
        return segments

    def _segment(self, first: int, last: int, edges: Edges) -> Segment:
        contexts = band_contexts(self._lattice, first, last)
        if first == 0:
            self._take_differences(edges)
        weights, blocks = [], []
        counts = np.zeros((TABLES, SYMBOLS), np.int64)
        for context in contexts:
            self._levels.enter(context.band)
            chosen = self._band_weights(context, edges)
            weights.append(chosen)
            blocks.append(self._band_blocks(context, chosen, edges, counts))
        tables = tables_for(counts)
        head = StaticHead(edges, self._differences, weights, tables)
        frequencies = tables.frequencies()
        starts = np.cumsum(frequencies, axis=1) - frequencies
        lengths = code_lengths(frequencies)
        coding = (
            frequencies.astype(np.uint32).reshape(-1),
            starts.astype(np.uint32).reshape(-1),
        )

        def assembled(block: _BlockEvents | None) -> tuple[int, bytes]:
            if block is None:
                return 0, b""
            bits = float((block.counts * lengths).sum()) + block.raw_bits
            lanes = lanes_for(bits)
            data = assemble_block(
                block.events, block.raw, block.raw_bits, coding, lanes, block.length
            )
            return 1 + lanes.bit_length() - 1 + 6 * len(data), data

        coded = list(self._workers.map(assembled, [block for band in blocks for block in band]))
        parts = [head.to_bytes(contexts, self._written)]
        parts += [encode_uleb(entry) for entry, _ in coded]
        parts += [data for _, data in coded]
        count = sum(context.band.size for context in contexts)
        return Segment(count, b"".join(parts), STATIC_LATTICE)

    def estimated_bits(self) -> float:
        """Bits of the whole lattice, about: in one stream, with the initial weights."""
        bands = self._lattice.bands
        edges = edges_for(self._lattice.shape, 1.0)
        self._take_differences(edges)
        counts = np.zeros((TABLES, SYMBOLS), np.int64)
        raw_bits = 0
        with self._workers:
            for context in band_contexts(self._lattice, 0, len(bands)):
                self._levels.enter(context.band)
                weights = self._chosen.of(context.band.orientation)
                blocks = self._band_blocks(context, weights, edges, counts)
                raw_bits += sum(block.raw_bits for block in blocks if block is not None)
        lengths = code_lengths(tables_for(counts).frequencies())
        return float((counts * lengths).sum()) + raw_bits

    def _take_differences(self, edges: Edges) -> None:
        """Replace the low band by its differences along the axes where that pays."""
        low = self._values[self._lattice.bands[0].box]
        self._differences = chosen_axes(low, edges, MOST_MAGNITUDE)
        for box in block_boxes(low.shape, edges):
            take_differences(low[box], self._differences)

    def _band_blocks(
        self, context: BandContext, weights: Int64Array, edges: Edges, counts: Int64Array
    ) -> list[_BlockEvents | None]:
        """Choose the integers of a band, if there is a choice, and collect their symbols."""
        if self._choice is not None and context.band.orientation:
            self._choose(context, weights, edges, self._choice)
        return self._band_events(context, weights, edges, counts)

    def _band_weights(self, context: BandContext, edges: Edges) -> Int64Array:
        """Weights of a band: fitted to it, or those known before it where it is nearly empty."""
        band = context.band
        values = self._values[band.box]
        known = self._chosen.of(band.orientation)
        if np.count_nonzero(values) < _FITTED_NONZERO:
            return known
        sample = np.empty((fitting.COLUMNS, 2 * fitting.SAMPLE), np.float32)
        # Columns of the sample that are filled, and where the next block starts.
        progress = np.zeros(2, np.int64)
        scratch = self._workers.scratch
        boxes = list(block_boxes(band.shape, edges))
        boxes = boxes[:: max(1, len(boxes) // _SAMPLED_BLOCKS)]
        size = sum(math.prod(part.stop - part.start for part in box) for box in boxes)
        stride = max(1, size // fitting.SAMPLE) | 1
        for box in boxes:
            whole, place = place_within(band, box)
            shape = tuple(place[1])
            clipped, nonzero = scratch.clipped(shape)
            fill_clipped(self._values, whole, clipped, nonzero)
            fitting.sample_rows(
                self._values, whole, place, clipped, self._levels.parent(band),
                self._levels.halved(band), self._levels.siblings_of(context), stride, sample,
                progress,
            )  # fmt: skip
        weights = fitting.fitted(
            np.ascontiguousarray(sample[:, : progress[0]]), known, context.weight_numbers
        )
        self._chosen.put(band.orientation, weights)
        return weights

    def _choose(
        self, context: BandContext, weights: Int64Array, edges: Edges, choice: Choice
    ) -> None:
        """Choose the integers of a band."""
        lengths = lengths_of(self._counts)
        narrow = weights.astype(np.int16)
        scale, price = np.float32(1 / choice.step), np.float32(choice.price)

        def choose(box: Box) -> None:
            scratch = self._workers.scratch
            whole, place = place_within(context.band, box)
            shape = tuple(place[1])
            clipped, nonzero = scratch.clipped(shape)
            priors, active = scratch.priors(shape)
            self._levels.fill_priors(context, place, narrow[CONSTANT:WEIGHTS], priors, active)
            choose_block(
                choice.coefficients, whole, scale, price, lengths, self._values, clipped, nonzero,
                priors, active, narrow[:CONSTANT], narrow[WEIGHTS:], scratch.rows,
            )  # fmt: skip

        for _ in self._workers.map(choose, block_boxes(context.band.shape, edges)):
            pass

    def _band_events(
        self, context: BandContext, weights: Int64Array, edges: Edges, counts: Int64Array
    ) -> list[_BlockEvents | None]:
        """The symbols of a band's blocks, counted; then its surroundings are remembered."""
        band = context.band
        surroundings = np.zeros(band.shape, np.uint8)

        def collect(box: Box) -> tuple[_BlockEvents | None, Int64Array]:
            return self._block_events(context, weights, box, surroundings)

        blocks = []
        for block, counted in self._workers.map(collect, block_boxes(band.shape, edges)):
            blocks.append(block)
            counts += counted
            self._counts += 64 * counted
        self._levels.put(band, surroundings)
        return blocks

    def _block_events(
        self,
        context: BandContext,
        weights: Int64Array,
        box: Box,
        surroundings: UInt8Array,
    ) -> tuple[_BlockEvents | None, Int64Array]:
        scratch = self._workers.scratch
        counts = np.zeros((TABLES, SYMBOLS), np.int64)
        whole, place = place_within(context.band, box)
        shape = tuple(place[1])
        clipped, nonzero = scratch.clipped(shape)
        if not fill_clipped(self._values, whole, clipped, nonzero):
            return None, counts
        if context.band.orientation:
            block_surroundings(clipped, place, surroundings)
        priors, active = scratch.priors(shape)
        narrow = weights.astype(np.int16)
        self._levels.fill_priors(context, place, narrow[CONSTANT:WEIGHTS], priors, active)
        size, length = int(np.prod(shape)), int(shape[3])
        events = np.empty(2 * size + size // length * (1 + length // 32), np.uint32)
        raw = np.zeros(4 * size + 8, np.uint8)
        sizes = np.zeros(2, np.int64)
        collect_events(
            self._values, whole, clipped, nonzero, priors, active, narrow[:CONSTANT],
            narrow[WEIGHTS:],
            scratch.rows, events, raw, counts, sizes,
        )  # fmt: skip
        count, bits = sizes.tolist()
        return _BlockEvents(
            events[:count].copy(), raw[: (bits + 7) // 8].copy(), int(bits), length, counts
        ), counts
