"""The squared error of a network of sines and its gradients, without autograd, on the CPU.

What autograd keeps of every layer, and allocates anew in every step, is here in arrays that are
used again; sines and cosines come from one kernel. The rest is matrix products.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from codec.training.batches import Shard
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.sine_kernel import sines_and_slopes

Tensors = Mapping[str, torch.Tensor]


@dataclass
class _Arrays:
    """Room for so many samples: (samples, width) float32 each."""

    sines: list[torch.Tensor]
    slopes: list[torch.Tensor]
    sums: torch.Tensor
    falling: torch.Tensor


class AfterFirst:
    """All that follows the first sums.

    Args:
        config: of the network.
    """

    def __init__(self, config: SirenConfig) -> None:
        self._config = config
        self._own = threading.local()

    def squared_error(
        self, tensors: Tensors, first: torch.Tensor, shard: Shard
    ) -> tuple[float, dict[str, torch.Tensor], torch.Tensor]:
        """The sum of squared errors, its gradients, and that of the first sums.

        Args:
            tensors: float32, on the CPU.
            first: (samples, width) what the first layer takes the sine of, without omega.

        Returns:
            The gradient of the first sums is overwritten by the next call.
        """
        samples, last = len(first), self._config.layers + 1
        arrays = self._arrays(samples)
        sums = first.contiguous()
        for layer in range(last):
            sines, slopes = arrays.sines[layer][:samples], arrays.slopes[layer][:samples]
            self._waves(sums, sines, slopes)
            if layer + 1 < last:
                matrix, vector = _layer(tensors, layer + 1)
                sums = torch.addmm(vector, sines, matrix.T, out=arrays.sums[:samples])
        matrix, vector = _layer(tensors, last)
        difference = (matrix @ sines.T).add_(vector[:, None]).sub_(shard.target)
        if shard.valid is not None:
            difference.mul_(shard.valid)
        squared = float(difference.square().sum())
        gradients: dict[str, torch.Tensor] = {}
        gradient = difference.mul_(2).T
        rooms = (arrays.sums[:samples], arrays.falling[:samples])
        for layer in range(last, 0, -1):
            gradients[f"matrix{layer}"] = gradient.T @ arrays.sines[layer - 1][:samples]
            gradients[f"vector{layer}"] = gradient.sum(dim=0)
            matrix, _ = _layer(tensors, layer)
            gradient = torch.mm(gradient, matrix, out=rooms[layer % 2])
            gradient.mul_(arrays.slopes[layer - 1][:samples])
        return squared, gradients, gradient

    def _waves(self, sums: torch.Tensor, sines: torch.Tensor, slopes: torch.Tensor) -> None:
        omega = np.float32(self._config.omega)
        flat = [tensor.view(-1).numpy() for tensor in (sums, sines, slopes)]
        sines_and_slopes(flat[0], omega, flat[1], flat[2])

    def _arrays(self, samples: int) -> _Arrays:
        """Buffers of this thread."""
        held: _Arrays | None = getattr(self._own, "arrays", None)
        if held is None or len(held.sums) < samples:
            shape, layers = (samples, self._config.width), self._config.layers + 1
            held = _Arrays(
                [torch.empty(shape) for _ in range(layers)],
                [torch.empty(shape) for _ in range(layers)],
                torch.empty(shape),
                torch.empty(shape),
            )
            self._own.arrays = held
        return held


def _layer(tensors: Tensors, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
    return tensors[f"matrix{layer}"], tensors[f"vector{layer}"]
