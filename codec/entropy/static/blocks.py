"""Blocks of a band, which can be decoded one by one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from codec.arrays import Int64Array
from codec.entropy.lattice import AXES, Band, Box

Edges = tuple[int, ...]

# Edges of blocks that the encoder writes, as exponents of 2, the smallest first. Blocks are small
# enough for threads and regions, and large enough that what each costs by itself stays near one
# per cent.
_VOLUME_EDGES: tuple[Edges, ...] = ((3, 6, 6, 6), (3, 6, 6, 7), (3, 6, 7, 7), (3, 7, 7, 7))
# Edges for arrays of at most two axes that are longer than `_SHORT`.
_PLANE_EDGES: tuple[Edges, ...] = ((3, 3, 8, 8), (3, 3, 8, 9), (3, 3, 9, 9), (3, 3, 9, 10))
_SHORT = 4
# Coefficients other than 0 that a block should hold, about. A band that is not half again as long
# as an edge is not cut along it.
_BLOCK_NONZERO = 4000


def edges_for(shape: tuple[int, ...], density: float) -> Edges:
    """Edges, as exponents of 2, that the encoder chooses.

    Args:
        shape: of the largest band of the stream.
        density: part of the coefficients that is not 0.
    """
    flat = sum(length > _SHORT for length in shape) <= 2
    choices = _PLANE_EDGES if flat else _VOLUME_EDGES
    edges = choices[0]
    for edges in choices:
        size = math.prod(min(1 << edge, length) for edge, length in zip(edges, shape, strict=True))
        if size * density >= _BLOCK_NONZERO:
            break
    return tuple(
        max(length - 1, 0).bit_length() if 2 * length <= 3 << edge else edge
        for edge, length in zip(edges, shape, strict=True)
    )


def place_within(band: Band, box: Box) -> tuple[Int64Array, Int64Array]:
    """Place of a block in the array of its lattice, and in its band.

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
