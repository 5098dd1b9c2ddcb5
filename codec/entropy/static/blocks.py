"""Blocks of a band, which can be decoded one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from codec.arrays import Int64Array
from codec.entropy.mixing.lattice import AXES, Band, Box

Edges = tuple[int, ...]

# Edges of the blocks that the encoder writes, as exponents of 2: wide enough that what a block
# costs by itself stays near one per cent, small enough for threads and regions.
DEFAULT_EDGES: Edges = (3, 6, 6, 6)
# Bands of at most two axes have rows of this exponent and planes of the other.
_PLANE_EDGES: Edges = (3, 3, 8, 9)


def edges_for(shape: tuple[int, ...]) -> Edges:
    """Edges, as exponents of 2, that the encoder chooses for a lattice of a shape."""
    flat = sum(length > 4 for length in shape) <= 2
    return _PLANE_EDGES if flat else DEFAULT_EDGES


def place_within(band: Band, box: Box) -> tuple[Int64Array, Int64Array]:
    """Where a block lies: in the array of its lattice, and in its band.

    Each is (2, 4) int64: first index and shape.
    """
    shape = [part.stop - part.start for part in box]
    first = [part.start for part in box]
    whole = [part.start + outer.start for part, outer in zip(box, band.box, strict=True)]
    return np.array([whole, shape], np.int64), np.array([first, shape], np.int64)


def block_count(shape: tuple[int, ...], edges: Edges) -> int:
    """Number of blocks of a band."""
    return math.prod(-(-length >> edge) for length, edge in zip(shape, edges, strict=True))


def block_boxes(shape: tuple[int, ...], edges: Edges) -> Iterator[Box]:
    """Boxes of the blocks of a band, in C order."""
    cuts = [
        [
            slice(start, min(start + (1 << edges[axis]), shape[axis]))
            for start in range(0, shape[axis], 1 << edges[axis])
        ]
        for axis in range(AXES)
    ]
    yield from itertools.product(*cuts)
