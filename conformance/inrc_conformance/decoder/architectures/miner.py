"""Architecture 6, `miner`: a pyramid whose levels are cut into blocks, each with a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np

from ..cbor import Value, as_list, as_uint
from ..errors import Malformed, Unsupported
from ..headers import Item
from .plan import Float32Array, Float64Array, Plan

_MOST_LEVELS = 32
_KEYS = 4


class MinerPlan(Plan):
    """Config of an item and its evaluation at its samples in float64."""

    def __init__(self, item: Item) -> None:
        self.components = len(item.components)
        self.active = tuple(size for size in item.dims if size > 1)
        d = len(self.active)
        if not 1 <= d <= 4:
            raise Malformed(f"MINER-1: {d} active axes")
        config = item.config
        self.block = _in_range(config[0], 2, 1024, "block")
        self.widths = tuple(
            _in_range(width, 1, 1024, "widths") for width in as_list(config[1], "MINER-1: widths")
        )
        if not 1 <= len(self.widths) <= _MOST_LEVELS:
            raise Malformed("MINER-1: the number of levels is not 1 to 32")
        self.layers = _in_range(config[2], 1, 16, "layers")
        self.octaves = _in_range(config[3], 0, 16, "octaves")
        self.omega = _in_range(config[4], 1, 65535, "omega") if 4 in config else None
        levels = range(len(self.widths) - 1, -1, -1)
        self.shapes = tuple(shape for level in levels for shape in self._shapes_of(level))
        self.multiply_adds = sum(self._work(level) for level in levels)

    def lengths(self, level: int) -> tuple[int, ...]:
        """Return the samples of a level along each active axis."""
        return tuple(-(-n // 2**level) for n in self.active)

    def blocks(self, level: int) -> tuple[int, ...]:
        """Return the blocks of a level along each active axis."""
        return tuple(-(-n // self.block) for n in self.lengths(level))

    def layer_widths(self, level: int) -> list[int]:
        """Return in_0, ..., in_K and out_K."""
        first = 2 * len(self.active) * self.octaves or len(self.active)
        return [first, *[self.widths[level]] * self.layers, self.components]

    def _shapes_of(self, level: int) -> list[tuple[int, ...]]:
        """Return the shapes of the layers of a level."""
        widths, blocks = self.layer_widths(level), self.blocks(level)
        return [(widths[k + 1] * (widths[k] + 1), *blocks) for k in range(self.layers + 1)]

    def _work(self, level: int) -> int:
        """Return the multiply-adds of a level per position of the item, rounded up."""
        widths = self.layer_widths(level)
        each = sum(widths[k] * widths[k + 1] for k in range(self.layers + 1))
        return -(-math.prod(self.lengths(level)) * each // math.prod(self.active))

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Evaluate all samples (steps 1 and 2)."""
        levels, each = len(self.widths), self.layers + 1
        y = np.zeros((self.components, *self.lengths(levels)))
        for number, level in enumerate(reversed(range(levels))):
            tensors = parameters[number * each : (number + 1) * each]
            details = self._details(level, tensors)
            y = details if number == 0 else doubled(y, self.lengths(level)) + details
        return y.reshape(self.components, -1)

    def _details(self, level: int, tensors: Sequence[Float32Array]) -> Float64Array:
        """Return D of a level: the values of all its blocks."""
        lengths = self.lengths(level)
        out = np.zeros((self.components, *lengths))
        widths = self.layer_widths(level)
        for place in product(*map(range, self.blocks(level))):
            starts = [b * self.block for b in place]
            sizes = [min(self.block, n - s) for s, n in zip(starts, lengths, strict=True)]
            at: tuple[slice | int, ...] = (slice(None), *place)
            layers = [
                tensor[at].astype(np.float64).reshape(rows, -1)
                for tensor, rows in zip(tensors, widths[1:], strict=True)
            ]
            window = tuple(slice(s, s + n) for s, n in zip(starts, sizes, strict=True))
            values = self._network(inputs(sizes, self.block, self.octaves), layers)
            out[(slice(None), *window)] = values.reshape(self.components, *sizes)
        return out

    def _network(self, hidden: Float64Array, layers: Sequence[Float64Array]) -> Float64Array:
        """Return the output of a block's network; the last column of a layer is its bias."""
        for number, layer in enumerate(layers):
            linear = layer[:, :-1] @ hidden + layer[:, -1:]
            if number == len(layers) - 1:
                return linear
            hidden = activated(linear, self.omega)
        raise ValueError("a network without layers")


def activated(z: Float64Array, omega: int | None) -> Float64Array:
    """Return A(z): sines, or Gaussians without omega."""
    return np.asarray(np.exp(-(z**2) / 2) if omega is None else np.sin(omega * z))


def inputs(sizes: Sequence[int], block: int, octaves: int) -> Float64Array:
    """Return the input vectors (in_0, samples) of a block of some size."""
    axes = [2 * np.arange(n) / (block - 1) - 1 for n in sizes]
    x = [axis.reshape(-1) for axis in np.meshgrid(*axes, indexing="ij")]
    if octaves == 0:
        return np.array(x)
    phases = [2.0**f * axis for f in range(octaves) for axis in x]
    return np.array([*map(np.sin, phases), *map(np.cos, phases)])


def doubled(y: Float64Array, lengths: Sequence[int]) -> Float64Array:
    """Return U(y): one axis after the other gets the lengths of the finer level."""
    for axis, length in enumerate(lengths, start=1):
        last = y.shape[axis] - 1
        i = np.arange(length)
        low, high = y.take(i // 2, axis=axis), y.take(np.minimum((i + 1) // 2, last), axis=axis)
        y = (low + high) / 2
    return y


def _in_range(value: Value, low: int, high: int, name: str) -> int:
    """Return a config value in its range."""
    number = as_uint(value, f"MINER-1: {name}")
    if not low <= number <= high:
        raise Malformed(f"MINER-1: {name} is not {low} to {high}")
    return number


def plan(item: Item) -> Plan:
    """Check the config keys (MINER-1) and return the plan."""
    if any(key not in range(_KEYS + 1) for key in item.config):
        raise Unsupported("ITEM-5: a config key that miner lacks")
    if any(key not in item.config for key in range(_KEYS)):
        raise Malformed("MINER-1: a config key is missing")
    return MinerPlan(item)
