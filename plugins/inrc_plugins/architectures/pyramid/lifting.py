"""Lifting steps of the 9/7 wavelet (see `wavelet`) on rows of samples, and how loops are compiled.

`*_rows` works across rows: the samples of one line lie at the same place of many rows, which are
read once, in their order; what the next steps need is kept in a few rows of state. Before the
first row and after the last one, rows are mirrored. That gives the same sums as the rule for
neighbours outside the line, so that the start of a line needs no code of its own: its steps are
begun early on mirrored rows (`WARM_UP`), and their first results are dropped.

`*_line` works along one row. Arrays of one call never overlap, which the compiler relies on.

To be vectorised, inner loops run to a length that is not known when compiling (a constant one is
unrolled instead), over slices (whose index is never negative).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from codec import compiling

ALPHA, BETA, GAMMA, DELTA = (
    -1.586134342059924,
    -0.052980118572961,
    0.882911075530934,
    0.443506852043971,
)
SCALE = 1.149604398860241
# Argument `factors` of the kernels, in the precision of the lines.
FACTORS = {
    kind: np.array([ALPHA, BETA, GAMMA, DELTA, SCALE, 1 / SCALE], kind)
    for kind in (np.dtype(np.float32), np.dtype(np.float64))
}
# Pairs of rows before the first one from which the steps across rows begin.
WARM_UP = 2

Function = TypeVar("Function", bound=Callable[..., Any])

# A sum in another order would differ between compilers; a fused product is exact and may be used.
# Without _nrt (nothing is allocated inside) kernels with many arrays are up to twice as fast.
_OPTIONS: dict[str, Any] = {"_nrt": False, "fastmath": {"contract", "arcp"}}


def compiled(function: Function) -> Function:
    """Kernel that runs without the lock of the interpreter and allocates nothing."""
    return compiling.compiled(**_OPTIONS, nogil=True)(function)


def inlined(function: Function) -> Function:
    """Part of kernels."""
    return compiling.compiled(**_OPTIONS, inline="always")(function)


def _apart(function: Function) -> Function:
    """Part of kernels whose arrays never overlap."""
    return compiling.compiled(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


def _fused_code(typing: Any, factor: Any, sum_of_two: Any, addend: Any) -> Any:
    """Signature and code of factor * sum + addend, for numba's `intrinsic`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        function = builder.module.declare_intrinsic(
            "llvm.fmuladd", [kind], ir.FunctionType(kind, [kind] * 3)
        )
        return builder.call(function, arguments)

    return factor(factor, factor, factor), generate


# A product and a sum that are rounded once where the processor can, and nothing else is fused.
_fused: Any = intrinsic(_fused_code)


def _prefetch_code(typing: Any, flat: Any, place: Any) -> Any:
    """Signature and code of a request for the cache line of flat[place], for `intrinsic`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [pointer.type], ir.FunctionType(ir.VoidType(), [pointer.type, *[number] * 3])
        )
        builder.call(function, [pointer, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(flat, place), generate


prefetch: Any = intrinsic(_prefetch_code)


@_apart
def request(flat: Any, start: Any, width: Any) -> Any:
    for j in range(0, width, 16):
        prefetch(flat, start + j)


@_apart
def copy(source: Any, target: Any) -> Any:
    """Row that is moved."""
    for j in range(source.size):
        target[j] = source[j]


@_apart
def split_rows(
    even: Any, odd: Any, after: Any, odd1: Any, even1: Any, odd2: Any, low: Any, high: Any,
    factors: Any,
) -> Any:  # fmt: skip
    """From rows 2k, 2k + 1 and 2k + 2 to low and high row k - 1, which may be mirrored.

    State: odd row k - 1 after the first step, even row k - 1 after the second, and odd row k - 2
    after the third.
    """
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    scale, inverse_scale = factors[4], factors[5]
    for j in range(even.size):
        first = _fused(alpha, even[j] + after[j], odd[j])
        second = _fused(beta, odd1[j] + first, even[j])
        third = _fused(gamma, even1[j] + second, odd1[j])
        fourth = _fused(delta, odd2[j] + third, even1[j])
        odd1[j], even1[j], odd2[j] = first, second, third
        low[j] = fourth * scale
        high[j] = third * inverse_scale


@_apart
def split_last_rows(
    odd1: Any, even1: Any, odd2: Any, low: Any, high: Any, is_odd: Any, factors: Any
) -> Any:
    """Last low row, and the last high row of an even number of rows (or the same one again)."""
    gamma, delta, scale, inverse_scale = factors[2], factors[3], factors[4], factors[5]
    for j in range(odd1.size):
        third = _fused(gamma, even1[j] + even1[j], odd1[j])
        if is_odd:
            third = odd2[j]
        low[j] = _fused(delta, odd2[j] + third, even1[j]) * scale
        high[j] = third * inverse_scale


@_apart
def join_rows(
    low: Any, high: Any, odd: Any, even1: Any, odd1: Any, even2: Any, above: Any, here: Any,
    factors: Any,
) -> Any:  # fmt: skip
    """From low and high row k to rows 2k - 3 (`above`) and 2k - 2 (`here`), which may be mirrored.

    State: odd row k - 1, scaled; even row k - 1 after the first step; odd row k - 2 after the
    second, and even row k - 2 after the third.
    """
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    scale, inverse_scale = factors[4], factors[5]
    for j in range(low.size):
        scaled = high[j] * scale
        first = _fused(-delta, odd[j] + scaled, low[j] * inverse_scale)
        second = _fused(-gamma, even1[j] + first, odd[j])
        third = _fused(-beta, odd1[j] + second, even1[j])
        above[j] = _fused(-alpha, even2[j] + third, odd1[j])
        here[j] = third
        odd[j], even1[j], odd1[j], even2[j] = scaled, first, second, third


@_apart
def join_last_rows(
    odd: Any, even1: Any, odd1: Any, even2: Any, above: Any, here: Any, below: Any, is_odd: Any,
    factors: Any,
) -> Any:  # fmt: skip
    """Last even row (`here`), and the odd rows above and, if the number is even, below it."""
    alpha, beta, gamma = factors[0], factors[1], factors[2]
    for j in range(odd.size):
        second = _fused(-gamma, even1[j] + even1[j], odd[j])
        if is_odd:
            second = odd1[j]
        third = _fused(-beta, odd1[j] + second, even1[j])
        above[j] = _fused(-alpha, even2[j] + third, odd1[j])
        here[j] = third
        below[j] = _fused(-alpha, third + third, second)


@_apart
def split_line(line: Any, result: Any, low: Any, high: Any, factors: Any) -> Any:
    """Coefficients of a line of at least two samples; `low` and `high` are scratch of their size."""
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    scale, inverse_scale = factors[4], factors[5]
    pairs, last = high.size, low.size - 1
    for k in range(pairs):
        low[k] = line[2 * k]
        high[k] = line[2 * k + 1]
    low[last] = line[2 * last]
    for k in range(last):
        high[k] = _fused(alpha, low[k] + low[k + 1], high[k])
    if last < pairs:
        high[last] = _fused(alpha, low[last] + low[last], high[last])
    low[0] = _fused(beta, high[0] + high[0], low[0])
    for k in range(pairs - 1):
        low[k + 1] = _fused(beta, high[k] + high[k + 1], low[k + 1])
    if last == pairs:
        low[last] = _fused(beta, high[last - 1] + high[last - 1], low[last])
    for k in range(last):
        high[k] = _fused(gamma, low[k] + low[k + 1], high[k])
    if last < pairs:
        high[last] = _fused(gamma, low[last] + low[last], high[last])
    result[0] = _fused(delta, high[0] + high[0], low[0]) * scale
    for k in range(pairs - 1):
        result[k + 1] = _fused(delta, high[k] + high[k + 1], low[k + 1]) * scale
    if last == pairs:
        result[last] = _fused(delta, high[last - 1] + high[last - 1], low[last]) * scale
    upper = result[last + 1 :]
    for k in range(pairs):
        upper[k] = high[k] * inverse_scale


@_apart
def join_line(line: Any, result: Any, low: Any, high: Any, factors: Any) -> Any:
    """Undo `split_line`."""
    alpha, beta, gamma, delta = factors[0], factors[1], factors[2], factors[3]
    scale, inverse_scale = factors[4], factors[5]
    pairs, last = high.size, low.size - 1
    upper = line[last + 1 :]
    for k in range(pairs):
        high[k] = upper[k] * scale
    low[0] = _fused(-delta, high[0] + high[0], line[0] * inverse_scale)
    for k in range(pairs - 1):
        low[k + 1] = _fused(-delta, high[k] + high[k + 1], line[k + 1] * inverse_scale)
    if last == pairs:
        low[last] = _fused(-delta, high[last - 1] + high[last - 1], line[last] * inverse_scale)
    for k in range(last):
        high[k] = _fused(-gamma, low[k] + low[k + 1], high[k])
    if last < pairs:
        high[last] = _fused(-gamma, low[last] + low[last], high[last])
    low[0] = _fused(-beta, high[0] + high[0], low[0])
    for k in range(pairs - 1):
        low[k + 1] = _fused(-beta, high[k] + high[k + 1], low[k + 1])
    if last == pairs:
        low[last] = _fused(-beta, high[last - 1] + high[last - 1], low[last])
    for k in range(last):
        result[2 * k] = low[k]
        result[2 * k + 1] = _fused(-alpha, low[k] + low[k + 1], high[k])
    result[2 * last] = low[last]
    if last < pairs:
        result[2 * last + 1] = _fused(-alpha, low[last] + low[last], high[last])
