"""Coding of the coefficients of a lattice, level by level, with one memory for all of them.

Normative text: format_spec/inrc-1.md, section 7.4.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from codec.arrays import Array, Float32Array, Int32Array, Int64Array, UInt32Array
from codec.entropy.lattice import AXES, Band, Lattice, Segment
from codec.entropy.mixing import kernels, state, surroundings
from codec.entropy.mixing.range_coder import (
    AT,
    Coder,
    finish_encoder,
    new_decoder,
    new_encoder,
)
from codec.entropy.mixing.tables import TABLES
from codec.errors import CorruptError, InvalidInputError

# Bytes from which on a segment is closed at the end of a level: the cost of the next segment
# (framing, end of the range coder) stays under about two per cent.
SEGMENT_BYTES = 1024
# Room for the coded bytes of a coefficient; memory that is never touched costs nothing.
BYTES_PER_COEFFICIENT = 32
_NOTHING = np.zeros(0, np.uint16)


def encode_lattice(lattice: Lattice, values: Int32Array) -> list[Segment]:
    """Segments of `values`, all coefficients in coding order (int32).

    Raises:
        InvalidInputError: a value is more than 2^27 away from what is predicted (0 outside the low
            band).
    """
    coded = values.copy()
    nothing = np.zeros(0, np.float32)
    segments = _encode(lattice, coded, state.ENCODE, lambda band: nothing, 0.0)
    if not np.array_equal(coded, values):
        raise InvalidInputError("a quantised coefficient is too large to code; use larger steps")
    return segments


def quantise_lattice(
    lattice: Lattice,
    array: Float32Array,
    step: float,
    price: float,
    passes: int = 1,
) -> tuple[Int32Array, list[Segment]]:
    """Quantise an array of coefficients by rate and distortion while coding it.

    Args:
        array: float32 of the lattice's shape.
        step: quantisation step.
        price: squared error, in squared steps, that one bit is worth; 0 rounds to nearest.
        passes: how often the choice is made; from the second on with a view of what comes later.

    Returns:
        The integers in coding order, and their segments.
    """
    values = np.empty(lattice.size, np.int32)
    scale = np.float32(1 / step)

    def targets(band: Band) -> Float32Array:
        return (array[band.box] * scale).ravel()

    segments = _encode(lattice, values, state.QUANTISE, targets, price)
    for _ in range(passes - 1):
        segments = _encode(lattice, values, state.REFINE, targets, price)
    return values, segments


def _encode(
    lattice: Lattice,
    values: Int32Array,
    mode: int,
    targets: Callable[[Band], Float32Array],
    price: float,
) -> list[Segment]:
    walk = _Walk(lattice)
    room = 4096 + BYTES_PER_COEFFICIENT * lattice.size
    coder = new_encoder(room)
    segments: list[Segment] = []
    at = start = 0
    for band, following in itertools.pairwise([*lattice.bands, None]):
        if band is None:
            break
        part = values[at : at + band.size]
        walk.code(coder, mode, band, part, targets(band), price)
        at += band.size
        if following is None or (
            following.level != band.level and coder.state[AT] >= SEGMENT_BYTES
        ):
            segments.append(Segment(at - start, finish_encoder(coder)))
            start = at
    return segments


class LatticeDecoder:
    """Decoder of the segments of a lattice, in order.

    Attributes:
        done: coefficients decoded so far.
    """

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.done = 0
        self._walk = _Walk(lattice)
        self._bands = iter(lattice.bands)

    def decode(self, count: int, data: bytes) -> Int32Array:
        """The next `count` coefficients, in coding order.

        Raises:
            CorruptError: the segment does not end with a level, or more is coded than there is.
        """
        ends = {self.lattice.count(level) for level in range(self.lattice.depth + 1)}
        if count == 0 or self.done + count not in ends:
            raise CorruptError("a stream of coefficients does not end with a level", section="TENS")
        coder = new_decoder(data)
        values = np.empty(count, np.int32)
        at = 0
        while at < count:
            band = next(self._bands)
            part = values[at : at + band.size]
            self._walk.code(coder, state.DECODE, band, part, np.zeros(0, np.float32), 0.0)
            at += band.size
        self.done += count
        if self.done == self.lattice.size:
            self._walk.forget_bands()
        return values


class _Walk:
    """Passage over the bands: memory, and what coarser and earlier bands say of a band."""

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._memory = state.new_memory()
        # Surroundings of the bands of the coarser and of the present level, by orientation.
        self._parents: dict[int, tuple[Array, tuple[int, ...]]] = {}
        self._present: dict[int, tuple[Array, tuple[int, ...]]] = {}
        # Surroundings of the latest band of the present level, and the sum over earlier ones.
        self._latest: tuple[Array, tuple[int, ...]] | None = None
        self._sum: UInt32Array | None = None
        self._summed = 0
        self._level = lattice.depth

    def code(
        self,
        coder: Coder,
        mode: int,
        band: Band,
        values: Int32Array,
        targets: Float32Array,
        price: float,
    ) -> None:
        """Code one band, the next in order."""
        if band.level != self._level:
            self._parents, self._present = self._present, {}
            self._latest, self._sum, self._summed = None, None, 0
            self._level = band.level
        taps = _taps(band.shape)
        kernels.code_band(
            coder,
            state.Task(mode, values, targets, np.float32(price)),
            self._memory,
            self._with_priors(band),
            taps,
            _new_scratch(band.shape, len(taps.steps)),
            TABLES,
        )
        if band.orientation:
            levels = np.empty(band.size, np.uint16)
            surroundings.surroundings(values, np.array(band.shape, np.int64), levels)
            self._latest = levels, band.shape
            if band.level:
                self._present[band.orientation] = self._latest

    def forget_bands(self) -> None:
        """Free the arrays as large as bands, which are of no use after the last band."""
        self._parents, self._present = {}, {}
        self._latest, self._sum = None, None

    def _with_priors(self, band: Band) -> state.Band:
        parent, parent_shape = self._parents.pop(band.orientation, (_NOTHING, (1,) * AXES))
        shifts = [1 if band.level + 1 < levels else 0 for levels in self._lattice.levels]
        return state.Band(
            band.kind,
            int(band.orientation == 0),
            np.array(band.shape, np.int64),
            parent,
            np.array(parent_shape, np.int64),
            np.array(shifts, np.int64),
            self._sibling_levels(band),
        )

    def _sibling_levels(self, band: Band) -> Array:
        """Mean over the earlier bands of the level, flat; empty if there are none."""
        if self._latest is None:
            return _NOTHING
        # No band of the level is longer along any axis.
        largest = self._lattice.low_shape(band.level + 1)
        if self._sum is None:
            self._sum = np.zeros(largest, np.uint32)
        levels, its_shape = self._latest
        shapes = np.array(its_shape, np.int64), np.array(largest, np.int64)
        surroundings.add_sibling(levels, *shapes, self._sum.reshape(-1))
        self._latest = None
        self._summed += 1
        part = self._sum[tuple(slice(0, size) for size in band.shape)]
        mean = np.empty(band.shape, np.uint16)
        np.floor_divide(part, np.uint32(self._summed), out=mean, casting="unsafe")
        return mean.ravel()


def _taps(shape: tuple[int, ...]) -> state.Taps:
    """Taps of a band: on at most two axes one cell away (weights 4 and 2), or two on one (1)."""
    offsets, weights = [], []
    for offset in itertools.product((-1, 0, 1), repeat=AXES):
        distance = sum(map(abs, offset))
        if offset < (0,) * AXES and distance <= 2 and _has_room(shape, offset):
            offsets.append(offset)
            weights.append(4 if distance == 1 else 2)
    for axis in range(AXES):
        if shape[axis] > 2:
            offsets.append(tuple(-2 if other == axis else 0 for other in range(AXES)))
            weights.append(1)
    return _laid_out(np.array(offsets, np.int64).reshape(-1, AXES), weights, shape)


def _has_room(shape: tuple[int, ...], offset: tuple[int, ...]) -> bool:
    """Whether an offset leads along axes of more than one element alone."""
    return all(size > 1 or not by for size, by in zip(shape, offset, strict=True))


def _laid_out(offsets: Int64Array, weights: list[int], shape: tuple[int, ...]) -> state.Taps:
    """Taps with their distances in the flat arrays of a band and of its padded cells."""
    paddings = _paddings(shape)
    padded = _strides([size + 2 * pad for size, pad in zip(shape, paddings, strict=True)])
    strides = _strides(shape)
    backward = [int(padded[axis]) if shape[axis] > 1 else 0 for axis in reversed(range(AXES))]
    return state.Taps(
        offsets=offsets,
        steps=offsets @ padded,
        value_steps=offsets @ strides,
        weights=np.array(weights, np.int64),
        norm=(1 << 20) // max(sum(weights), 1),
        backward=np.array(backward, np.int64),
        padded=padded,
        strides=strides,
        origin=int(np.dot(paddings, padded)),
    )


def _paddings(shape: tuple[int, ...]) -> list[int]:
    return [2 if size > 1 else 0 for size in shape]


def _strides(shape: Any) -> Int64Array:
    return np.array([int(np.prod(shape[axis + 1 :])) for axis in range(AXES)], np.int64)


def _new_scratch(shape: tuple[int, ...], taps: int) -> state.Scratch:
    cells = int(
        np.prod([size + 2 * pad for size, pad in zip(shape, _paddings(shape), strict=True)])
    )
    return state.Scratch(
        cells=np.zeros(cells, np.int16),
        levels=np.zeros(cells, np.uint8),
        differences=np.zeros(taps, np.int64),
        gains=np.zeros(taps, np.int64),
        features=np.zeros(taps + 3, np.int64),
        trust=np.full(taps + 3, 65536 // (taps + 2), np.int64),
        place=np.zeros(AXES, np.int64),
    )
