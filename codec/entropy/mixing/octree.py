"""Coding of the octree of a surface: the cells it crosses, and a number at each of their corners.

Normative text: format_spec/inrc-1.md, section 7.5. The integers of an octree are, level after level
from the coarsest: one for each cell whose parent the surface crosses (in the coarsest level, for
each cell), then the values of the nodes that are new in the level, class by class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codec.arrays import BoolArray, Float32Array, Int8Array, Int32Array, Int64Array
from codec.entropy.coder_numbers import OCTREE
from codec.entropy.lattice import Segment
from codec.entropy.mixing import octree_cells, octree_nodes, state
from codec.entropy.mixing.chances import new_chances, new_mixer
from codec.entropy.mixing.octree_cells import INSIDE, OUTSIDE, SURFACE, UNKNOWN
from codec.entropy.mixing.octree_prediction import CLASS_ROWS, FEATURES, ROOTS, Nodes
from codec.entropy.mixing.range_coder import Coder, finish_encoder, new_decoder, new_encoder
from codec.entropy.mixing.state import DECODE, ENCODE, QUANTISE
from codec.entropy.mixing.tables import TABLES
from codec.errors import CorruptError, InvalidInputError

Targets = Callable[[Int32Array, BoolArray], Float32Array]

# Nodes of the finest grid; their arrays take nine bytes each.
MOST_NODES = 1 << 26
MOST_LEVELS = 12
# Steps of a value per cell of the finest level, times 16.
MOST_UNITS = 1 << 16
# Classes of the nodes that are new in a level, in coding order; see `octree_prediction`.
CLASSES = (1, 2, 4, 3, 5, 6, 7)
_BYTES_PER_NUMBER = 8
# Gains of the prediction at the start, in 1/65536.
_CURVATURE_GAIN, _PAIR_GAIN, _BEFORE_GAIN, _ENDS_GAIN = -4900, 6500, 5200, 7900


@dataclass(frozen=True)
class Octree:
    """A grid of cells, halved `depth` times.

    Attributes:
        roots: cells of the coarsest level along each axis.
        depth: number of times every cell that the surface crosses is cut into eight.
        unit: steps of a value per cell of the finest level, times 16.
        count: integers of the whole octree.
    """

    roots: tuple[int, int, int]
    depth: int
    unit: int
    count: int

    @property
    def nodes(self) -> tuple[int, int, int]:
        """Nodes of the finest grid along each axis."""
        a, b, c = ((size << self.depth) + 1 for size in self.roots)
        return a, b, c

    def stride(self, level: int) -> int:
        """Nodes of the finest grid per cell of a level (0: the coarsest)."""
        return 1 << (self.depth - level)

    @staticmethod
    def classes(level: int) -> tuple[int, ...]:
        """The classes of nodes that are coded in a level, in order."""
        return CLASSES if level else (ROOTS,)


@dataclass(frozen=True)
class Placed:
    """Integers of an octree in their places.

    Attributes:
        cells: of the finest level: OUTSIDE, SURFACE or INSIDE, int8.
        values: int32 over the nodes, 0 where none is coded.
        corners: bool over the nodes: corners of cells of the finest level that the surface crosses.
    """

    cells: Int8Array
    values: Int32Array
    corners: BoolArray


def padded(cells: Int8Array) -> Int8Array:
    """Cells with a margin of one that is UNKNOWN."""
    return np.pad(cells, 1, constant_values=UNKNOWN)


def crossed(cells: Int8Array) -> BoolArray:
    """Cells that the surface crosses, of padded cells, without the margin."""
    return np.asarray(cells[1:-1, 1:-1, 1:-1] == SURFACE)


def corners(cells: Int8Array) -> BoolArray:
    """Nodes of a level that are corners of cells that the surface crosses, of padded cells."""
    surface = cells == SURFACE
    for axis in range(3):
        low = np.take(surface, range(surface.shape[axis] - 1), axis)
        surface = low | np.take(surface, range(1, surface.shape[axis]), axis)
    return np.asarray(surface, np.bool_)


def _families(cells: Int8Array) -> Int8Array:
    """A view of a level's cells with their parents' three axes first and the eight last."""
    a, b, c = (size // 2 for size in cells.shape)
    return cells.reshape(a, 2, b, 2, c, 2).transpose(0, 2, 4, 1, 3, 5)


def _first_children(parents: Int8Array) -> Int8Array:
    """Padded cells of the next level: of the number of their parent, UNKNOWN below the surface."""
    inner = parents[1:-1, 1:-1, 1:-1]
    known = np.where(inner == SURFACE, np.int8(UNKNOWN), inner)
    for axis in range(3):
        known = known.repeat(2, axis)
    return padded(known)


class _Walk:
    """Passage of the kernels through all levels of an octree."""

    def __init__(self, octree: Octree, coder: Coder, numbers: Int32Array) -> None:
        self.octree = octree
        self.numbers = numbers
        self._coder = coder
        self._at = 0
        self._cell_memory = _new_cell_memory()
        self.nodes = Nodes(
            values=np.zeros(octree.nodes, np.int32),
            residuals=np.zeros(octree.nodes, np.int32),
            magnitudes=np.zeros(octree.nodes, np.uint8),
            gains=_first_gains(),
            features=np.zeros(FEATURES, np.int64),
            memory=state.new_memory(),
        )

    def code(
        self,
        mode: int,
        targets: Targets | None = None,
        prices: Float32Array | None = None,
        truth: Sequence[Int8Array] = (),
    ) -> int:
        """Code everything; gives how many numbers there were, or -1 if they did not suffice.

        Args:
            mode: DECODE, ENCODE or QUANTISE.
            targets, prices, truth: for QUANTISE; the first is asked before every class of nodes.
        """
        nothing = np.zeros((0, 0, 0), np.float32)
        parents: Int8Array | None = None
        for level in range(self.octree.depth + 1):
            if truth:
                self._take_cells(truth[level], parents)
            parents = cells = self._code_cells(level, parents)
            for odd in Octree.classes(level):
                wanted = nothing
                if targets is not None:
                    wanted = targets(self.nodes.values, self.nodes.magnitudes > 0)
                self._at = octree_nodes.code_nodes(
                    self._coder, mode, cells, self.nodes, self.octree.stride(level), odd, level,
                    self.octree.unit, self.numbers, self._at, wanted,
                    nothing if prices is None else prices, TABLES,
                )  # fmt: skip
        return self._at

    def _take_cells(self, truth: Int8Array, parents: Int8Array | None) -> None:
        """Put the numbers of a level's cells where the kernels look for them."""
        chosen = truth.ravel() if parents is None else _families(truth)[crossed(parents)].ravel()
        self.numbers[self._at : self._at + chosen.size] = chosen

    def _code_cells(self, level: int, parents: Int8Array | None) -> Int8Array:
        octree = self.octree
        if parents is None:
            cells = padded(np.full(octree.roots, UNKNOWN, np.int8))
            if math.prod(octree.roots) > self.numbers.size:
                self._at = -1
                return cells
            self._at = octree_cells.code_roots(
                self._coder, cells, self.numbers, 0, self._cell_memory, TABLES
            )
            return cells
        cells = _first_children(parents)
        self._at = octree_cells.code_cells(
            self._coder, cells, parents, self.nodes.values, octree.stride(level), octree.unit,
            16 if level == 1 else 0, self.numbers, self._at, self._cell_memory, TABLES,
        )  # fmt: skip
        return cells


def _new_cell_memory() -> octree_cells.CellMemory:
    """Memory of cells before any was coded."""
    inputs = octree_cells.CELL_INPUTS
    return octree_cells.CellMemory(
        mixer=new_mixer(
            inputs,
            inputs * octree_cells.CELL_PLANE,
            octree_cells.CELL_ROWS,
            octree_cells.CELL_WEIGHT,
        ),
        roots=new_chances(octree_cells.ROOT_CHANCES),
        sides=new_chances(octree_cells.SIDE_CHANCES),
    )


def _first_gains() -> Int64Array:
    """Gains of the prediction at the start, per class: (9, features) in 1/65536."""
    gains = np.zeros((CLASS_ROWS, FEATURES), np.int64)
    gains[1:8, 0:3] = _CURVATURE_GAIN
    gains[1:8, 3:6] = _PAIR_GAIN
    gains[1:8, 9:12] = _BEFORE_GAIN
    gains[1:8, 18] = _ENDS_GAIN
    return gains


def count_numbers(truth: Sequence[Int8Array]) -> int:
    """Number of integers of an octree, from the cells of each level (without margins)."""
    total = truth[0].size
    known = 0
    for level, cells in enumerate(truth):
        if level:
            total += 8 * int((truth[level - 1] == SURFACE).sum())
        here = corners(padded(cells))
        if level:
            here[::2, ::2, ::2] = False
        known += int(here.sum())
    return total + known


def place(octree: Octree, numbers: npt.NDArray[np.integer[Any]]) -> Placed:
    """Put the integers of an octree in their places.

    Raises:
        CorruptError: they are not as many as its cells need, or a cell has another number than 0,
            1 or 2.
    """
    values = np.zeros(octree.nodes, np.int32)
    unplaced = _Unplaced(numbers)
    cells = padded(unplaced.take_cells(math.prod(octree.roots)).reshape(octree.roots))
    for level in range(octree.depth + 1):
        if level:
            children, families = _first_children(cells), crossed(cells)
            inner = children[1:-1, 1:-1, 1:-1]
            _families(inner)[families] = unplaced.take_cells(8 * int(families.sum())).reshape(
                -1, 2, 2, 2
            )
            cells = children
        here, stride = corners(cells), octree.stride(level)
        for odd in Octree.classes(level):
            part = tuple(
                slice(None) if odd == ROOTS else slice(odd >> 2 - axis & 1, None, 2)
                for axis in range(3)
            )
            places = here[part]
            nodes = values[::stride, ::stride, ::stride][part]
            nodes[places] = unplaced.take(int(places.sum()))
    unplaced.finish()
    return Placed(cells[1:-1, 1:-1, 1:-1], values, corners(cells))


class _Unplaced:
    """Integers that have no place yet."""

    def __init__(self, numbers: npt.NDArray[np.integer[Any]]) -> None:
        self._numbers = numbers
        self._at = 0

    def take(self, count: int) -> npt.NDArray[np.integer[Any]]:
        if self._at + count > self._numbers.size:
            raise CorruptError("fewer integers than the cells need", section="TENS")
        self._at += count
        return self._numbers[self._at - count : self._at]

    def take_cells(self, count: int) -> Int8Array:
        numbers = self.take(count)
        if count and not (numbers.min() >= OUTSIDE and numbers.max() <= INSIDE):
            raise CorruptError("a cell of an octree is neither 0, 1 nor 2", section="TENS")
        return numbers.astype(np.int8)

    def finish(self) -> None:
        if self._at != self._numbers.size:
            raise CorruptError("more integers than the cells need", section="TENS")


def decode_octree(octree: Octree, data: bytes) -> Int32Array:
    """The integers of an octree.

    Raises:
        CorruptError: they are not as many as the octree declares.
    """
    numbers = np.empty(octree.count, np.int32)
    if _Walk(octree, new_decoder(data), numbers).code(DECODE) != octree.count:
        raise CorruptError("an octree does not have as many integers as declared", section="TENS")
    return numbers


def encode_octree(octree: Octree, numbers: Int32Array) -> Segment:
    """The coded integers of an octree.

    Raises:
        InvalidInputError: a value is too far from what is predicted.
    """
    coded = numbers.copy()
    coder = new_encoder(4096 + _BYTES_PER_NUMBER * octree.count)
    done = _Walk(octree, coder, coded).code(ENCODE)
    if done != octree.count or not np.array_equal(coded, numbers):
        raise InvalidInputError("a quantised distance is too large to code; use larger steps")
    return Segment(octree.count, finish_encoder(coder), OCTREE)


def quantise_octree(
    octree: Octree, truth: Sequence[Int8Array], targets: Targets, prices: Float32Array
) -> tuple[Int32Array, Segment]:
    """Choose the values of an octree by rate and distortion while coding it.

    Args:
        truth: the cells of each level, int8, without margins.
        targets: given the values chosen so far and where there are any, what the others should be,
            in steps: float32 over the nodes. It is asked before every class of nodes.
        prices: squared error, in squared steps, that one bit is worth at each node; float32.
    """
    numbers = np.empty(octree.count, np.int32)
    coder = new_encoder(4096 + _BYTES_PER_NUMBER * octree.count)
    _Walk(octree, coder, numbers).code(QUANTISE, targets, prices, truth)
    return numbers, Segment(octree.count, finish_encoder(coder), OCTREE)
