"""Normal equations of a quadratic spline at points, without a matrix of one row per point.

Each node is coupled with the 125 nodes around it; of these couplings, the half that comes first in
C order and the node itself are summed over all points. Many points share the same few nodes, so
that the sums take a small part of the memory and of the time of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import Float32Array, Float64Array, Int32Array, Int64Array
from codec.compiling import compiled
from inrc_plugins.architectures.shell.spline import MARGIN, tap_weight

# Couplings of a node that are summed: with itself and with the 62 before it in C order.
_COUPLINGS = 63


@dataclass(frozen=True)
class Couplings:
    """A symmetric matrix.

    Attributes:
        starts: (n + 1,) int64, where the entries of each row begin.
        columns: int32, of the entries on one side of the diagonal; values: float32, of the same.
        diagonal: (n,) float64.
    """

    starts: Int64Array
    columns: Int32Array
    values: Float32Array
    diagonal: Float64Array

    def __matmul__(self, vector: Float64Array) -> Float64Array:
        product = self.diagonal * vector
        add_product(self.starts, self.columns, self.values, vector, product)
        return product


class NormalEquations:
    """Sums over points of products of the spline's weights, and of weights times wanted values.

    Args:
        numbers: those of nodes with a coefficient, else -1; over the nodes with margins, int32.
        count: nodes with coefficients.

    Attributes:
        right: (count,) float64, right-hand side.
    """

    def __init__(self, numbers: Int32Array, count: int) -> None:
        self._numbers = numbers
        self._couplings: Float32Array = np.zeros((count, _COUPLINGS), np.float32)
        self.right: Float64Array = np.zeros(count)

    def add(self, indices: Float64Array, wanted: Float64Array, weight: float) -> None:
        """Add points whose spline should have the `wanted` value.

        Args:
            indices: (n, 3) node indices; wanted: (n,), in cells; weight: of their squared errors.
        """
        add_points(
            np.ascontiguousarray(indices, np.float64), np.ascontiguousarray(wanted, np.float64),
            float(weight), self._numbers, self._couplings, self.right, np.zeros(27, np.int64),
            np.zeros(27), np.zeros(27, np.int64),
        )  # fmt: skip

    @property
    def diagonal(self) -> Float64Array:
        """Coupling of each node with itself: (count,)."""
        return self._couplings[:, -1].astype(np.float64)

    def couplings(self, least: float) -> Couplings:
        """The symmetric matrix of all couplings greater than `least`."""
        mask = self._couplings[:, :-1] > least
        rows, before = np.nonzero(mask)
        flat = self._numbers.ravel()
        places = np.empty(len(self.right), np.int64)
        places[flat[flat >= 0]] = np.flatnonzero(flat >= 0)
        columns = flat[places[rows] + _steps(self._numbers.shape)[before]]
        starts = np.concatenate([[0], np.cumsum(mask.sum(1))])
        return Couplings(starts, columns, self._couplings[:, :-1][mask], self.diagonal)


def _steps(shape: tuple[int, ...]) -> Int64Array:
    """Steps in C order from a node to those that it has couplings with, itself last."""
    number = np.arange(_COUPLINGS)
    steps = ((number // 25 - 2) * shape[1] + number // 5 % 5 - 2) * shape[2] + number % 5 - 2
    return np.asarray(steps, np.int64)


@compiled(nogil=True, _nrt=False)
def add_points(
    indices: Any, wanted: Any, weight: Any, numbers: Any, couplings: Any, right: Any, nodes: Any,
    weights: Any, steps: Any,
) -> None:  # fmt: skip
    """Add the points of `NormalEquations.add`; `couplings` and `right` are changed.

    Args:
        nodes, weights, steps: room for the 27 nodes around a point that have coefficients: their
            numbers, weights, and places in the 125 nodes around the first.
    """
    for n in range(indices.shape[0]):
        x, y, z = indices[n, 0], indices[n, 1], indices[n, 2]
        i, j, k = int(np.floor(x + 0.5)), int(np.floor(y + 0.5)), int(np.floor(z + 0.5))
        count = 0
        for a in range(3):
            for b in range(3):
                along = tap_weight(x - i, a) * tap_weight(y - j, b)
                row = numbers[i + a + MARGIN - 1, j + b + MARGIN - 1]
                for c in range(3):
                    node = row[k + c + MARGIN - 1]
                    if node >= 0:
                        nodes[count] = node
                        weights[count] = along * tap_weight(z - k, c)
                        steps[count] = 25 * a + 5 * b + c
                        count += 1
        for first in range(count):
            share = weight * weights[first]
            right[nodes[first]] += share * wanted[n]
            row_of_first = couplings[nodes[first]]
            place = _COUPLINGS - 1 - steps[first]
            for second in range(first + 1):
                row_of_first[place + steps[second]] += share * weights[second]


@compiled(nogil=True, _nrt=False)
def add_product(starts: Any, columns: Any, values: Any, vector: Any, product: Any) -> None:
    """Add to `product` what the entries on both sides of the diagonal give; see `Couplings`."""
    for row in range(vector.shape[0]):
        here = vector[row]
        total = 0.0
        for entry in range(starts[row], starts[row + 1]):
            column = columns[entry]
            total += values[entry] * vector[column]
            product[column] += values[entry] * here
        product[row] += total
