"""Passage over the bands of a lattice, with what coarser and earlier bands say of a band."""

from __future__ import annotations

import math

import numpy as np

from codec.arrays import Int16Array, Int64Array, UInt8Array, UInt16Array
from codec.entropy.lattice import AXES, Band, Lattice
from codec.entropy.static.head import BandContext
from codec.entropy.static.priors import add_surroundings, block_priors

_NO_PARENT = np.zeros((0,) * AXES, np.uint8)
_NO_SIBLINGS = np.zeros((0,) * AXES, np.uint16)


class LevelMemory:
    """Surroundings of the bands of the present level and of the coarser one."""

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._level = lattice.depth
        self._parents: dict[int, UInt8Array] = {}
        self._present: dict[int, UInt8Array] = {}
        self._siblings: UInt16Array = _NO_SIBLINGS

    def enter(self, band: Band) -> None:
        """Move on to a band, the next in coding order."""
        if band.level != self._level:
            self._parents, self._present = self._present, {}
            self._siblings = _NO_SIBLINGS
            self._level = band.level

    def parent(self, band: Band) -> UInt8Array:
        """Surroundings of the band of the same orientation one level up; empty without one."""
        return self._parents.get(band.orientation, _NO_PARENT)

    def siblings_of(self, context: BandContext) -> UInt16Array:
        """Sum over the earlier bands of a band's level; empty if it has none."""
        return self._siblings if context.has_siblings else self._siblings[:0]

    def fill_priors(
        self,
        context: BandContext,
        place: Int64Array,
        weights: Int16Array,
        priors: Int16Array,
        active: UInt8Array,
    ) -> None:
        """Write what E of a block's positions has besides its taps; see `block_priors`."""
        parent, halved = self.parent(context.band), self.halved(context.band)
        siblings = self.siblings_of(context)
        block_priors(parent, halved, siblings, place, weights, priors, active)

    def halved(self, band: Band) -> Int64Array:
        """Per axis, 1 where the parent has half the samples."""
        return np.array([int(band.level + 1 < levels) for levels in self._lattice.levels], np.int64)

    def put(self, band: Band, surroundings: UInt8Array) -> None:
        """Remember the surroundings of a band that is complete."""
        if not band.orientation:
            return
        if not self._siblings.size:
            self._siblings = np.zeros(self._lattice.low_shape(band.level + 1), np.uint16)
        add_surroundings(surroundings, self._siblings)
        if band.level:
            self._present[band.orientation] = surroundings


def band_contexts(lattice: Lattice, first: int, last: int) -> list[BandContext]:
    """Contexts of the bands number `first` to `last` - 1, before each is decoded."""
    present = {(band.level, band.orientation) for band in lattice.bands}
    contexts = []
    for number in range(first, last):
        band = lattice.bands[number]
        before = lattice.bands[number - 1] if number else None
        contexts.append(
            BandContext(
                band,
                band.orientation > 0 and (band.level + 1, band.orientation) in present,
                before is not None and before.level == band.level and band.orientation > 0,
            )
        )
    return contexts


def bands_of(lattice: Lattice, start: int, count: int) -> tuple[int, int] | None:
    """First and last number (exclusive) of the bands that so many integers from `start` on are.

    None if these are no whole levels; the low band is a level of its own.
    """
    ends = [0, *(lattice.count(level) for level in range(lattice.depth, -1, -1))]
    if count < 1 or start not in ends or start + count not in ends:
        return None
    at, first = 0, None
    for number, band in enumerate(lattice.bands):
        if at == start:
            first = number
        at += math.prod(band.shape)
        if at == start + count:
            return (first, number + 1) if first is not None else None
    return None
