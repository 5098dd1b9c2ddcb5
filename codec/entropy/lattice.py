"""Order in which transform coefficients are coded: levels, bands, and boxes within the array.

Normative text: format_spec/inrc-1.md, section 7.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from codec.arrays import Array
from codec.entropy.coder_numbers import MIXING

AXES = 4
Box = tuple[slice, ...]


@dataclass(frozen=True)
class Band:
    """Coefficients of the same level and orientation.

    Attributes:
        level: number of times their finest axis was halved, less one; the depth for the low band.
        orientation: bit 3 - a is set where they are the high part along axis a; 0 is the low band.
        box: where they lie in the array.
        shape: shape of the box.
    """

    level: int
    orientation: int
    box: Box
    shape: tuple[int, ...]

    @property
    def kind(self) -> int:
        """Number that selects contexts: 0 for the low band, else by orientation and scale."""
        return 1 + self.orientation + 16 * min(self.level, 1) if self.orientation else 0

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Lattice:
    """A four-dimensional array of coefficients of a dyadic transform.

    Attributes:
        shape: four lengths, each at least 1.
        levels: halvings of the low part of each axis, 0 for axes that were not transformed.
    """

    shape: tuple[int, ...]
    levels: tuple[int, ...]

    @classmethod
    def untransformed(cls, shape: Sequence[int]) -> Lattice:
        """Lattice of an array that is not transformed.

        Axes of one element are left out, then the first two are merged until there are four.
        """
        axes = [size for size in shape if size > 1]
        while len(axes) > AXES:
            axes[:2] = [axes[0] * axes[1]]
        return cls((1,) * (AXES - len(axes)) + tuple(axes), (0,) * AXES)

    @property
    def depth(self) -> int:
        """Number of levels of the axis that has most."""
        return max(self.levels)

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return math.prod(self.shape)

    def low_shape(self, level: int) -> tuple[int, ...]:
        """Shape of the low box that is left after `level` halvings."""
        return tuple(
            halved(length, min(level, levels))
            for length, levels in zip(self.shape, self.levels, strict=True)
        )

    @cached_property
    def bands(self) -> tuple[Band, ...]:
        """All bands that are not empty, in coding order."""
        return tuple(self._bands())

    def _bands(self) -> Iterator[Band]:
        low = self.low_shape(self.depth)
        yield Band(self.depth, 0, tuple(slice(0, length) for length in low), low)
        for level in reversed(range(self.depth)):
            outer, inner = self.low_shape(level), self.low_shape(level + 1)
            orientations = sorted(range(1, 16), key=lambda o: (o.bit_count(), o))
            for orientation in orientations:
                high = [orientation >> (AXES - 1 - axis) & 1 for axis in range(AXES)]
                if any(bit and self.levels[axis] <= level for axis, bit in enumerate(high)):
                    continue
                box = tuple(
                    slice(inside, outside) if bit else slice(0, inside)
                    for bit, inside, outside in zip(high, inner, outer, strict=True)
                )
                shape = tuple(part.stop - part.start for part in box)
                if min(shape) > 0:
                    yield Band(level, orientation, box, shape)

    def count(self, level: int) -> int:
        """Number of coefficients that the low box after `level` halvings holds."""
        return math.prod(self.low_shape(level))

    def scatter(self, coded: Array, out: Array, level: int = 0) -> None:
        """Put coefficients in coding order, of levels >= `level`, into their boxes of `out`."""
        at = 0
        for band in self.bands:
            if band.level < level:
                break
            out[band.box] = coded[at : at + band.size].reshape(band.shape)
            at += band.size

    def gather(self, array: Array) -> Array:
        """The inverse of `scatter`: all coefficients in coding order."""
        return np.concatenate([array[band.box].ravel() for band in self.bands])


@dataclass(frozen=True)
class Segment:
    """Coded coefficients of whole levels, the content of a stream.

    Attributes:
        count: number of coefficients.
        data: what the coder wrote.
        coder: number of the coder.
    """

    count: int
    data: bytes
    coder: int = MIXING


def halved(length: int, times: int) -> int:
    """`length` halved so many times, rounding up."""
    return -(-length >> times)
