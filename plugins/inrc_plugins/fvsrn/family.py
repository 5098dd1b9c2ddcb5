"""`fvsrn` networks of all sizes, for the gradient fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from codec.contracts import TensorSpec
from codec.stage_contracts import UnitKind
from inrc_plugins.fvsrn import network, units
from inrc_plugins.fvsrn.config import FvsrnConfig, active_axes

_OCTAVES = 2
_GRID_RATE = 0.1
_NETWORK_RATE = 0.007
# (at least so many parameters, features, width, layers): small models cannot afford a wide network.
_PLANS = ((0, 4, 8, 2), (1500, 4, 16, 2), (6000, 6, 24, 2), (20000, 8, 32, 2), (60000, 8, 32, 3))


class FvsrnFamily:
    """Sizes and starting values.

    Args:
        shape: the item's dims.
        components: outputs.
    """

    def __init__(self, shape: tuple[int, ...], components: int) -> None:
        self._sizes = tuple(shape[axis] for axis in active_axes(shape))
        self._components = components

    def sized(self, parameters: int) -> FvsrnConfig:
        """The config with about so many parameters; its grid has the aspect of the volume."""
        features, width, layers = next(
            plan[1:] for plan in reversed(_PLANS) if parameters >= plan[0]
        )
        bare = FvsrnConfig((2,) * len(self._sizes), features, width, layers, _OCTAVES)
        network_parameters = bare.parameters(self._components) - features * 2 ** len(self._sizes)
        nodes = max(parameters - network_parameters, 0) / features
        return FvsrnConfig(_aspect(self._sizes, nodes), features, width, layers, _OCTAVES)

    def count(self, config: FvsrnConfig) -> int:
        return config.parameters(self._components)

    def tensors(self, config: FvsrnConfig) -> tuple[TensorSpec, ...]:
        return config.tensors(self._components)

    def start(self, config: FvsrnConfig, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return network.initial_tensors(config, self._components, generator)

    def rates(self, config: FvsrnConfig) -> dict[str, float]:
        # Each node of the grid is seen by few samples, each weight by all of them.
        return {
            spec.name: _GRID_RATE if spec.name == "grid" else _NETWORK_RATE
            for spec in config.tensors(self._components)
        }

    def resize(
        self, tensors: Mapping[str, torch.Tensor], before: FvsrnConfig, after: FvsrnConfig
    ) -> dict[str, torch.Tensor]:
        """A finer grid under the same network; a network of another plan starts anew."""
        if (before.features, before.width, before.layers) != (
            after.features,
            after.width,
            after.layers,
        ):
            generator = torch.Generator().manual_seed(after.width)
            fresh = self.start(after, generator)
            return {name: tensor.to(tensors["grid"].device) for name, tensor in fresh.items()}
        grid = network.refine_grid(tensors["grid"].detach().cpu(), after.grid)
        kept = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        return {**kept, "grid": grid.to(tensors["grid"].device)}

    def network(self, config: FvsrnConfig) -> network.GridNetwork:
        return network.GridNetwork(config, self._sizes)

    def to_map(self, config: FvsrnConfig) -> dict[int, Any]:
        return config.to_map()

    def centred(
        self, config: FvsrnConfig, tensors: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        return network.centre_grid(config, tensors)

    def units(self, config: FvsrnConfig) -> tuple[UnitKind, ...]:
        return units.kinds(config, self._components)

    def unit_means(
        self,
        config: FvsrnConfig,
        tensors: Mapping[str, torch.Tensor],
        kind: UnitKind,
        indices: Sequence[torch.Tensor],
    ) -> list[torch.Tensor]:
        return units.means(self.network(config), tensors, kind, indices)

    def without(
        self,
        config: FvsrnConfig,
        tensors: Mapping[str, torch.Tensor],
        kind: UnitKind,
        chosen: Sequence[int],
        means: Sequence[float],
    ) -> tuple[FvsrnConfig, dict[str, torch.Tensor]]:
        return units.without(config, tensors, kind, chosen, means)


def _aspect(sizes: Sequence[int], nodes: float) -> tuple[int, ...]:
    """Nodes per axis, 2 to its length, in proportion to the axes, about `nodes` in all."""
    scale = (max(nodes, 1.0) / math.prod(sizes)) ** (1 / len(sizes))
    grid = list(sizes)
    for _ in range(12):
        grid = [min(size, max(2, round(size * scale))) for size in sizes]
        product = math.prod(grid)
        free = sum(2 < count < size for count, size in zip(grid, sizes, strict=True)) or len(sizes)
        if abs(product - nodes) < 0.05 * nodes:
            break
        scale *= (max(nodes, 1.0) / product) ** (1 / free)
    return tuple(grid)
