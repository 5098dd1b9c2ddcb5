"""`hashgrid` networks of all sizes, for the gradient fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from codec.errors import InvalidOptionError
from codec.training.fitter import Network
from codec.training.network_family import NetworkFamily
from inrc_plugins.architectures.hashgrid.config import HashgridConfig
from inrc_plugins.architectures.hashgrid.growth import exchangeable_growth
from inrc_plugins.architectures.hashgrid.settings import HashgridSettings
from inrc_plugins.architectures.hashgrid.training import network

_LARGEST_TABLE = 22
_SMALLEST_TABLE = 4
# Nodes of the coarsest level, and about how much finer each level is than the one before.
_BASE_NODES = 64
_RATIO = 1.5
# A level in which more nodes than this share an entry costs more than it gives.
_MOST_SHARED = 8
# (at least so many parameters, width): small models cannot afford a wide network.
_WIDTHS = ((0, 16), (6000, 32), (40000, 64))


class HashgridFamily(NetworkFamily[HashgridConfig]):
    """Sizes and starting values.

    Sizes differ in the entries per level, in the levels, and in the width of the network; the
    resolution of a level is the same in all of them, so that a larger network can begin as the
    function that a smaller one has learned.

    Args:
        sizes: samples along each active axis.
        components: outputs.
        settings: what the user has fixed.

    Raises:
        InvalidOptionError: a setting that no config can have.
    """

    def __init__(self, sizes: Sequence[int], components: int, settings: HashgridSettings) -> None:
        super().__init__(sizes, components, settings)
        for name, value, least in (("table", settings.table, 3), ("base", settings.base, 2)):
            if 0 < value < least:
                raise InvalidOptionError(f"arch.{name}={value}: choose 0, or at least {least}")
        axes, finest = len(sizes), settings.finest or max(sizes)
        rounded = round(_BASE_NODES ** (1 / axes))
        self._base = settings.base or max(2, min(rounded, finest // 2))
        finest = max(finest, self._base)
        ratio = finest / self._base
        self._most = settings.levels or min(16, 1 + math.ceil(math.log(ratio) / math.log(_RATIO)))
        self._growth = exchangeable_growth(self._base, self._most, ratio)
        self._configs = self._all_configs()

    def _all_configs(self) -> list[HashgridConfig]:
        asked = self._settings.table
        tables = [asked] if asked else range(_SMALLEST_TABLE, _LARGEST_TABLE + 1)
        configs = []
        for table in tables:
            largest = self._config(table, self._most, 16)
            useful = sum(
                level.resolution ** len(self.sizes) <= _MOST_SHARED * level.entries
                for level in largest.grids
            )
            levels = self._settings.levels or max(1, useful)
            bare = self._config(table, levels, 1)
            entries = sum(level.entries for level in bare.grids) * bare.features
            width = next(width for least, width in reversed(_WIDTHS) if entries >= least)
            configs.append(self._config(bare.table, levels, self._settings.width or width))
        return list(dict.fromkeys(configs))

    def _config(self, table: int, levels: int, width: int) -> HashgridConfig:
        s = self._settings
        return HashgridConfig(
            len(self.sizes), levels, s.features, table, self._base, self._growth, width, s.layers
        )

    def sized(self, parameters: int) -> HashgridConfig:
        """The config whose number of parameters has the smallest ratio to that asked for."""
        return min(self._configs, key=lambda c: abs(math.log(self.count(c) / max(parameters, 1))))

    def start(self, config: HashgridConfig, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return network.initial_tensors(config, self.components, generator)

    def rates(self, config: HashgridConfig) -> dict[str, float]:
        s = self._settings
        return {
            spec.name: s.table_rate if spec.name.startswith("table") else s.rate
            for spec in config.tensors(self.components)
        }

    def resize(
        self, tensors: Mapping[str, torch.Tensor], before: HashgridConfig, after: HashgridConfig
    ) -> dict[str, torch.Tensor]:
        """Larger tables, more levels and units, which at first change nothing."""
        old = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
        fresh = self.start(after, torch.Generator().manual_seed(after.table))
        for number, (coarse, fine) in enumerate(zip(before.grids, after.grids, strict=False)):
            name = f"table{number}"
            fresh[name] = network.grown_table(old[name], coarse, fine, before.axes)
        for layer in range(before.layers + 1):
            name = f"matrix{layer}"
            rows, columns = old[name].shape
            # New units have no weight in the next layer yet, but a gradient.
            fresh[name][:rows, columns:] = 0
            fresh[name][:rows, :columns] = old[name]
        device = tensors["table0"].device
        return {name: tensor.to(device) for name, tensor in fresh.items()}

    def network(self, config: HashgridConfig) -> Network:
        return network.HashNetwork(config, self.sizes)
