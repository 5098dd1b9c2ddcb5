"""Symbols of 32 positions, eight lanes at once, in AVX2 instructions.

Normative text: format_spec/inrc-1.md, section 7.6: what the loop of `block_decoder` does for
one position after the other, eight lanes do together here. Refilling by a table of permutations:
Giesen, "Interleaved entropy coders", 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from codec.arrays import Int32Array
from codec.compiling import instruction

_BYTE, _HALF, _WORD, _LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
LANES_AT_ONCE = 8
_WORDS = ir.VectorType(_WORD, LANES_AT_ONCE)
_BYTES = ir.VectorType(_BYTE, LANES_AT_ONCE)
_HALVES = ir.VectorType(_HALF, LANES_AT_ONCE)


def _permutations() -> Int32Array:
    """For each set of lanes that take a word, which of the next words each of them takes."""
    table = np.zeros((256, LANES_AT_ONCE), np.int32)
    for chosen in range(256):
        taken = 0
        for lane in range(LANES_AT_ONCE):
            if chosen >> lane & 1:
                table[chosen, lane] = taken
                taken += 1
    return table


PERMUTATIONS = _permutations()


def _declared(module: Any, name: str, result: Any, *arguments: Any) -> Any:
    if name in module.globals:
        return module.globals[name]
    return ir.Function(module, ir.FunctionType(result, arguments), name)


def _same(value: int) -> Any:
    return ir.Constant(_WORDS, [value] * LANES_AT_ONCE)


def _load(builder: Any, address: Any, kind: Any) -> Any:
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


def _store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=1)


def _active_lanes(builder: Any, active: Any, part: int) -> Any:
    """One bit for each of eight lanes, from bits 8 part to 8 part + 7."""
    chosen = builder.and_(
        builder.lshr(active, ir.Constant(_WORD, LANES_AT_ONCE * part)), ir.Constant(_WORD, 255)
    )
    undefined = ir.Constant(_WORDS, ir.Undefined)
    first = builder.insert_element(undefined, chosen, ir.Constant(_WORD, 0))
    spread = builder.shuffle_vector(first, undefined, _same(0))
    bits = ir.Constant(_WORDS, [1 << lane for lane in range(LANES_AT_ONCE)])
    return builder.icmp_unsigned("==", builder.and_(spread, bits), bits)


def _entries(builder: Any, base: Any, tables: Any, state: Any, active: Any) -> Any:
    """Entries of `decoding_tables` at the slots of eight states."""
    gather = _declared(
        builder.module, "llvm.x86.avx2.gather.d.d.256", _WORDS, _WORDS, _BYTE.as_pointer(), _WORDS,
        _WORDS, _BYTE,
    )  # fmt: skip
    slot = builder.and_(state, _same(4095))
    index = builder.add(builder.shl(tables, _same(12)), slot)
    mask = builder.sext(active, _WORDS)
    return builder.call(gather, [_same(0), base, index, mask, ir.Constant(_BYTE, 4)])


def _next_states(
    builder: Any, state: Any, entry: Any, active: Any, data: Any, permutations: Any
) -> Any:
    """States after a symbol, and the address of the words that are next then."""
    permute = _declared(builder.module, "llvm.x86.avx2.permd", _WORDS, _WORDS, _WORDS)
    population = _declared(builder.module, "llvm.ctpop.i32", _WORD, _WORD)
    frequency = builder.add(builder.lshr(entry, _same(20)), _same(1))
    bias = builder.and_(builder.lshr(entry, _same(8)), _same(4095))
    moved = builder.add(builder.mul(frequency, builder.lshr(state, _same(12))), bias)
    moved = builder.select(active, moved, state)
    needs = builder.icmp_unsigned("==", builder.lshr(moved, _same(16)), _same(0))
    needing = builder.zext(builder.bitcast(needs, _BYTE), _LONG)
    words = builder.zext(_load(builder, data, _HALVES), _WORDS)
    order = builder.add(permutations, builder.shl(needing, ir.Constant(_LONG, 5)))
    in_order = builder.call(permute, [words, _load(builder, order, _WORDS)])
    refilled = builder.or_(builder.shl(moved, _same(16)), in_order)
    taken = builder.zext(builder.call(population, [builder.trunc(needing, _WORD)]), _LONG)
    data = builder.add(data, builder.shl(taken, ir.Constant(_LONG, 1)))
    return builder.select(needs, refilled, moved), data


def _lane_bits(builder: Any, condition: str, symbols: Any, bound: int, part: int) -> Any:
    """Bits 8 part to 8 part + 7: the lanes whose symbol meets a condition."""
    met = builder.icmp_unsigned(condition, symbols, _same(bound))
    bits = builder.zext(builder.bitcast(met, _BYTE), _WORD)
    return builder.shl(bits, ir.Constant(_WORD, LANES_AT_ONCE * part))


@instruction
def step_lanes(
    _: Any, states: Any, lane_mask: Any, entries: Any, tables: Any, active: Any, data: Any,
    symbols: Any, permutations: Any, masks: Any,
) -> Any:  # fmt: skip
    """Decode a symbol for each active one of 32 positions.

    Args (addresses but for `lane_mask` and `active`):
        states: uint32[lanes].
        lane_mask: number of lanes, 8, 16 or 32, less 1.
        entries: uint32 of `decoding_tables`.
        tables: uint8[32], the table of each position.
        active: uint32, the positions that have a symbol.
        data: next words.
        symbols: uint8[32], to be filled; 0 at positions that are not active.
        permutations: `PERMUTATIONS`.
        masks: uint32[2], to be filled: positions whose symbol is above 0, and above 11.

    Returns:
        Address of the next words.
    """
    from numba import types

    long = types.int64
    signature = long(long, long, long, long, types.uint32, long, long, long, long)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        states, lane_mask, entries, tables, active, data, symbols, permutations, masks = arguments
        base = builder.inttoptr(entries, _BYTE.as_pointer())
        above_0 = above_11 = ir.Constant(_WORD, 0)
        for part in range(4):
            offset = ir.Constant(_LONG, LANES_AT_ONCE * part)
            lane = builder.and_(lane_mask, offset)
            address = builder.add(states, builder.shl(lane, ir.Constant(_LONG, 2)))
            state = _load(builder, address, _WORDS)
            is_active = _active_lanes(builder, active, part)
            table = builder.zext(_load(builder, builder.add(tables, offset), _BYTES), _WORDS)
            entry = _entries(builder, base, table, state, is_active)
            state, data = _next_states(builder, state, entry, is_active, data, permutations)
            _store(builder, state, address)
            symbol = builder.and_(builder.select(is_active, entry, _same(0)), _same(63))
            _store(builder, builder.trunc(symbol, _BYTES), builder.add(symbols, offset))
            above_0 = builder.or_(above_0, _lane_bits(builder, "!=", symbol, 0, part))
            above_11 = builder.or_(above_11, _lane_bits(builder, ">", symbol, 11, part))
        _store(builder, above_0, masks)
        _store(builder, above_11, builder.add(masks, ir.Constant(_LONG, 4)))
        return data

    return signature, generate


@instruction
def store_lanes(_: Any, symbols: Any, signs: Any, flips: Any, values: Any, clipped: Any) -> Any:
    """Write 32 magnitudes below 12 with their signs.

    Args (addresses):
        symbols: uint8[32], magnitudes.
        signs: uint8[32], decoded sign symbols.
        flips: uint8[32], 1 where a sign symbol means its opposite.
        values: int32[32], to be filled.
        clipped: int8[32], to be filled.
    """
    from numba import types

    signature = types.void(types.int64, types.int64, types.int64, types.int64, types.int64)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        symbols, signs, flips, values, clipped = arguments
        bytes_32 = ir.VectorType(_BYTE, 32)
        sign = builder.xor(_load(builder, signs, bytes_32), _load(builder, flips, bytes_32))
        negative = builder.sub(ir.Constant(bytes_32, [0] * 32), sign)
        value = builder.sub(builder.xor(_load(builder, symbols, bytes_32), negative), negative)
        _store(builder, value, clipped)
        _store(builder, builder.sext(value, ir.VectorType(_WORD, 32)), values)
        return _context.get_dummy_value()

    return signature, generate


@instruction
def trailing_zeros(_: Any, number: Any) -> Any:
    """Number of zero bits below the lowest set bit of a uint32 that is not 0."""
    from numba import types

    signature = types.int64(types.uint32)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        zeros = builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))
        return builder.zext(zeros, _LONG)

    return signature, generate
