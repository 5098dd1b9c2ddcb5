"""Units of an `fvsrn` network: hidden units, one of every layer at a time, and latent channels.

The config has one width for all hidden layers, so they lose units together, each its own least
needed one. The alternative, masks for the rows and columns of units of single layers, would cost
two MASK sections a layer, and a decoder would multiply by zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from codec.plugin_api.stages import UnitKind
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.training.network import GridNetwork

_HIDDEN, _FEATURES = "hidden units", "latent channels"


def kinds(config: FvsrnConfig, components: int) -> tuple[UnitKind, ...]:
    """Units that can be removed."""
    unit_kinds = []
    total = config.parameters(components)
    if config.width > 1:
        freed = total - replace(config, width=config.width - 1).parameters(components)
        layers = tuple((f"matrix{j}", 1) for j in range(1, config.layers + 1))
        unit_kinds.append(UnitKind(_HIDDEN, config.width, layers, freed))
    if config.features > 1:
        freed = total - replace(config, features=config.features - 1).parameters(components)
        unit_kinds.append(UnitKind(_FEATURES, config.features, (("matrix0", 1),), freed))
    return tuple(unit_kinds)


def means(
    network: GridNetwork,
    tensors: Mapping[str, torch.Tensor],
    kind: UnitKind,
    indices: Sequence[torch.Tensor],
) -> list[torch.Tensor]:
    """Per layer, the mean of each unit over the outer product of `indices`."""
    if kind.name == _FEATURES:
        return [network.latent(tensors, indices).mean(dim=1)]
    outputs = zip(range(len(kind.layers)), network.layer_outputs(tensors, indices), strict=False)
    return [output.mean(dim=1) for _, output in outputs]


def without(
    config: FvsrnConfig,
    tensors: Mapping[str, torch.Tensor],
    kind: UnitKind,
    chosen: Sequence[int],
    means: Sequence[float],
) -> tuple[FvsrnConfig, dict[str, torch.Tensor]]:
    """The network without one unit of each layer, its mean added to the vector that follows."""
    left = dict(tensors)
    if kind.name == _FEATURES:
        column = config.inputs - config.features + chosen[0]
        left["vector0"] = left["vector0"] + means[0] * left["matrix0"][:, column]
        left["matrix0"] = _drop(left["matrix0"], 1, column)
        for spec in config.latent_tensors():
            left[spec.name] = _drop(left[spec.name], 0, chosen[0])
        return replace(config, features=config.features - 1), left
    for layer, (unit, mean) in enumerate(zip(chosen, means, strict=True)):
        after = f"matrix{layer + 1}"
        vector = f"vector{layer + 1}"
        left[vector] = left[vector] + mean * left[after][:, unit]
        left[after] = _drop(left[after], 1, unit)
        for name in (f"matrix{layer}", f"vector{layer}"):
            left[name] = _drop(left[name], 0, unit)
    return replace(config, width=config.width - 1), left


def _drop(tensor: torch.Tensor, axis: int, index: int) -> torch.Tensor:
    remaining = [other for other in range(tensor.shape[axis]) if other != index]
    return tensor.index_select(axis, torch.tensor(remaining, device=tensor.device)).contiguous()
