"""`amgsrn` networks of all sizes, for the gradient fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from codec.errors import InvalidOptionError
from codec.plugin_api.tasks import FitTask
from codec.training.batches import Sampler
from codec.training.network_family import NetworkFamily
from inrc_plugins.architectures.amgsrn.config import MOST_NODES, AmgsrnConfig
from inrc_plugins.architectures.amgsrn.training import network
from inrc_plugins.architectures.amgsrn.training.arrangement import arranged
from inrc_plugins.architectures.amgsrn.training.placement import PlacingTrainer
from inrc_plugins.architectures.amgsrn.training.sampling import PointSampler

# Two shards make a step; the source takes 2^17 samples.
_POINTS = {"cpu": 8192, "cuda": 65536}
# (at least so many parameters, grids, features, width, layers): the source's small, medium and
# large models, and below them what small ones can afford.
_PLANS = (
    (0, 4, 1, 8, 2),
    (1500, 8, 1, 16, 2),
    (6000, 16, 1, 24, 2),
    (20000, 16, 1, 32, 2),
    (60000, 16, 1, 64, 2),
    (1000000, 32, 1, 64, 2),
    (4000000, 32, 2, 64, 2),
)


class AmgsrnFamily(NetworkFamily[AmgsrnConfig]):
    """Sizes, starting values and trainers for one item.

    Args:
        task: the item.

    Raises:
        InvalidOptionError: the nodes asked for are not one number per active axis.
    """

    arranges = True

    def __init__(self, task: FitTask) -> None:
        super().__init__(task.active_sizes, task.components, task.settings)
        asked = self._settings.nodes
        if asked and len(asked) != len(self.sizes):
            raise InvalidOptionError(
                f"arch.nodes: {len(asked)} numbers for {len(self.sizes)} axes longer than 1"
            )
        squeezed = (self.components, *self.sizes)
        self._points = PointSampler(
            task.values.reshape(squeezed),
            None if task.valid is None else task.valid.reshape(squeezed),
            self._settings.points // 2 or _POINTS[task.device],
            task.device,
        )

    def trainer(self, config: AmgsrnConfig, sampler: Sampler, task: FitTask) -> PlacingTrainer:
        """Trainer that places grids; it draws points and has no use for outer products."""
        return PlacingTrainer(
            self.network(config),
            self._settings,
            self._points,
            task.seed,
            task.threads,
            task.journal,
        )

    def sized(self, parameters: int) -> AmgsrnConfig:
        """The config with about so many parameters; what was asked for stays as it was."""
        asked = self._settings
        plan = next(plan[1:] for plan in reversed(_PLANS) if parameters >= plan[0])
        asked_sizes = (asked.grids, asked.features, asked.width, asked.layers)
        grids, features, width, layers = (
            chosen or planned for chosen, planned in zip(asked_sizes, plan, strict=True)
        )
        if asked.nodes:
            nodes = asked.nodes
            if asked.match_aspect:
                nodes = matched(self.sizes, math.prod(nodes))
        else:
            bare = AmgsrnConfig(
                grids, features, (2,) * len(self.sizes), width, layers, int(asked.bias)
            )
            left = parameters - bare.parameters(self.components)
            nodes = _within(self.sizes, left / (grids * features) + 2 ** len(self.sizes))
        return AmgsrnConfig(grids, features, nodes, width, layers, int(asked.bias))

    def start(self, config: AmgsrnConfig, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return network.initial_tensors(config, self.components, self._settings.start, generator)

    def rates(self, config: AmgsrnConfig) -> dict[str, float]:
        return {spec.name: self._settings.rate for spec in config.tensors(self.components)}

    def resize(
        self, tensors: Mapping[str, torch.Tensor], before: AmgsrnConfig, after: AmgsrnConfig
    ) -> dict[str, torch.Tensor]:
        """Finer grids where they are, under the same network; one of another plan starts anew."""
        device = tensors["grids"].device
        if before.widths(1) != after.widths(1) or before.grids != after.grids:
            generator = torch.Generator().manual_seed(after.width)
            fresh = self.start(after, generator)
            return {name: tensor.to(device) for name, tensor in fresh.items()}
        copies = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        return {**copies, "grids": network.refine_grids(copies["grids"], after.nodes)}

    def network(self, config: AmgsrnConfig) -> network.GridsNetwork:
        return network.GridsNetwork(config, self.sizes)

    def arranged(
        self, tensors: Mapping[str, torch.Tensor], curvature: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        return arranged(tensors, curvature) if self._settings.arranged else dict(tensors)


def matched(sizes: Sequence[int], nodes: float) -> tuple[int, ...]:
    """About `nodes` nodes in the aspect of the field: n_i = ceil(D_i (nodes / prod D)^(1/d))."""
    scale = (nodes / math.prod(sizes)) ** (1 / len(sizes))
    # A whole number is not to be rounded up for what the root lost.
    return tuple(min(MOST_NODES, max(2, math.ceil(size * scale - 1e-9))) for size in sizes)


def _within(sizes: Sequence[int], nodes: float) -> tuple[int, ...]:
    """The largest of the matched grids with no more than `nodes` nodes."""
    low, high = 1.0, max(nodes, 1.0)
    if math.prod(matched(sizes, high)) <= nodes:
        return matched(sizes, high)
    for _ in range(24):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if math.prod(matched(sizes, middle)) <= nodes else (low, middle)
    return matched(sizes, low)
