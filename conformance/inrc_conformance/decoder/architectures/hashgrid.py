"""Architecture 8, `hashgrid`: tables at several resolutions under a network without biases."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ..cbor import Value, as_float, is_float32
from ..errors import Malformed
from ..headers import Item
from .coordinate_networks import Indices, active_axes, by_blocks, check_keys, in_range
from .plan import Float32Array, Float64Array, Plan

_RULE = "HASHGRID-1"
_FACTORS = (1, 2654435761, 805459861, 3674653429)
_LARGEST = 2.0**24

Nodes = Sequence[npt.NDArray[np.int64]]
"""c_a of some nodes for each axis a of the encoding."""


@dataclass(frozen=True)
class Level:
    """Scale S, resolution R, and the number of entries N."""

    scale: float
    resolution: int
    entries: int
    axes: int

    @property
    def dense(self) -> bool:
        """True where all nodes of the grid have an entry of their own."""
        return bool(self.resolution**self.axes <= self.entries)


class HashgridPlan(Plan):
    """Config of an item and its evaluation in float64."""

    def __init__(self, item: Item) -> None:
        config = item.config
        self.components = len(item.components)
        self.active = active_axes(item, _RULE)
        number = in_range(config[0], 1, 32, f"{_RULE}: levels")
        self.features = in_range(config[1], 1, 16, f"{_RULE}: features")
        table = in_range(config[2], 3, 24, f"{_RULE}: table")
        base = in_range(config[3], 2, 65536, f"{_RULE}: base")
        growth = _growth(config[4])
        self.width = in_range(config[5], 1, 1024, f"{_RULE}: width")
        self.layers = in_range(config[6], 1, 16, f"{_RULE}: layers")
        self.levels = levels(number, table, base, growth, len(self.active))
        inputs = number * self.features
        sizes = [inputs, *[self.width] * self.layers, self.components]
        matrices = list(zip(sizes[1:], sizes[:-1], strict=True))
        tables = [(self.features, level.entries) for level in self.levels]
        self.shapes = (*tables, *matrices)
        self.multiply_adds = 2 ** len(self.active) * inputs + sum(a * b for a, b in matrices)

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Evaluate all samples block by block."""
        tensors = [tensor.astype(np.float64) for tensor in parameters]
        number = len(self.levels)
        widest = max(number * self.features, self.width, self.components)
        return by_blocks(
            self.active,
            widest,
            self.components,
            lambda indices: self._block(
                places(indices, self.active), tensors[:number], tensors[number:]
            ),
        )

    def _block(
        self,
        places: Sequence[Float64Array],
        tables: Sequence[Float64Array],
        matrices: Sequence[Float64Array],
    ) -> Float64Array:
        """Evaluate steps 1 to 4 at some places."""
        pairs = zip(self.levels, tables, strict=True)
        h = np.concatenate([looked_up(level, table, places) for level, table in pairs])
        for matrix in matrices[:-1]:
            h = np.maximum(matrix @ h, 0)
        return np.asarray(matrices[-1] @ h, dtype=np.float64)


def levels(number: int, table: int, base: int, growth: float, axes: int) -> list[Level]:
    """Return all levels (HASHGRID-2)."""
    out: list[Level] = []
    nodes = float(base)
    for _ in range(number):
        if nodes > _LARGEST:
            raise Malformed("HASHGRID-2: more than 2^24 nodes along an axis")
        scale = nodes - 1
        resolution = math.ceil(scale) + 1
        entries = min((resolution**axes + 7) // 8 * 8, 2**table)
        out.append(Level(scale, resolution, entries, axes))
        nodes *= growth
    return out


def places(indices: Indices, active: Sequence[int]) -> list[Float64Array]:
    """Return x for each axis of the encoding, of which the first is the last active axis."""
    pairs = zip(reversed(indices), reversed(active), strict=True)
    return [np.asarray(i / (n - 1), dtype=np.float64) for i, n in pairs]


def looked_up(level: Level, table: Float64Array, places: Sequence[Float64Array]) -> Float64Array:
    """Return the features of a level (steps 1 to 3)."""
    cells: list[npt.NDArray[np.int64]] = []
    fractions: list[Float64Array] = []
    for x in places:
        u = x * level.scale + 0.5
        cell = np.floor(u)
        cells.append(cell.astype(np.int64))
        fractions.append(u - cell)
    out = np.zeros((table.shape[0], places[0].size), dtype=np.float64)
    for corner in product((0, 1), repeat=len(cells)):
        nodes = [cell + e for cell, e in zip(cells, corner, strict=True)]
        weight = np.ones(places[0].size, dtype=np.float64)
        for e, t in zip(corner, fractions, strict=True):
            weight = weight * (t if e else 1 - t)
        entry = dense_entry(level, nodes) if level.dense else hashed_entry(level, nodes)
        out += table[:, entry] * weight
    return out


def dense_entry(level: Level, nodes: Nodes) -> npt.NDArray[np.int64]:
    """Return the entry of nodes of a dense level."""
    total = np.zeros_like(nodes[0])
    for a, c in enumerate(nodes):
        total = total + c * level.resolution**a
    return total % level.entries


def hashed_entry(level: Level, nodes: Nodes) -> npt.NDArray[np.int64]:
    """Return the entry of nodes of a hashed level; c_a p_a stays below 2^63."""
    total = np.zeros_like(nodes[0])
    for factor, c in zip(_FACTORS, nodes, strict=False):
        total = total ^ (c * factor % 2**32)
    return total % level.entries


def _growth(value: Value) -> float:
    growth = as_float(value, f"{_RULE}: growth")
    if not 1 <= growth <= 4 or not is_float32(growth):
        raise Malformed(f"{_RULE}: growth is not a float32 from 1 to 4")
    return growth


def plan(item: Item) -> Plan:
    """Check the config keys and return the plan."""
    check_keys(item.config, 7, 7, _RULE, "hashgrid")
    return HashgridPlan(item)
