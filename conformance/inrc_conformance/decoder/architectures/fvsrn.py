"""Architecture 1, `fvsrn`: a latent grid and a small network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from ..cbor import Value, as_list
from ..errors import Malformed
from ..headers import Item
from .coordinate_networks import Indices, active_axes, by_blocks, check_keys, in_range
from .fvsrn_grid import Grid, read_wavelet
from .fvsrn_inputs import read_inputs
from .plan import Float32Array, Float64Array, Plan

_RULE = "FVSRN-1"
_KEYS, _REQUIRED = 9, 5


class FvsrnPlan(Plan):
    """Config of an item and its evaluation in float64."""

    def __init__(self, item: Item) -> None:
        self.components = len(item.components)
        self.active = active_axes(item, _RULE)
        d = len(self.active)
        config = item.config
        size = _grid_size(config[0], d)
        features = in_range(config[1], 1, 1024, f"{_RULE}: features")
        self.width = in_range(config[2], 1, 4096, f"{_RULE}: width")
        self.layers = in_range(config[3], 1, 64, f"{_RULE}: layers")
        octaves = in_range(config[4], 0, 16, f"{_RULE}: octaves")
        self.grid = Grid(size, features)
        if 5 in config:
            self.grid = read_wavelet(config[5], size, features)
        self.inputs = read_inputs(d, octaves, config.get(6), config.get(7))
        self.frequency = in_range(config.get(8, 256), 1, 65536, f"{_RULE}: frequency") / 256
        network = self._network_shapes(self.inputs.count + features)
        self.shapes = (*self.grid.shapes, *network)
        matrices = sum(shape[0] * shape[1] for shape in network[::2])
        self.multiply_adds = 2**d * features + matrices + self.inputs.multiply_adds

    def _network_shapes(self, inputs: int) -> list[tuple[int, ...]]:
        """Return matrix 0, vector 0, matrix 1, ..."""
        shapes: list[tuple[int, ...]] = []
        for j in range(self.layers + 1):
            rows = self.components if j == self.layers else self.width
            columns = inputs if j == 0 else self.width
            shapes += [(rows, columns), (rows,)]
        return shapes

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Evaluate all samples block by block."""
        tensors = len(self.grid.shapes)
        nodes = self.grid.nodes(parameters[:tensors])
        network = [tensor.astype(np.float64) for tensor in parameters[tensors:]]
        widest = max(self.inputs.count + self.grid.features, self.width, self.components)
        return by_blocks(
            self.active,
            widest,
            self.components,
            lambda indices: self._block(indices, nodes, network),
        )

    def _block(
        self, indices: Indices, nodes: Float64Array, network: list[Float64Array]
    ) -> Float64Array:
        """Evaluate the samples with some indices."""
        places: list[Float64Array] = [
            i / (n - 1) for i, n in zip(indices, self.active, strict=True)
        ]
        hidden = np.concatenate([self.inputs.of(places), self._latent(places, nodes)])
        for j in range(self.layers):
            linear = network[2 * j] @ hidden + network[2 * j + 1][:, None]
            hidden = activation(linear, self.frequency)
        return np.asarray(network[-2] @ hidden + network[-1][:, None], dtype=np.float64)

    def _latent(self, places: list[Float64Array], nodes: Float64Array) -> Float64Array:
        """Interpolate the grid multilinearly."""
        cells: list[npt.NDArray[np.int64]] = []
        fractions: list[Float64Array] = []
        for p, size in zip(places, self.grid.size, strict=True):
            u = p * (size - 1)
            cell = np.minimum(np.floor(u).astype(np.int64), size - 2)
            cells.append(cell)
            fractions.append(u - cell)
        latent = np.zeros((self.grid.features, places[0].size), dtype=np.float64)
        for corner in product((0, 1), repeat=len(cells)):
            node = np.zeros(places[0].size, dtype=np.int64)
            weight = np.ones(places[0].size, dtype=np.float64)
            for e, cell, t, size in zip(corner, cells, fractions, self.grid.size, strict=True):
                node = node * size + cell + e
                weight = weight * (t if e else 1 - t)
            latent += nodes[:, node] * weight
        return latent


def activation(x: Float64Array, frequency: float) -> Float64Array:
    """Return SnakeAlt, written so that nothing cancels."""
    return np.asarray(x / (2 * frequency) + np.sin(frequency * x) ** 2 / frequency)


def _grid_size(value: Value, axes: int) -> tuple[int, ...]:
    """Check key 0."""
    entries = as_list(value, f"{_RULE}: grid")
    size = tuple(in_range(entry, 2, 65536, f"{_RULE}: grid") for entry in entries)
    if len(size) != axes:
        raise Malformed(f"{_RULE}: grid does not have one entry per active axis")
    return size


def plan(item: Item) -> Plan:
    """Check the config keys (FVSRN-1) and return the plan."""
    check_keys(item.config, _REQUIRED, _KEYS, _RULE, "fvsrn")
    return FvsrnPlan(item)
