"""The border of a shell: where its surface ends at a hole (architecture 3, keys 4 to 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ..errors import Malformed
from ..octree import CORNERS, SURFACE, Place, Tree
from .plan import Float64Array

Flags = npt.NDArray[np.bool_]

KEEP, MIXED, DROP = -1, 0, 1
PAIRS = ((0, 1), (0, 2), (1, 2))
LARGEST = 127
_SIDE = 8
"""Size of the values at corners of cells that are not mixed; their flag is its sign."""
_NOWHERE = -1.0


@dataclass(frozen=True)
class Border:
    """Flags of the crossed cells of the level of the border, and values at its nodes."""

    level: int
    flags: dict[Place, int]
    values: dict[Place, int]


def border(tree: Tree, level: int, flags: Sequence[int], values: Sequence[int]) -> Border:
    """Return the border that some integers make up (steps 1 and 2, SHELL-4)."""
    states = read_flags(tree, level, flags)
    return Border(level, states, node_values(states, values))


def crossed(tree: Tree, level: int) -> Flags:
    """Return which cells of a level have a surface cell of the finest level in them."""
    surface = tree.cells(tree.octree.depth) == SURFACE
    a, b, c = tree.octree.lengths(level)
    s = tree.octree.stride(level)
    return np.asarray(surface.reshape(a, s, b, s, c, s).any(axis=(1, 3, 5)))


def places(cells: Flags) -> Iterator[Place]:
    """Return the marked cells in C order."""
    for place in np.argwhere(cells):
        i, j, k = map(int, place)
        yield i, j, k


def read_flags(tree: Tree, level: int, flags: Sequence[int]) -> dict[Place, int]:
    """Return the flag of each crossed cell of the level of the border (step 1)."""
    integers = iter(flags)
    above: dict[Place, int] = {}
    for j in range(level + 1):
        here: dict[Place, int] = {}
        for place in places(crossed(tree, j)):
            inherited = above[parent(place)] if j else MIXED
            here[place] = inherited or _next(integers, "flags")
            if here[place] not in (KEEP, MIXED, DROP):
                raise Malformed(f"SHELL-4: a flag is {here[place]}")
        above = here
    _end(integers, "flags")
    return above


def parent(place: Place) -> Place:
    """Return the cell of the level before that a cell lies in."""
    i, j, k = place
    return i // 2, j // 2, k // 2


def corners(flags: dict[Place, int], flag: int) -> list[Place]:
    """Return the corners of the cells with a flag in C order."""
    return sorted(
        {
            (i + a, j + b, k + c)
            for (i, j, k), state in flags.items()
            if state == flag
            for a, b, c in CORNERS
        }
    )


def node_values(flags: dict[Place, int], residuals: Sequence[int]) -> dict[Place, int]:
    """Return the values at the corners of crossed cells (step 2)."""
    integers = iter(residuals)
    values: dict[Place, int] = {}
    for place in corners(flags, MIXED):
        number = guess(values, place) + _next(integers, "values")
        values[place] = min(max(number, -LARGEST), LARGEST)
    _end(integers, "values")
    for flag in (KEEP, DROP):
        for place in corners(flags, flag):
            values.setdefault(place, flag * _SIDE)
    return values


def guess(values: dict[Place, int], place: Place) -> int:
    """Return g at a node from the values at the nodes before it."""
    along = [values.get(before(place, (axis,))) for axis in range(3)]
    sums: list[int] = []
    for a, b in PAIRS:
        u, v, w = along[a], along[b], values.get(before(place, (a, b)))
        if u is not None and v is not None and w is not None:
            sums.append(u + v - w)
    sums = sums or [u for u in along if u is not None]
    return sum(sums) // len(sums) if sums else 0


def before(place: Place, axes: Sequence[int]) -> Place:
    """Return the node one before along some axes."""
    i, j, k = (entry - (axis in axes) for axis, entry in enumerate(place))
    return i, j, k


def past(tree: Tree, border: Border) -> Float64Array:
    """Return e at the nodes of the finest level (step 3)."""
    s = tree.octree.stride(border.level)
    shape = [n + 1 for n in tree.octree.lengths(tree.octree.depth)]
    cells = tree.octree.lengths(border.level)
    out = np.full(shape, _NOWHERE)
    for x in product(*map(range, shape)):
        total = weights = 0.0
        y = [position / s for position in x]
        first = [min(int(p), n - 1) for p, n in zip(y, cells, strict=True)]
        for corner in CORNERS:
            weight = 1.0
            for p, f, e in zip(y, first, corner, strict=True):
                weight *= p - f if e else 1 - (p - f)
            i, j, k = (f + e for f, e in zip(first, corner, strict=True))
            value = border.values.get((i, j, k))
            if value is not None and weight:
                total += weight * value
                weights += weight
        if weights:
            out[x] = total / weights
    return out


def _next(integers: Iterator[int], what: str) -> int:
    for number in integers:
        return number
    raise Malformed(f"SHELL-4: a border asks for more {what}")


def _end(integers: Iterator[int], what: str) -> None:
    for _ in integers:
        raise Malformed(f"SHELL-4: more {what} than a border asks for")
