"""The latent grid of `fvsrn` in torch: from its tensors to nodes and back, and between nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

import torch

from inrc_plugins.architectures.fvsrn.bands import bands_of, rebuild, synthesis_matrix
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig


def latent_grid(config: FvsrnConfig, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The grid (F, G_1, ..., G_d) that nodes or coefficients give, differentiably."""
    bands = [tensors[spec.name] for spec in config.latent_tensors()]
    if config.wavelet is None:
        return bands[0]
    number = config.wavelet.number

    def merge(low: torch.Tensor, high: torch.Tensor, axis: int) -> torch.Tensor:
        lines = torch.cat([low, high], dim=axis)
        if lines.shape[axis] <= 1 or not lines.numel():
            return lines
        matrix = _synthesis(lines.shape[axis], number, lines.device)
        flat = lines.reshape(math.prod(lines.shape[:axis]), lines.shape[axis], -1)
        return torch.matmul(matrix, flat).reshape(lines.shape)

    return rebuild(config, bands, merge)


def latent_of(config: FvsrnConfig, grid: torch.Tensor) -> dict[str, torch.Tensor]:
    """The latent tensors of a config that give `grid`, on its device."""
    bands = zip(config.latent_tensors(), bands_of(config, grid.cpu().numpy()), strict=True)
    return {spec.name: torch.from_numpy(values).to(grid.device) for spec, values in bands}


@cache
def _synthesis(length: int, wavelet: int, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(synthesis_matrix(length, wavelet)).float().to(device)


def interpolate(grid: torch.Tensor, hats: Sequence[torch.Tensor]) -> torch.Tensor:
    """(F, G_1, ..., G_d) to (n_1, ..., n_d, F)."""
    values = grid.movedim(0, -1)
    done: list[int] = []
    for axis in hats:
        size = values.shape[len(done)]
        remaining = values.shape[len(done) + 1 :]
        values = torch.matmul(axis, values.reshape(math.prod(done), size, -1))
        done.append(len(axis))
        values = values.reshape(*done, *remaining)
    return values


def hat_weights(axis: torch.Tensor, size: int) -> torch.Tensor:
    """Linear interpolation as a matrix (n, size)."""
    lower, weight = cells_of(axis, size)
    hats = torch.zeros(len(axis), size, device=axis.device)
    index, share = lower[:, None], weight[:, None]
    return hats.scatter_(1, index, 1 - share).scatter_add_(1, index + 1, share)


def cells_of(axis: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Lower node and weight (float32) of the upper node for positions in [0, 1]."""
    scaled = axis.clamp(0, 1) * (size - 1)
    lower = scaled.floor().clamp(max=size - 2)
    return lower.long(), (scaled - lower).float()


def refine_grid(grid: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """The grid resampled to more nodes; the interpolated function is kept as far as it can be."""
    hats = [
        hat_weights(torch.linspace(0, 1, nodes, dtype=torch.float64), before)
        for nodes, before in zip(size, grid.shape[1:], strict=True)
    ]
    return interpolate(grid, hats).movedim(-1, 0).contiguous()


def centre_grid(
    config: FvsrnConfig, tensors: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The same function with the median of every channel of the grid at 0.

    Interpolation weights add up to 1, so a constant may move from the grid to the first vector.
    Where most of a field is background, most nodes then are near 0, and can be pruned; so are the
    coefficients of its low band.
    """
    grid = latent_grid(config, tensors).detach()
    medians = grid.flatten(1).median(dim=1).values
    moved = latent_matrix(config, tensors).detach().T @ medians
    centred = grid - medians.reshape(-1, *[1] * config.axes)
    vector = tensors["vector0"].detach() + moved
    return {**tensors, **latent_of(config, centred), "vector0": vector}


def latent_matrix(config: FvsrnConfig, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Columns of the first matrix that belong to the grid, transposed."""
    return tensors["matrix0"][:, -config.features :].T
