"""The `fvsrn` function in torch, for fitting and for decoding on a GPU.

Evaluated on outer products of positions, so that interpolation is a chain of small dense matrix
products with cheap gradients, instead of gathers whose gradients scatter.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inrc_plugins.fvsrn.config import FvsrnConfig


class _SnakeAlt(torch.autograd.Function):
    """x / 2 + sin(x)^2 = (x + 1 - cos 2 x) / 2, with derivative 1 / 2 + sin 2 x."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        doubled = 2 * x
        ctx.save_for_backward(doubled)
        return _cosine(doubled).mul_(-0.5).add_(x, alpha=0.5).add_(0.5)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (doubled,) = ctx.saved_tensors
        return _sine(doubled).add_(0.5).mul_(gradients[0])


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


def forward(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], positions: Sequence[torch.Tensor]
) -> torch.Tensor:
    """y on the outer product of `positions`, one 1-D float tensor in [0, 1] per active axis.

    Returns:
        (components, product of the lengths) float32.
    """
    latent = _interpolate(tensors["grid"], positions)
    lengths = [len(axis) for axis in positions]
    first = (latent.reshape(-1, config.features) @ _latent_matrix(config, tensors)).reshape(
        *lengths, -1
    )
    for number, axis in enumerate(positions):
        features = _axis_features(config, tensors, number, axis)
        if number == 0:
            features = features + tensors["vector0"]
        trailing = [1] * (config.axes - 1 - number)
        first = first + features.reshape(lengths[number], *trailing, -1)
    return _hidden_layers(config, tensors, first.reshape(-1, config.width))


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
        first = first + _axis_features(config, tensors, number, axis)
    return _hidden_layers(config, tensors, first)


def _latent_matrix(config: FvsrnConfig, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Columns of the first matrix that belong to the grid, transposed."""
    return tensors["matrix0"][:, config.axes * (1 + 2 * config.octaves) :].T


def _axis_features(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], number: int, axis: torch.Tensor
) -> torch.Tensor:
    """What position and Fourier features of one axis add to the first layer: (n, width)."""
    columns = tensors["matrix0"][:, _columns(config, number)]
    return _fourier(axis, config.octaves).to(columns.dtype) @ columns.T


def _hidden_layers(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor], hidden: torch.Tensor
) -> torch.Tensor:
    """All layers after the first: (n, width) to (components, n)."""
    for layer in range(1, config.layers + 1):
        activated: torch.Tensor = _SnakeAlt.apply(hidden)  # type: ignore[no-untyped-call]
        hidden = torch.addmm(tensors[f"vector{layer}"], activated, tensors[f"matrix{layer}"].T)
    return hidden.T


def _interpolate(grid: torch.Tensor, positions: Sequence[torch.Tensor]) -> torch.Tensor:
    """(F, G_1, ..., G_d) to (n_1, ..., n_d, F)."""
    values = grid.movedim(0, -1)
    done: list[int] = []
    for axis in positions:
        size = values.shape[len(done)]
        rest = values.shape[len(done) + 1 :]
        values = torch.matmul(_hats(axis, size), values.reshape(math.prod(done), size, -1))
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


def _columns(config: FvsrnConfig, number: int) -> list[int]:
    """Columns of the first matrix that belong to one axis, in the order of `_fourier`."""
    axes, octaves = config.axes, config.octaves
    cosines = [axes + octave * axes + number for octave in range(octaves)]
    sines = [axes + (octaves + octave) * axes + number for octave in range(octaves)]
    return [number, *cosines, *sines]


def refine_grid(grid: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """The grid resampled to more nodes; the interpolated function is kept as far as it can be."""
    axes = [torch.linspace(0, 1, nodes) for nodes in size]
    return _interpolate(grid, axes).movedim(-1, 0).contiguous()
