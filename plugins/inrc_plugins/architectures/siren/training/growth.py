"""Size of the networks that are tried, and how a smaller one becomes part of a larger."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from inrc_plugins.architectures.siren.config import GAUSS, POSITIONAL, Encoding, SirenConfig
from inrc_plugins.architectures.siren.training.network import initial_tensors

WIDEST = 512
_NARROWEST = 4


def width_for(parameters: int, config: Callable[[int], SirenConfig], components: int) -> int:
    """The widest network with at most so many parameters."""
    width = _NARROWEST
    while width < WIDEST and config(width + 1).parameters(components) <= parameters:
        width += 1
    return width


def widened(
    tensors: Mapping[str, torch.Tensor],
    after: SirenConfig,
    components: int,
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    """The same function in a wider network: new units start as usual, and nobody hears them."""
    larger = initial_tensors(after, components, generator)
    for name, fresh in larger.items():
        old = tensors[name].detach().cpu()
        grown = fresh.clone()
        if name.startswith("matrix"):
            rows, columns = old.shape
            grown[:rows, columns:] = 0
            grown[:rows, :columns] = old
        else:
            grown[: len(old)] = old
        larger[name] = grown
    return larger


def grows(encoding: Encoding) -> bool:
    """Whether wider networks have the same encoding."""
    return encoding.kind not in (POSITIONAL, GAUSS)
