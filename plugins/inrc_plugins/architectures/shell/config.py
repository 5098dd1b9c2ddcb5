"""The config of a `shell` item, and the octree that follows from it.

Normative text: format_spec/architectures/shell.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from codec.entropy.mixing.octree import MOST_LEVELS, MOST_NODES, MOST_UNITS, Octree
from codec.errors import CorruptError, UnsupportedError
from codec.plugin_api.models import Config
from inrc_plugins.architectures.shell.border import BorderSize

# Distances are cut off at so many cells of the finest level; y = 1 stands for them.
BAND = 3.0
_MOST_NUMBERS = 1 << 40
_KEYS = (0, 1, 2, 4, 5, 6)


@dataclass(frozen=True)
class ShellConfig:
    """A grid of distances at the corners of the cells that the surface crosses.

    Attributes:
        octree: which cells there are, and the step of the distances.
        border: where the zero of the distances is no surface, or None if it is everywhere.
    """

    octree: Octree
    border: BorderSize | None = None

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...], components: int) -> ShellConfig:
        """The config as a file has it.

        Raises:
            CorruptError, UnsupportedError: it breaks the normative text.
        """
        for key in config:
            if key not in _KEYS:
                raise UnsupportedError(f"config key {key} is unknown", section="ITEM")
        depth = _integer(config.get(0), "the depth", 0, MOST_LEVELS)
        unit = _integer(config.get(1), "the unit", 1, MOST_UNITS)
        count = _integer(config.get(2), "the number of integers", 1, _MOST_NUMBERS)
        if components != 1 or len(shape) != 3:
            raise CorruptError("a shell has one component and three axes", section="ITEM")
        if math.prod(shape) > MOST_NODES:
            raise CorruptError("a shell has too many nodes", section="ITEM")
        if any(size < 2 or (size - 1) % (1 << depth) for size in shape):
            raise CorruptError(f"the axes of a shell are not whole cells {depth} levels up")
        a, b, c = ((size - 1) >> depth for size in shape)
        octree = Octree((a, b, c), depth, unit, count)
        # Every cell of every level and every node of the finest has a number at the very most.
        if count > 2 * math.prod(shape) + 2 * math.prod(size - 1 for size in shape):
            raise CorruptError("a shell has more integers than cells and nodes", section="ITEM")
        return cls(octree, _border(config, octree))

    def to_map(self) -> dict[int, Any]:
        """The config for the file."""
        entries = {0: self.octree.depth, 1: self.octree.unit, 2: self.octree.count}
        if self.border is not None:
            entries |= {4: self.border.level, 5: self.border.flags, 6: self.border.values}
        return entries

    @property
    def step(self) -> float:
        """Step of the coefficients, in cells of the finest level."""
        return 16 / self.octree.unit


def _border(config: Config, octree: Octree) -> BorderSize | None:
    if not any(key in config for key in (4, 5, 6)):
        return None
    level = _integer(config.get(4), "the level of the border", 0, octree.depth)
    cells = math.prod(size << level for size in octree.roots)
    nodes = math.prod((size << level) + 1 for size in octree.roots)
    flags = _integer(config.get(5), "the number of flags", 1, 2 * cells)
    values = _integer(config.get(6), "the number of values of the border", 1, nodes)
    return BorderSize(level, flags, values)


def _integer(value: Any, what: str, least: int, greatest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= greatest:
        raise CorruptError(f"{what} is not an integer from {least} to {greatest}", section="ITEM")
    return value
