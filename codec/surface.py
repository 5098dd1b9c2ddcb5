"""What a medium knows of a shape, and what an architecture that fits shapes may ask."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


class Surface(Protocol):
    """The boundary of a shape; coordinates and distances are in the unit of its mesh.

    Attributes:
        lower, upper: (3,) float64, corners of the bounding box.
        area: of the surface.
    """

    @property
    def lower(self) -> Doubles: ...

    @property
    def upper(self) -> Doubles: ...

    @property
    def area(self) -> float: ...

    def sample(self, count: int, seed: int) -> tuple[Doubles, Doubles]:
        """About `count` points spread evenly over the surface, and unit normals there: (n, 3)."""
        ...

    def distance(self, points: Doubles) -> Doubles:
        """Distance to the surface, negative inside: (n,) float64."""
        ...

    def inside(self, points: Doubles) -> npt.NDArray[np.bool_]:
        """Which of the points are inside."""
        ...
