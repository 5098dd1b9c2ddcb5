"""The `fvsrn` function in torch, for fitting and for decoding on a GPU.

Evaluated on outer products of positions, so that interpolation is a chain of small dense matrix
products with cheap gradients, instead of gathers whose gradients scatter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.fourier import row_matrix
from inrc_plugins.architectures.fvsrn.training.latent_grid import (
    cells_of,
    hat_weights,
    interpolate,
    latent_grid,
    latent_matrix,
)


class _ScaledSnakeAlt(torch.autograd.Function):
    """2 f SnakeAlt(x) - 1 = x - cos 2 f x, with derivative 1 + 2 f sin 2 f x.

    SnakeAlt(x) = (x - cos 2 f x) / (2 f) + 1 / (2 f); the factor and the constant go into the
    matrix product that follows, which is cheaper than two more passes over the activations.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, frequency: float) -> torch.Tensor:
        angles = 2 * frequency * x
        ctx.save_for_backward(angles)
        ctx.slope = 2 * frequency
        return _cosine(angles).neg_().add_(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (angles,) = ctx.saved_tensors
        return _sine(angles).mul_(ctx.slope).add_(1).mul_(gradients[0]), None


def _cosine(x: torch.Tensor) -> torch.Tensor:
    # NumPy's float32 cosine and sine are more than twice as fast as torch's on the CPU.
    return torch.from_numpy(np.cos(x.numpy())) if x.device.type == "cpu" else torch.cos(x)


def _sine(x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.sin(x.numpy())) if x.device.type == "cpu" else torch.sin(x)


def initial_tensors(
    config: FvsrnConfig, components: int, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Starting values: grid N(0, 0.01^2) as in the source, layers uniform in +-1 / sqrt(fan-in).

    The wavelets are nearly orthonormal, so that coefficients start as nodes do.
    """
    tensors = {}
    for spec in config.tensors(components):
        if not is_layer(spec.name):
            tensors[spec.name] = 0.01 * torch.randn(spec.shape, generator=generator)
            continue
        fan_in = spec.shape[-1] if spec.name.startswith("matrix") else config.width
        bound = 1 / math.sqrt(fan_in)
        tensors[spec.name] = bound * (2 * torch.rand(spec.shape, generator=generator) - 1)
    return tensors


def is_layer(name: str) -> bool:
    """Whether a tensor belongs to a layer, and not to the grid."""
    return name.startswith(("matrix", "vector"))


@dataclass(frozen=True)
class _OnAxis:
    """Inputs of the network at n positions along one axis, float32.

    Attributes:
        hats: interpolation weights (n, nodes).
        features: inputs that belong to the axis (n, as many as it has).
        cosine, sine: of its share of the phases of the Gaussian rows, (n, M).
    """

    hats: torch.Tensor
    features: torch.Tensor
    cosine: torch.Tensor
    sine: torch.Tensor

    @classmethod
    def of(cls, config: FvsrnConfig, number: int, positions: torch.Tensor) -> _OnAxis:
        """Positions in [0, 1] along active axis `number`."""
        angles = 2 * math.pi * positions[:, None] * _rows_on(config, positions)[:, number]
        return cls(
            hat_weights(positions, config.grid[number]),
            _features(config, number, positions),
            torch.cos(angles).float(),
            torch.sin(angles).float(),
        )

    def __getitem__(self, index: torch.Tensor) -> _OnAxis:
        parts = (self.hats, self.features, self.cosine, self.sine)
        return _OnAxis(*(part[index] for part in parts))

    def to(self, device: torch.device) -> _OnAxis:
        """The same on a device."""
        parts = (self.hats, self.features, self.cosine, self.sine)
        return _OnAxis(*(part.to(device) for part in parts))


def _features(config: FvsrnConfig, number: int, axis: torch.Tensor) -> torch.Tensor:
    """Inputs that belong to one axis: position, cosines, sines; float32."""
    octaves = 2.0 ** torch.arange(config.octaves_of(number), device=axis.device)
    angles = 2 * math.pi * axis[:, None] * octaves
    position = axis[:, None][:, : config.raw(number)]
    return torch.cat([position, torch.cos(angles), torch.sin(angles)], dim=1).float()


def _rows_on(config: FvsrnConfig, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(row_matrix(config)).to(like.device)


class GridNetwork:
    """The function of a config on outer products of sample indices, for fitting.

    Interpolation weights and Fourier features of every sample index are computed once per axis and
    looked up from then on, unless the tables would be large.

    Args:
        config: shape of the model.
        sizes: samples along each active axis.
    """

    def __init__(self, config: FvsrnConfig, sizes: Sequence[int]) -> None:
        self._config = config
        self._tables = [_AxisTable(config, number, size) for number, size in enumerate(sizes)]

    def __call__(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """(components, product of the lengths) float32."""
        return _forward(self._config, tensors, self._look_up(indices))

    def _look_up(self, indices: Sequence[torch.Tensor]) -> list[_OnAxis]:
        return [table(index) for table, index in zip(self._tables, indices, strict=True)]

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Tensors of each layer; the grid, in its basis, is of the first."""
        latent = [spec.name for spec in self._config.latent_tensors()]
        matrices = [(f"matrix{j}", f"vector{j}") for j in range(self._config.layers + 1)]
        return ((*latent, *matrices[0]), *matrices[1:])

    def layer_outputs(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> Iterator[torch.Tensor]:
        """Outputs of the hidden layers after the activation, then y: (units, samples) each."""
        frequency = self._config.snake_frequency
        share = 0.5 / frequency
        hidden = _first_layer(self._config, tensors, self._look_up(indices))
        for layer in range(1, self._config.layers + 1):
            activated: torch.Tensor = _ScaledSnakeAlt.apply(hidden, frequency)  # type: ignore[no-untyped-call]
            yield (share * activated + share).T
            hidden = _next_layer(tensors, layer, activated, share)
        yield hidden.T

    def latent(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """The latent vectors: (features, samples)."""
        hats = [axis.hats for axis in self._look_up(indices)]
        grid = latent_grid(self._config, tensors)
        return interpolate(grid, hats).reshape(-1, self._config.features).T


class _AxisTable:
    """Inputs of the network at sample indices along one axis."""

    _LARGEST = 1 << 22

    def __init__(self, config: FvsrnConfig, number: int, size: int) -> None:
        self._config, self._number, self._size = config, number, size
        self._rows: _OnAxis | None = None
        if size * (config.grid[number] + 2 * config.row_count) <= self._LARGEST:
            self._rows = self._compute(torch.arange(size))

    def _compute(self, index: torch.Tensor) -> _OnAxis:
        return _OnAxis.of(self._config, self._number, index.double() / (self._size - 1))

    def __call__(self, index: torch.Tensor) -> _OnAxis:
        if self._rows is None:
            return self._compute(index)
        if self._rows.hats.device != index.device:
            self._rows = self._rows.to(index.device)
        return self._rows[index]


def forward(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], positions: Sequence[torch.Tensor]
) -> torch.Tensor:
    """y on the outer product of `positions`, one 1-D float tensor in [0, 1] per active axis.

    Returns:
        (components, product of the lengths) float32.
    """
    axes = [_OnAxis.of(config, number, axis) for number, axis in enumerate(positions)]
    return _forward(config, tensors, axes)


def _forward(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], axes: Sequence[_OnAxis]
) -> torch.Tensor:
    return _hidden_layers(config, tensors, _first_layer(config, tensors, axes))


def _first_layer(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], axes: Sequence[_OnAxis]
) -> torch.Tensor:
    """Before the activation: (n, width)."""
    latent = interpolate(latent_grid(config, tensors), [axis.hats for axis in axes])
    lengths = [len(axis.hats) for axis in axes]
    first = (latent.reshape(-1, config.features) @ latent_matrix(config, tensors)).reshape(
        *lengths, -1
    )
    for number, axis in enumerate(axes):
        added = axis.features @ _axis_matrix(config, tensors, number)
        if number == 0:
            added = added + tensors["vector0"]
        trailing = [1] * (config.axes - 1 - number)
        first = first + added.reshape(lengths[number], *trailing, -1)
    if config.row_count:
        first = first + (_waves(axes) @ _row_weights(config, tensors))
    return first.reshape(-1, config.width)


def _waves(axes: Sequence[_OnAxis]) -> torch.Tensor:
    """Cosines and sines of the rows on an outer product, (n_1, ..., n_d, 2 M): angles add up."""
    cosine, sine = axes[0].cosine, axes[0].sine
    for axis in axes[1:]:
        before, turned = cosine[..., None, :], sine[..., None, :]
        cosine, sine = (
            before * axis.cosine - turned * axis.sine,
            turned * axis.cosine + before * axis.sine,
        )
    return torch.cat([cosine, sine], dim=-1)


def forward_points(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], positions: Sequence[torch.Tensor]
) -> torch.Tensor:
    """y at single points: `positions` gives, per active axis, one coordinate in [0, 1] each.

    Returns:
        (components, points) float32.
    """
    grid = latent_grid(config, tensors)
    cells = [cells_of(axis, size) for axis, size in zip(positions, grid.shape[1:], strict=True)]
    latent = torch.zeros(len(positions[0]), config.features, device=grid.device)
    for corner in itertools.product((0, 1), repeat=config.axes):
        index = tuple(lower + up for (lower, _), up in zip(cells, corner, strict=True))
        weight = torch.ones(len(positions[0]), device=grid.device)
        for (_, t), up in zip(cells, corner, strict=True):
            weight = weight * (t if up else 1 - t)
        latent += grid.movedim(0, -1)[index] * weight[:, None]
    first = latent @ latent_matrix(config, tensors) + tensors["vector0"]
    for number, axis in enumerate(positions):
        features = _features(config, number, axis)
        first = first + features @ _axis_matrix(config, tensors, number)
    rows = _rows_on(config, grid)
    angles = 2 * math.pi * (torch.stack(list(positions), dim=1).double() @ rows.T)
    waves = torch.cat([torch.cos(angles), torch.sin(angles)], dim=1).float()
    first = first + waves @ _row_weights(config, tensors)
    return _hidden_layers(config, tensors, first)


def _row_weights(config: FvsrnConfig, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Columns of the first matrix that belong to cosines and sines of the rows, transposed."""
    start = config.position_inputs
    return tensors["matrix0"][:, start : start + 2 * config.row_count].T


def _axis_matrix(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], number: int
) -> torch.Tensor:
    """Columns of the first matrix that belong to one axis, in order, transposed."""
    return tensors["matrix0"][:, _columns(config, number)].T


@cache
def _columns(config: FvsrnConfig, number: int) -> slice | list[int]:
    """A slice where there is one: its gradient is much cheaper."""
    columns = config.columns(number)
    if not columns:
        return slice(0, 0)
    step = columns[1] - columns[0] if len(columns) > 1 else 1
    even = slice(columns[0], columns[-1] + 1, step)
    return even if columns == list(range(config.inputs))[even] else columns


def _hidden_layers(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], hidden: torch.Tensor
) -> torch.Tensor:
    """All layers after the first: (n, width) to (components, n)."""
    frequency = config.snake_frequency
    for layer in range(1, config.layers + 1):
        activated: torch.Tensor = _ScaledSnakeAlt.apply(hidden, frequency)  # type: ignore[no-untyped-call]
        hidden = _next_layer(tensors, layer, activated, 0.5 / frequency)
    return hidden.T


def _next_layer(
    tensors: Mapping[str, torch.Tensor], layer: int, activated: torch.Tensor, share: float
) -> torch.Tensor:
    """Before the activation, from 2 f SnakeAlt - 1 of the layer before: (n, units).

    Args:
        share: 1 / (2 f).
    """
    matrix = tensors[f"matrix{layer}"]
    vector = tensors[f"vector{layer}"] + share * matrix.sum(dim=1)
    return torch.addmm(vector, activated, matrix.T, alpha=share)
