"""Streams of coder 6: all integers of an octree, coded by mixing (section 7.5)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

from .errors import Malformed
from .mixing import BitCoder, BitDecoder
from .octree import Node, Octree, Place, Tree, grow
from .octree_cells import CellModel
from .octree_values import ValueModel


class OctreeModel:
    """Codes the integers of one octree.

    `wanted` are the integers to be encoded; a decoder gives as many zeros as the stream has
    integers, which have no other effect.
    """

    def __init__(self, octree: Octree, coder: BitCoder, wanted: Iterable[int]) -> None:
        self._coder = coder
        self._wanted = iter(wanted)
        self._cells = CellModel(octree)
        self._values = ValueModel(octree)

    def cell(self, tree: Tree, place: Place) -> int:
        """Code a cell."""
        return self._cells.code(self._coder, tree, place, self._next())

    def value(self, tree: Tree, node: Node) -> int:
        """Code a value."""
        return self._values.code(self._coder, tree, node, self._next())

    def _next(self) -> int:
        for integer in self._wanted:
            return integer
        raise Malformed("OCT-1: an octree has more integers than its stream")


def decode_octree(octree: Octree, data: bytes, count: int) -> list[int]:
    """Return the integers of a stream of coder 6 (OCT-1)."""
    _, integers = grow(octree, OctreeModel(octree, BitDecoder(data), repeat(0, count)))
    if len(integers) < count:
        raise Malformed("OCT-1: an octree has fewer integers than its stream")
    return integers
