"""The `hashgrid` function in torch, for fitting and for decoding on a GPU."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from inrc_plugins.architectures.hashgrid.config import PRIMES, HashgridConfig, Level

_TABLE_START = 1e-4


class _Lookup(torch.autograd.Function):
    """Weighted sums of table entries, with a gradient that is one sum per feature.

    Torch's own gradient of the same sums sorts the entries first, and takes twenty times as long.
    """

    @staticmethod
    def forward(
        ctx: Any, table: torch.Tensor, entries: torch.Tensor, weights: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(entries, weights)
        ctx.shape = table.shape
        return torch.nn.functional.embedding_bag(
            entries, table.T.contiguous(), per_sample_weights=weights, mode="sum"
        )

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        entries, weights = ctx.saved_tensors
        (gradient,) = gradients
        sums = torch.zeros(ctx.shape, dtype=gradient.dtype, device=gradient.device)
        for feature, row in enumerate(sums):
            shares = weights * gradient[:, feature : feature + 1]
            row.scatter_add_(0, entries.reshape(-1), shares.reshape(-1))
        return sums, None, None


def initial_tensors(
    config: HashgridConfig, components: int, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Starting values of the source: tables uniform in +-1e-4, matrices after Glorot."""
    tensors = {}
    for spec in config.tensors(components):
        bound = _TABLE_START
        if spec.name.startswith("matrix"):
            bound = math.sqrt(6 / sum(spec.shape))
        tensors[spec.name] = bound * (2 * torch.rand(spec.shape, generator=generator) - 1)
    return tensors


class HashNetwork:
    """The function of a config on outer products of sample indices, for fitting.

    Args:
        config: shape of the model.
        sizes: samples along each active axis.
    """

    def __init__(self, config: HashgridConfig, sizes: Sequence[int]) -> None:
        self._config = config
        self._sizes = sizes

    def __call__(
        self, tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """(components, product of the lengths) float32."""
        units = [
            index.double() / (size - 1) for index, size in zip(indices, self._sizes, strict=True)
        ]
        return forward(self._config, tensors, units)


def forward(
    config: HashgridConfig, tensors: Mapping[str, torch.Tensor], units: Sequence[torch.Tensor]
) -> torch.Tensor:
    """y on the outer product of `units`, one 1-D float64 tensor in [0, 1] per active axis.

    Returns:
        (components, product of the lengths) float32.
    """
    axes = len(units)

    def spread(part: torch.Tensor, axis: int) -> torch.Tensor:
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = part.shape
        return part.reshape(shape)

    return _evaluate(config, tensors, units, spread)


def forward_points(
    config: HashgridConfig, tensors: Mapping[str, torch.Tensor], units: Sequence[torch.Tensor]
) -> torch.Tensor:
    """y at single points: `units` gives, per active axis, one coordinate in [0, 1] each.

    Returns:
        (components, points) float32.
    """

    def spread(part: torch.Tensor, axis: int) -> torch.Tensor:
        shape = [len(part)] + [1] * len(units)
        shape[axis + 1] = 2
        return part.reshape(shape)

    return _evaluate(config, tensors, units, spread)


Spread = Callable[[torch.Tensor, int], torch.Tensor]


def _evaluate(
    config: HashgridConfig,
    tensors: Mapping[str, torch.Tensor],
    units: Sequence[torch.Tensor],
    spread: Spread,
) -> torch.Tensor:
    """All levels and layers; `spread` gives a (positions, 2) part of an axis its place in an array
    over all positions, then all corners."""
    features = []
    for number, level in enumerate(config.grids):
        table = tensors[f"table{number}"]
        entries, weights = _corners(level, units, spread, table.dtype)
        features.append(_Lookup.apply(table, entries, weights))  # type: ignore[no-untyped-call]
    hidden = torch.cat(features, dim=1)
    for layer in range(config.layers):
        hidden = torch.relu(hidden @ tensors[f"matrix{layer}"].T)
    return (hidden @ tensors[f"matrix{config.layers}"].T).T


def _corners(
    level: Level, units: Sequence[torch.Tensor], spread: Spread, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Entries and weights of the corners around each position, (positions, 2^axes) each."""
    terms, shares = [], []
    for number, axis in enumerate(units):
        scaled = axis.clamp(0, 1) * level.scale + 0.5
        lower = scaled.floor()
        upper_weight = (scaled - lower).to(dtype)
        nodes = torch.stack([lower, lower + 1], dim=1).long()
        terms.append(spread(_term(level, nodes, len(units) - 1 - number), number))
        shares.append(spread(torch.stack([1 - upper_weight, upper_weight], dim=1), number))
    entries = functools.reduce(torch.add if level.dense else torch.bitwise_xor, terms)
    weights = functools.reduce(torch.mul, shares)
    corners = 1 << len(units)
    return (entries % level.entries).reshape(-1, corners), weights.reshape(-1, corners)


def _term(level: Level, nodes: torch.Tensor, axis: int) -> torch.Tensor:
    """Contributions of nodes along one axis of the encoding to the number of an entry."""
    if level.dense:
        stride: int = level.resolution**axis
        return nodes * stride
    # Not reduced modulo 2^32, which the size of the table divides.
    return nodes * PRIMES[axis]


def grown_table(table: torch.Tensor, before: Level, after: Level, axes: int) -> torch.Tensor:
    """The table of a level of the same resolution that has more entries: the same function."""
    if after.entries == before.entries:
        return table.clone()
    if not after.dense:
        return table[:, torch.arange(after.entries) % before.entries]
    nodes = torch.arange(after.resolution)
    entries = _term(before, nodes, 0)
    for axis in range(1, axes):
        entries = _term(before, nodes, axis)[:, None] ^ entries.reshape(1, -1)
    grown = torch.zeros(len(table), after.entries, dtype=table.dtype)
    grown[:, : after.resolution**axes] = table[:, entries.reshape(-1) % before.entries]
    return grown
