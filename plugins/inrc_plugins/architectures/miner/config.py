"""Configuration of `miner`, the grids of its levels and the tensors they imply.

Normative text: format_spec/architectures/miner.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from codec.errors import CorruptError, UnsupportedError
from codec.plugin_api.models import Config, TensorSpec
from inrc_plugins.shared.config_map import active_axes, whole

_BLOCK, _WIDTHS, _LAYERS, _OCTAVES, _OMEGA = range(5)
_MAX_LEVELS = 32


@dataclass(frozen=True)
class LevelGrid:
    """One level of the pyramid.

    Attributes:
        number: 0 for the finest.
        sizes: samples along each active axis.
        blocks: blocks along each active axis.
        block: samples of a whole block along each axis.
    """

    number: int
    sizes: tuple[int, ...]
    blocks: tuple[int, ...]
    block: int

    @property
    def count(self) -> int:
        """Blocks in all."""
        return math.prod(self.blocks)

    @property
    def padded(self) -> tuple[int, ...]:
        """Samples along each axis if the last block were whole."""
        return tuple(count * self.block for count in self.blocks)


@dataclass(frozen=True)
class MinerConfig:
    """Shape of one model.

    Attributes:
        block: samples of a block along each axis.
        widths: hidden units of the networks of each level, the finest first.
        layers: hidden layers.
        octaves: frequencies of the encoding of positions; 0 for the positions themselves.
        omega: factor inside the sines, or None for Gaussian units.
    """

    block: int
    widths: tuple[int, ...]
    layers: int
    octaves: int
    omega: int | None

    def to_map(self) -> dict[int, Any]:
        """The config map of the file."""
        entries: dict[int, Any] = {
            _BLOCK: self.block,
            _WIDTHS: list(self.widths),
            _LAYERS: self.layers,
            _OCTAVES: self.octaves,
        }
        return entries if self.omega is None else {**entries, _OMEGA: self.omega}

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...]) -> MinerConfig:
        """The checked config for an item of `shape`.

        Raises:
            CorruptError, UnsupportedError: a value out of range; an unknown key.
        """
        known = {_BLOCK, _WIDTHS, _LAYERS, _OCTAVES, _OMEGA}
        if unknown := config.keys() - known:
            raise UnsupportedError(f"miner: config key {min(unknown)} is unknown", section="ITEM")
        if missing := known - {_OMEGA} - config.keys():
            raise CorruptError(f"miner: config key {min(missing)} is missing", section="ITEM")
        axes = len(active_axes(shape))
        if not 1 <= axes <= 4:
            raise CorruptError(f"miner: {axes} axes longer than 1", section="ITEM")
        widths = config[_WIDTHS]
        if not isinstance(widths, list) or not 1 <= len(widths) <= _MAX_LEVELS:
            raise CorruptError(f"miner: there are not 1 to {_MAX_LEVELS} widths", section="ITEM")
        omega = whole("miner", config[_OMEGA], "omega", 1, 65535) if _OMEGA in config else None
        return cls(
            whole("miner", config[_BLOCK], "block", 2, 1024),
            tuple(whole("miner", width, "width", 1, 1024) for width in widths),
            whole("miner", config[_LAYERS], "layers", 1, 16),
            whole("miner", config[_OCTAVES], "octaves", 0, 16),
            omega,
        )

    @property
    def levels(self) -> int:
        """Levels of the pyramid."""
        return len(self.widths)

    def inputs(self, axes: int) -> int:
        """Entries of the networks' input vector."""
        return 2 * axes * self.octaves if self.octaves else axes

    def grid(self, level: int, shape: tuple[int, ...]) -> LevelGrid:
        """The grid of a level."""
        sizes = tuple(-(-shape[axis] >> level) for axis in active_axes(shape))
        blocks = tuple(-(-size // self.block) for size in sizes)
        return LevelGrid(level, sizes, blocks, self.block)

    def fans(self, level: int, axes: int, components: int) -> list[tuple[int, int]]:
        """(inputs, outputs) of every layer of a level's networks."""
        hidden = [self.widths[level]] * self.layers
        return list(pairwise([self.inputs(axes), *hidden, components]))

    def block_parameters(self, level: int, axes: int, components: int) -> int:
        """Weights and biases of one block of a level."""
        return sum(out * (into + 1) for into, out in self.fans(level, axes, components))

    def tensors(self, shape: tuple[int, ...], components: int) -> tuple[TensorSpec, ...]:
        """The layers of every level, the coarsest first."""
        specs = []
        for level in reversed(range(self.levels)):
            grid = self.grid(level, shape)
            fans = self.fans(level, len(grid.sizes), components)
            specs += [
                TensorSpec(layer_name(level, layer), (out * (into + 1), *grid.blocks))
                for layer, (into, out) in enumerate(fans)
            ]
        return tuple(specs)

    def multiply_adds(self, shape: tuple[int, ...], components: int) -> int:
        """Per position, as the normative text counts them."""
        samples = [math.prod(self.grid(level, shape).sizes) for level in range(self.levels)]
        total = 0
        for level, count in enumerate(samples):
            fans = self.fans(level, len(active_axes(shape)), components)
            total += -(-count * sum(into * out for into, out in fans) // samples[0])
        return total


def layer_name(level: int, layer: int) -> str:
    """Name of the tensor of one layer of a level's networks."""
    return f"level{level}layer{layer}"
