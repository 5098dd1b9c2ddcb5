"""Configuration of `amgsrn` and the tensors it implies.

Normative text: format_spec/architectures/amgsrn.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from codec.errors import CorruptError, UnsupportedError
from codec.plugin_api.models import Config, TensorSpec
from inrc_plugins.shared.config_map import active_axes, whole

MOST_GRIDS, MOST_FEATURES, MOST_NODES = 1024, 64, 65536
MOST_WIDTH, MOST_LAYERS = 4096, 64
# Numbers of a transform by active axes: scales, what a rotation needs, translations.
TRANSFORM_NUMBERS = {1: 2, 2: 5, 3: 10}
_NODES = 2
_RANGES = {
    0: ("grids", 1, MOST_GRIDS),
    1: ("features", 1, MOST_FEATURES),
    3: ("width", 1, MOST_WIDTH),
    4: ("layers", 1, MOST_LAYERS),
    5: ("bias", 0, 1),
}


@dataclass(frozen=True)
class AmgsrnConfig:
    """Shape of one model.

    Attributes:
        grids: how many there are.
        features: channels of each.
        nodes: of each, per active axis (axis of size > 1).
        width: units per hidden layer.
        layers: hidden layers.
        bias: 1 where layers add a vector, else 0.
    """

    grids: int
    features: int
    nodes: tuple[int, ...]
    width: int
    layers: int
    bias: int

    def to_map(self) -> dict[int, Any]:
        """The config map of the file."""
        return {
            0: self.grids,
            1: self.features,
            2: list(self.nodes),
            3: self.width,
            4: self.layers,
            5: self.bias,
        }

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...]) -> AmgsrnConfig:
        """The checked config for an item of `shape`.

        Raises:
            CorruptError, UnsupportedError: a value out of range; an unknown key.
        """
        if unknown := config.keys() - {_NODES, *_RANGES}:
            raise UnsupportedError(f"amgsrn: config key {min(unknown)} is unknown", section="ITEM")
        if missing := {_NODES, *_RANGES} - config.keys():
            raise CorruptError(f"amgsrn: config key {min(missing)} is missing", section="ITEM")
        axes = active_axes(shape)
        nodes = config[_NODES]
        if len(axes) not in TRANSFORM_NUMBERS:
            raise CorruptError(f"amgsrn: {len(axes)} axes longer than 1", section="ITEM")
        if not isinstance(nodes, list) or len(nodes) != len(axes):
            raise CorruptError("amgsrn: the nodes do not match the dims", section="ITEM")
        values = {
            name: whole("amgsrn", config[key], name, low, high)
            for key, (name, low, high) in _RANGES.items()
        }
        return cls(
            nodes=tuple(whole("amgsrn", count, "nodes", 2, MOST_NODES) for count in nodes), **values
        )

    @property
    def axes(self) -> int:
        """Active axes."""
        return len(self.nodes)

    def widths(self, components: int) -> list[int]:
        """Entries of the network's input, of each layer, and of its output."""
        return [self.grids * self.features, *[self.width] * self.layers, components]

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        """Transforms, grids, then the matrix of every layer, and its vector if it has one."""
        specs = [
            TensorSpec("transforms", (TRANSFORM_NUMBERS[self.axes], self.grids)),
            TensorSpec("grids", (self.features, self.grids, *self.nodes), prunable=True),
        ]
        for layer, (fan_in, fan_out) in enumerate(pairwise(self.widths(components))):
            specs.append(TensorSpec(f"matrix{layer}", (fan_out, fan_in)))
            if self.bias:
                specs.append(TensorSpec(f"vector{layer}", (fan_out,)))
        return tuple(specs)

    def multiply_adds(self, components: int) -> int:
        """Per position, as the normative text counts them."""
        widths = self.widths(components)
        matrices = sum(map(int.__mul__, widths[:-1], widths[1:]))
        return matrices + self.grids * ((1 << self.axes) * self.features + self.axes**2)

    def parameters(self, components: int) -> int:
        """Entries of all tensors."""
        return sum(math.prod(spec.shape) for spec in self.tensors(components))
