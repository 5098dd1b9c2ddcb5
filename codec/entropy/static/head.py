"""Head of a static stream: edges, differences, weights and tables.

Normative text: format_spec/inrc-1.md, section 7.6, "Head".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from codec.arrays import Int64Array
from codec.entropy.lattice import AXES, Band
from codec.entropy.static.alphabet import (
    MOST_SIGN_WEIGHT,
    MOST_WEIGHT,
    PARENT,
    SIBLINGS,
    TAP_COUNTS,
    TAPS,
    WEIGHT_BITS,
    WEIGHTS,
)
from codec.entropy.static.bit_strings import BitReader, BitWriter
from codec.entropy.static.blocks import Edges
from codec.entropy.static.constants import INITIAL_WEIGHTS
from codec.entropy.static.table_bits import read_tables, write_tables
from codec.entropy.static.tables import HazardTables
from codec.errors import CorruptError

_EDGE_BITS = 4
# Bytes that a head takes at most: weights of 1 + 17 * 6 bits, tables with codes of up to 65 bits.
_MOST_BYTES = 1 << 15
_PAST = TAPS - 1


@dataclass(frozen=True)
class BandContext:
    """Knowledge of a band before it is decoded.

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
        writer.digits(write_tables(self.tables))
        return writer.to_bytes()

    @classmethod
    def from_bytes(
        cls, data: bytes, contexts: Sequence[BandContext], memory: WeightMemory
    ) -> tuple[StaticHead, int]:
        """The head of a stream, and the number of its bytes.

        Raises:
            CorruptError: the head breaks the specification.
        """
        reader = BitReader(data[:_MOST_BYTES])
        edges = tuple(reader.number(_EDGE_BITS) for _ in range(AXES))
        differences = (False,) * AXES
        if contexts[0].band.orientation == 0:
            differences = tuple(reader.number(1) == 1 for _ in range(AXES))
        weights = [_read_weights(reader, context, memory) for context in contexts]
        tables, reader.at = read_tables(reader.bits, reader.at)
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
