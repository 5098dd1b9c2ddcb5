"""Small items of architecture 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import dist
from typing import Any

from ..decoder.octree import CORNERS, INSIDE, OUTSIDE, SURFACE, Node, Octree, Place, Tree, grow
from .item import Components, Item
from .octree import octree_data, octree_stream
from .pyramid import randoms
from .streams import Ints

ONE = (("distance", 7, 0.0, 3.0),)
Distance = Callable[[float, float, float], float]


@dataclass
class Sampled:
    """Cells and values of a surface from its distance, in cells of the finest level.

    A cell is surface where the distance changes its sign, or is small, at the centre or a corner.
    """

    octree: Octree
    distance: Distance
    margin: float = 0.9
    """Reach of a coarse cell towards a surface, in diagonals of half a cell."""

    def cell(self, tree: Tree, place: Place) -> int:
        """Return the cell that the surface makes of a cell."""
        s = self.octree.stride(tree.level)
        i, j, k = (s * index for index in place)
        near = [self.distance(i + s * a, j + s * b, k + s * c) for a, b, c in CORNERS]
        centre = self.distance(i + s / 2, j + s / 2, k + s / 2)
        if min(near) <= 0 <= max(near) or (s > 1 and abs(centre) < self.margin * s):
            return SURFACE
        return OUTSIDE if centre > 0 else INSIDE

    def value(self, tree: Tree, node: Node) -> int:
        """Return the distance at a node, in units of the octree."""
        return round(self.distance(*node.place) * self.octree.unit / 16)


@dataclass
class Scattered:
    """Pseudo-random cells and values."""

    seed: int = 1
    surface: int = 60
    """Number of surface cells among 100; half of the others are inside."""
    spread: int = 40
    smooth: bool = False
    """Values near the last ones, instead of any within the spread."""
    walk: int = 0

    def __post_init__(self) -> None:
        self._draw = randoms(self.seed)

    def cell(self, tree: Tree, place: Place) -> int:
        """Return a cell; one of level 0 is always surface."""
        if tree.level == 0 and place == (0, 0, 0):
            return SURFACE
        number = next(self._draw) % 200
        return SURFACE if number < 2 * self.surface else OUTSIDE + INSIDE * (number % 2)

    def value(self, tree: Tree, node: Node) -> int:
        """Return a value within the spread."""
        number = next(self._draw) % (2 * self.spread + 1) - self.spread
        self.walk = (3 * self.walk + number) // 4 if self.smooth else number
        return self.walk


@dataclass(frozen=True)
class Fixed:
    """The same cell everywhere, and the same value."""

    state: int
    number: int = 0

    def cell(self, tree: Tree, place: Place) -> int:
        """Return the cell."""
        return self.state

    def value(self, tree: Tree, node: Node) -> int:
        """Return the value."""
        return self.number


@dataclass(frozen=True)
class Chosen:
    """Cells by a function of level and place, and values by one of the place."""

    cell_at: Callable[[int, Place], int]
    value_at: Callable[[Place], int]

    def cell(self, tree: Tree, place: Place) -> int:
        """Return the cell of the function."""
        return self.cell_at(tree.level, place)

    def value(self, tree: Tree, node: Node) -> int:
        """Return the value of the function."""
        return self.value_at(node.place)


def sphere(centre: Sequence[float], radius: float) -> Distance:
    """Return the distance to a sphere."""
    return lambda x, y, z: dist((x, y, z), centre) - radius


def plane(normal: Sequence[float], offset: float) -> Distance:
    """Return the distance to a plane; the normal has length 1."""
    a, b, c = normal
    return lambda x, y, z: a * x + b * y + c * z - offset


@dataclass
class Shell(Item):
    """An item of architecture 3."""

    roots: Place = (2, 2, 2)
    depth: int = 1
    unit: int = 256
    source: Any = None
    """Source of the cells and values; without one they are pseudo-random."""
    values: Ints | None = None
    """The integers in coded order, instead of those of the source."""
    components: Components = ONE
    extra: dict[int, Any] = field(default_factory=dict)
    """More keys of the item."""
    dims: Sequence[int] = field(init=False)
    architecture = 3

    def __post_init__(self) -> None:
        self.dims = [n + 1 for n in self.octree.lengths(self.depth)]

    @property
    def octree(self) -> Octree:
        """The octree of the item."""
        return Octree(self.depth, self.roots, self.unit)

    def integers(self) -> list[int]:
        """Return the integers in coded order."""
        if self.values is None:
            source = Scattered() if self.source is None else self.source
            self.values = grow(self.octree, source)[1]
        return list(self.values)

    def config(self) -> dict[int, Any]:
        """Return the config."""
        return {0: self.depth, 1: self.unit, 2: len(self.integers())}

    def quantisation(self) -> list[Any]:
        """Return the step of an octree."""
        return [1.0]

    def more_keys(self) -> dict[int, Any]:
        """Return the keys of the item beside 0 to 3."""
        return self.extra

    def stream(self) -> bytes:
        """Return all integers in one stream of coder 6."""
        integers = self.integers()
        return octree_stream(len(integers), octree_data(self.octree, integers))

    def streams(self) -> list[bytes]:
        """Return the stream of the octree."""
        return [self.stream()]
