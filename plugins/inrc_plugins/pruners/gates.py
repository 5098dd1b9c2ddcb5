"""Parts of pruners with one gate per entry, or per position shared by all features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from codec.arrays import BoolArray, FloatArray
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import PruningTask


@dataclass(frozen=True)
class GateSettings:
    """Settings of all of them."""

    sparsity: float = setting(
        0.0,
        "share of the prunable entries that become 0; 0 prunes what costs more than it is worth",
        low=0.0,
        high=0.999,
    )
    shared: str = setting(
        "auto",
        "one gate per position for all features, where the tensor is such a grid; auto: yes by "
        "rate, as masks cost less, no with a sparsity, as quality does",
        choices=("auto", "yes", "no"),
    )

    @property
    def by_position(self) -> bool:
        """Whether gates are shared."""
        return not self.sparsity if self.shared == "auto" else self.shared == "yes"


@dataclass(frozen=True)
class GateLayout:
    """The gates of one tensor.

    Attributes:
        shape: of the gates: that of the tensor, or of one slice of its first axis.
        size: entries behind each gate.
        importance: (shape) the rise of the loss if the gate were closed.
        price: the rise of the loss that is worth closing one.
    """

    shape: tuple[int, ...]
    size: int
    importance: torch.Tensor
    price: float


def layouts(task: PruningTask, shared: bool) -> dict[str, GateLayout]:
    """The gates of every prunable tensor."""
    gate_layouts = {}
    for name, tensor in task.tensors.items():
        importance, shape, size = task.importance[name], tuple(tensor.shape), 1
        if shared and name in task.shareable:
            importance, size, shape = importance.sum(dim=0), shape[0], shape[1:]
        gate_layouts[name] = GateLayout(shape, size, importance, task.price * size)
    return gate_layouts


def best_gates(
    scores: Mapping[str, FloatArray],
    ties: Mapping[str, FloatArray],
    sizes: Mapping[str, int],
    sparsity: float,
) -> dict[str, BoolArray]:
    """The gates that stay open so that `sparsity` of the entries of all tensors become 0.

    Args:
        scores: the lowest are closed first, over all tensors.
        ties: the same for equal scores.
        sizes: entries behind each gate.
    """
    names = list(scores)
    flat = np.concatenate([np.asarray(scores[name], np.float64).ravel() for name in names])
    tied = np.concatenate([np.asarray(ties[name], np.float64).ravel() for name in names])
    size = np.concatenate([np.full(scores[name].size, sizes[name]) for name in names])
    order = np.lexsort((tied, flat))
    closed = np.cumsum(size[order]) <= sparsity * size.sum() + 0.5 * size[order]
    open_gates = np.empty(len(flat), np.bool_)
    open_gates[order] = ~closed
    masks, at = {}, 0
    for name in names:
        count = scores[name].size
        masks[name] = open_gates[at : at + count].reshape(scores[name].shape)
        at += count
    return masks


def as_array(tensor: torch.Tensor) -> FloatArray:
    """A tensor's values in float64."""
    return tensor.detach().double().cpu().numpy()
