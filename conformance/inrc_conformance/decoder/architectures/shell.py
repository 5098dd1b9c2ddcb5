"""Architecture 3, `shell`: the distance to a surface, in a band of the cells that it crosses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ..cbor import Value, as_uint
from ..errors import Malformed, Unsupported
from ..headers import Item
from ..octree import INSIDE, NEIGHBOURS, SURFACE, Cells, Octree, Place, Tree, listed_tree
from .plan import Float32Array, Float64Array, Plan
from .shell_border import Border, border, past

Flags = npt.NDArray[np.bool_]

_KEYS = (0, 1, 2)
_BORDER_KEYS = (4, 5, 6)
_DEEPEST = 12
_LARGEST_UNIT = 65536
_MOST_NODES = 2**26
_MULTIPLY_ADDS = 64
_MARGIN = 2
"""Number of nodes beyond the grid that may have a coefficient."""
_PASSES = 2
_LEAST_COEFFICIENT = 0.5
_LEAST_DISTANCE = 0.1
_FAR = 3.0
SPLINE = (1 / 8, 3 / 4, 1 / 8)
"""The weights b_-1, b_0 and b_1 at a node."""


class ShellPlan(Plan):
    """Config of an item and its evaluation at its samples in float64."""

    def __init__(self, item: Item) -> None:
        depth = _number(item.config[0], 0, _DEEPEST, "depth")
        unit = _number(item.config[1], 1, _LARGEST_UNIT, "unit")
        if len(item.components) != 1 or len(item.dims) != 3 or min(item.dims) < 2:
            raise Malformed("SHELL-1: not one component on three dims of at least 2 nodes")
        if math.prod(item.dims) > _MOST_NODES:
            raise Malformed("SHELL-1: more than 2^26 nodes")
        a, b, c = (size - 1 for size in item.dims)
        if any(cells % 2**depth for cells in (a, b, c)):
            raise Malformed("SHELL-1: a number of cells is no multiple of 2^depth")
        most = 2 * (math.prod(item.dims) + a * b * c)
        count = _number(item.config[2], 1, most, "count")
        self._tree = Octree(depth, (a >> depth, b >> depth, c >> depth), unit)
        self.octree = self._tree
        self.shapes: tuple[tuple[int, ...], ...] = ((count,),)
        self._level: int | None = None
        if 4 in item.config:
            self._level = _number(item.config[4], 0, depth, "level", "SHELL-2")
            self._add_border(item, self._tree.lengths(self._level))
        self.multiply_adds = _MULTIPLY_ADDS

    def _add_border(self, item: Item, cells: Place) -> None:
        """Add the tensors of the border (SHELL-2, SHELL-3)."""
        flags = _number(item.config[5], 1, 2 * math.prod(cells), "flags", "SHELL-2")
        nodes = math.prod(n + 1 for n in cells)
        values = _number(item.config[6], 1, nodes, "values", "SHELL-2")
        self.shapes += ((flags,), (values,))
        if any(not entry.is_plain for entry in item.quantisation[1:]):
            raise Malformed("SHELL-3: the quantisation of a border is not step 1 with zero 0")
        if 1 in item.sparse or 2 in item.sparse:
            raise Malformed("SHELL-3: a border with a mask")

    def border(self, parameters: Sequence[Float32Array]) -> Float64Array | None:
        """Return e at all samples, if there is a border (steps 1 to 3 of it)."""
        if self._level is None:
            return None
        tree, border = self._border(self._level, parameters)
        return past(tree, border)

    def _border(self, level: int, parameters: Sequence[Float32Array]) -> tuple[Tree, Border]:
        octree, flags, values = (tensor.astype(np.int64) for tensor in parameters)
        tree = listed_tree(self._tree, octree)
        return tree, border(tree, level, flags.tolist(), values.tolist())

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Evaluate all samples (steps 1 to 4)."""
        tree = listed_tree(self._tree, parameters[0].astype(np.int64))
        return distances(tree).reshape(1, -1) / _FAR


@dataclass
class Coefficients:
    """Coefficients at the nodes from -2 on, 0 where there is none, and where there is one."""

    values: Float64Array
    known: Flags


def distances(tree: Tree) -> Float64Array:
    """Return f at all nodes of the finest level (step 3)."""
    cells = tree.cells(tree.octree.depth)
    coefficients = coded(tree)
    for _ in range(_PASSES):
        continued(coefficients, cells)
    f = spline(coefficients.values)
    side = np.where(cells == INSIDE, -1.0, 1.0)
    off = np.where(cells == SURFACE, -np.inf, _LEAST_DISTANCE)
    near = beside_surface(cells)
    at = np.ix_(*(np.minimum(np.arange(n + 1), n - 1) for n in cells.shape))
    f = side[at] * np.maximum(side[at] * f, off[at])
    return np.asarray(np.where(near[at], f, _FAR * side[at]), dtype=np.float64)


def coded(tree: Tree) -> Coefficients:
    """Return the coefficients of the corners of surface cells (step 1)."""
    cells = tree.cells(tree.octree.depth)
    shape = [n + 1 + 2 * _MARGIN for n in cells.shape]
    out = Coefficients(np.zeros(shape), np.zeros(shape, dtype=np.bool_))
    corners = around_nodes(cells == SURFACE)
    for i, j, k in np.argwhere(corners).tolist():
        place = i + _MARGIN, j + _MARGIN, k + _MARGIN
        out.known[place] = True
        out.values[place] = 16 * tree.values[i, j, k] / tree.octree.unit
    return out


def around_nodes(cells: Flags) -> Flags:
    """Return which nodes have a marked cell among the up to 8 cells around them."""
    a, b, c = cells.shape
    out = np.zeros((a + 1, b + 1, c + 1), dtype=np.bool_)
    for i, j, k in product((0, 1), repeat=3):
        out[i : i + a, j : j + b, k : k + c] |= cells
    return out


def continued(coefficients: Coefficients, cells: Cells) -> None:
    """Give coefficients to the nodes beside those that have one (step 2)."""
    shape = coefficients.values.shape
    pairs, pair_weights = np.zeros(shape), np.zeros(shape)
    ones, one_weights = np.zeros(shape), np.zeros(shape)
    for offset, weight in weights():
        u, has_u = shifted(coefficients, offset, 1)
        v, has_v = shifted(coefficients, offset, 2)
        both = has_u & has_v
        pairs += np.where(both, weight * (2 * u - v), 0)
        pair_weights += weight * both
        ones += np.where(has_u, weight * u, 0)
        one_weights += weight * has_u
    new = ~coefficients.known & (one_weights > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(pair_weights > 0, pairs / pair_weights, ones / one_weights)
    g = sides(cells)
    coefficients.values[new] = (g * np.maximum(g * values, _LEAST_COEFFICIENT))[new]
    coefficients.known |= new


def weights() -> Iterator[tuple[Place, float]]:
    """Return the 26 offsets with their weights w."""
    for offset in NEIGHBOURS:
        yield offset, 1 / sum(map(abs, offset))


def shifted(coefficients: Coefficients, offset: Place, times: int) -> tuple[Float64Array, Flags]:
    """Return for each node the coefficient some times an offset away, and whether there is one."""
    border = times
    window = tuple(
        slice(border + times * entry, border + times * entry + n)
        for entry, n in zip(offset, coefficients.values.shape, strict=True)
    )
    return np.pad(coefficients.values, border)[window], np.pad(coefficients.known, border)[window]


def sides(cells: Cells) -> Float64Array:
    """Return g of each node, those beyond the grid included."""
    inside = np.pad(around_nodes(cells == INSIDE), _MARGIN)
    return np.where(inside, -1.0, 1.0)


def beside_surface(cells: Cells) -> Flags:
    """Return which cells are surface or have one among their 26 neighbours."""
    surface = np.pad(cells == SURFACE, 1)
    a, b, c = cells.shape
    out = np.zeros((a, b, c), dtype=np.bool_)
    for i, j, k in product(range(3), repeat=3):
        out |= surface[i : i + a, j : j + b, k : k + c]
    return out


def spline(values: Float64Array) -> Float64Array:
    """Return the spline at the nodes of the grid."""
    for axis in range(3):
        length = values.shape[axis]
        values = sum(
            (
                weight * values.take(np.arange(d, length - 2 + d), axis=axis)
                for d, weight in enumerate(SPLINE)
            ),
            start=np.zeros(1),
        )
    inner = tuple(slice(_MARGIN - 1, 1 - _MARGIN) for _ in range(3))
    return np.asarray(values[inner], dtype=np.float64)


def _number(value: Value, least: int, most: int, what: str, rule: str = "SHELL-1") -> int:
    """Check an integer of the config."""
    number = as_uint(value, f"{rule}: {what}")
    if not least <= number <= most:
        raise Malformed(f"{rule}: {what} is {number}")
    return number


def plan(item: Item) -> Plan:
    """Check the config keys (SHELL-1, SHELL-2) and return the plan."""
    if any(key not in (*_KEYS, *_BORDER_KEYS) for key in item.config):
        raise Unsupported("ITEM-5: a config key that shell lacks")
    if any(key not in item.config for key in _KEYS):
        raise Malformed("SHELL-1: a config key is missing")
    if len({key in item.config for key in _BORDER_KEYS}) > 1:
        raise Malformed("SHELL-2: only some keys of a border")
    return ShellPlan(item)
