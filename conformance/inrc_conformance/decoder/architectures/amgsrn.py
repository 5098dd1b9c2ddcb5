"""Architecture 5, `amgsrn`: latent grids under transforms of their own, and a small network."""

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
_NUMBERS = {1: 2, 2: 5, 3: 10}
"""P, the number of numbers of a transform, for each d."""
_LARGEST_LOG = 16.0


class AmgsrnPlan(Plan):
    """Config of an item and its evaluation in float64."""

    def __init__(self, item: Item) -> None:
        self.components = len(item.components)
        self.samples = item.samples
        self.active = tuple(size for size in item.dims if size > 1)
        d = len(self.active)
        if d not in _NUMBERS:
            raise Malformed(f"AMGSRN-1: {d} active axes")
        config = item.config
        self.grids = _in_range(config[0], 1, 1024, "grids")
        self.features = _in_range(config[1], 1, 64, "features")
        self.nodes = tuple(
            _in_range(size, 2, 65536, "nodes") for size in as_list(config[2], "AMGSRN-1: nodes")
        )
        if len(self.nodes) != d:
            raise Malformed("AMGSRN-1: nodes does not have one entry per active axis")
        self.width = _in_range(config[3], 1, 4096, "width")
        self.layers = _in_range(config[4], 1, 64, "layers")
        self.bias = bool(_in_range(config[5], 0, 1, "bias"))
        self.inputs = self.grids * self.features
        matrices = self._matrices()
        self.shapes = (
            (_NUMBERS[d], self.grids),
            (self.features, self.grids, *self.nodes),
            *(shape for m in matrices for shape in ([m, m[:1]] if self.bias else [m])),
        )
        entries = sum(rows * columns for rows, columns in matrices)
        self.multiply_adds = self.grids * (2**d * self.features + d**2) + entries

    def _matrices(self) -> list[tuple[int, int]]:
        """Return the shapes of matrix 0 to matrix L."""
        widths = [self.inputs, *[self.width] * self.layers, self.components]
        return [(widths[j + 1], widths[j]) for j in range(self.layers + 1)]

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Evaluate all samples block by block."""
        out = np.zeros((self.components, self.samples), dtype=np.float64)
        block = max(1, _BLOCK_NUMBERS // max(self.inputs, self.width, self.components, 16))
        tensors = [tensor.astype(np.float64) for tensor in parameters]
        for start in range(0, self.samples, block):
            flat = np.arange(start, min(self.samples, start + block), dtype=np.int64)
            out[:, start : start + block] = self._block(flat, tensors)
        return out

    def _block(self, flat: npt.NDArray[np.int64], tensors: list[Float64Array]) -> Float64Array:
        """Evaluate the samples with some flat indices."""
        indices = np.unravel_index(flat, self.active)
        x = np.array([2 * i / (n - 1) - 1 for i, n in zip(indices, self.active, strict=True)])
        transforms, grids, *network = tensors
        hidden = np.concatenate(
            [interpolated(grids[:, k], place(transforms[:, k], x)) for k in range(self.grids)]
        )
        step = 2 if self.bias else 1
        for j in range(self.layers + 1):
            linear = network[step * j] @ hidden
            if self.bias:
                linear = linear + network[step * j + 1][:, None]
            hidden = np.maximum(linear, 0) if j < self.layers else linear
        return np.asarray(2 * hidden - 1, dtype=np.float64)


def place(transform: Float64Array, x: Float64Array) -> Float64Array:
    """Return v: positions (d, samples) under the transform of a grid."""
    d = len(x)
    scales = np.exp(np.clip(transform[:d], -_LARGEST_LOG, _LARGEST_LOG))
    turned = rotation(transform[d:-d], d) @ (scales[:, None] * x)
    return np.asarray(transform[-d:, None] + turned, dtype=np.float64)


def rotation(numbers: Float64Array, d: int) -> Float64Array:
    """Return the matrix R of the numbers between the scales and the translation."""
    if d == 1:
        return np.ones((1, 1))
    if d == 2:
        angle = float(numbers[0])
        return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    a, b, c, e = quaternion(numbers)
    return np.array(
        [
            [1 - 2 * (c * c + e * e), 2 * (b * c - a * e), 2 * (b * e + a * c)],
            [2 * (b * c + a * e), 1 - 2 * (b * b + e * e), 2 * (c * e - a * b)],
            [2 * (b * e - a * c), 2 * (c * e + a * b), 1 - 2 * (b * b + c * c)],
        ]
    )


def quaternion(numbers: Float64Array) -> tuple[float, float, float, float]:
    """Return q_0 to q_3, of length 1."""
    a, b, c, e = (float(number) for number in (1 + numbers[0], *numbers[1:]))
    length = math.sqrt(a * a + b * b + c * c + e * e)
    if length == 0:
        return 1.0, 0.0, 0.0, 0.0
    return a / length, b / length, c / length, e / length


def interpolated(grid: Float64Array, v: Float64Array) -> Float64Array:
    """Return the features (F, samples) of one grid (F, G_1, ...) at places v; 0 far outside."""
    out = np.zeros((grid.shape[0], v.shape[1]))
    nodes = np.array(grid.shape[1:], dtype=np.float64)[:, None]
    u = (v + 1) / 2 * (nodes - 1)
    cells = np.floor(u)
    fractions = u - cells
    for corner in product((0, 1), repeat=len(v)):
        e = np.array(corner, dtype=np.float64)[:, None]
        at = cells + e
        inside = ((at >= 0) & (at <= nodes - 1)).all(axis=0)
        weight = np.where(e > 0, fractions, 1 - fractions).prod(axis=0)
        index = tuple(at[:, inside].astype(np.int64))
        out[:, inside] += grid[(slice(None), *index)] * weight[inside]
    return out


def _in_range(value: Value, low: int, high: int, name: str) -> int:
    """Return a config value in its range."""
    number = as_uint(value, f"AMGSRN-1: {name}")
    if not low <= number <= high:
        raise Malformed(f"AMGSRN-1: {name} is not {low} to {high}")
    return number


def plan(item: Item) -> Plan:
    """Check the config keys (AMGSRN-1) and return the plan."""
    if any(key not in range(6) for key in item.config):
        raise Unsupported("ITEM-5: a config key that amgsrn lacks")
    if len(item.config) != 6:
        raise Malformed("AMGSRN-1: a config key is missing")
    return AmgsrnPlan(item)
