"""Shapes as a medium knows them, and questions that an architecture that fits shapes may ask."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from codec.arrays import BoolArray, Float64Array


class Extended(Protocol):
    """Something in space; coordinates and distances are in the unit of its mesh.

    Attributes:
        lower, upper: (3,) float64, corners of the bounding box.
        area: of its surface.
    """

    @property
    def lower(self) -> Float64Array: ...

    @property
    def upper(self) -> Float64Array: ...

    @property
    def area(self) -> float: ...


class Cap(Protocol):
    """Cap that closes the holes of a surface."""

    def sample(self, count: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """About `count` points spread evenly over it, and unit normals there: (n, 3)."""
        ...

    def gap(self, points: Float64Array) -> Float64Array:
        """Distance to it: (n,) float64, at least 0."""
        ...

    @property
    def area(self) -> float: ...


class Surface(Extended, Protocol):
    """The boundary of a shape."""

    def sample(self, count: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """About `count` points spread evenly over the surface, and unit normals there: (n, 3)."""
        ...

    def distance(self, points: Float64Array) -> Float64Array:
        """Distance to the surface, negative inside: (n,) float64."""
        ...

    def inside(self, points: Float64Array) -> BoolArray:
        """Whether each of the points is inside."""
        ...

    def cap(self, origin: Float64Array, spacing: float, cells: BoolArray) -> Cap | None:
        """Cap of the surface's holes in some cells of a grid, None if there is none.

        Holes no wider than about two cells count as closed, and what is beside the surface itself
        is left out.

        Args:
            origin: (3,) of the grid's first node; spacing: of its nodes.
        """
        ...


@runtime_checkable
class Sheet(Extended, Protocol):
    """Faces that need not enclose anything, which have a distance and no side."""

    def thickened(self, offset: float) -> Surface:
        """The boundary of what is nearer than `offset`."""
        ...
