"""Coefficients past the coded nodes as a linear function of those of the coded ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float64Array, Int32Array
from inrc_plugins.architectures.shell import spline
from inrc_plugins.architectures.shell.spline import MARGIN


class Continuation:
    """The rings around the coded nodes, without the limit that keeps them to their side.

    Args:
        corners: coded nodes, bool over the grid.

    Attributes:
        numbers: int32 over the nodes with margins: numbers of those with a coefficient, first of
            the coded in C order, then ring by ring; else -1.
        count: nodes with coefficients.
    """

    def __init__(self, corners: BoolArray) -> None:
        from scipy import sparse

        wide = np.pad(corners, MARGIN)
        self.numbers: Int32Array = np.full(wide.shape, -1, np.int32)
        numbers = self.numbers.reshape(-1)
        coded = np.flatnonzero(wide)
        self.count = len(coded)
        numbers[coded] = np.arange(self.count)
        self._rings: list[Any] = []
        for ring in spline.rings(corners):
            rows = np.concatenate([rows for rows, _, _ in ring.terms])
            columns = numbers[np.concatenate([places for _, places, _ in ring.terms])]
            weights = np.concatenate([weights for _, _, weights in ring.terms])
            shape = (len(ring.places), self.count)
            self._rings.append(sparse.csr_matrix((weights, (rows, columns)), shape=shape))
            numbers[ring.places] = self.count + np.arange(len(ring.places))
            self.count += len(ring.places)

    def onward(self, coefficients: Float64Array) -> Float64Array:
        """Coefficients of all nodes, from those of the coded."""
        for ring in self._rings:
            coefficients = np.concatenate([coefficients, ring @ coefficients])
        return coefficients

    def back(self, values: Float64Array) -> Float64Array:
        """The transpose of `onward`: what all nodes have, summed for the coded."""
        for ring in reversed(self._rings):
            inner = ring.shape[1]
            values = values[:inner] + ring.T @ values[inner:]
        return values

    def back_squared(self, values: Float64Array) -> Float64Array:
        """Sums of `back` with the squares of all weights."""
        for ring in reversed(self._rings):
            inner = ring.shape[1]
            values = values[:inner] + ring.power(2).T @ values[inner:]
        return values
