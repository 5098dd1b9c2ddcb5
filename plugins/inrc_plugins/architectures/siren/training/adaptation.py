"""The inner steps of meta-learning: a few steps of gradient descent at learnt rates.

MAML (Finn et al., ICML 2017) with learnt rates (Meta-SGD, Li et al. 2017), as Struempler et al.
use them: differentiable through all steps while a prior is trained, and the start of every fit
from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from codec.format.prior_file import PER_PARAMETER, PER_PARAMETER_PER_STEP, PER_STEP, Rates
from codec.training.batches import Shard
from codec.training.fitter import Network, Tensors


@dataclass(frozen=True)
class LearntRates:
    """Rates of the inner steps.

    Attributes:
        kind: one of `codec.format.prior_file.RATE_KINDS`.
        steps: how many inner steps.
        values: 1-D, in the order of the text of priors.
    """

    kind: str
    steps: int
    values: torch.Tensor

    @classmethod
    def constant(
        cls, kind: str, steps: int, parameters: int, rate: float, dtype: torch.dtype
    ) -> LearntRates:
        """The same rate everywhere, where learning starts."""
        count = Rates(kind, steps, torch.zeros(0).numpy()).count(parameters)
        return cls(kind, steps, torch.full((count,), rate, dtype=dtype))

    def to(self, device: str) -> LearntRates:
        """The same on a device."""
        return LearntRates(self.kind, self.steps, self.values.to(device))

    def of_step(self, step: int, tensors: Tensors) -> Tensors:
        """The rate of every parameter in one step, broadcastable to it."""
        if self.kind not in (PER_PARAMETER, PER_PARAMETER_PER_STEP):
            rate = self.values[step if self.kind == PER_STEP else 0]
            return dict.fromkeys(tensors, rate)
        sizes = [math.prod(tensor.shape) for tensor in tensors.values()]
        start = step * sum(sizes) if self.kind == PER_PARAMETER_PER_STEP else 0
        parts = torch.split(self.values[start : start + sum(sizes)], sizes)
        return {
            name: part.reshape(tensor.shape)
            for (name, tensor), part in zip(tensors.items(), parts, strict=True)
        }


def adapted(
    network: Network,
    shards: Sequence[Shard],
    tensors: Tensors,
    rates: LearntRates,
    *,
    differentiable: bool = False,
) -> Tensors:
    """The parameters after the inner steps.

    Args:
        shards: the samples of every step.
        differentiable: whether gradients pass through the steps, to `tensors` and the rates; the
            network's activation must then have second derivatives.
    """
    for step in range(rates.steps):
        gradients = gradient_of(network, shards, tensors, differentiable=differentiable)
        of_step = rates.of_step(step, tensors)
        tensors = {
            name: tensor - of_step[name] * gradients[name] for name, tensor in tensors.items()
        }
    return tensors if differentiable else {n: tensor.detach() for n, tensor in tensors.items()}


def mean_error(network: Network, shards: Sequence[Shard], tensors: Tensors) -> torch.Tensor:
    """Mean squared error over all samples, a scalar with gradients."""
    squared, count = torch.zeros(()), 0.0
    for shard in shards:
        difference = network(tensors, shard.indices) - shard.target
        if shard.valid is not None:
            difference = difference * shard.valid
        squared = squared.to(difference) + difference.square().sum()
        count += float(shard.target.numel() if shard.valid is None else shard.valid.sum())
    return squared / max(count, 1.0)


def gradient_of(
    network: Network,
    shards: Sequence[Shard],
    tensors: Tensors,
    *,
    differentiable: bool = False,
) -> Tensors:
    """Gradients of the mean squared error."""
    leaves = tensors
    if not differentiable:
        leaves = {name: t.detach().requires_grad_(True) for name, t in tensors.items()}
    error = mean_error(network, shards, leaves)
    gradients = torch.autograd.grad(error, list(leaves.values()), create_graph=differentiable)
    return dict(zip(leaves, gradients, strict=True))
