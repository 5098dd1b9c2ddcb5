"""Plan of an item: its tensors and demands, before any value is decoded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..lattice import Lattice
from ..octree import Octree

Float64Array = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]


class Plan(ABC):
    """The tensors of an item and its function."""

    shapes: tuple[tuple[int, ...], ...]
    multiply_adds: int
    """Multiply-adds for each position."""
    lattice: Lattice | None = None
    """The shape of tensor 0, if it is a lattice."""
    octree: Octree | None = None
    """The octree of tensor 0, if it is one; its only shape is the number of integers."""

    def border(self, parameters: Sequence[Float32Array]) -> Float64Array | None:
        """Return e at the samples, if the item is a shell with a border."""
        return None

    @abstractmethod
    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Return y as (components, positions), the positions in C order."""
