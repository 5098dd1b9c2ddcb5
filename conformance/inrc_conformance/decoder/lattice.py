"""The shape of a lattice of coefficients: its levels, bands and coding order (section 7.4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .numbers import Int64Array

AXES = 4
Four = tuple[int, int, int, int]


@dataclass(frozen=True)
class Band:
    """A box of coefficients: its orientation, level, origin and lengths."""

    orientation: int
    level: int
    origin: Four
    lengths: Four

    @property
    def is_low(self) -> bool:
        """True for the low band."""
        return self.orientation == 0

    @property
    def kind(self) -> int:
        """The kind of the band, which selects contexts."""
        return 0 if self.is_low else 1 + self.orientation + 16 * min(self.level, 1)

    @property
    def entries(self) -> int:
        """The number of coefficients."""
        a, b, c, d = self.lengths
        return a * b * c * d


@dataclass(frozen=True)
class Lattice:
    """Four lengths, and the number of levels of each axis (0: not transformed)."""

    lengths: Four
    levels: Four

    @property
    def depth(self) -> int:
        """T, the greatest number of levels."""
        return max(self.levels)

    @property
    def entries(self) -> int:
        """The number of coefficients."""
        a, b, c, d = self.lengths
        return a * b * c * d

    def size(self, axis: int, level: int) -> int:
        """Return size_a(j): the length halved min(j, l_a) times, rounding up each time."""
        return halved(self.lengths[axis], min(level, self.levels[axis]))

    def box(self, level: int) -> Four:
        """Return the low box that holds the coefficients of levels >= `level`."""
        a, b, c, d = (self.size(axis, level) for axis in range(AXES))
        return a, b, c, d

    @cached_property
    def bands(self) -> tuple[Band, ...]:
        """All bands that are not empty, in coding order."""
        out = [Band(0, self.depth, (0, 0, 0, 0), self.box(self.depth))]
        orientations = sorted(range(1, 16), key=lambda o: (o.bit_count(), o))
        for level in range(self.depth - 1, -1, -1):
            outer, inner = self.box(level), self.box(level + 1)
            for orientation in orientations:
                high = [orientation >> (3 - axis) & 1 for axis in range(AXES)]
                if any(h and self.levels[axis] <= level for axis, h in enumerate(high)):
                    continue
                a, b, c, d = (inner[axis] if h else 0 for axis, h in enumerate(high))
                e, f, g, h4 = (
                    outer[axis] - inner[axis] if h else inner[axis] for axis, h in enumerate(high)
                )
                band = Band(orientation, level, (a, b, c, d), (e, f, g, h4))
                if band.entries:
                    out.append(band)
        return tuple(out)

    @cached_property
    def ends(self) -> dict[int, int]:
        """The number of coefficients up to the end of each level, with that level."""
        out: dict[int, int] = {}
        total = 0
        for band, after in zip(self.bands, (*self.bands[1:], None), strict=True):
            total += band.entries
            if after is None or after.level != band.level:
                out[total] = band.level
        return out

    def order(self) -> Int64Array:
        """Return the flat index (C order) of each coefficient in coding order."""
        flat = np.arange(self.entries, dtype=np.int64).reshape(self.lengths)
        return np.concatenate([flat[inside(band)].reshape(-1) for band in self.bands])


def halved(length: int, times: int) -> int:
    """Return a length halved so many times, rounding up each time."""
    for _ in range(times):
        length = (length + 1) // 2
    return length


def inside(band: Band) -> tuple[slice, ...]:
    """Return the slices of a band in the whole lattice."""
    return tuple(
        slice(start, start + length)
        for start, length in zip(band.origin, band.lengths, strict=True)
    )
