"""Memory that the coding of one block after the other uses again."""

from __future__ import annotations

import threading

import numpy as np

from codec.arrays import Int8Array, Int16Array, UInt8Array
from codec.entropy.static.contexts import clipped_shape


class BlockScratch:
    """Arrays for blocks of up to some shape, for one thread."""

    def __init__(self) -> None:
        self._clipped = np.zeros(0, np.int8)
        self._nonzero = np.zeros(0, np.uint8)
        self._priors = np.zeros(0, np.int16)
        self.rows = np.zeros((8, 64), np.int16)
        self._active = np.zeros(0, np.uint8)

    def clipped(self, shape: tuple[int, ...]) -> tuple[Int8Array, UInt8Array]:
        """Rows of zeros for the coefficients of a block of a shape, and a zero for each row."""
        rows, pitch = clipped_shape(shape)
        if self._clipped.size < rows * pitch:
            self._clipped = np.empty(rows * pitch, np.int8)
        if self.rows.shape[1] < pitch:
            self.rows = np.zeros((8, pitch), np.int16)
        clipped = self._clipped[: rows * pitch]
        clipped[:] = 0
        if self._nonzero.size < rows:
            self._nonzero = np.empty(rows, np.uint8)
        nonzero = self._nonzero[:rows]
        nonzero[:] = 0
        return clipped.reshape(rows, pitch), nonzero

    def priors(self, shape: tuple[int, ...]) -> tuple[Int16Array, UInt8Array]:
        """Priors of a block, and per row whether one is above the constant; not initialised."""
        size = int(np.prod(shape))
        if self._priors.size < size:
            self._priors = np.empty(size, np.int16)
        lines = size // shape[-1]
        if self._active.size < lines:
            self._active = np.empty(lines, np.uint8)
        return self._priors[:size].reshape(shape), self._active[:lines]


class Scratches(threading.local):
    """One `BlockScratch` for each thread that asks for it."""

    def __init__(self) -> None:
        self.block = BlockScratch()
