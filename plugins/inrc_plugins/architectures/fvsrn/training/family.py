"""`fvsrn` networks of all sizes, for the gradient fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from codec.errors import InvalidOptionError
from codec.plugin_api.stages import UnitKind
from codec.training.network_family import UnitFamily
from codec.training.recipe import Recipe
from inrc_plugins.architectures.fvsrn.config import (
    MOST_NODES,
    PARTS,
    WAVELETS,
    FvsrnConfig,
    GaussianRows,
    TimeAxis,
    Wavelet,
)
from inrc_plugins.architectures.fvsrn.settings import FvsrnSettings
from inrc_plugins.architectures.fvsrn.training import network, units
from inrc_plugins.architectures.fvsrn.training.latent_grid import (
    centre_grid,
    latent_grid,
    latent_of,
    refine_grid,
)
from inrc_plugins.shared.config_map import active_axes

# (at least so many parameters, features, width, layers): small models cannot afford a wide network.
_PLANS = ((0, 4, 8, 2), (1500, 4, 16, 2), (6000, 6, 24, 2), (20000, 8, 32, 2), (60000, 8, 32, 3))
_LEAST_NODES = 4
_USUAL = FvsrnSettings()
# Synthesis is a dense matrix along each axis.
_MOST_FITTED = 1024


class FvsrnFamily(UnitFamily[FvsrnConfig]):
    """Sizes and starting values.

    Args:
        shape: the item's dims.
        components: outputs.
        settings: what is not left to rate control.
        seed: of the Gaussian rows, 0 to 2^32 - 1.

    Raises:
        InvalidOptionError: the settings do not fit the shape.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        components: int,
        settings: FvsrnSettings = _USUAL,
        seed: int = 0,
    ) -> None:
        sizes = tuple(shape[axis] for axis in active_axes(shape))
        super().__init__(sizes, components, settings)
        self.recipe = Recipe(
            settings.loss, settings.rate_steps, settings.rate_factor, settings.resample
        )
        self._seed = seed
        self._time = _time_axis(shape, settings)
        _check_grid(settings, sizes, self._time)

    def sized(self, parameters: int) -> FvsrnConfig:
        """The config with about so many parameters; its grid has the aspect of the volume."""
        asked = self._settings
        plan = next(plan[1:] for plan in reversed(_PLANS) if parameters >= plan[0])
        features, width, layers = (
            chosen or planned
            for chosen, planned in zip(
                (asked.features, asked.width, asked.layers), plan, strict=True
            )
        )
        gauss = asked.fourier == "gauss"
        bare = FvsrnConfig(
            (2,) * len(self.sizes),
            features,
            width,
            layers,
            0 if gauss else asked.octaves,
            time=self._time,
            rows=self._rows(width) if gauss else None,
            frequency=round(PARTS * asked.frequency),
        )
        network_parameters = bare.parameters(self.components) - features * 2 ** len(self.sizes)
        grid = self._grid(max(parameters - network_parameters, 0) / features)
        return replace(bare, grid=grid, wavelet=self._wavelet(grid))

    def _grid(self, nodes: float) -> tuple[int, ...]:
        asked = self._settings
        if asked.grid:
            return tuple(asked.grid)
        if self._time is None or not asked.keyframes:
            return _aspect(self.sizes, nodes)
        time = self._time.axis
        space = self.sizes[:time] + self.sizes[time + 1 :]
        around = _aspect(space, nodes / asked.keyframes) if space else ()
        return (*around[:time], asked.keyframes, *around[time:])

    def _wavelet(self, grid: tuple[int, ...]) -> Wavelet | None:
        asked = self._settings
        if asked.basis == "nodal":
            return None
        if max(grid) > _MOST_FITTED:
            raise InvalidOptionError(
                f"arch.basis=wavelet: an axis needs {max(grid)} nodes, and a fit takes at most "
                f"{_MOST_FITTED}; set arch.grid, or encode in tiles"
            )
        most = math.ceil(math.log2(max(grid)))
        levels = asked.levels or max(1, math.floor(math.log2(max(grid) / _LEAST_NODES)))
        return Wavelet(WAVELETS[asked.wavelet], min(levels, most))

    def _rows(self, width: int) -> GaussianRows:
        asked = self._settings
        count = asked.fourier_rows or max(1, (width - 4) // 2)
        return GaussianRows(count, round(PARTS * asked.fourier_std), self._seed % 2**32)

    def start(self, config: FvsrnConfig, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return network.initial_tensors(config, self.components, generator)

    def rates(self, config: FvsrnConfig) -> dict[str, float]:
        # Each node of the grid is seen by few samples, each weight by all of them.
        asked = self._settings
        grid = {
            spec.name: asked.grid_rate * reach
            for spec, reach in zip(config.latent_tensors(), config.reaches(), strict=True)
        }
        layers = [spec.name for spec in config.tensors(self.components)[len(grid) :]]
        return grid | dict.fromkeys(layers, asked.network_rate)

    def resize(
        self, tensors: Mapping[str, torch.Tensor], before: FvsrnConfig, after: FvsrnConfig
    ) -> dict[str, torch.Tensor]:
        """A finer grid under the same network; a network of another plan starts anew."""
        device = tensors["vector0"].device
        if replace(before, grid=after.grid, wavelet=after.wavelet) != after:
            generator = torch.Generator().manual_seed(after.width)
            fresh = self.start(after, generator)
            return {name: tensor.to(device) for name, tensor in fresh.items()}
        with torch.no_grad():
            grid = latent_grid(before, {n: t.cpu() for n, t in tensors.items()})
            finer = refine_grid(grid, after.grid)
        latent = latent_of(after, finer)
        return {
            **{name: values.to(device) for name, values in latent.items()},
            **{n: t.detach().clone() for n, t in tensors.items() if network.is_layer(n)},
        }

    def network(self, config: FvsrnConfig) -> network.GridNetwork:
        return network.GridNetwork(config, self.sizes)

    def centred(
        self, config: FvsrnConfig, tensors: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        return centre_grid(config, tensors)

    def units(self, config: FvsrnConfig) -> tuple[UnitKind, ...]:
        return units.kinds(config, self.components)

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


def _time_axis(shape: tuple[int, ...], settings: FvsrnSettings) -> TimeAxis | None:
    if settings.time < 0:
        if settings.keyframes:
            raise InvalidOptionError("arch.keyframes: say with arch.time which axis is time")
        return None
    if settings.time >= len(shape) or shape[settings.time] == 1:
        raise InvalidOptionError(
            f"arch.time={settings.time}: there is no axis of more than one sample with this "
            f"number in shape {'x'.join(map(str, shape))} (the first is 0)"
        )
    if settings.fourier == "gauss" and len(active_axes(shape)) == 1:
        raise InvalidOptionError("arch.fourier=gauss: time is the only axis; choose octaves")
    axis = active_axes(shape).index(settings.time)
    return TimeAxis(axis, settings.time_raw, settings.time_octaves)


def _check_grid(settings: FvsrnSettings, sizes: tuple[int, ...], time: TimeAxis | None) -> None:
    grid, keyframes = settings.grid, settings.keyframes
    if keyframes and not 2 <= keyframes <= MOST_NODES:
        raise InvalidOptionError(f"arch.keyframes={keyframes}: choose 2 to {MOST_NODES}")
    if not grid:
        return
    asked = "x".join(map(str, grid))
    if len(grid) != len(sizes):
        raise InvalidOptionError(f"arch.grid={asked}: give {len(sizes)} sizes, one per axis")
    if max(grid) > MOST_NODES:
        raise InvalidOptionError(f"arch.grid={asked}: choose at most {MOST_NODES} nodes")
    if time is not None and keyframes and grid[time.axis] != keyframes:
        raise InvalidOptionError(f"arch.grid={asked}: not {keyframes} nodes along the time axis")


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
