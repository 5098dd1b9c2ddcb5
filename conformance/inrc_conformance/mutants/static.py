"""Wrong streams of the static coder, for deliberately wrong decoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..decoder import static_block, static_head, static_model, streams
from ..decoder.lattice import AXES, Band
from ..decoder.numbers import Int64Array, Reader
from ..decoder.static_block import GROUP, BlockModel, code_flag, code_group, code_magnitude
from ..decoder.static_head import Head
from ..decoder.static_lanes import BlockCoder, BlockDecoder
from ..decoder.static_model import StaticModel, boxes, surroundings
from ..decoder.static_tables import BITS, STATIC_CHANCES, StaticTables, class_of
from ..decoder.tables import Table, make_table
from .mutant import Patches

_READ_HEAD, _DECODE, _SUMMED = static_head.read_head, StaticModel.decode, static_model.summed
_AT = StaticModel._at


def _unchanged(integers: Int64Array) -> Int64Array:
    return integers


class _AllStates(BlockDecoder):
    """A block that has a state for each lane, however short its rows are."""

    def __init__(self, data: bytes, lanes: int, length: int, tables: StaticTables) -> None:
        super().__init__(data, lanes, lanes, tables)


class _HighestFirst(BlockDecoder):
    """A block whose raw bits are the highest first."""

    def raw(self, count: int, wanted: int) -> int:
        """Decode raw bits."""
        return int(format(super().raw(count, wanted), f"0{count}b")[::-1], 2)


class _FromTheTop(BlockDecoder):
    """A block whose raw bits are taken from the highest bit of each byte on."""

    def raw(self, count: int, wanted: int) -> int:
        """Decode raw bits."""
        self._data = bytes(int(format(byte, "08b")[::-1], 2) for byte in self._data)
        number = super().raw(count, wanted)
        self._data = bytes(int(format(byte, "08b")[::-1], 2) for byte in self._data)
        return number


class _FromTheFront(BlockDecoder):
    """A block whose raw bits are taken from behind the words; it looks for them at the end."""

    def __init__(self, data: bytes, lanes: int, length: int, tables: StaticTables) -> None:
        super().__init__(data, lanes, length, tables)
        self._bytes = data

    def raw(self, count: int, wanted: int) -> int:
        """Decode raw bits, those of the whole block reversed."""
        states = 4 * len(self._states)
        self._data = self._bytes[:states] + self._bytes[states:][::-1]
        number = super().raw(count, wanted)
        self._data = self._bytes
        return number


def _flag_by_flag(
    coder: BlockCoder, sizes: Sequence[int], signs: Sequence[int], wanted: Sequence[int]
) -> list[int]:
    """Decode the flag of each group in front of its integers."""
    out: list[int] = []
    for g, start in enumerate(range(0, len(sizes), GROUP)):
        group = range(start, min(start + GROUP, len(sizes)))
        flag = code_flag(coder, g, group, sizes, wanted)
        out += code_group(coder, group, sizes, signs, wanted) if flag else [0] * len(group)
    return out


def _sign_by_sign(
    coder: BlockCoder, group: range, sizes: Sequence[int], signs: Sequence[int], wanted: Any
) -> list[int]:
    """Decode each sign behind its magnitude."""
    out: list[int] = []
    for x in group:
        lane = x % coder.lanes
        size = code_magnitude(coder, class_of(sizes[x]), lane, 0)
        out.append(size * static_block.code_sign(coder, signs[x], lane, 0) if size else 0)
    return out


def _over_blocks(
    model: StaticModel, band: Band, edges: Any, weights: Any, wanted: Int64Array, coded: Any
) -> Int64Array:
    """Decode the blocks of a band with contexts of the blocks before."""
    added = weights[7] + (weights[8] * model.parents(band) >> 3)
    added += weights[9] * model.siblings(band) >> 3
    out = np.zeros(band.lengths, dtype=np.int64)
    for box in boxes(band.lengths, edges):
        a, b, c, d = out[box].shape
        block = BlockModel((a, b, c, d), weights, added[box])
        around = np.pad(out, [(2, 2 + edge) for edge in edges])
        where = tuple(
            slice(part.start + 2 - before, part.start + 2 - before + width)
            for part, before, width in zip(box, (1, 2, 2, 1), block._cells.shape, strict=True)
        )
        block._cells[...] = static_block.clipped(around[where])
        out[box] = coded(block, (a, b, c, d), wanted[box])
    return out


def _halved(model: StaticModel, band: Band) -> Int64Array:
    """Look for parents at half of each index, also along axes that are not transformed."""
    parent = model._parent(band)
    if parent is None:
        return np.zeros(band.lengths, dtype=np.int64)
    return model._at(parent, band, [1] * AXES)


def _mean_of_siblings(model: StaticModel, band: Band) -> Int64Array:
    siblings = model._siblings(band)
    total = sum((model._at(b, band, [0] * AXES) for b in siblings), np.zeros(band.lengths, int))
    return np.asarray(total // max(1, len(siblings)), dtype=np.int64)


def _outside_zero(model: StaticModel, other: Band, band: Band, halves: Sequence[int]) -> Int64Array:
    """Count places beyond the last index as 0, instead of as the last."""
    out = _AT(model, other, band, halves)
    for axis, (half, last) in enumerate(zip(halves, other.lengths, strict=True)):
        inside = np.arange(band.lengths[axis]) >> half < last
        out = out * inside.reshape([-1 if a == axis else 1 for a in range(AXES)])
    return np.asarray(out, dtype=np.int64)


def _forgetful(model: StaticModel, data: bytes, count: int) -> Int64Array:
    """Begin each stream with the initial weights."""
    model._weights.clear()
    return _DECODE(model, data, count)


def _of_the_band_before(reader: Reader, families: Any, memory: Any) -> Head:
    """Remember the weights of the last band, whatever its orientation."""

    class Last(dict[int, Any]):
        def get(self, key: int, default: Any = None) -> Any:
            return super().get(0, default)

        def __setitem__(self, key: int, value: Any) -> None:
            super().__setitem__(0, value)

    last = Last(memory)
    head = _READ_HEAD(reader, families, last)
    memory.update(last)
    return head


def _tables(share: Callable[[int, int, int], int]) -> Patches:
    """Use other frequencies, from what is left, the chance and the number of symbols behind."""

    def wrong(hazards: tuple[int, ...]) -> Table:
        remaining, frequencies = 1 << BITS, list[int]()
        for i, hazard in enumerate(hazards):
            behind = len(hazards) - i
            frequencies.append(share(remaining, STATIC_CHANCES[hazard], behind))
            remaining -= frequencies[-1]
        return make_table([*frequencies, remaining])

    return ((static_head, "table_of", wrong),)


def _summed(**changes: Any) -> Patches:
    def wrong(integers: Int64Array, head: Head) -> Int64Array:
        return _SUMMED(integers, replace(head, **changes))

    return ((static_model, "summed", wrong),)


def _axes_reversed(integers: Int64Array, head: Head) -> Int64Array:
    return _SUMMED(integers, replace(head, summed=head.summed[::-1]))


def _low_of_x(x: int) -> int:
    return class_of(max(0, x - 1))


def _exchanged(x: int) -> int:
    number = class_of(x)
    return number // 2 + 15 * (number % 2)


def _block(name: str, value: Any) -> Patches:
    return ((static_block, name, value),)


def _model(name: str, value: Any) -> Patches:
    return ((static_model, name, value),)


_ROWS: tuple[tuple[str, Patches, str], ...] = (
    ("signs of 1 agree with P", _block("is_negative", lambda a, p: (a == 0) != (p < 0)), "weights"),
    ("signs whatever P is", _block("is_negative", lambda a, p: a == 1), "weights-v"),
    ("sign classes of |P|", _block("sign_class", lambda p: min(abs(p).bit_length(), 7)), "weights"),
    ("sign classes up to 6",
     _block("sign_class", lambda p: min((abs(p) + 1).bit_length() - 1, 6)), "weights-largest"),
    ("flag classes of the sum", _block("flag_class", lambda n: min(class_of(n), 23)), "groups"),
    ("flag classes of the mean", _block("flag_class", lambda n: class_of(n >> 5)), "groups"),
    ("flag classes up to 22",
     _block("flag_class", lambda n: min(class_of(n >> 2), 22)), "contexts-of-h"),
    ("classes of x without 1", _block("class_of", _low_of_x), "lengths"),
    ("classes with h and b exchanged", _block("class_of", _exchanged), "lengths"),
    ("lanes by group", _block("lane_of", lambda x, lanes: x // GROUP % lanes), "lanes"),
    ("flags in lane 0", _block("flag_lane", lambda g, lanes: 0), "lanes-8-flags"),
    ("flags beside their groups", _block("code_row", _flag_by_flag), "groups"),
    ("signs beside their magnitudes", _block("code_group", _sign_by_sign), "lengths"),
    ("groups of 64", _block("GROUP", 64), "groups"),
    ("raw bits from 13 on", _block("FIRST_LONG", 13), "magnitude"),
    ("contexts of whole integers", _block("clipped", _unchanged), "weights-largest"),
    ("taps without those two before", _block("TAPS", (*static_block.TAPS[:5], (),
                                                      static_block.TAPS[6])), "weights-w-5"),
    ("taps of row and plane exchanged", _block("TAPS", (static_block.TAPS[2],
                                                        *static_block.TAPS[1:2],
                                                        static_block.TAPS[0],
                                                        *static_block.TAPS[3:])), "weights-w"),
)  # fmt: skip
_BLOCKS: tuple[tuple[str, Patches, str], ...] = (
    ("a state for each lane", _model("BlockDecoder", _AllStates), "lanes-32-rows-of-5"),
    ("raw bits the highest first", _model("BlockDecoder", _HighestFirst), "magnitudes"),
    ("raw bits from the top of a byte", _model("BlockDecoder", _FromTheTop), "magnitudes"),
    ("raw bits from the front", _model("BlockDecoder", _FromTheFront), "magnitudes"),
    ("contexts across blocks", ((StaticModel, "_code_band", _over_blocks),), "edges"),
    ("surroundings across blocks",
     _model("surroundings", lambda q, edges: surroundings(q, q.shape)), "contexts"),
    ("surroundings of whole integers", _model("clipped", _unchanged), "contexts"),
    ("surroundings above 255", _model("MOST_SURROUNDINGS", 2**40), "contexts"),
    ("surroundings along axis 0", _model("SURROUNDING_AXES", (0, 1, 2, 3)), "dims-4"),
    ("siblings above 1023", _model("MOST_SIBLINGS", 2**40), "contexts-alike"),
    ("places beyond the last are 0", ((StaticModel, "_at", _outside_zero),), "dims"),
    ("siblings in the mean", ((StaticModel, "siblings", _mean_of_siblings),), "dims-3"),
    ("parents at half of each index", ((StaticModel, "parents", _halved),), "levels-differ"),
    ("integers of other coders unseen",
     ((StaticModel, "parents", lambda model, band: np.zeros(band.lengths, np.int64)),), "beside"),
    ("differences across blocks", _summed(edges=(2**15,) * 4), "differences"),
    ("differences along all axes", _summed(summed=(True,) * 4), "differences"),
    ("differences with their axes reversed", _model("summed", _axes_reversed), "differences"),
    ("no static arrays", ((streams, "ARRAYS", (streams.ARRAY,)),), "arrays"),
)  # fmt: skip
_HEADS: tuple[tuple[str, Patches, str], ...] = (
    ("weights of the stream alone", ((StaticModel, "decode", _forgetful),), "lattice-weights"),
    ("weights of the band before", _model("read_head", _of_the_band_before), "lattice-weights"),
    ("weights v without a sign", ((static_head, "signed", lambda n: n),), "weights-v"),
    ("hazards near those of the class before",
     ((static_head, "nearest_hazards", lambda hazards, before: hazards),), "tables"),
    ("frequencies rounded down",
     _tables(lambda left, c, behind: min(max(left * c >> BITS, 1), left - behind)), "tables"),
    ("frequencies of 4096",
     _tables(lambda left, c, behind: min(max(c, 1), left - behind)), "tables"),
    ("frequencies that leave room for one",
     _tables(lambda left, c, behind: min(max(left * c + 2048 >> BITS, 1), max(left - 1, 1))),
     "tables"),
    ("frequencies of at least 2",
     _tables(lambda left, c, behind: min(max(left * c + 2048 >> BITS, 2), left - behind)),
     "tables"),
)  # fmt: skip
STATICS: tuple[tuple[str, Patches, str], ...] = tuple(
    (f"static coder: {name}", patches, f"valid/static/{first}*")
    for name, patches, first in (*_ROWS, *_BLOCKS, *_HEADS)
)
UNCHECKED_STATICS: tuple[tuple[str, str, str], ...] = tuple(
    (f"static coder: {name}", begin, f"malformed/static/{first}*")
    for name, begin, first in (
        ("any padding", "STA-1: padding", "padding"),
        ("codes of any length", "STA-1: a code", "code"),
        ("tables of any length", "STA-1: a table", "tables-n"),
        ("any hazard", "STA-1: a hazard", "[tsf]*hazard"),
        ("any weights", "STA-2", "weights"),
        ("bytes behind the blocks", "STA-3", "lengths"),
        ("any start of a state", "STA-4: a state begins", "state"),
        ("any end of a state", "STA-4: a state does not end", "state"),
        ("bytes of no symbol", "STA-4: a block has", "block"),
        ("raw bits that are left", "STA-4: raw", "block"),
        ("sums of any size", "STA-5", "sums"),
        ("streams that begin anywhere", "STR-11: a stream of coder 8 does not begin", "level"),
        ("streams that end anywhere", "STR-11: a stream of coder 8 does not end", "level"),
        ("streams of any lattice", "STR-11: a stream of coder 8 does not hold", "level"),
        ("arrays of any lengths", "STR-12", "arrays"),
    )
)
