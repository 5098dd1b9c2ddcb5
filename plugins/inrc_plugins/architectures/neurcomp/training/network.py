"""The `neurcomp` function in torch, for fitting and for decoding on a GPU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from inrc_plugins.architectures.neurcomp.config import MIDDLE, NeurcompConfig


class _Sine(torch.autograd.Function):
    """sin(x), by NumPy on the CPU, where it is more than twice as fast as torch's in float32."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return torch.from_numpy(np.sin(x.numpy())) if x.device.type == "cpu" else torch.sin(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        slope = torch.from_numpy(np.cos(x.numpy())) if x.device.type == "cpu" else torch.cos(x)
        return slope.mul_(gradients[0])


def _sine(x: torch.Tensor) -> torch.Tensor:
    sine: torch.Tensor = _Sine.apply(x)  # type: ignore[no-untyped-call]
    return sine


def initial_tensors(
    config: NeurcompConfig, components: int, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Starting values of the source (those of SIREN): all uniform; matrices in +-1 / d for the
    first layer and +-sqrt(6 / H) / w for all others, vectors in +-1 / sqrt(inputs)."""
    tensors = {}
    for spec in config.tensors(components):
        fan_in = config.axes if spec.name.startswith("first") else config.width
        bound = math.sqrt(6 / config.width) / config.frequency
        if spec.name == "first_matrix":
            bound = 1 / config.axes
        elif len(spec.shape) == 1:
            bound = 1 / math.sqrt(fan_in)
        tensors[spec.name] = bound * (2 * torch.rand(spec.shape, generator=generator) - 1)
    return tensors


class SineNetwork:
    """The function of a config on outer products of sample indices, for fitting.

    Args:
        config: shape of the model.
        sizes: samples along each active axis.
    """

    def __init__(self, config: NeurcompConfig, sizes: Sequence[int]) -> None:
        self._config = config
        self._sizes = sizes

    def __call__(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """(components, product of the lengths) float32."""
        longest = max(self._sizes)
        places = [
            ((2 * index.double() - (size - 1)) / (longest - 1)).float()
            for index, size in zip(indices, self._sizes, strict=True)
        ]
        return forward(self._config, tensors, places)


def forward(
    config: NeurcompConfig, tensors: Mapping[str, torch.Tensor], places: Sequence[torch.Tensor]
) -> torch.Tensor:
    """y on the outer product of `places`, one 1-D tensor of coordinates per active axis.

    Returns:
        (components, product of the lengths) of the dtype of the tensors.
    """
    phases = config.frequency * tensors["first_vector"]
    for number, axis in enumerate(places):
        added = torch.outer(axis, config.frequency * tensors["first_matrix"][:, number])
        phases = phases + added.reshape(-1, *[1] * (len(places) - 1 - number), config.width)
    return _hidden_layers(config, tensors, phases.reshape(-1, config.width))


def forward_points(
    config: NeurcompConfig, tensors: Mapping[str, torch.Tensor], places: Sequence[torch.Tensor]
) -> torch.Tensor:
    """y at single points: `places` gives, per active axis, one coordinate each.

    Returns:
        (components, points) of the dtype of the tensors.
    """
    inputs = torch.stack(list(places), dim=1)
    phases = inputs @ tensors["first_matrix"].T + tensors["first_vector"]
    return _hidden_layers(config, tensors, config.frequency * phases)


def _hidden_layers(
    config: NeurcompConfig, tensors: Mapping[str, torch.Tensor], phases: torch.Tensor
) -> torch.Tensor:
    """All layers after the first: its phases (n, width) to (components, n)."""
    hidden = _sine(phases)
    for block, (s, r) in enumerate(config.gains):
        inner = _sine(_layer(config, tensors, 2 * block, hidden, s))
        inner = _sine(_layer(config, tensors, 2 * block + 1, inner, 1.0))
        hidden = hidden + inner if r == 1 else r * (hidden + inner)
    return torch.addmm(tensors["last_vector"], hidden, tensors["last_matrix"].T).T


def _layer(
    config: NeurcompConfig,
    tensors: Mapping[str, torch.Tensor],
    layer: int,
    inputs: torch.Tensor,
    gain: float,
) -> torch.Tensor:
    """Phases of one layer of a block."""
    matrix, vector = tensors[f"{MIDDLE}_matrix{layer}"], tensors[f"{MIDDLE}_vector{layer}"]
    frequency = config.frequency
    return torch.addmm(vector, inputs, matrix.T, beta=frequency, alpha=frequency * gain)
