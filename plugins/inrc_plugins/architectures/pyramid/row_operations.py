"""Instructions of the 9/7 wavelet for rows of samples, as numba's intrinsics.

A row is the address of its first sample. Each operation is a loop over vectors, then one over the
samples that are left, with the same instructions: a sample has the same bits wherever it is. A
product and the sum it is added to are rounded once where the processor can do so, and nothing else
is fused. Everything is read before anything is written in each turn of a loop, so that a row may be
overwritten in place.

Loops over arrays in numba would be vectorised as well, but check first, at each row, that the
arrays do not overlap. That takes longer than the work on a row of 64 samples, and the many slices
take twice as long to compile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from codec.compiling import instruction

_VECTOR_BYTES = 32
_CACHE_LINE_BYTES = 64
# Index in `factors` of each factor.
_ALPHA, _BETA, _GAMMA, _DELTA, _SCALE, _INVERSE_SCALE = range(6)


def _declared(module: Any, kind: Any, name: str) -> Any:
    """Function of a module that is declared once."""
    from numba.core import cgutils

    insert: Any = cgutils.get_or_insert_function
    return insert(module, kind, name)


class _Lanes:
    """Arithmetic of one sample, or of a vector of neighbouring samples."""

    def __init__(self, builder: Any, scalar: Any, count: int, factors: Sequence[Any]):
        self._builder, self._scalar, self.count = builder, scalar, count
        self.kind = scalar if count == 1 else ir.VectorType(scalar, count)
        bits = 8 * _size(scalar)
        name = f"llvm.fmuladd.f{bits}" if count == 1 else f"llvm.fmuladd.v{count}f{bits}"
        self._fused = _declared(builder.module, ir.FunctionType(self.kind, [self.kind] * 3), name)
        self._factors = [self._spread(factor) for factor in factors]

    def _spread(self, value: Any) -> Any:
        """The same value in all lanes."""
        if self.count == 1:
            return value
        undefined, index = ir.Constant(self.kind, ir.Undefined), ir.IntType(32)
        single = self._builder.insert_element(undefined, value, ir.Constant(index, 0))
        zeros = ir.Constant(ir.VectorType(index, self.count), [0] * self.count)
        return self._builder.shuffle_vector(single, undefined, zeros)

    def lifted(self, sample: Any, factor: int, first: Any, second: Any) -> Any:
        """Sum of the sample and factor times (first + second), rounded once if possible."""
        total = self._builder.fadd(first, second)
        return self._builder.call(self._fused, [self._factors[factor], total, sample])

    def scaled(self, sample: Any, factor: int) -> Any:
        """Product that is rounded before anything is added to it."""
        return self._builder.fmul(sample, self._factors[factor])

    def pointer(self, row: Any, place: Any) -> Any:
        start = self._builder.inttoptr(row, self._scalar.as_pointer())
        return self._builder.bitcast(self._builder.gep(start, [place]), self.kind.as_pointer())

    def load(self, row: Any, place: Any) -> Any:
        return self._builder.load(self.pointer(row, place), align=_size(self._scalar))

    def store(self, value: Any, row: Any, place: Any) -> None:
        self._builder.store(value, self.pointer(row, place), align=_size(self._scalar))


# Work on the lanes at one place of rows.
_Turn = Callable[[_Lanes, Any, Any, Any], None]


def _size(scalar: Any) -> int:
    return 8 if isinstance(scalar, ir.DoubleType) else 4


def _operation(turn: _Turn) -> Any:
    """Intrinsic with arguments (rows, width, factors) that runs `turn` for all lanes of rows.

    rows: tuple of addresses; width: number of samples; factors: array or tuple of samples.
    """

    def typed(typing: Any, rows: Any, width: Any, factors: Any) -> Any:
        from numba import types
        from numba.core import cgutils

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            scalar = context.get_value_type(signature.args[2].dtype)
            addresses, values = (
                [builder.extract_value(arguments[place], k) for k in range(len(kind))]
                for place, kind in ((0, rows), (2, factors))
            )
            width = arguments[1]
            most = _VECTOR_BYTES // _size(scalar)
            # The compiler sees that few samples can be left, and leaves their loop alone.
            left = builder.and_(width, ir.Constant(width.type, most - 1))
            start, whole = ir.Constant(width.type, 0), builder.sub(width, left)
            for first, size, count in ((start, whole, most), (whole, left, 1)):
                lanes = _Lanes(builder, scalar, count, values)
                step = ir.Constant(width.type, count)
                with cgutils.for_range_slice(builder, start, size, step, width.type) as (place, _):
                    turn(lanes, builder, addresses, builder.add(first, place))
            return context.get_dummy_value()

        return types.void(rows, types.intp, factors), generate

    return instruction(typed)


def _split(lanes: _Lanes, _builder: Any, rows: Any, place: Any) -> None:
    even, odd, after, odd1, even1, odd2 = (lanes.load(row, place) for row in rows[:6])
    first = lanes.lifted(odd, _ALPHA, even, after)
    second = lanes.lifted(even, _BETA, odd1, first)
    third = lanes.lifted(odd1, _GAMMA, even1, second)
    fourth = lanes.lifted(even1, _DELTA, odd2, third)
    low, high = lanes.scaled(fourth, _SCALE), lanes.scaled(third, _INVERSE_SCALE)
    for result, row in zip((first, second, third, low, high), rows[3:], strict=True):
        lanes.store(result, row, place)


def _join(lanes: _Lanes, _builder: Any, rows: Any, place: Any) -> None:
    low, high, odd, even1, odd1, even2 = (lanes.load(row, place) for row in rows[:6])
    scaled = lanes.scaled(high, _SCALE)
    first = lanes.lifted(lanes.scaled(low, _INVERSE_SCALE), _DELTA, odd, scaled)
    second = lanes.lifted(odd, _GAMMA, even1, first)
    third = lanes.lifted(even1, _BETA, odd1, second)
    fourth = lanes.lifted(odd1, _ALPHA, even2, third)
    for result, row in zip((scaled, first, second, third, third, fourth), rows[2:], strict=True):
        lanes.store(result, row, place)


def _lift(lanes: _Lanes, _builder: Any, rows: Any, place: Any) -> None:
    sample, first, second = (lanes.load(row, place) for row in rows[:3])
    lanes.store(lanes.scaled(lanes.lifted(sample, 0, first, second), 1), rows[3], place)


def _scale(lanes: _Lanes, _builder: Any, rows: Any, place: Any) -> None:
    lanes.store(lanes.scaled(lanes.load(rows[0], place), 0), rows[1], place)


def _part(lanes: _Lanes, builder: Any, rows: Any, place: Any) -> None:
    """Loads of pairs of neighbours, of which one goes to each row."""
    line, low, high = rows
    double = builder.shl(place, ir.Constant(place.type, 1))
    beyond = builder.add(double, ir.Constant(place.type, lanes.count))
    first, second = lanes.load(line, double), lanes.load(line, beyond)
    if lanes.count > 1:
        first, second = (
            _shuffled(builder, first, second, range(parity, 2 * lanes.count, 2))
            for parity in range(2)
        )
    lanes.store(first, low, place)
    lanes.store(second, high, place)


def _interleave(lanes: _Lanes, builder: Any, rows: Any, place: Any) -> None:
    """Stores that undo the loads of `_part`."""
    low, high, line = rows
    first, second = lanes.load(low, place), lanes.load(high, place)
    double = builder.shl(place, ir.Constant(place.type, 1))
    beyond = builder.add(double, ir.Constant(place.type, lanes.count))
    if lanes.count > 1:
        order = [k // 2 + k % 2 * lanes.count for k in range(2 * lanes.count)]
        first, second = (
            _shuffled(builder, first, second, part)
            for part in (order[: lanes.count], order[lanes.count :])
        )
    lanes.store(first, line, double)
    lanes.store(second, line, beyond)


def _shuffled(builder: Any, first: Any, second: Any, order: Sequence[int]) -> Any:
    """Lanes of two vectors, counted through both, in another order."""
    kind = ir.VectorType(ir.IntType(32), len(order))
    return builder.shuffle_vector(first, second, ir.Constant(kind, list(order)))


def _address_code(typing: Any, array: Any, place: Any) -> Any:
    """Signature and code of `address`, for numba's `intrinsic`."""
    from numba import types

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.ptrtoint(builder.gep(data, [arguments[1]]), arguments[1].type)

    return types.intp(array, types.intp), generate


def _request_code(typing: Any, row: Any, size: Any) -> Any:
    """Signature and code of `request`, for numba's `intrinsic`."""
    from numba import types
    from numba.core import cgutils

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row, size = arguments
        number, pointer = ir.IntType(32), ir.IntType(8).as_pointer()
        function = _declared(
            builder.module,
            ir.FunctionType(ir.VoidType(), [pointer, *[number] * 3]),
            "llvm.prefetch.p0",
        )
        start, step = ir.Constant(size.type, 0), ir.Constant(size.type, _CACHE_LINE_BYTES)
        with cgutils.for_range_slice(builder, start, size, step, size.type) as (place, _):
            target = builder.inttoptr(builder.add(row, place), pointer)
            builder.call(function, [target, *(ir.Constant(number, n) for n in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


# Address of array[place].
address: Any = instruction(_address_code)
# Hint that `size` bytes of a row will be needed; they may lie outside the array.
request: Any = instruction(_request_code)
# From rows 2k, 2k + 1 and 2k + 2 to low and high row k - 1. State: odd row k - 1 after the first
# step, even row k - 1 after the second, and odd row k - 2 after the third.
# rows = (row 2k, row 2k + 1, row 2k + 2, three of state, low, high)
split_rows: Any = _operation(_split)
# From low and high row k to rows 2k - 2 and 2k - 3; `factors` are those of the inverse. State: odd
# row k - 1, scaled; even row k - 1 after the first step; odd row k - 2 after the second, and even
# row k - 2 after the third. rows = (low, high, four of state, row 2k - 2, row 2k - 3)
join_rows: Any = _operation(_join)
# rows[3] = (rows[0] + factors[0] (rows[1] + rows[2])) factors[1]
lift_row: Any = _operation(_lift)
# rows[1] = rows[0] factors[0]
scale_row: Any = _operation(_scale)
# Even and odd samples: rows = (line, even samples, odd samples), width is that of the latter.
part: Any = _operation(_part)
# The reverse: rows = (even samples, odd samples, line).
interleave: Any = _operation(_interleave)
