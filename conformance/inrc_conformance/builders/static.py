"""Encoder of section 7.6: heads, tables, lanes and blocks; it uses the walk of the decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..decoder.lattice import AXES, Four, Lattice
from ..decoder.numbers import Int64Array
from ..decoder.static_block import BlockModel
from ..decoder.static_head import SIZES, Family, Head, Weights
from ..decoder.static_lanes import LEAST_STATE
from ..decoder.static_model import StaticModel, boxes
from ..decoder.static_tables import CLASSES, FLAG, STATIC_WEIGHTS, StaticTables, table_of
from .mixing import array_lattice
from .static_tables import MagnitudeTable, TableChoice, fitted, table_bits
from .streams import Ints, pack_bits, stream, uleb

_WHOLE = (15, 15, 15, 15)


@dataclass(frozen=True)
class Choice:
    """Choices of an encoder for a stream."""

    edges: Four = _WHOLE
    """k_0..k_3; the edges are powers of 2."""
    differences: int = 0
    """The bits of the axes of the low band, axis 0 in the highest of four."""
    weights: Mapping[int, Weights] = field(default_factory=dict)
    """All 17 weights of some bands, by their number in the stream."""
    lanes: Sequence[int] = (4,)
    """Lanes of the blocks, in turns."""
    magnitudes: Sequence[MagnitudeTable] | None = None
    """Tables of the magnitude classes (hazards, or None for that of the class before)."""
    signs: Ints | None = None
    flags: Ints | None = None
    """Hazards of the other classes."""
    zero_blocks: bool = True
    """Blocks of zeros have no bytes."""
    zero_groups: bool = True
    """Groups of zeros have the flag 0."""


PLAIN = Choice()
"""A whole band in a block, with fitted tables and the weights of the registry."""


def chosen(kind: int, wanted: int, choice: Choice) -> int:
    """Return a symbol as it is, or 1 for each flag where no group is left out."""
    return 1 if kind == FLAG and not choice.zero_groups else wanted


class Counter:
    """Counts the symbols of each class instead of coding them."""

    def __init__(self, choice: Choice) -> None:
        self.lanes = 1
        self._choice = choice
        self.counts = [[[0] * 59 for _ in range(number)] for number in CLASSES]

    def symbol(self, kind: int, number: int, lane: int, wanted: int) -> int:
        """Count a symbol."""
        some = chosen(kind, wanted, self._choice)
        self.counts[kind][number][some] += 1
        return some

    def raw(self, count: int, wanted: int) -> int:
        """Take raw bits as they are."""
        return wanted


class BlockEncoder:
    """Collects the symbols and raw bits of a block."""

    def __init__(self, choice: Choice, lanes: int, length: int, tables: StaticTables) -> None:
        self.lanes = lanes
        self._choice = choice
        self._states = [LEAST_STATE] * min(lanes, length)
        self._tables = tables
        self._symbols: list[tuple[int, int, int]] = []
        self._raw: list[int] = []

    def symbol(self, kind: int, number: int, lane: int, wanted: int) -> int:
        """Take a symbol."""
        table, some = self._tables.of(kind, number), chosen(kind, wanted, self._choice)
        self._symbols.append((table.frequencies[some], table.cumulative[some], lane))
        return some

    def raw(self, count: int, wanted: int) -> int:
        """Take raw bits, the lowest first."""
        self._raw += [wanted >> place & 1 for place in range(count)]
        return wanted

    def parts(self) -> tuple[list[int], list[int], bytes]:
        """Return the states, the words in the order of reading, and the raw bytes."""
        words: list[int] = []
        for f, c, lane in reversed(self._symbols):
            state = self._states[lane]
            if state >= f << 20:
                words.append(state % 2**16)
                state >>= 16
            self._states[lane] = (state // f << 12) + state % f + c
        number = sum(bit << place for place, bit in enumerate(self._raw))
        raw = number.to_bytes(-(-len(self._raw) // 8), "big")
        return self._states, words[::-1], raw


@dataclass(frozen=True)
class Block:
    """The parts of a block that is not all 0."""

    lanes: int
    states: Sequence[int]
    words: Sequence[int]
    raw: bytes

    def data(self) -> bytes:
        """Return the bytes of the block."""
        states = b"".join(state.to_bytes(4, "little") for state in self.states)
        return states + b"".join(word.to_bytes(2, "little") for word in self.words) + self.raw

    def entry(self) -> int:
        """Return the number that stands for its lanes and its length."""
        return 6 * len(self.data()) + self.lanes.bit_length()


@dataclass(frozen=True)
class StaticData:
    """The parts of the data of a stream; a block of zeros is None."""

    count: int
    head: str
    """A string of bits, which is padded with zeros."""
    blocks: Sequence[Block | None]
    lengths: Sequence[int] = ()
    """The lengths of an array; none of a stream of coder 8."""

    def entries(self) -> list[int]:
        """Return the entries of the lengths."""
        return [0 if block is None else block.entry() for block in self.blocks]

    def body(self) -> bytes:
        """Return the bytes of all blocks."""
        return b"".join(block.data() for block in self.blocks if block is not None)

    def data(self, entries: Ints | None = None, body: bytes | None = None) -> bytes:
        """Return the data of the stream, with other lengths or other bytes where they are given."""
        lengths = b"".join(map(uleb, self.entries() if entries is None else entries))
        return pack_bits(self.head) + lengths + (self.body() if body is None else body)

    def stream(self, data: bytes | None = None, count: int | None = None) -> bytes:
        """Return the stream, with other data or another count where they are given."""
        some = self.data() if data is None else data
        number = self.count if count is None else count
        if not self.lengths:
            return stream(8, number, b"", some)
        return raw_static_array(number, self.lengths, some)

    def with_block(self, number: int, **changes: object) -> StaticData:
        """Return data in which parts of a block are others."""
        block = self.blocks[number]
        if block is None:
            raise ValueError("a block of zeros has no parts")
        blocks = list(self.blocks)
        blocks[number] = replace(block, **changes)  # type: ignore[arg-type]
        return replace(self, blocks=blocks)


class StaticEncoder:
    """Writes the streams of coder 8 of a lattice one after the other."""

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._before: list[tuple[Int64Array, Head | None]] = []
        self._weights: dict[int, Weights] = {}

    def skip(self, integers: Ints) -> None:
        """Take integers of another coder."""
        self._before.append((np.array(integers, dtype=np.int64), None))

    def encode(self, integers: Ints, choice: Choice = PLAIN) -> StaticData:
        """Encode the next integers, which are whole levels."""
        values = np.array(integers, dtype=np.int64)
        families = self._model().families(len(integers))
        weights = tuple(self._weights_of(f, choice.weights.get(n)) for n, f in enumerate(families))
        head = head_of(choice, weights, StaticTables(()))
        coded = differences(families, values, head)
        counter = Counter(choice)

        def counted(model: BlockModel, lengths: Four, wanted: Int64Array) -> Int64Array:
            return model.code(counter, wanted) if wanted.any() or not choice.zero_blocks else wanted

        self._model().code(families, head, coded, counted)
        tables = fitted(counter.counts, choice.magnitudes, choice.signs, choice.flags)
        head = head_of(choice, weights, static_tables(tables))
        blocks = self._blocks(families, head, choice, coded)
        self._before.append((coded, head))
        bits = head_bits(choice, families, tables)
        return StaticData(len(integers), bits, blocks)

    def stream(self, integers: Ints, choice: Choice = PLAIN) -> bytes:
        """Encode the next integers as a stream of coder 8."""
        return self.encode(integers, choice).stream()

    def _model(self) -> StaticModel:
        """Return a model that has coded everything before."""
        model = StaticModel(self._lattice)
        for integers, head in self._before:
            if head is None:
                model.add(integers)
            else:
                model.code(model.families(integers.size), head, integers, lambda m, n, some: some)
        return model

    def _weights_of(self, family: Family, given: Weights | None) -> Weights:
        """Return the weights of a band and remember them."""
        weights = list(self._weights.get(family.band.orientation, STATIC_WEIGHTS))
        for place in family.listed() if given is not None else ():
            weights[place] = (given or ())[place]
        self._weights[family.band.orientation] = tuple(weights)
        return tuple(weights)

    def _blocks(
        self, families: Sequence[Family], head: Head, choice: Choice, wanted: Int64Array
    ) -> list[Block | None]:
        """Encode all blocks."""
        blocks: list[Block | None] = []

        def coded(model: BlockModel, lengths: Four, part: Int64Array) -> Int64Array:
            if choice.zero_blocks and not part.any():
                blocks.append(None)
                return part
            lanes = choice.lanes[len(blocks) % len(choice.lanes)]
            encoder = BlockEncoder(choice, lanes, lengths[-1], head.tables)
            integers = model.code(encoder, part)
            if not np.array_equal(integers, part):
                raise ValueError("a block cannot be coded")
            blocks.append(Block(lanes, *encoder.parts()))
            return integers

        self._model().code(families, head, wanted, coded)
        return blocks


def head_of(choice: Choice, weights: tuple[Weights, ...], tables: StaticTables) -> Head:
    """Return the head of a stream."""
    a, b, c, d = (1 << k for k in choice.edges)
    summed = tuple(bool(choice.differences >> (AXES - 1 - axis) & 1) for axis in range(AXES))
    return Head((a, b, c, d), summed, weights, tables)


def static_tables(tables: TableChoice) -> StaticTables:
    """Return the tables of some hazards."""
    magnitudes: list[Ints] = []
    before: Ints = ()
    for hazards in tables.magnitudes:
        before = before if hazards is None else hazards
        magnitudes.append(before)
    return StaticTables(
        (
            tuple(table_of(tuple(hazards)) for hazards in magnitudes),
            tuple(table_of((hazard,)) for hazard in tables.signs),
            tuple(table_of((hazard,)) for hazard in tables.flags),
        )
    )


def head_bits(choice: Choice, families: Sequence[Family], tables: TableChoice) -> str:
    """Write a head as a string of bits."""
    text = "".join(format(k, "04b") for k in choice.edges)
    if any(family.band.is_low for family in families):
        text += format(choice.differences, "04b")
    for number, family in enumerate(families):
        given = choice.weights.get(number)
        text += "0" if given is None else "1"
        for place in family.listed() if given is not None else ():
            text += format((given or ())[place] % 64, "06b")
    return text + table_bits(tables)


def differences(families: Sequence[Family], integers: Int64Array, head: Head) -> Int64Array:
    """Return integers with the low band as differences, block after block."""
    out = integers.copy()
    if not families or not families[0].band.is_low:
        return out
    band = families[0].band
    low = out[: band.entries].reshape(band.lengths)
    for box in boxes(band.lengths, head.edges):
        for axis in range(AXES):
            if head.summed[axis]:
                low[box] = np.diff(low[box], axis=axis, prepend=0)
    return out


def static_stream_of(lattice: Lattice, integers: Ints, choice: Choice = PLAIN) -> bytes:
    """Encode a whole lattice as one stream of coder 8."""
    return StaticEncoder(lattice).stream(integers, choice)


def static_array(lengths: Sequence[int], integers: Ints, choice: Choice = PLAIN) -> StaticData:
    """Encode integers as the data of a stream of coder 9."""
    data = StaticEncoder(array_lattice(lengths)).encode(integers, choice)
    return replace(data, lengths=tuple(lengths))


def raw_static_array(count: int, lengths: Sequence[int], data: bytes) -> bytes:
    """Write a stream of coder 9 from its parts, right or wrong."""
    return stream(9, count, bytes([len(lengths)]) + b"".join(map(uleb, lengths)), data)


def all_weights(sizes: Mapping[int, int], signed: Mapping[int, int] | None = None) -> Weights:
    """Return 17 weights: some w and v by their number, the others 0."""
    return (
        *(sizes.get(n, 0) for n in range(SIZES)),
        *((signed or {}).get(n, 0) for n in range(len(STATIC_WEIGHTS) - SIZES)),
    )
