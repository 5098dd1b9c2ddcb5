"""The `fvsrn` function in torch, for fitting and for decoding on a GPU.

Evaluated on outer products of positions, so that interpolation is a chain of small dense matrix
products with cheap gradients, instead of gathers whose gradients scatter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inrc_plugins.fvsrn.config import FvsrnConfig


class _DoubledSnakeAlt(torch.autograd.Function):
    """2 SnakeAlt(x) - 1 = x - cos 2 x, with derivative 1 + 2 sin 2 x.

    SnakeAlt(x) = x / 2 + sin(x)^2 = (x - cos 2 x) / 2 + 1 / 2; the factor and the constant go into
    the matrix product that follows, which is cheaper than two more passes over the activations.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        doubled = 2 * x
        ctx.save_for_backward(doubled)
        return _cosine(doubled).neg_().add_(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (doubled,) = ctx.saved_tensors
        return _sine(doubled).mul_(2).add_(1).mul_(gradients[0])


def _cosine(x: torch.Tensor) -> torch.Tensor:
    # NumPy's float32 cosine and sine are more than twice as fast as torch's on the CPU.
    return torch.from_numpy(np.cos(x.numpy())) if x.device.type == "cpu" else torch.cos(x)


def _sine(x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.sin(x.numpy())) if x.device.type == "cpu" else torch.sin(x)


def initial_tensors(
    config: FvsrnConfig, components: int, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Starting values: grid N(0, 0.01^2) as in the source, layers uniform in +-1 / sqrt(fan-in)."""
    tensors = {}
    for spec in config.tensors(components):
        if spec.name == "grid":
            tensors[spec.name] = 0.01 * torch.randn(spec.shape, generator=generator)
            continue
        fan_in = spec.shape[-1] if spec.name.startswith("matrix") else config.width
        bound = 1 / math.sqrt(fan_in)
        tensors[spec.name] = bound * (2 * torch.rand(spec.shape, generator=generator) - 1)
    return tensors


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
        self._sizes = sizes
        self._tables = [
            _AxisTable(size, nodes, config.octaves)
            for size, nodes in zip(sizes, config.grid, strict=True)
        ]

    def __call__(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """(components, product of the lengths) float32."""
        return _forward(self._config, tensors, *self._look_up(indices))

    def _look_up(self, indices: Sequence[torch.Tensor]) -> Sequence[Sequence[torch.Tensor]]:
        rows = [table(index) for table, index in zip(self._tables, indices, strict=True)]
        return list(zip(*rows, strict=True))

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Tensors of each layer; the grid is of the first."""
        matrices = [(f"matrix{j}", f"vector{j}") for j in range(self._config.layers + 1)]
        return (("grid", *matrices[0]), *matrices[1:])

    def layer_outputs(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> Iterator[torch.Tensor]:
        """What the hidden layers give after the activation, then y: (units, samples) each."""
        hidden = _first_layer(self._config, tensors, *self._look_up(indices))
        for layer in range(1, self._config.layers + 1):
            activated: torch.Tensor = _DoubledSnakeAlt.apply(hidden)  # type: ignore[no-untyped-call]
            yield (0.5 * activated + 0.5).T
            hidden = _next_layer(tensors, layer, activated)
        yield hidden.T

    def latent(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """The latent vectors: (features, samples)."""
        hats, _ = self._look_up(indices)
        return _interpolate(tensors["grid"], hats).reshape(-1, self._config.features).T


class _AxisTable:
    """(hats, Fourier features) of sample indices along one axis."""

    _LARGEST = 1 << 22

    def __init__(self, size: int, nodes: int, octaves: int) -> None:
        self._size, self._nodes, self._octaves = size, nodes, octaves
        self._rows: tuple[torch.Tensor, torch.Tensor] | None = None
        if size * nodes <= self._LARGEST:
            self._rows = self._compute(torch.arange(size))

    def _compute(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        axis = index.double() / (self._size - 1)
        return _hats(axis, self._nodes), _fourier(axis, self._octaves).float()

    def __call__(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self._rows is None:
            return self._compute(index)
        if self._rows[0].device != index.device:
            hats, features = self._rows
            self._rows = (hats.to(index.device), features.to(index.device))
        return self._rows[0][index], self._rows[1][index]


def forward(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], positions: Sequence[torch.Tensor]
) -> torch.Tensor:
    """y on the outer product of `positions`, one 1-D float tensor in [0, 1] per active axis.

    Returns:
        (components, product of the lengths) float32.
    """
    hats = [_hats(axis, nodes) for axis, nodes in zip(positions, config.grid, strict=True)]
    features = [_fourier(axis, config.octaves).float() for axis in positions]
    return _forward(config, tensors, hats, features)


def _forward(
    config: FvsrnConfig,
    tensors: Mapping[str, torch.Tensor],
    hats: Sequence[torch.Tensor],
    features: Sequence[torch.Tensor],
) -> torch.Tensor:
    first = _first_layer(config, tensors, hats, features)
    return _hidden_layers(config, tensors, first)


def _first_layer(
    config: FvsrnConfig,
    tensors: Mapping[str, torch.Tensor],
    hats: Sequence[torch.Tensor],
    features: Sequence[torch.Tensor],
) -> torch.Tensor:
    """Before the activation: (n, width)."""
    latent = _interpolate(tensors["grid"], hats)
    lengths = [len(axis) for axis in hats]
    first = (latent.reshape(-1, config.features) @ _latent_matrix(config, tensors)).reshape(
        *lengths, -1
    )
    for number, axis in enumerate(features):
        added = axis @ _axis_matrix(config, tensors, number)
        if number == 0:
            added = added + tensors["vector0"]
        trailing = [1] * (config.axes - 1 - number)
        first = first + added.reshape(lengths[number], *trailing, -1)
    return first.reshape(-1, config.width)


def forward_points(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], positions: Sequence[torch.Tensor]
) -> torch.Tensor:
    """y at single points: `positions` gives, per active axis, one coordinate in [0, 1] each.

    Returns:
        (components, points) float32.
    """
    grid = tensors["grid"]
    cells = [_cells(axis, size) for axis, size in zip(positions, grid.shape[1:], strict=True)]
    latent = torch.zeros(len(positions[0]), config.features, device=grid.device)
    for corner in itertools.product((0, 1), repeat=config.axes):
        index = tuple(lower + up for (lower, _), up in zip(cells, corner, strict=True))
        weight = torch.ones(len(positions[0]), device=grid.device)
        for (_, t), up in zip(cells, corner, strict=True):
            weight = weight * (t if up else 1 - t)
        latent += grid.movedim(0, -1)[index] * weight[:, None]
    first = latent @ _latent_matrix(config, tensors) + tensors["vector0"]
    for number, axis in enumerate(positions):
        features = _fourier(axis, config.octaves).float()
        first = first + features @ _axis_matrix(config, tensors, number)
    return _hidden_layers(config, tensors, first)


def _latent_matrix(config: FvsrnConfig, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Columns of the first matrix that belong to the grid, transposed."""
    return tensors["matrix0"][:, config.axes * (1 + 2 * config.octaves) :].T


def _axis_matrix(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], number: int
) -> torch.Tensor:
    """Columns of the first matrix that belong to one axis, in the order of `_fourier`, transposed.

    Inputs are position, cosines and sines, each of all axes in turn.
    """
    return tensors["matrix0"][:, number : config.axes * (1 + 2 * config.octaves) : config.axes].T


def _hidden_layers(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], hidden: torch.Tensor
) -> torch.Tensor:
    """All layers after the first: (n, width) to (components, n)."""
    for layer in range(1, config.layers + 1):
        activated: torch.Tensor = _DoubledSnakeAlt.apply(hidden)  # type: ignore[no-untyped-call]
        hidden = _next_layer(tensors, layer, activated)
    return hidden.T


def _next_layer(
    tensors: Mapping[str, torch.Tensor], layer: int, activated: torch.Tensor
) -> torch.Tensor:
    """Before the activation, from 2 SnakeAlt - 1 of the layer before: (n, units)."""
    matrix = tensors[f"matrix{layer}"]
    vector = tensors[f"vector{layer}"] + 0.5 * matrix.sum(dim=1)
    return torch.addmm(vector, activated, matrix.T, alpha=0.5)


def _interpolate(grid: torch.Tensor, hats: Sequence[torch.Tensor]) -> torch.Tensor:
    """(F, G_1, ..., G_d) to (n_1, ..., n_d, F)."""
    values = grid.movedim(0, -1)
    done: list[int] = []
    for axis in hats:
        size = values.shape[len(done)]
        rest = values.shape[len(done) + 1 :]
        values = torch.matmul(axis, values.reshape(math.prod(done), size, -1))
        done.append(len(axis))
        values = values.reshape(*done, *rest)
    return values


def _hats(axis: torch.Tensor, size: int) -> torch.Tensor:
    """Linear interpolation as a matrix (n, size)."""
    lower, weight = _cells(axis, size)
    hats = torch.zeros(len(axis), size, device=axis.device)
    index, share = lower[:, None], weight[:, None]
    return hats.scatter_(1, index, 1 - share).scatter_add_(1, index + 1, share)


def _cells(axis: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Lower node and weight (float32) of the upper node for positions in [0, 1]."""
    scaled = axis.clamp(0, 1) * (size - 1)
    lower = scaled.floor().clamp(max=size - 2)
    return lower.long(), (scaled - lower).float()


def _fourier(axis: torch.Tensor, octaves: int) -> torch.Tensor:
    angles = 2 * math.pi * axis[:, None] * 2.0 ** torch.arange(octaves, device=axis.device)
    return torch.cat([axis[:, None], torch.cos(angles), torch.sin(angles)], dim=1)


def refine_grid(grid: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """The grid resampled to more nodes; the interpolated function is kept as far as it can be."""
    hats = [
        _hats(torch.linspace(0, 1, nodes, dtype=torch.float64), before)
        for nodes, before in zip(size, grid.shape[1:], strict=True)
    ]
    return _interpolate(grid, hats).movedim(-1, 0).contiguous()


def centre_grid(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The same function with the median of every channel of the grid at 0.

    Interpolation weights add up to 1, so a constant may move from the grid to the first vector.
    Where most of a field is background, most nodes then are near 0, and can be pruned.
    """
    grid = tensors["grid"].detach()
    medians = grid.flatten(1).median(dim=1).values
    moved = _latent_matrix(config, tensors).detach().T @ medians
    centred = grid - medians.reshape(-1, *[1] * config.axes)
    return {**tensors, "grid": centred, "vector0": tensors["vector0"].detach() + moved}
