"""The quadratic spline of a shell, and how its coefficients continue past the coded ones.

Normative text: format_spec/architectures/shell.md, "Evaluation".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from codec.compiling import compiled

# Nodes around the grid, and rings around the coded nodes, that have coefficients too.
MARGIN = 2
RINGS = 2
# Least distance of a coefficient beyond the coded ones from the surface, in cells.
LEAST_DISTANCE = 0.5
# The least distance in a cell beside those with the surface, in cells.
LEAST_BESIDE = 0.1


_DIRECTIONS = tuple(d for d in itertools.product((-1, 0, 1), repeat=3) if any(d))


@dataclass(frozen=True)
class Ring:
    """Nodes that are continued from those further in.

    Attributes:
        places: flat indices of the nodes in the array with margins.
        terms: (row, place, weight) arrays: node `row` is the sum of weight times the coefficient at
            `place`.
    """

    places: Int64Array
    terms: tuple[tuple[Int64Array, Int64Array, Float64Array], ...]


def rings(coded: BoolArray) -> list[Ring]:
    """The rings around coded nodes, from the inner to the outer.

    Args:
        coded: over the nodes of the grid, without margins.
    """
    known = np.pad(coded, MARGIN)
    all_rings = []
    for _ in range(RINGS):
        around = dilated(known) & ~known
        places = np.flatnonzero(around)
        all_rings.append(Ring(places, tuple(_terms(known, places))))
        known |= around
    return all_rings


def dilated(mask: BoolArray) -> BoolArray:
    """The mask with all 26 neighbours of what is set."""
    grown = mask
    for axis in range(3):
        last = grown.swapaxes(0, axis)
        wider = last.copy()
        wider[1:] |= last[:-1]
        wider[:-1] |= last[1:]
        grown = wider.swapaxes(0, axis)
    return np.ascontiguousarray(grown)


def _terms(
    known: BoolArray, places: Int64Array
) -> list[tuple[Int64Array, Int64Array, Float64Array]]:
    """Straight on from pairs of known nodes; where there is none, the mean of known neighbours."""
    size = known.shape
    around = np.pad(known, 2).ravel()
    wide = [size[1] + 4, size[2] + 4]
    i, j, k = np.unravel_index(places, size)
    padded = ((i + 2) * wide[0] + j + 2) * wide[1] + k + 2
    first, pairs = [], []
    total, plain = np.zeros(len(places)), np.zeros(len(places))
    for a, b, c in _DIRECTIONS:
        step = (a * wide[0] + b) * wide[1] + c
        near = around[padded + step]
        both = near & around[padded + 2 * step]
        weight = 1 / (a * a + b * b + c * c)
        total += both * weight
        plain += near * weight
        flat = (a * size[1] + b) * size[2] + c
        first.append((near, flat, weight))
        pairs.append((both, flat, weight))
    terms = []
    alone = total == 0
    for (near, flat, weight), (both, _, _) in zip(first, pairs, strict=True):
        rows = np.flatnonzero(both)
        share = weight / total[rows]
        terms.append((rows, places[rows] + flat, 2 * share))
        terms.append((rows, places[rows] + 2 * flat, -share))
        rows = np.flatnonzero(near & alone)
        terms.append((rows, places[rows] + flat, weight / plain[rows]))
    return terms


def continued(values: Float64Array, coded: BoolArray, inside: BoolArray) -> Float32Array:
    """All coefficients, in cells, with margins: (n0 + 4, n1 + 4, n2 + 4) float32.

    Args:
        values: coefficients at the nodes of the grid, in cells.
        coded: which of them are coded.
        inside: cells of the finest level that are inside.
    """
    full = np.pad(np.where(coded, values, 0.0), MARGIN)
    sign = np.where(_touching(inside), -1.0, 1.0).ravel()
    flat = full.reshape(-1)
    for ring in rings(coded):
        continuation = np.zeros(len(ring.places))
        for rows, places, weights in ring.terms:
            continuation[rows] += weights * flat[places]
        side = sign[ring.places]
        flat[ring.places] = side * np.maximum(side * continuation, LEAST_DISTANCE)
    return full.astype(np.float32)


def _touching(inside: BoolArray) -> BoolArray:
    """Nodes, with margins, with a cell that is inside among their eight."""
    wide = np.pad(inside, MARGIN + 1)
    for axis in range(3):
        moved = wide.swapaxes(0, axis)
        wide = (moved[1:] | moved[:-1]).swapaxes(0, axis)
    return wide


@compiled(inline="always", _nrt=False)
def tap_weight(offset: Any, tap: Any) -> Any:
    """Weights of the quadratic spline: tap 0, 1, 2 at -1, 0, 1 from the closest node."""
    if tap == 0:
        return 0.5 * (0.5 - offset) * (0.5 - offset)
    if tap == 1:
        return 0.75 - offset * offset
    return 0.5 * (0.5 + offset) * (0.5 + offset)


@compiled(nogil=True, _nrt=False)
def evaluate(points: Any, regions: Any, coefficients: Any, far: Any, out: Any) -> None:
    """Distances in cells at (n, 3) float64 node indices within the grid.

    Args:
        regions: int8 over the cells: 1 where the surface is, else 0 outside and 2 inside, and 3 and
            4 for these where they touch cells with the surface: the spline holds there too, but
            keeps to its side.
        coefficients: with margins.
        far: distance where the spline does not hold.
        out: (n,) float32, filled.
    """
    size = regions.shape
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        region = regions[
            min(int(x), size[0] - 1), min(int(y), size[1] - 1), min(int(z), size[2] - 1)
        ]
        if region == 0 or region == 2:
            out[n] = far if region == 0 else -far
            continue
        i, j, k = int(np.floor(x + 0.5)), int(np.floor(y + 0.5)), int(np.floor(z + 0.5))
        total = 0.0
        for a in range(3):
            wa = tap_weight(x - i, a)
            for b in range(3):
                wb = wa * tap_weight(y - j, b)
                row = coefficients[i + a + MARGIN - 1, j + b + MARGIN - 1]
                for c in range(3):
                    total += wb * tap_weight(z - k, c) * row[k + c + MARGIN - 1]
        if region == 3:
            total = max(total, LEAST_BESIDE)
        elif region == 4:
            total = min(total, -LEAST_BESIDE)
        out[n] = total
