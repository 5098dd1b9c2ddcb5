"""The `siren` function in torch, for fitting and for decoding on a GPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from codec.training.batches import Shard
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.encodings import (
    axis_columns,
    encoded_axis,
    encoded_points,
    gauss_matrix,
    separable,
    unit_places,
)
from inrc_plugins.architectures.siren.training.gradients import AfterFirst

Tensors = Mapping[str, torch.Tensor]
Activation = Callable[[torch.Tensor, float], torch.Tensor]
Gradients = tuple[torch.Tensor, ...]


class _Sine(torch.autograd.Function):
    """sin(omega x); differentiable once, and with one array kept for the gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, omega: float) -> torch.Tensor:
        phase = omega * x
        ctx.save_for_backward(phase)
        ctx.omega = omega
        return _sine(phase)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (phase,) = ctx.saved_tensors
        return _cosine(phase).mul_(ctx.omega).mul_(gradients[0]), None


def _sine(x: torch.Tensor) -> torch.Tensor:
    # NumPy's float32 sine and cosine are more than twice as fast as torch's on the CPU.
    return torch.from_numpy(np.sin(x.numpy())) if x.device.type == "cpu" else torch.sin(x)


def _cosine(x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.cos(x.numpy())) if x.device.type == "cpu" else torch.cos(x)


def quick_sine(x: torch.Tensor, omega: float) -> torch.Tensor:
    """sin(omega x) for first derivatives alone."""
    sines: torch.Tensor = _Sine.apply(x, omega)  # type: ignore[no-untyped-call]
    return sines


def smooth_sine(x: torch.Tensor, omega: float) -> torch.Tensor:
    """sin(omega x) with derivatives of any order."""
    return torch.sin(omega * x)


def initial_tensors(
    config: SirenConfig, components: int, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Starting values as in the source.

    The first matrix is uniform in +-1 / fan-in (of the encoded coordinates), the others in
    +-sqrt(6 / fan-in) / omega, vectors in +-1 / sqrt(fan-in).
    """
    tensors: dict[str, torch.Tensor] = {}
    fan_in = 1
    for spec in config.tensors(components):
        if spec.name.startswith("matrix"):
            fan_in = spec.shape[1]
            hidden = math.sqrt(6 / fan_in) / config.omega
            bound = 1 / fan_in if spec.name == "matrix0" else hidden
        else:
            bound = 1 / math.sqrt(fan_in)
        tensors[spec.name] = bound * (2 * torch.rand(spec.shape, generator=generator) - 1)
    return tensors


class SirenNetwork:
    """Parts that both networks share: all but the first sums (see `codec.training.layers`)."""

    def __init__(self, config: SirenConfig, activation: Activation) -> None:
        self._config = config
        self._activation = activation
        self._after_first = AfterFirst(config)

    def first(self, tensors: Tensors, indices: Sequence[torch.Tensor]) -> torch.Tensor:
        """Arguments of the first layer's sine, without omega: (samples, width)."""
        raise NotImplementedError

    def __call__(self, tensors: Tensors, indices: Sequence[torch.Tensor]) -> torch.Tensor:
        """(components, samples), of the dtype of the tensors."""
        return after_first(self._config, tensors, self.first(tensors, indices), self._activation)

    def squared_error(self, tensors: Tensors, shard: Shard) -> tuple[float, Gradients]:
        """Sum of squared errors over a shard, and its gradients in the order of `tensors`."""
        leaves = {name: t.detach().requires_grad_(True) for name, t in tensors.items()}
        if next(iter(leaves.values())).device.type != "cpu":
            return self._by_autograd(leaves, shard)
        first = self.first(leaves, shard.indices)
        with torch.no_grad():
            squared, gradients, gradient = self._after_first.squared_error(leaves, first, shard)
        names = ("matrix0", "vector0")
        ends = torch.autograd.grad(first, [leaves[name] for name in names], gradient)
        gradients |= dict(zip(names, ends, strict=True))
        return squared, tuple(gradients[name] for name in tensors)

    def _by_autograd(self, leaves: Tensors, shard: Shard) -> tuple[float, Gradients]:
        difference = self(leaves, shard.indices) - shard.target
        if shard.valid is not None:
            difference = difference * shard.valid
        squared = difference.square().sum()
        return float(squared.detach()), torch.autograd.grad(squared, list(leaves.values()))

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Tensors of each layer."""
        return tuple((f"matrix{j}", f"vector{j}") for j in range(self._config.layers + 2))

    def layer_outputs(
        self, tensors: Tensors, indices: Sequence[torch.Tensor]
    ) -> Iterator[torch.Tensor]:
        """The sines of every hidden layer, then y: (units, samples) each."""
        hidden = self.first(tensors, indices)
        for layer in range(1, self._config.layers + 2):
            waves = self._activation(hidden, float(self._config.omega))
            yield waves.T
            hidden = _next(tensors, layer, waves)
        yield hidden.T


class GridNetwork(SirenNetwork):
    """The function of a config on outer products of sample indices.

    Args:
        config: shape of the model.
        sizes: samples along each active axis.
        dtype: of the tensors it is called with.
        activation: the sine.
    """

    def __init__(
        self,
        config: SirenConfig,
        sizes: Sequence[int],
        dtype: torch.dtype = torch.float32,
        activation: Activation = quick_sine,
    ) -> None:
        super().__init__(config, activation)
        places = [unit_places(np.arange(size, dtype=np.float64), size) for size in sizes]
        encoding = config.encoding
        if separable(encoding):
            tables = [encoded_axis(encoding, axis) for axis in places]
        else:
            matrix = encoding.scale * gauss_matrix(encoding.features, config.axes, encoding.seed)
            tables = [np.outer(axis, column) for axis, column in zip(places, matrix.T, strict=True)]
        self._tables = [torch.from_numpy(table).to(dtype) for table in tables]
        self._columns = [axis_columns(encoding, config.axes, n) for n in range(config.axes)]

    def first(self, tensors: Tensors, indices: Sequence[torch.Tensor]) -> torch.Tensor:
        """See `SirenNetwork`; samples are the product of the lengths."""
        device = tensors["matrix0"].device
        if self._tables[0].device != device:
            self._tables = [table.to(device) for table in self._tables]
        rows = [table[index] for table, index in zip(self._tables, indices, strict=True)]
        if separable(self._config.encoding):
            matrix = tensors["matrix0"]
            added = [
                row @ matrix[:, columns].T for row, columns in zip(rows, self._columns, strict=True)
            ]
            return _outer_sum(added) + tensors["vector0"]
        waves = _waves(_outer_sum(rows))
        return torch.addmm(tensors["vector0"], waves, tensors["matrix0"].T)


class PointNetwork(SirenNetwork):
    """The function of a config at single points: coordinates in [-1, 1], one row per axis."""

    def __init__(self, config: SirenConfig) -> None:
        super().__init__(config, quick_sine)

    def first(self, tensors: Tensors, indices: Sequence[torch.Tensor]) -> torch.Tensor:
        """See `SirenNetwork`."""
        points = torch.stack(list(indices), 1).double().cpu().numpy()
        encoded = torch.from_numpy(encoded_points(self._config.encoding, points))
        matrix = tensors["matrix0"]
        return torch.addmm(tensors["vector0"], encoded.to(matrix.device, matrix.dtype), matrix.T)


class ShiftedNetwork:
    """A network of differences to other parameters.

    Args:
        plain: the network of the sums.
        origin: what is added to the tensors that it is called with.
    """

    def __init__(self, plain: SirenNetwork, origin: Tensors) -> None:
        self._plain = plain
        self._origin = origin

    def __call__(self, tensors: Tensors, indices: Sequence[torch.Tensor]) -> torch.Tensor:
        """Function of the plain network."""
        return self._plain(self._sums(tensors), indices)

    def squared_error(self, tensors: Tensors, shard: Shard) -> tuple[float, Gradients]:
        """Gradients as of the plain network; a difference has the gradient of its sum."""
        return self._plain.squared_error(self._sums(tensors), shard)

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Tensors of each layer."""
        return self._plain.layers

    def layer_outputs(
        self, tensors: Tensors, indices: Sequence[torch.Tensor]
    ) -> Iterator[torch.Tensor]:
        """Function of the plain network."""
        return self._plain.layer_outputs(self._sums(tensors), indices)

    def _sums(self, tensors: Tensors) -> Tensors:
        return {name: self._origin[name] + tensor for name, tensor in tensors.items()}


AnyNetwork = SirenNetwork | ShiftedNetwork


def after_first(
    config: SirenConfig, tensors: Tensors, first: torch.Tensor, activation: Activation
) -> torch.Tensor:
    """All that follows the first sums (n, width): (components, n)."""
    hidden = first
    for layer in range(1, config.layers + 2):
        hidden = _next(tensors, layer, activation(hidden, float(config.omega)))
    return hidden.T


def _next(tensors: Tensors, layer: int, waves: torch.Tensor) -> torch.Tensor:
    return torch.addmm(tensors[f"vector{layer}"], waves, tensors[f"matrix{layer}"].T)


def _outer_sum(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """Rows (n_a, k) of each axis, added over their outer product: (product of n_a, k)."""
    total = rows[0]
    for row in rows[1:]:
        total = (total[:, None] + row[None]).reshape(-1, row.shape[1])
    return total


def _waves(turns: torch.Tensor) -> torch.Tensor:
    angles = 2 * math.pi * turns
    return torch.stack([torch.sin(angles), torch.cos(angles)], -1).reshape(len(turns), -1)
