"""Sums of products that give a sample the same bits wherever it stands among others.

BLAS chooses its kernels, and with them the order of each sum, by the shapes of the matrices and by
where a column stands. Here a sum always starts with its constant and takes its terms in one order.
Samples lie in panels of as many as fill 64 bytes, and the rest of the last panel is filled up, so
that no sample is ever computed by other instructions than its neighbours (docs/determinism.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from codec.arrays import Array
from codec.compiling import compiled

"""Float32 or float64."""

_PANEL_BYTES = 64
# Rows of a matrix summed together: with two registers each, as many sums as hide a sum's latency.
_TILE = 4

_new_variable: Any = cgutils.alloca_once


def lanes_of(dtype: npt.DTypeLike) -> int:
    """Samples of a panel: 16 of float32, 8 of float64."""
    return _PANEL_BYTES // np.dtype(dtype).itemsize


def to_panels(rows: Array) -> Array:
    """Samples (features, n) in panels: (panels, features, lanes), zeros after the last sample."""
    features, count = rows.shape
    lanes = lanes_of(rows.dtype)
    panels = np.empty((-(-count // lanes), features, lanes), rows.dtype)
    _pack(np.ascontiguousarray(rows), panels)
    return panels


def from_panels(panels: Array, count: int) -> Array:
    """The first `count` samples of panels (panels, features, lanes): (features, count)."""
    rows = np.empty((panels.shape[1], count), panels.dtype)
    _unpack(panels, rows)
    return rows


def tiles(matrices: Array) -> Array:
    """Matrices (..., outputs, terms) as sums take them: (..., tiles, terms, 4), C-contiguous.

    Outputs are filled up with zeros to whole tiles.
    """
    *many, outputs, terms = matrices.shape
    count = -(-outputs // _TILE)
    full = np.zeros((*many, count * _TILE, terms), matrices.dtype)
    full[..., :outputs, :] = matrices
    rows = full.reshape(*many, count, _TILE, terms)
    return np.ascontiguousarray(rows.swapaxes(-1, -2))


class Affine:
    """The map x -> matrix x + vector.

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
        """(outputs, n) from samples (terms, n)."""
        return from_panels(self(to_panels(samples)), samples.shape[1])


def affine(matrices: Array, starts: Array, panels: Array, outputs: int) -> Array:
    """What each of several matrices makes of the same panels.

    Args:
        matrices: (many, tiles, terms, 4), see `tiles`.
        starts: (many, tiles, 4), what the sums start with.
        panels: (panels, terms, lanes) of the same dtype, C-contiguous.
        outputs: of each matrix, at most 4 per tile.

    Returns:
        (many, panels, outputs, lanes), C-contiguous.

    Raises:
        ValueError: they do not fit one another.
    """
    many, count, terms, _ = matrices.shape
    # The kernel checks no bounds.
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
    """An elementwise function of NumPy, of which every element is computed as in a panel.

    NumPy may compute elements at the end of an array, or of one with gaps, by another function.

    Args:
        function: a ufunc of one argument that keeps its dtype, such as `np.sin`.
        values: of any shape.
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
    """The sum of arrays, such as those along a first axis, one term after the other.

    NumPy's own order depends on the lengths of all axes and on how they lie in memory.
    """
    return reduce(np.add, terms)


def ordered_product(factors: Iterable[Array]) -> Array:
    """The product of arrays, one factor after the other."""
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
    """results[place + row lanes + lane] = starts[start + row] + sum over terms in their order of
    matrices[matrix + 4 term + row] panels[panel + term lanes + lane], for 4 rows and all lanes.

    One vector of the compiler holds the lanes of a row, however many registers that takes, so that
    all lanes are computed by the same instructions.
    """
    signature = types.void(
        matrices, matrix, starts, start, panels, panel, terms, results, place
    )  # fmt: skip

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        scalar = context.get_value_type(kinds[0].dtype)
        vector = ir.VectorType(scalar, _PANEL_BYTES * 8 // kinds[0].dtype.bitwidth)
        lanes = vector.count

        def at(array: int, index: Any) -> Any:
            data = context.make_array(kinds[array])(context, builder, arguments[array]).data
            return builder.gep(data, [index])

        def lanes_at(pointer: Any) -> Any:
            return builder.bitcast(pointer, vector.as_pointer())

        def spread(value: Any) -> Any:
            empty = ir.Constant(vector, ir.Undefined)
            first = builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            return builder.shuffle_vector(first, empty, zeros)

        def number(value: int) -> Any:
            return context.get_constant(types.intp, value)

        size = kinds[0].dtype.bitwidth // 8
        weights, constants = at(0, arguments[1]), at(2, arguments[3])
        samples, target = at(4, arguments[5]), at(7, arguments[8])
        sums = [_new_variable(builder, vector) for _ in range(_TILE)]
        for row, total in enumerate(sums):
            constant = builder.load(builder.gep(constants, [number(row)]))
            builder.store(spread(constant), total)
        with cgutils.for_range(builder, arguments[6]) as loop:
            source = builder.gep(samples, [builder.mul(loop.index, number(lanes))])
            values = builder.load(lanes_at(source), align=size)
            first = builder.mul(loop.index, number(_TILE))
            for row, total in enumerate(sums):
                weight = builder.load(builder.gep(weights, [builder.add(first, number(row))]))
                # Where the machine has a fused multiplication and addition, all lanes use it.
                term = builder.fmul(spread(weight), values, flags=("contract",))
                builder.store(builder.fadd(builder.load(total), term, flags=("contract",)), total)
        for row, total in enumerate(sums):
            pointer = builder.gep(target, [number(row * lanes)])
            builder.store(builder.load(total), lanes_at(pointer), align=size)
        return context.get_dummy_value()

    return signature, generate


_sum_tile: Any = intrinsic(_sum_tile_code)


@compiled(nogil=True, _nrt=False)
def _multiply(
    matrices: Any, starts: Any, panels: Any, results: Any, last: Any, geometry: Any
) -> Any:
    """See `affine`; all arrays are flat, and `last` holds the sums of one tile."""
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
