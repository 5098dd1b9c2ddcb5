"""Configuration of `fvsrn` and the tensors it implies.

Normative text: format_spec/architectures/fvsrn.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from codec.contracts import Config, TensorSpec
from codec.errors import CorruptError, UnsupportedError

_RANGES = {
    1: ("features", 1, 1024),
    2: ("width", 1, 4096),
    3: ("layers", 1, 64),
    4: ("octaves", 0, 16),
}


@dataclass(frozen=True)
class FvsrnConfig:
    """Shape of one model.

    Attributes:
        grid: nodes of the latent grid per active axis (axis of size > 1).
        features: channels of the grid.
        width: units per hidden layer.
        layers: hidden layers.
        octaves: Fourier octaves per axis.
    """

    grid: tuple[int, ...]
    features: int
    width: int
    layers: int
    octaves: int

    def to_map(self) -> dict[int, Any]:
        """The config map of the file."""
        return {
            0: list(self.grid),
            1: self.features,
            2: self.width,
            3: self.layers,
            4: self.octaves,
        }

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...]) -> FvsrnConfig:
        """The checked config for an item of `shape`.

        Raises:
            CorruptError, UnsupportedError: a value out of range; an unknown key.
        """
        if unknown := config.keys() - {0, *_RANGES}:
            raise UnsupportedError(f"fvsrn: config key {min(unknown)} is unknown", section="ITEM")
        if missing := {0, *_RANGES} - config.keys():
            raise CorruptError(f"fvsrn: config key {min(missing)} is missing", section="ITEM")
        axes = active_axes(shape)
        grid = config[0]
        if not 1 <= len(axes) <= 4:
            raise CorruptError(f"fvsrn: {len(axes)} axes longer than 1", section="ITEM")
        if not isinstance(grid, list) or len(grid) != len(axes):
            raise CorruptError("fvsrn: the grid does not match the dims", section="ITEM")
        nodes = tuple(_whole(size, "grid", 2, 65536) for size in grid)
        values = {
            name: _whole(config[key], name, low, high) for key, (name, low, high) in _RANGES.items()
        }
        return cls(nodes, **values)

    @property
    def axes(self) -> int:
        """Active axes."""
        return len(self.grid)

    @property
    def inputs(self) -> int:
        """Entries of the network's input vector."""
        return self.axes * (1 + 2 * self.octaves) + self.features

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        """The grid, then matrix and vector of every layer."""
        specs = [TensorSpec("grid", (self.features, *self.grid), prunable=True)]
        widths = [self.inputs, *[self.width] * self.layers, components]
        for layer, (fan_in, fan_out) in enumerate(pairwise(widths)):
            specs.append(TensorSpec(f"matrix{layer}", (fan_out, fan_in)))
            specs.append(TensorSpec(f"vector{layer}", (fan_out,)))
        return tuple(specs)

    def multiply_adds(self, components: int) -> int:
        """Per position, as the normative text counts them."""
        widths = [self.inputs, *[self.width] * self.layers, components]
        matrices = sum(map(int.__mul__, widths[:-1], widths[1:]))
        return matrices + (1 << self.axes) * self.features

    def parameters(self, components: int) -> int:
        """Entries of all tensors."""
        return sum(math.prod(spec.shape) for spec in self.tensors(components))


def active_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of size > 1, in order."""
    return tuple(axis for axis, size in enumerate(shape) if size > 1)


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CorruptError(
            f"fvsrn: {name} is not a whole number from {low} to {high}", section="ITEM"
        )
    return value
