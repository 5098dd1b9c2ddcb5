"""Configuration of `hashgrid`, the levels and the tensors it implies.

Normative text: format_spec/architectures/hashgrid.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from codec.errors import CorruptError
from codec.plugin_api.models import Config, TensorSpec
from inrc_plugins.shared.config_map import check_keys, checked_axes, whole

NAME = "hashgrid"
# Factors of the hash, one per axis (tiny-cuda-nn's "coherent prime hash").
PRIMES = (1, 2654435761, 805459861, 3674653429)
FINEST = 2.0**24

_RANGES = {
    0: ("levels", 1, 32),
    1: ("features", 1, 16),
    2: ("table", 3, 24),
    3: ("base", 2, 65536),
    5: ("width", 1, 1024),
    6: ("layers", 1, 16),
}
_GROWTH = 4


@dataclass(frozen=True)
class Level:
    """One level of the encoding.

    Attributes:
        scale: cells along an axis, a real number.
        resolution: nodes along an axis.
        entries: of its table.
        dense: whether every node has an entry of its own; otherwise entries are hashed.
    """

    scale: float
    resolution: int
    entries: int
    dense: bool


@dataclass(frozen=True)
class HashgridConfig:
    """Shape of one model.

    Attributes:
        axes: active axes (axes of size > 1), 1 to 4.
        levels: resolutions.
        features: per level.
        table: log2 of the most entries that a level has.
        base: nodes per axis of the coarsest level.
        growth: ratio of the resolutions of two levels, a float32.
        width: units per hidden layer.
        layers: hidden layers.
    """

    axes: int
    levels: int
    features: int
    table: int
    base: int
    growth: float
    width: int
    layers: int

    def to_map(self) -> dict[int, Any]:
        """The config map of the file."""
        values: dict[int, Any] = {key: getattr(self, name) for key, (name, _, _) in _RANGES.items()}
        return dict(sorted({**values, _GROWTH: self.growth}.items()))

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...]) -> HashgridConfig:
        """The checked config for an item of `shape`.

        Raises:
            CorruptError, UnsupportedError: a value out of range; an unknown key.
        """
        check_keys(NAME, config, (*_RANGES, _GROWTH))
        axes = checked_axes(NAME, shape)
        values = {
            name: whole(NAME, config[key], name, low, high)
            for key, (name, low, high) in _RANGES.items()
        }
        checked = cls(axes=len(axes), growth=_growth(config[_GROWTH]), **values)
        if checked.nodes[-1] > FINEST:
            raise CorruptError(f"{NAME}: a level finer than 2^24 nodes", section="ITEM")
        return checked

    @cached_property
    def nodes(self) -> tuple[float, ...]:
        """P_l of the text, float64, by repeated products."""
        nodes = [float(self.base)]
        for _ in range(self.levels - 1):
            nodes.append(nodes[-1] * self.growth)
        return tuple(nodes)

    @cached_property
    def grids(self) -> tuple[Level, ...]:
        """The levels, coarsest first."""
        return tuple(self._level(nodes - 1) for nodes in self.nodes)

    def _level(self, scale: float) -> Level:
        resolution = math.ceil(scale) + 1
        nodes = resolution**self.axes
        entries = min(-(-nodes // 8) * 8, 1 << self.table)
        return Level(scale, resolution, entries, nodes <= entries)

    @property
    def widths(self) -> list[int]:
        """Units per layer of the network but for the last, inputs first."""
        return [self.levels * self.features, *[self.width] * self.layers]

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        """The table of every level, then the matrix of every layer."""
        specs = [
            TensorSpec(f"table{number}", (self.features, level.entries), prunable=True)
            for number, level in enumerate(self.grids)
        ]
        for layer, (fan_in, fan_out) in enumerate(pairwise([*self.widths, components])):
            specs.append(TensorSpec(f"matrix{layer}", (fan_out, fan_in)))
        return tuple(specs)

    def multiply_adds(self, components: int) -> int:
        """Per position, as the normative text counts them."""
        matrices = sum(a * b for a, b in pairwise([*self.widths, components]))
        return matrices + (1 << self.axes) * self.levels * self.features

    def parameters(self, components: int) -> int:
        """Entries of all tensors."""
        return sum(math.prod(spec.shape) for spec in self.tensors(components))


def _growth(value: Any) -> float:
    # Compared as Python floats: NumPy would round the other side to float32 first.
    if not isinstance(value, float) or not 1 <= value <= 4 or float(np.float32(value)) != value:
        raise CorruptError(f"{NAME}: growth is no float32 from 1 to 4", section="ITEM")
    return value
