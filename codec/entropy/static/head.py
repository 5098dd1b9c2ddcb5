"""Head of a static stream: edges, differences, weights and tables.

Normative text: format_spec/inrc-1.md, section 7.6, "Head".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codec.arrays import Int64Array
from codec.entropy.mixing.lattice import AXES, Band
from codec.entropy.static.alphabet import (

    FIRST_SIGN,
    MOST_SIGN_WEIGHT,
    MOST_TOKENS,
    MOST_WEIGHT,
    PARENT,
    SIBLINGS,
    SYMBOLS,
    TABLES,
    TAP_COUNTS,
    TAPS,
    WEIGHT_BITS,
    WEIGHTS,
)
from codec.entropy.static.bit_strings import BitReader, BitWriter
from codec.entropy.static.blocks import Edges
from codec.entropy.static.constants import INITIAL_WEIGHTS
from codec.entropy.static.tables import MIDDLE_HAZARD, MOST_HAZARD, HazardTables, predicted_hazards
from codec.errors import CorruptError

_EDGE_BITS = 4
_PAST = TAPS - 1


@dataclass(frozen=True)
class BandContext:
    """What of a band is known before it is decoded.

    Attributes:
        band: where it lies.
        has_parent: whether the coarser level has a band of its orientation.
        has_siblings: whether bands of its level come before it.
    """

    band: Band
    has_parent: bool
    has_siblings: bool

    @property
    def weight_numbers(self) -> list[int]:
        """Numbers of the weights that a stream gives, of magnitudes and then of signs."""
        absent = set()
        if self.band.shape[0] == 1:
            absent |= {_PAST, WEIGHTS + _PAST}
        if not self.has_parent:
            absent.add(PARENT)
        if not self.has_siblings:
            absent.add(SIBLINGS)
        return [number for number in range(WEIGHTS + TAPS) if number not in absent]


class WeightMemory:
    """Weights by orientation, as the streams of an item have given them so far."""

    def __init__(self) -> None:
        self._weights: dict[int, Int64Array] = {}

    def of(self, orientation: int) -> Int64Array:
        """(17,) int64: w_0..w_9, v_0..v_6."""
        return self._weights.get(orientation, INITIAL_WEIGHTS)

    def put(self, orientation: int, weights: Int64Array) -> None:
        self._weights[orientation] = weights


@dataclass(frozen=True)
class StaticHead:
    """Parameters of a static stream.

    Attributes:
        edges: exponents of the edges of blocks, one per axis, 0 to 15.
        differences: per axis, whether the low band is coded as differences along it.
        weights: (17,) int64 per band of the stream.
        tables: of all classes.
    """

    edges: Edges
    differences: tuple[bool, ...]
    weights: Sequence[Int64Array]
    tables: HazardTables

    def to_bytes(self, contexts: Sequence[BandContext], memory: WeightMemory) -> bytes:
        """The head, for bands in coding order; weights equal to those in memory are left out."""
        writer = BitWriter()
        for edge in self.edges:
            writer.number(edge, _EDGE_BITS)
        if contexts[0].band.orientation == 0:
            for differs in self.differences:
                writer.number(int(differs), 1)
        for context, weights in zip(contexts, self.weights, strict=True):
            _write_weights(writer, context, weights, memory)
        _write_tables(writer, self.tables)
        return writer.to_bytes()

    @classmethod
    def from_bytes(
        cls, data: bytes, contexts: Sequence[BandContext], memory: WeightMemory
    ) -> tuple[StaticHead, int]:
        """The head of a stream, and the number of its bytes.

        Raises:
            CorruptError: the head breaks the specification.
        """
        reader = BitReader(data)
        edges = tuple(reader.number(_EDGE_BITS) for _ in range(AXES))
        differences = (False,) * AXES
        if contexts[0].band.orientation == 0:
            differences = tuple(reader.number(1) == 1 for _ in range(AXES))
        weights = [_read_weights(reader, context, memory) for context in contexts]
        tables = _read_tables(reader)
        return cls(edges, differences, weights, tables), reader.end()


def within_bounds(weights: Int64Array) -> bool:
    """Whether weights keep the contexts within 16 bits (STA-2)."""
    return bool(
        weights[:TAPS] @ TAP_COUNTS <= MOST_WEIGHT
        and np.abs(weights[WEIGHTS:]) @ TAP_COUNTS <= MOST_SIGN_WEIGHT
    )


def _write_weights(
    writer: BitWriter, context: BandContext, weights: Int64Array, memory: WeightMemory
) -> None:
    orientation = context.band.orientation
    known = memory.of(orientation)
    given = not np.array_equal(weights, known)
    writer.number(int(given), 1)
    if given:
        for number in context.weight_numbers:
            writer.number(int(weights[number]) % (1 << WEIGHT_BITS), WEIGHT_BITS)
    memory.put(orientation, weights)


def _read_weights(reader: BitReader, context: BandContext, memory: WeightMemory) -> Int64Array:
    orientation = context.band.orientation
    weights = memory.of(orientation).copy()
    if reader.number(1):
        for number in context.weight_numbers:
            value = reader.number(WEIGHT_BITS)
            signed = number >= WEIGHTS and value >= 1 << (WEIGHT_BITS - 1)
            weights[number] = value - (1 << WEIGHT_BITS) if signed else value
    if not within_bounds(weights):
        raise CorruptError("weights of coefficients that overflow", section="TENS")
    memory.put(orientation, weights)
    return weights


def _write_tables(writer: BitWriter, tables: HazardTables) -> None:
    sizes, hazards = tables.sizes, tables.hazards
    before = 1
    for table in range(TABLES):
        size = int(sizes[table])
        count = size - 1
        if table < FIRST_SIGN:
            same = size == before and (
                count == 0
                or np.array_equal(hazards[table, :count], hazards[max(table - 1, 0), :count])
            )
            same = same and (table > 0 or size == 1)
            writer.number(int(same), 1)
            if same:
                continue
            writer.signed(size - before, 1)
            before = size
        order = 1 if table < FIRST_SIGN else 0
        for symbol, expected in enumerate(predicted_hazards(sizes, hazards, table)):
            nearest = int(hazards[table, symbol - 1]) if expected < 0 else expected
            writer.signed(int(hazards[table, symbol]) - nearest, order)


def _read_tables(reader: BitReader) -> HazardTables:
    sizes = np.ones(TABLES, np.int64)
    hazards = np.full((TABLES, SYMBOLS), MIDDLE_HAZARD, np.int64)
    before = 1
    for table in range(TABLES):
        if table < FIRST_SIGN:
            if reader.number(1):
                sizes[table] = before
                hazards[table] = hazards[max(table - 1, 0)]
                continue
            before += reader.signed(1)
            if not 1 <= before <= MOST_TOKENS:
                raise CorruptError(f"a table of {before} symbols", section="TENS")
            sizes[table] = before
        else:
            sizes[table] = 2
        order = 1 if table < FIRST_SIGN else 0
        for symbol, expected in enumerate(predicted_hazards(sizes, hazards, table)):
            nearest = int(hazards[table, symbol - 1]) if expected < 0 else expected
            hazard = nearest + reader.signed(order)
            if not 0 <= hazard <= MOST_HAZARD:
                raise CorruptError("a table with a hazard out of range", section="TENS")
            hazards[table, symbol] = hazard
    return HazardTables(sizes, hazards)


