"""Coding the octree of a surface: the cells that it crosses, and a number at each of their corners.

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

from codec.entropy.mixing import octree_kernels as kernels
from codec.entropy.mixing import state
from codec.entropy.mixing.kernels import DECODE, ENCODE, QUANTISE
from codec.entropy.mixing.lattice import Segment
from codec.entropy.mixing.octree_kernels import INSIDE, OUTSIDE, SURFACE, UNKNOWN
from codec.entropy.mixing.range_coder import Coder, finish_encoder, new_decoder, new_encoder
from codec.entropy.mixing.tables import TABLES
from codec.errors import CorruptError, InvalidInputError

Numbers = npt.NDArray[np.int32]
Cells = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float32]
Targets = Callable[[Numbers, npt.NDArray[np.bool_]], Floats]

# Nodes of the finest grid; their arrays take nine bytes each.
MOST_NODES = 1 << 26
MOST_LEVELS = 12
# Steps of a value per cell of the finest level, times 16.
MOST_UNITS = 1 << 16
# All nodes of the coarsest level; then bit 2 - a is set for the axes along which a node lies
# between those of the level before.
ROOTS = 8
CLASSES = (1, 2, 4, 3, 5, 6, 7)
_BYTES_PER_NUMBER = 8
_ONE_CURVATURE, _ONE_PAIR, _ONE_BEFORE, _ONE_ENDS = -4900, 6500, 5200, 7900


@dataclass(frozen=True)
class Octree:
    """A grid of cells, halved `depth` times.

    Attributes:
        roots: cells of the coarsest level along each axis.
        depth: how often every cell that the surface crosses is cut into eight.
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

    cells: Cells
    values: Numbers
    corners: npt.NDArray[np.bool_]


def padded(cells: Cells) -> Cells:
    """Cells with a margin of one that is UNKNOWN."""
    return np.pad(cells, 1, constant_values=UNKNOWN)


def crossed(cells: Cells) -> npt.NDArray[np.bool_]:
    """Which cells the surface crosses, of padded cells, without the margin."""
    return np.asarray(cells[1:-1, 1:-1, 1:-1] == SURFACE)


def corners(cells: Cells) -> npt.NDArray[np.bool_]:
    """Which nodes of a level are corners of cells that the surface crosses, of padded cells."""
    surface = cells == SURFACE
    for axis in range(3):
        low = np.take(surface, range(surface.shape[axis] - 1), axis)
        surface = low | np.take(surface, range(1, surface.shape[axis]), axis)
    return np.asarray(surface, np.bool_)


def _families(cells: Cells) -> Cells:
    """A view of a level's cells with their parents' three axes first and the eight last."""
    a, b, c = (size // 2 for size in cells.shape)
    return cells.reshape(a, 2, b, 2, c, 2).transpose(0, 2, 4, 1, 3, 5)


def _first_children(parents: Cells) -> Cells:
    """Padded cells of the next level: of the number of their parent, UNKNOWN below the surface."""
    inner = parents[1:-1, 1:-1, 1:-1]
    known = np.where(inner == SURFACE, np.int8(UNKNOWN), inner)
    for axis in range(3):
        known = known.repeat(2, axis)
    return padded(known)


class _Walk:
    """Runs the kernels through all levels of one octree."""

    def __init__(self, octree: Octree, coder: Coder, numbers: Numbers) -> None:
        self.octree = octree
        self.numbers = numbers
        self._coder = coder
        self._at = 0
        size = kernels.CELL_INPUTS * kernels.CELL_PLANE
        rows = (kernels.CELL_ROWS, kernels.CELL_INPUTS)
        self._cell_memory = kernels.CellMemory(
            slots=np.full(size, -1, np.int32),
            counts=np.zeros(size, np.uint8),
            weights=np.full(rows, kernels.CELL_WEIGHT, np.int64),
            contexts=np.zeros(kernels.CELL_INPUTS, np.int64),
            stretched=np.zeros(kernels.CELL_INPUTS, np.int64),
            roots=np.full(kernels.ROOT_CHANCES, 1 << 21, np.int32),
            root_counts=np.zeros(kernels.ROOT_CHANCES, np.uint8),
            sides=np.full(kernels.SIDE_CHANCES, 1 << 21, np.int32),
            side_counts=np.zeros(kernels.SIDE_CHANCES, np.uint8),
        )
        self.nodes = kernels.Nodes(
            values=np.zeros(octree.nodes, np.int32),
            residuals=np.zeros(octree.nodes, np.int32),
            magnitudes=np.zeros(octree.nodes, np.uint8),
            gains=_first_gains(),
            features=np.zeros(kernels.FEATURES, np.int64),
            memory=state.new_memory(),
            scratch=kernels.Scratch(
                np.zeros(state.INPUTS, np.int64), np.zeros(state.INPUTS, np.int64)
            ),
        )

    def code(
        self,
        mode: int,
        targets: Targets | None = None,
        prices: Floats | None = None,
        truth: Sequence[Cells] = (),
    ) -> int:
        """Code everything; gives how many numbers there were, or -1 if they did not suffice.

        Args:
            mode: DECODE, ENCODE or QUANTISE.
            targets, prices, truth: for QUANTISE; the first is asked before every class of nodes.
        """
        nothing = np.zeros((0, 0, 0), np.float32)
        parents: Cells | None = None
        for level in range(self.octree.depth + 1):
            if truth:
                self._take_cells(truth[level], parents)
            parents = cells = self._code_cells(1 if mode else 0, level, parents)
            for odd in Octree.classes(level):
                wanted = nothing
                if targets is not None:
                    wanted = targets(self.nodes.values, self.nodes.magnitudes > 0)
                self._at = kernels.code_nodes(
                    self._coder, mode, cells, self.nodes, self.octree.stride(level), odd, level,
                    self.octree.unit, self.numbers, self._at, wanted,
                    nothing if prices is None else prices, TABLES,
                )  # fmt: skip
        return self._at

    def _take_cells(self, truth: Cells, parents: Cells | None) -> None:
        """Put the numbers of a level's cells where the kernels look for them."""
        chosen = truth.ravel() if parents is None else _families(truth)[crossed(parents)].ravel()
        self.numbers[self._at : self._at + chosen.size] = chosen

    def _code_cells(self, encoding: int, level: int, parents: Cells | None) -> Cells:
        octree = self.octree
        if parents is None:
            cells = padded(np.full(octree.roots, UNKNOWN, np.int8))
            if math.prod(octree.roots) > self.numbers.size:
                self._at = -1
                return cells
            self._at = kernels.code_roots(
                self._coder, encoding, cells, self.numbers, 0, self._cell_memory, TABLES
            )
            return cells
        cells = _first_children(parents)
        self._at = kernels.code_cells(
            self._coder, encoding, cells, parents, self.nodes.values, octree.stride(level),
            octree.unit, int(level == 1), self.numbers, self._at, self._cell_memory, TABLES,
        )  # fmt: skip
        return cells


def _first_gains() -> npt.NDArray[np.int64]:
    """What the gains of the prediction start with, per class: (9, features) in 1/65536."""
    gains = np.zeros((kernels.CLASS_ROWS, kernels.FEATURES), np.int64)
    gains[1:8, 0:3] = _ONE_CURVATURE
    gains[1:8, 3:6] = _ONE_PAIR
    gains[1:8, 9:12] = _ONE_BEFORE
    gains[1:8, 18] = _ONE_ENDS
    return gains


def count_numbers(truth: Sequence[Cells]) -> int:
    """How many integers an octree has, from the cells of each level (without margins)."""
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
    rest = _Rest(numbers)
    cells = padded(rest.take_cells(math.prod(octree.roots)).reshape(octree.roots))
    for level in range(octree.depth + 1):
        if level:
            children, families = _first_children(cells), crossed(cells)
            inner = children[1:-1, 1:-1, 1:-1]
            _families(inner)[families] = rest.take_cells(8 * int(families.sum())).reshape(
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
            nodes[places] = rest.take(int(places.sum()))
    rest.finish()
    return Placed(cells[1:-1, 1:-1, 1:-1], values, corners(cells))


class _Rest:
    """Integers that have no place yet."""

    def __init__(self, numbers: npt.NDArray[np.integer[Any]]) -> None:
        self._numbers = numbers
        self._at = 0

    def take(self, count: int) -> npt.NDArray[np.integer[Any]]:
        if self._at + count > self._numbers.size:
            raise CorruptError("fewer integers than the cells need", section="TENS")
        self._at += count
        return self._numbers[self._at - count : self._at]

    def take_cells(self, count: int) -> Cells:
        numbers = self.take(count)
        if count and not (numbers.min() >= OUTSIDE and numbers.max() <= INSIDE):
            raise CorruptError("a cell of an octree is neither 0, 1 nor 2", section="TENS")
        return numbers.astype(np.int8)

    def finish(self) -> None:
        if self._at != self._numbers.size:
            raise CorruptError("more integers than the cells need", section="TENS")


def decode_octree(octree: Octree, data: bytes) -> Numbers:
    """The integers of an octree.

    Raises:
        CorruptError: they are not as many as the octree declares.
    """
    numbers = np.empty(octree.count, np.int32)
    if _Walk(octree, new_decoder(data), numbers).code(DECODE) != octree.count:
        raise CorruptError("an octree does not have as many integers as declared", section="TENS")
    return numbers


def encode_octree(octree: Octree, numbers: Numbers) -> Segment:
    """The coded integers of an octree.

    Raises:
        InvalidInputError: a value is too far from what is predicted.
    """
    coded = numbers.copy()
    coder = new_encoder(4096 + _BYTES_PER_NUMBER * octree.count)
    done = _Walk(octree, coder, coded).code(ENCODE)
    if done != octree.count or not np.array_equal(coded, numbers):
        raise InvalidInputError("a quantised distance is too large to code; use larger steps")
    return Segment(octree.count, finish_encoder(coder))


def quantise_octree(
    octree: Octree, truth: Sequence[Cells], targets: Targets, prices: Floats
) -> tuple[Numbers, Segment]:
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
    return numbers, Segment(octree.count, finish_encoder(coder))
