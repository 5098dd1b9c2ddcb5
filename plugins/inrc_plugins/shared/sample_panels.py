"""Matrix products in which a sample has the same bits whatever other samples are computed with it.

BLAS chooses its kernels, and with them the order of each sum, by the shapes of the matrices and by
the place of a column. Sums of this module always start with their constant and add their terms in
the same order. Samples lie in panels of 64 bytes each, and the last panel is filled up with zeros,
so that all samples are computed by the same instructions (docs/determinism.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, reduce
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from codec.arrays import Array
from codec.compiling import compiled, instruction

_PANEL_BYTES = 64
# Number of matrix rows summed together. Four sums of two registers each hide the latency of an
# addition.
_TILE = 4


def lanes_of(dtype: npt.DTypeLike) -> int:
    """Number of samples in a panel: 16 of float32, 8 of float64."""
    return _PANEL_BYTES // np.dtype(dtype).itemsize


def to_panels(rows: Array) -> Array:
    """Panels (panels, features, lanes) of samples (features, n), zeros after the last sample."""
    features, count = rows.shape
    lanes = lanes_of(rows.dtype)
    panels = np.empty((-(-count // lanes), features, lanes), rows.dtype)
    _pack(np.ascontiguousarray(rows), panels)
    return panels


def from_panels(panels: Array, count: int) -> Array:
    """First `count` samples, (features, count), of panels (panels, features, lanes)."""
    rows = np.empty((panels.shape[1], count), panels.dtype)
    _unpack(panels, rows)
    return rows


def tiles(matrices: Array) -> Array:
    """Matrices (..., outputs, terms) in tiles of 4 outputs: (..., tiles, terms, 4), C-contiguous.

    Outputs of the last tile are filled up with zeros.
    """
    *many, outputs, terms = matrices.shape
    count = -(-outputs // _TILE)
    full = np.zeros((*many, count * _TILE, terms), matrices.dtype)
    full[..., :outputs, :] = matrices
    rows = full.reshape(*many, count, _TILE, terms)
    return np.ascontiguousarray(rows.swapaxes(-1, -2))


class Affine:
    """Affine map of samples, x -> matrix x + vector.

    Args:
        matrix: (outputs, terms), float32 or float64.
        vector: (outputs,) of the same dtype, or None for zeros.
    """

    def __init__(self, matrix: Array, vector: Array | None = None) -> None:
        self._outputs = len(matrix)
        self._tiles = tiles(matrix)[None]
        column = np.zeros((len(matrix), 1), matrix.dtype)
        if vector is not None:
            column[:, 0] = vector
        self._starts = tiles(column)[None, :, 0]

    def __call__(self, panels: Array) -> Array:
        """Panels (panels, outputs, lanes) from panels (panels, terms, lanes)."""
        return cast(Array, affine(self._tiles, self._starts, panels, self._outputs)[0])

    def on_rows(self, samples: Array) -> Array:
        """Samples (outputs, n) from samples (terms, n)."""
        return from_panels(self(to_panels(samples)), samples.shape[1])


def affine(matrices: Array, starts: Array, panels: Array, outputs: int) -> Array:
    """Products of several matrices with the same panels, plus constants.

    Args:
        matrices: (many, tiles, terms, 4), see `tiles`.
        starts: (many, tiles, 4), the constants with which the sums start.
        panels: (panels, terms, lanes) of the same dtype, C-contiguous.
        outputs: number of outputs of each matrix, at most 4 per tile.

    Returns:
        (many, panels, outputs, lanes), C-contiguous.

    Raises:
        ValueError: if shapes or dtypes do not fit one another.
    """
    many, count, terms, _ = matrices.shape
    # Bounds are checked here, because the kernel checks none.
    if (
        panels.shape[1:] != (terms, lanes_of(panels.dtype))
        or starts.shape != (many, count, _TILE)
        or not 0 <= count * _TILE - outputs < _TILE
        or not matrices.dtype == starts.dtype == panels.dtype
    ):
        raise ValueError(
            f"matrices {matrices.shape} {matrices.dtype} with {outputs} outputs do not fit starts "
            f"{starts.shape} {starts.dtype} and panels {panels.shape} {panels.dtype}"
        )
    results = np.empty((many, len(panels), outputs, panels.shape[2]), panels.dtype)
    weights, constants, samples = (
        np.ascontiguousarray(array).reshape(-1) for array in (matrices, starts, panels)
    )
    last = np.empty(_TILE * panels.shape[2], panels.dtype)
    geometry = (many, count, terms, len(panels), outputs, panels.shape[2])
    _multiply(weights, constants, samples, results.reshape(-1), last, geometry)
    return results


def alike(function: Callable[..., Any], values: Array) -> Array:
    """Elementwise function of NumPy with the same bits for equal elements anywhere in an array.

    NumPy may compute elements at the end of an array, or of an array that is not contiguous, by a
    different routine. Elements are therefore passed to it in whole panels of a contiguous array.

    Args:
        function: a ufunc of one argument that keeps its dtype, such as `np.sin`.
        values: array of any shape.
    """
    flat = np.ascontiguousarray(values).reshape(-1)
    lanes = lanes_of(flat.dtype)
    whole = flat.size // lanes * lanes
    results = np.empty_like(flat)
    function(flat[:whole], out=results[:whole])
    if whole < flat.size:
        last = np.zeros(lanes, flat.dtype)
        last[: flat.size - whole] = flat[whole:]
        results[whole:] = function(last)[: flat.size - whole]
    return results.reshape(values.shape)


def ordered_sum(terms: Iterable[Array]) -> Array:
    """Sum of arrays, such as those along a first axis, added one after the other.

    The order of `np.sum` depends on the lengths of all axes and on their layout in memory.
    """
    return reduce(np.add, terms)


def ordered_product(factors: Iterable[Array]) -> Array:
    """Product of arrays, multiplied one after the other."""
    return reduce(np.multiply, factors)


def _sum_tile_code(
    typing: Any,
    matrices: Any,
    matrix: Any,
    starts: Any,
    start: Any,
    panels: Any,
    panel: Any,
    terms: Any,
    results: Any,
    place: Any,
) -> Any:
    """Signature and code of the sums of one tile with one panel, for numba's `intrinsic`.

    Effect, for 4 rows and all lanes, with the terms added in their order:
    results[place + row lanes + lane] = starts[start + row] + sum over terms of
    matrices[matrix + 4 term + row] panels[panel + term lanes + lane].

    Lanes of a row are one vector of the compiler, however many registers it takes, so that all
    lanes are computed by the same instructions.
    """
    from numba import types

    signature = types.void(
        matrices, matrix, starts, start, panels, panel, terms, results, place
    )  # fmt: skip
    return signature, _generate_tile_sums


def _generate_tile_sums(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Instructions of `_sum_tile_code`, with its arguments in the same order."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils

    kinds = signature.args
    scalar = context.get_value_type(kinds[0].dtype)
    vector = ir.VectorType(scalar, _PANEL_BYTES * 8 // kinds[0].dtype.bitwidth)
    lanes, size = vector.count, kinds[0].dtype.bitwidth // 8
    number = partial(context.get_constant, types.intp)
    weights, constants, samples, target = (
        _element(context, builder, kinds[array], arguments[array], arguments[array + 1])
        for array in (0, 2, 4, 7)
    )
    new_variable: Any = cgutils.alloca_once
    sums = [new_variable(builder, vector) for _ in range(_TILE)]
    for row, total in enumerate(sums):
        constant = builder.load(builder.gep(constants, [number(row)]))
        builder.store(_spread(builder, constant, vector), total)
    with cgutils.for_range(builder, arguments[6]) as loop:
        source = builder.gep(samples, [builder.mul(loop.index, number(lanes))])
        values = builder.load(builder.bitcast(source, vector.as_pointer()), align=size)
        first = builder.mul(loop.index, number(_TILE))
        for row, total in enumerate(sums):
            weight = builder.load(builder.gep(weights, [builder.add(first, number(row))]))
            # Fused multiplication and addition is used by all lanes, where the machine has it.
            weights_of_lanes = _spread(builder, weight, vector)
            term = builder.fmul(weights_of_lanes, values, flags=("contract",))
            builder.store(builder.fadd(builder.load(total), term, flags=("contract",)), total)
    for row, total in enumerate(sums):
        pointer = builder.gep(target, [number(row * lanes)])
        results = builder.bitcast(pointer, vector.as_pointer())
        builder.store(builder.load(total), results, align=size)
    return context.get_dummy_value()


def _element(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Pointer to an element of a flat array of this numba type."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [index])


def _spread(builder: Any, value: Any, vector: Any) -> Any:
    """Vector of this type with the same value in all lanes."""
    from llvmlite import ir

    empty = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, empty, zeros)


_sum_tile: Any = instruction(_sum_tile_code)


@compiled(nogil=True, _nrt=False)
def _multiply(
    matrices: Any, starts: Any, panels: Any, results: Any, last: Any, geometry: Any
) -> Any:
    """Sums of `affine`; all arrays are flat, and `last` is room for the sums of one tile."""
    many, count, terms, groups, outputs, lanes = geometry
    for number in range(many):
        for panel in range(groups):
            source = panel * terms * lanes
            place = (number * groups + panel) * outputs * lanes
            for tile in range(count):
                matrix = (number * count + tile) * terms * _TILE
                start = (number * count + tile) * _TILE
                rows = min(outputs - tile * _TILE, _TILE)
                target = place + tile * _TILE * lanes
                if rows == _TILE:
                    _sum_tile(
                        matrices, matrix, starts, start, panels, source, terms, results, target
                    )
                else:
                    _sum_tile(matrices, matrix, starts, start, panels, source, terms, last, 0)
                    for at in range(rows * lanes):
                        results[target + at] = last[at]


@compiled(nogil=True, _nrt=False)
def _pack(rows: Any, panels: Any) -> Any:
    # Slices, of which no index is negative: numba makes quicker loops of them.
    features, lanes = rows.shape[0], panels.shape[2]
    for feature in range(features):
        for panel in range(panels.shape[0]):
            line = rows[feature, panel * lanes : (panel + 1) * lanes]
            target = panels[panel, feature]
            for lane in range(line.size):
                target[lane] = line[lane]
            for lane in range(line.size, lanes):
                target[lane] = 0


@compiled(nogil=True, _nrt=False)
def _unpack(panels: Any, rows: Any) -> Any:
    features, lanes = rows.shape[0], panels.shape[2]
    for panel in range(panels.shape[0]):
        for feature in range(features):
            line = rows[feature, panel * lanes : (panel + 1) * lanes]
            source = panels[panel, feature]
            for lane in range(line.size):
                line[lane] = source[lane]
