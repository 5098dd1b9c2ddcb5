"""Wrong octrees and shells, for deliberately wrong decoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from ..decoder import magnitudes, octree, octree_cells, octree_features, octree_model, octree_values
from ..decoder.architectures import shell
from ..decoder.octree import INSIDE, OUTSIDE, SURFACE, UNKNOWN, Cells, Node, Place, Tree
from ..decoder.octree_features import Integers
from .mutant import Patches

_CLASS_OF, _BEGIN_LEVEL, _AROUND = octree.Tree._class, octree.Tree.begin_level, octree.Tree.around
_EXTENT, _CELL_CONTEXTS = octree_cells.extent, octree_cells.contexts
_FEATURES = octree_features.features_of
_GAINS, _LEARN = octree_values.first_gains, octree_values.learn
_ACTIVITY, _VALUE_CONTEXTS, _HALF = (
    octree_values.activity,
    octree_values.contexts,
    octree_values.half,
)
_NEW_NODES, _GROW = octree.Tree.new_nodes, octree.grow
_SIDES, _SHIFTED, _BESIDE = shell.sides, shell.shifted, shell.beside_surface
_AROUND_NODES, _CONTINUED, _CODED = shell.around_nodes, shell.continued, shell.coded


def _cells_first_axis_fastest(tree: Tree) -> Iterator[Place]:
    """Code children in the order of a walk along the first axis."""
    return iter(sorted(_BEGIN_LEVEL(tree), key=lambda place: place[::-1]))


def _cells_level_in_c_order(tree: Tree) -> Iterator[Place]:
    """Code the children of all parents in C order of the level."""
    return iter(sorted(_BEGIN_LEVEL(tree)))


def _nodes_in_c_order(tree: Tree) -> list[Node]:
    return sorted(_NEW_NODES(tree), key=lambda node: node.place)


def _nodes_without_class_order(tree: Tree) -> list[Node]:
    return sorted(_NEW_NODES(tree), key=lambda node: (node.kind, node.place))


def _first_axis_is_bit_0(tree: Tree, index: Place) -> int:
    return _CLASS_OF(tree, index[::-1])


def _unknown_is_outside(tree: Tree) -> Iterator[Place]:
    """Take the cells outside the grid and those not coded yet for outside ones."""
    places = _BEGIN_LEVEL(tree)
    level = tree._levels[-1]
    level[level == UNKNOWN] = OUTSIDE
    return places


def _others_unknown(tree: Tree, level: int, place: Place) -> Cells:
    """Do not know the children of cells that are not surface."""
    around = _AROUND(tree, level, place).copy()
    if level and level == tree.level:
        for offset in product((-1, 0, 1), repeat=3):
            i, j, k = (n + d + 2 for n, d in zip(place, offset, strict=True))
            if tree._levels[level - 1][i // 2, j // 2, k // 2] != SURFACE:
                around[offset[0] + 1, offset[1] + 1, offset[2] + 1] = UNKNOWN
    return around


def _outside_grid_is_outside(tree: Tree) -> Iterator[Place]:
    """Take the cells outside the grid for outside ones."""
    places = _BEGIN_LEVEL(tree)
    level = tree._levels[-1]
    inner = level[1:-1, 1:-1, 1:-1].copy()
    level[:] = OUTSIDE
    level[1:-1, 1:-1, 1:-1] = inner
    return places


def _with_extent(change: Callable[[octree_cells.Extent], octree_cells.Extent]) -> Patches:
    return ((octree_cells, "extent", lambda tree, place: change(_EXTENT(tree, place))),)


def _with_cell_context(number: int) -> Patches:
    """Leave out a context of cells."""

    def wrong(*given: Any) -> tuple[int, ...]:
        some = list(_CELL_CONTEXTS(*given))
        some[number] = 0
        return tuple(some)

    return ((octree_cells, "contexts", wrong),)


def _with_value_context(number: int) -> Patches:
    """Leave out a context of values."""

    def wrong(*given: Any) -> tuple[int, ...]:
        some = list(_VALUE_CONTEXTS(*given))
        some[number] = 0
        return tuple(some)

    return ((octree_values, "contexts", wrong),)


def _without_feature(number: int) -> Patches:
    """Leave out a feature."""

    def wrong(values: Integers, residuals: Integers, node: Node) -> tuple[int, list[int], int]:
        base, features, bend = _FEATURES(values, residuals, node)
        features[number] = 0
        return base, features, bend

    return ((octree_values, "features_of", wrong),)


def _unbounded(values: Integers, residuals: Integers, node: Node) -> Any:
    with_bound = octree_features._LARGEST
    octree_features._LARGEST = 2**60
    try:
        return _FEATURES(values, residuals, node)
    finally:
        octree_features._LARGEST = with_bound


def _gains(change: Callable[[list[int]], list[int]]) -> Patches:
    return ((octree_values, "first_gains", lambda kind: change(_GAINS(kind))),)


def _nearest_before(node: Node) -> list[Place]:
    """Leave out the nodes beside odd axes."""
    return [node.along(-1 if node.kind == octree.ROOT_CLASS else -2, axis) for axis in range(3)]


def _half_signed(x: int) -> int:
    return _HALF(max(x, 0))


def _activity_of_weights(change: Callable[[Place, int], int]) -> Patches:
    around = tuple((offset, change(offset, weight)) for offset, weight in octree_values.AROUND)
    return ((octree_values, "AROUND", tuple(entry for entry in around if entry[1])),)


def _activity_unweighted(magnitudes: Integers, node: Node) -> octree_values.Activity:
    near = _ACTIVITY(magnitudes, node)
    return replace(near, weight=0)


def _learn_with(rate: int) -> Callable[..., None]:
    def wrong(gains: list[int], features: Sequence[int], error: int) -> None:
        _LEARN(gains, features, error * rate // 300)

    return wrong


def _row_of_all_levels(node: Node, near: octree_values.Activity) -> int:
    return min(_HALF(near.mean) >> 1, 7)


def _root_counts_all(model: Any, coder: Any, tree: Tree, place: Place, wanted: int) -> int:
    """Look at all three cells before as if they were one."""
    around = tree.around(0, place)
    some = int(octree_cells.cell_at(around, (0, 0, -1)) == SURFACE)
    if model._root.code(coder, some, int(wanted == SURFACE)):
        return SURFACE
    inside = int(octree_cells.cell_at(around, (0, 0, -1)) == INSIDE)
    return INSIDE if model._root.code(coder, 4 + inside, int(wanted == INSIDE)) else OUTSIDE


class _Swapped(octree_model.OctreeModel):
    """Take the bit of the side for the other side."""

    def cell(self, tree: Tree, place: Place) -> int:
        """Return the cell of the other side."""
        cell = super().cell(tree, place)
        return {INSIDE: OUTSIDE, OUTSIDE: INSIDE}.get(cell, cell)


def _any_cell(given: octree.Octree, source: Any) -> Any:
    """Take cells above 2, and those below 0, for outside ones."""

    class Tolerant:
        def cell(self, tree: Tree, place: Place) -> int:
            cell = source.cell(tree, place)
            return cell if cell in (OUTSIDE, SURFACE, INSIDE) else OUTSIDE

        def value(self, tree: Tree, node: Node) -> int:
            return int(source.value(tree, node))

    return _GROW(given, Tolerant())


def _plain_continuation(coefficients: shell.Coefficients, cells: Cells) -> None:
    """Forget the rule of the side."""
    least = shell._LEAST_COEFFICIENT
    shell._LEAST_COEFFICIENT = -np.inf
    try:
        _CONTINUED(coefficients, cells)
    finally:
        shell._LEAST_COEFFICIENT = least


def _one_sided_continuation(
    coefficients: shell.Coefficients, offset: Place, times: int
) -> tuple[Any, Any]:
    """Continue with constants."""
    u, has_u = _SHIFTED(coefficients, offset, times)
    return u, has_u & (times == 1)


def _line_weights() -> Iterator[tuple[Place, float]]:
    for offset in octree.NEIGHBOURS:
        yield offset, 1.0


def _distance_weights() -> Iterator[tuple[Place, float]]:
    for offset in octree.NEIGHBOURS:
        yield offset, 1 / sum(map(abs, offset)) ** 0.5


def _face_offsets() -> Iterator[tuple[Place, float]]:
    for offset in octree.NEIGHBOURS:
        if sum(map(abs, offset)) == 1:
            yield offset, 1.0


def _faces_beside(cells: Cells) -> Any:
    """Look at the 6 neighbours only."""
    surface = np.pad(cells == SURFACE, 1)
    out = surface[1:-1, 1:-1, 1:-1].copy()
    for i, j, k in octree_cells.FACES:
        a, b, c = (n + 1 for n in (i, j, k))
        out |= surface[a : a + out.shape[0], b : b + out.shape[1], c : c + out.shape[2]]
    return out


def _two_beside(cells: Cells) -> Any:
    """Look two cells far."""
    near = np.where(_BESIDE(cells), SURFACE, OUTSIDE).astype(np.uint8)
    return _BESIDE(near)


def _all_sides(cells: Cells) -> Any:
    """Call a node inside only when all cells around it are."""
    other = np.pad(_AROUND_NODES(cells != INSIDE), 2, constant_values=True)
    return np.where(other, 1.0, -1.0)


def _coded_anywhere(tree: Tree) -> shell.Coefficients:
    """Take the values of coarser levels for coefficients, too."""
    out = _CODED(tree)
    for (i, j, k), value in tree.values.items():
        place = i + 2, j + 2, k + 2
        out.known[place] = True
        out.values[place] = 16 * value / tree.octree.unit
    return out


def _linear(values: Any) -> Any:
    """Take the coefficient at a node for the value there."""
    return np.asarray(values[2:-2, 2:-2, 2:-2])


OCTREES: tuple[tuple[str, Patches], ...] = (
    ("children along the first axis", ((octree.Tree, "begin_level", _cells_first_axis_fastest),)),
    ("children in C order", ((octree.Tree, "begin_level", _cells_level_in_c_order),)),
    ("nodes in C order", ((octree.Tree, "new_nodes", _nodes_in_c_order),)),
    ("classes in order", ((octree.Tree, "new_nodes", _nodes_without_class_order),)),
    ("classes with bits reversed", ((octree.Tree, "_class", _first_axis_is_bit_0),)),
    ("unknown cells are outside", ((octree.Tree, "begin_level", _unknown_is_outside),)),
    (
        "cells beyond the grid are outside",
        ((octree.Tree, "begin_level", _outside_grid_is_outside),),
    ),
    ("children of other cells are unknown", ((octree.Tree, "around", _others_unknown),)),
    ("cells above 2 are outside", ((octree, "grow", _any_cell),)),
    ("sides exchanged", ((octree_model, "OctreeModel", _Swapped),)),
    ("root cells look at one axis", ((octree_cells.CellModel, "_code_root", _root_counts_all),)),
    ("extent without its middle", _with_extent(lambda box: replace(box, middle=0))),
    ("extent without its low end", _with_extent(lambda box: replace(box, low=-box.high))),
    ("extent of half the size", _with_extent(lambda box: replace(box, low=box.low // 2))),
    ("octants reversed", ((octree_cells, "child_of", lambda p: (p[2] % 2, p[1] % 2, p[0] % 2)),)),
    ("rows of weights for all levels", ((octree_cells, "row_of", lambda _, box: box.depth >> 2),)),
    ("cells learn at the rate of values", ((octree_cells, "_RATE", 6),)),
    ("values learn at the rate of cells", ((magnitudes, "_RATE", 4),)),
    ("rows of weights without level 0", ((octree_values, "row_of", _row_of_all_levels),)),
    ("no neighbours of the parent", ((octree_cells, "beside_parent", lambda *_: 0),)),
    *((f"cells without context {n}", _with_cell_context(n)) for n in range(6)),
    *((f"values without context {n}", _with_value_context(n)) for n in range(5)),
    *((f"no feature {n}", _without_feature(n)) for n in range(19)),
    ("gains start at 0", _gains(lambda gains: [0] * len(gains))),
    ("gains of bends are positive", _gains(lambda gains: [*map(abs, gains[:3]), *gains[3:]])),
    ("gains of class 8", ((octree_values, "first_gains", lambda kind: _GAINS(kind % 8 or 1)),)),
    ("gains do not learn", ((octree_values, "learn", lambda *_: None),)),
    ("gains learn at another rate", ((octree_values, "learn", _learn_with(200)),)),
    ("nodes beside odd axes do not count", ((octree_values, "nearest_of", _nearest_before),)),
    ("HALF of negative numbers is 0", ((octree_values, "half", _half_signed),)),
    (
        "a box of 27 nodes",
        _activity_of_weights(lambda offset, weight: weight * (max(map(abs, offset)) < 2)),
    ),
    ("nodes count alike", _activity_of_weights(lambda offset, weight: 1)),
    (
        "nodes two away count 1",
        _activity_of_weights(lambda offset, weight: 1 if 2 in map(abs, offset) else weight),
    ),
    ("no sum of weights", ((octree_values, "activity", _activity_unweighted),)),
)
"""Names and patches of wrong octrees; any order of the digits of F and E decodes the same."""

UNBOUNDED: tuple[tuple[str, Patches], ...] = (
    ("features without bounds", ((octree_values, "features_of", _unbounded),)),
    ("gains without bounds", ((octree_values, "_HEAVIEST", 2**60),)),
    ("errors without bounds", ((octree_values, "_LARGEST_ERROR", 2**60),)),
    ("predictions without bounds", ((octree_values, "_LARGEST", 2**60),)),
    ("residuals without bounds", ((octree_values, "_LARGEST_RESIDUAL", 2**60),)),
    ("magnitudes without bounds", ((octree_values, "_MOST", 2**60),)),
)
"""Wrong octrees that only odd data and far values show."""

SHELLS: tuple[tuple[str, Patches], ...] = (
    ("continuation without sides", ((shell, "continued", _plain_continuation),)),
    ("continuation by constants", ((shell, "shifted", _one_sided_continuation),)),
    ("continuation with equal weights", ((shell, "weights", _line_weights),)),
    ("continuation with weights 1 / |d|", ((shell, "weights", _distance_weights),)),
    ("continuation along axes", ((shell, "weights", _face_offsets),)),
    ("one pass of continuation", ((shell, "_PASSES", 1),)),
    ("inside is where all cells are", ((shell, "sides", _all_sides),)),
    ("outside everywhere", ((shell, "sides", lambda cells: abs(_SIDES(cells))),)),
    ("surface beside faces only", ((shell, "beside_surface", _faces_beside),)),
    ("surface two cells away", ((shell, "beside_surface", _two_beside),)),
    ("values of coarser levels", ((shell, "coded", _coded_anywhere),)),
    ("no spline", ((shell, "spline", _linear),)),
    ("cubic weights", ((shell, "SPLINE", (1 / 6, 2 / 3, 1 / 6)),)),
    ("no least distance", ((shell, "_LEAST_DISTANCE", -np.inf),)),
    ("least distance 0", ((shell, "_LEAST_DISTANCE", 0.0),)),
    ("far is 4", ((shell, "_FAR", 4.0),)),
)
"""Names and patches of wrong evaluations of shells."""

UNCHECKED_SHELLS: tuple[tuple[str, str, str], ...] = (
    ("shells without some keys", "SHELL-1: a config key", "malformed/shell/*"),
    ("any depth", "SHELL-1: depth", "malformed/shell/depth*"),
    ("any unit", "SHELL-1: unit", "malformed/shell/unit*"),
    ("any count of a shell", "SHELL-1: count", "malformed/shell/count*"),
    ("shells of any dims", "SHELL-1: not one component", "malformed/shell/*"),
    ("any roots", "SHELL-1: a number of cells", "malformed/shell/*"),
    ("any cells", "STR-8: a cell", "malformed/shell/cell*"),
    ("octrees may end early", "STR-8: an octree has more", "malformed/shell/raw*"),
    ("integers after an octree", "STR-8: integers after", "malformed/shell/raw*"),
    ("coder 6 anywhere", "STR-8: a stream of coder 6", "malformed/streams/octree*"),
    ("octrees may be longer", "OCT-1: an octree has more", "malformed/shell/octree*"),
    ("octrees may be shorter", "OCT-1: an octree has fewer", "malformed/shell/octree*"),
    ("any step of an octree", "STR-7: the quantisation of an octree", "malformed/shell/*"),
    ("octrees with masks", "STR-7: an octree with", "malformed/shell/*"),
)
"""Names, beginnings of refusals that are taken for ok, and cases that are tried first."""
