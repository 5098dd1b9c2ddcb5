"""Features that predict the value at a node of an octree (section 7.5, "Values", step 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

from .octree import NEIGHBOURS, ROOT_CLASS, Node, Place, unit

FEATURES = 19
_LARGEST = 2**20
BEFORE: tuple[Place, ...] = NEIGHBOURS[:13]
"""The offsets before 0, in ascending order."""
DIAGONALS: tuple[Place, ...] = (
    (-1, -1, 0), (-1, 0, -1), (0, -1, -1), (-1, 1, 0), (-1, 0, 1), (0, -1, 1),
)  # fmt: skip
Integers = Mapping[Place, int]


def features_of(values: Integers, residuals: Integers, node: Node) -> tuple[int, list[int], int]:
    """Return the base, the features F_0..F_18 and K of a node."""
    if node.kind == ROOT_CLASS:
        base, features, bend = *_root(values, node), 0
    else:
        base, features = _refined(values, residuals, node)
        bend = sum(abs(features[axis]) for axis in node.odd_axes)
    return base, [min(max(feature, -_LARGEST), _LARGEST) for feature in features], bend


def _root(values: Integers, node: Node) -> tuple[int, list[int]]:
    """Return the base and the features of a node of class 8."""
    base = mean(values, [node.along(-1, axis) for axis in range(3)])
    features = [0] * FEATURES
    for m, offset in enumerate(BEFORE):
        place = node.at(1, offset)
        if place in values:
            features[m] = 16 * values[place] - base
    return base, features


def _refined(values: Integers, residuals: Integers, node: Node) -> tuple[int, list[int]]:
    """Return the base and the features of a node of any other class."""
    odd = node.odd_axes
    ends = list(ends_of(node))
    base = 16 * sum(values[end] for end in ends) // len(ends)
    features = [0] * FEATURES
    for axis in odd:
        features[axis] = bend_of(values, node, ends, axis)
        if len(odd) > 1:
            _beside(values, residuals, node, axis, base, features)
    for axis in range(3):
        features[9 + axis] = residuals.get(node.along(-2, axis), 0)
    for m, offset in enumerate(DIAGONALS):
        features[12 + m] = residuals.get(node.at(2, offset), 0)
    features[18] = sum(residuals.get(end, 0) for end in ends) // len(ends)
    return base, features


def mean(values: Integers, places: Sequence[Place]) -> int:
    """Return the mean of the known values at some places in sixteenths, 0 without any."""
    known = [values[place] for place in places if place in values]
    return 16 * sum(known) // len(known) if known else 0


def ends_of(node: Node) -> Iterator[Place]:
    """Return the ends of a node that is not of class 8."""
    odd = node.odd_axes
    for signs in product((-1, 1), repeat=len(odd)):
        a, b, c = (signs[odd.index(axis)] if axis in odd else 0 for axis in range(3))
        yield node.at(1, (a, b, c))


def bend_of(values: Integers, node: Node, ends: Sequence[Place], axis: int) -> int:
    """Return F_a of an odd axis."""
    differences: list[int] = []
    step = 2 * node.stride
    for low, high in combinations(ends, 2):
        if high != moved(low, axis, step):
            continue
        v, w = values[low], values[high]
        before, after = moved(low, axis, -step), moved(high, axis, step)
        if before in values:
            differences.append(values[before] - 2 * v + w)
        if after in values:
            differences.append(v - 2 * w + values[after])
    return 2 * sum(differences) // len(differences) if differences else 0


def moved(place: Place, axis: int, step: int) -> Place:
    """Return the place some nodes of the finest level away along an axis."""
    i, j, k = place
    a, b, c = unit(axis)
    return i + a * step, j + b * step, k + c * step


def _beside(
    values: Integers,
    residuals: Integers,
    node: Node,
    axis: int,
    base: int,
    features: list[int],
) -> None:
    """Set F_{3+a} or F_{6+a} from the nodes one stride away along an odd axis."""
    known = [place for place in (node.along(-1, axis), node.along(1, axis)) if place in values]
    if len(known) == 2:
        features[3 + axis] = 8 * (values[known[0]] + values[known[1]]) - base
    elif known:
        features[6 + axis] = residuals[known[0]]
