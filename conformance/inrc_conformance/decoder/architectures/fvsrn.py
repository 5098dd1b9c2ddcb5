"""Architecture 1, `fvsrn`: a latent grid and a small network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from ..cbor import Value, as_list, as_uint
from ..errors import Malformed, Unsupported
from ..headers import Item
from .plan import Float32Array, Float64Array, Plan

_BLOCK_NUMBERS = 2**21


class FvsrnPlan(Plan):
    """Config of an item and its evaluation in float64."""

    def __init__(self, item: Item) -> None:
        self.components = len(item.components)
        self.samples = item.samples
        self.active = tuple(size for size in item.dims if size > 1)
        d = len(self.active)
        if not 1 <= d <= 4:
            raise Malformed(f"FVSRN-1: {d} active axes")
        config = item.config
        self.grid = tuple(
            _in_range(size, 2, 65536, "grid") for size in as_list(config[0], "FVSRN-1: grid")
        )
        if len(self.grid) != d:
            raise Malformed("FVSRN-1: grid does not have one entry per active axis")
        self.features = _in_range(config[1], 1, 1024, "features")
        self.width = _in_range(config[2], 1, 4096, "width")
        self.layers = _in_range(config[3], 1, 64, "layers")
        self.octaves = _in_range(config[4], 0, 16, "octaves")
        self.inputs = d + 2 * d * self.octaves + self.features
        self.shapes = ((self.features, *self.grid), *self._network_shapes())
        matrices = sum(shape[0] * shape[1] for shape in self.shapes[1::2])
        self.multiply_adds = 2**d * self.features + matrices

    def _network_shapes(self) -> list[tuple[int, ...]]:
        """Return matrix 0, vector 0, matrix 1, ..."""
        shapes: list[tuple[int, ...]] = []
        for j in range(self.layers + 1):
            rows = self.components if j == self.layers else self.width
            columns = self.inputs if j == 0 else self.width
            shapes += [(rows, columns), (rows,)]
        return shapes

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Evaluate all samples block by block."""
        out = np.zeros((self.components, self.samples), dtype=np.float64)
        widest = max(self.inputs, self.width, self.components, 16)
        block = max(1, _BLOCK_NUMBERS // widest)
        grid = parameters[0].reshape(self.features, -1)
        network = [tensor.astype(np.float64) for tensor in parameters[1:]]
        for start in range(0, self.samples, block):
            flat = np.arange(start, min(self.samples, start + block), dtype=np.int64)
            out[:, start : start + block] = self._block(flat, grid, network)
        return out

    def _block(
        self, flat: npt.NDArray[np.int64], grid: Float32Array, network: list[Float64Array]
    ) -> Float64Array:
        """Evaluate the samples with some flat indices."""
        indices = np.unravel_index(flat, self.active)
        places = [i / (n - 1) for i, n in zip(indices, self.active, strict=True)]
        rows = list(places)
        for function in (np.cos, np.sin):
            for octave in range(self.octaves):
                rows += [function(2 * math.pi * 2.0**octave * p) for p in places]
        hidden = np.concatenate([np.array(rows), self._latent(places, grid)])
        for j in range(self.layers):
            linear = network[2 * j] @ hidden + network[2 * j + 1][:, None]
            hidden = linear / 2 + np.sin(linear) ** 2
        return np.asarray(network[-2] @ hidden + network[-1][:, None], dtype=np.float64)

    def _latent(self, places: list[Float64Array], grid: Float32Array) -> Float64Array:
        """Interpolate the grid multilinearly."""
        cells: list[npt.NDArray[np.int64]] = []
        fractions: list[Float64Array] = []
        for p, size in zip(places, self.grid, strict=True):
            u = p * (size - 1)
            cell = np.minimum(np.floor(u).astype(np.int64), size - 2)
            cells.append(cell)
            fractions.append(u - cell)
        latent = np.zeros((self.features, places[0].size), dtype=np.float64)
        for corner in product((0, 1), repeat=len(cells)):
            node = np.zeros(places[0].size, dtype=np.int64)
            weight = np.ones(places[0].size, dtype=np.float64)
            for e, cell, t, size in zip(corner, cells, fractions, self.grid, strict=True):
                node = node * size + cell + e
                weight = weight * (t if e else 1 - t)
            latent += grid[:, node].astype(np.float64) * weight
        return latent


def _in_range(value: Value, low: int, high: int, name: str) -> int:
    """Return a config value in its range."""
    number = as_uint(value, f"FVSRN-1: {name}")
    if not low <= number <= high:
        raise Malformed(f"FVSRN-1: {name} is not {low} to {high}")
    return number


def plan(item: Item) -> Plan:
    """Check the config keys (FVSRN-1) and return the plan."""
    if any(key not in range(5) for key in item.config):
        raise Unsupported("ITEM-5: a config key that fvsrn lacks")
    if len(item.config) != 5:
        raise Malformed("FVSRN-1: a config key is missing")
    return FvsrnPlan(item)
