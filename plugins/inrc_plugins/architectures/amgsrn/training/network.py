"""The `amgsrn` function in torch, for fitting and for decoding on a GPU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional

from inrc_plugins.architectures.amgsrn.config import AmgsrnConfig

_STEEPEST = 16.0
# Beyond this distance a grid's density is 0 in float32, and its 20th power still a float32.
_FARTHEST = 4.0
_TINY = 1e-16
# Half the range of a feature at first: so small that the density follows the error from the start.
_FEATURE_START = 1e-4


def initial_tensors(
    config: AmgsrnConfig, components: int, start: str, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Starting values of the source: features U(+-1e-4), matrices Xavier normal, no vectors."""
    tensors = {}
    for spec in config.tensors(components):
        if spec.name == "transforms":
            tensors[spec.name] = _initial_transforms(config, start, generator)
        elif spec.name == "grids":
            uniform = 2 * torch.rand(spec.shape, generator=generator) - 1
            tensors[spec.name] = _FEATURE_START * uniform
        elif spec.name.startswith("matrix"):
            deviation = math.sqrt(2 / sum(spec.shape))
            tensors[spec.name] = deviation * torch.randn(spec.shape, generator=generator)
        else:
            tensors[spec.name] = torch.zeros(spec.shape)
    return tensors


def _initial_transforms(
    config: AmgsrnConfig, start: str, generator: torch.Generator
) -> torch.Tensor:
    """Scales and translations of AMGSRN++; nothing is turned."""
    transforms = torch.zeros(next(iter(config.tensors(1))).shape)
    axes, shape = config.axes, (config.axes, config.grids)
    uniform = torch.rand(shape, generator=generator)
    places = 2 * torch.rand(shape, generator=generator) - 1
    scales = {
        "default": 1 - 0.05 * uniform,
        "large": 0.7 - 0.3 * uniform,
        "small": 3 + 0.2 * uniform,
    }[start]
    transforms[:axes] = scales.log()
    # Small grids lie anywhere inside the field; the source says no more than that it is at random.
    transforms[-axes:] = places * (scales - 1) if start == "small" else 0.05 * places
    return transforms


def linear_parts(transforms: torch.Tensor, axes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Matrices R S (K, d, d) and translations (K, d) of transforms (P, K)."""
    scales = transforms[:axes].clamp(-_STEEPEST, _STEEPEST).exp()
    rotations = _rotations(transforms[axes:-axes], axes)
    return rotations * scales.T[:, None, :], transforms[-axes:].T


def _rotations(numbers: torch.Tensor, axes: int) -> torch.Tensor:
    count = numbers.shape[1]
    if axes == 1:
        return torch.ones(count, 1, 1, dtype=numbers.dtype, device=numbers.device)
    if axes == 2:
        cosine, sine = numbers[0].cos(), numbers[0].sin()
        return torch.stack([cosine, -sine, sine, cosine], dim=-1).reshape(count, 2, 2)
    real = torch.zeros_like(numbers)
    real[0] = 1
    quaternion = numbers + real
    length = quaternion.norm(dim=0)
    w, x, y, z = torch.where(length > 0, quaternion / length.clamp(min=1e-30), real)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=1)


class GridsNetwork:
    """The function of a config at single samples, for fitting.

    Args:
        config: shape of the model.
        sizes: samples along each active axis.
    """

    def __init__(self, config: AmgsrnConfig, sizes: Sequence[int]) -> None:
        self._config = config
        self._sizes = sizes

    def __call__(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """(components, n) float32 at n samples: one int64 tensor of indices per active axis."""
        return self.at(tensors, self.local(tensors["transforms"], indices))

    def local(self, transforms: torch.Tensor, indices: Sequence[torch.Tensor]) -> torch.Tensor:
        """Places of the samples in each grid: (K, n, d), its nodes in [-1, 1]."""
        field = torch.stack(
            [
                2 * index.to(transforms.dtype) / (size - 1) - 1
                for index, size in zip(indices, self._sizes, strict=True)
            ]
        )
        matrices, translations = linear_parts(transforms, self._config.axes)
        return (matrices @ field).transpose(1, 2) + translations[:, None, :]

    def at(self, tensors: Mapping[str, torch.Tensor], local: torch.Tensor) -> torch.Tensor:
        """Values of the call, at places in the grids."""
        return perceptron(self._config, tensors, features(tensors["grids"], local))


def features(grids: torch.Tensor, local: torch.Tensor) -> torch.Tensor:
    """Features (n, K F) of all grids (F, K, G_1, ..., G_d) at places (K, n, d) in them."""
    axes = local.shape[-1]
    images = grids.movedim(1, 0)
    # torch names the fastest axis first, and interpolates in no fewer than two axes.
    places = local.flip(-1)
    if axes == 1:
        images = images.unsqueeze(2)
        places = torch.cat([places, torch.zeros_like(places)], dim=-1)
    places = places.reshape(len(places), *[1] * (images.ndim - 3), -1, places.shape[-1])
    sampled = functional.grid_sample(
        images, places, mode="bilinear", padding_mode="zeros", align_corners=True
    )
    return sampled.reshape(-1, local.shape[1]).T


def perceptron(
    config: AmgsrnConfig, tensors: Mapping[str, torch.Tensor], inputs: torch.Tensor
) -> torch.Tensor:
    """(components, n) from the features (n, K F)."""
    hidden = inputs
    for layer in range(config.layers + 1):
        vector = tensors[f"vector{layer}"] if config.bias else None
        hidden = functional.linear(hidden, tensors[f"matrix{layer}"], vector)
        if layer < config.layers:
            hidden = functional.relu(hidden)
    return 2 * hidden.T - 1


def density_loss(
    transforms: torch.Tensor, local: torch.Tensor, errors: torch.Tensor
) -> torch.Tensor:
    """Distance of the grids' density from one that is higher where the error is.

    With the density `rho(x) = sum over grids of det * exp(-sum over a of v_a^20)`, normalised over
    the samples, the target is `rho^(mean error / error of x)`, normalised as well, and the loss the
    mean of `target * (ln target - ln rho)`. Only rho has a gradient.

    Args:
        transforms: (P, K).
        local: (K, n, d), which follow from them.
        errors: (n,) squared errors.
    """
    axes = local.shape[-1]
    determinants = transforms[:axes].clamp(-_STEEPEST, _STEEPEST).sum(dim=0).exp()
    near = local.clamp(-_FARTHEST, _FARTHEST)
    fourth = near.square().square()
    # v^20 as v^16 v^4: a general power takes several times as long.
    rho = determinants @ torch.exp(-(fourth.square().square() * fourth).sum(dim=-1))
    rho = rho / (rho.sum().detach() + _TINY)
    with torch.no_grad():
        target = rho ** (errors.mean() / (errors + _TINY))
        target = target / (target.sum() + _TINY)
    return (target * (torch.log(target + _TINY) - torch.log(rho + _TINY))).mean()


def variation(grids: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of neighbours along every axis, that of the grids included, added."""
    return torch.stack(
        [
            grids.diff(dim=axis).square().mean()
            for axis in range(1, grids.ndim)
            if grids.shape[axis] > 1
        ]
    ).sum()


def refine_grids(grids: torch.Tensor, nodes: tuple[int, ...]) -> torch.Tensor:
    """The grids resampled to more nodes; the interpolated function is kept as far as it can be."""
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(nodes)]
    return functional.interpolate(grids, size=nodes, mode=mode, align_corners=True)
