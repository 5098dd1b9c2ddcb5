"""Configuration of `neurcomp` and the tensors it implies.

Normative text: format_spec/architectures/neurcomp.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from codec.plugin_api.models import Config, TensorSpec
from inrc_plugins.shared.config_map import check_keys, checked_axes, whole

NAME = "neurcomp"
# Tensors of the residual blocks have names that begin so; a quantiser may treat them apart.
MIDDLE = "middle"

_RANGES = {0: ("width", 1, 4096), 1: ("blocks", 0, 64), 2: ("frequency", 1, 1000)}


@dataclass(frozen=True)
class NeurcompConfig:
    """Shape of one model.

    Attributes:
        axes: active axes (axes of size > 1), 1 to 4.
        width: units per layer.
        blocks: residual blocks.
        frequency: factor of all phases, w of the text.
    """

    axes: int
    width: int
    blocks: int
    frequency: int

    def to_map(self) -> dict[int, Any]:
        """The config map of the file."""
        return {key: getattr(self, name) for key, (name, _, _) in _RANGES.items()}

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...]) -> NeurcompConfig:
        """The checked config for an item of `shape`.

        Raises:
            CorruptError, UnsupportedError: a value out of range; an unknown key.
        """
        check_keys(NAME, config, _RANGES)
        axes = checked_axes(NAME, shape)
        values = {
            name: whole(NAME, config[key], name, low, high)
            for key, (name, low, high) in _RANGES.items()
        }
        return cls(axes=len(axes), **values)

    @property
    def gains(self) -> tuple[tuple[float, float], ...]:
        """Per block, the factors of its input and of its sum: s and r of the text."""
        return tuple(
            (1.0 if block == 0 else 0.5, 0.5 if block == self.blocks - 1 else 1.0)
            for block in range(self.blocks)
        )

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        """Matrix and vector of the first layer, of both layers of every block, and of the last."""
        square, row = (self.width, self.width), (self.width,)
        specs = [_matrix("first_matrix", (self.width, self.axes)), TensorSpec("first_vector", row)]
        for layer in range(2 * self.blocks):
            specs.append(_matrix(f"{MIDDLE}_matrix{layer}", square))
            specs.append(TensorSpec(f"{MIDDLE}_vector{layer}", row))
        specs.append(_matrix("last_matrix", (components, self.width)))
        specs.append(TensorSpec("last_vector", (components,)))
        return tuple(specs)

    def multiply_adds(self, components: int) -> int:
        """Per position, as the normative text counts them."""
        return self.width * (self.axes + 2 * self.blocks * self.width + components)

    def parameters(self, components: int) -> int:
        """Entries of all tensors."""
        return sum(math.prod(spec.shape) for spec in self.tensors(components))


def _matrix(name: str, shape: tuple[int, ...]) -> TensorSpec:
    """Tensors of which single entries may be left out."""
    return TensorSpec(name, shape, prunable=True, shareable=False)
