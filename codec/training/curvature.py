"""Estimates of squared derivatives by random signs, for quantisation steps and for saliency."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from codec.training.batches import Shard, sample_count
from codec.training.fitter import Network, Tensors
from codec.training.shard_threads import one_torch_thread

_SIGN_DRAWS = 2


def signed_gradients(network: Network, tensors: Tensors, shards: Sequence[Shard]) -> list[Tensors]:
    """Gradients of sums over the samples of sign * squared error, signs random.

    As the signs are independent, the mean of the square of any one derivative, divided by the
    root of the number of samples as it is here, estimates E[(dD/dp)^2] over single samples.
    """
    generator = torch.Generator().manual_seed(0)
    samples = []
    with one_torch_thread():
        for shard in shards:
            inputs = {name: t.detach().requires_grad_(True) for name, t in tensors.items()}
            squared = (network(inputs, shard.indices) - shard.target).square()
            if shard.valid is not None:
                squared = squared * shard.valid
            each = squared.sum(dim=0)
            for _ in range(_SIGN_DRAWS):
                signs = torch.randint(0, 2, each.shape, generator=generator) * 2.0 - 1.0
                gradients = torch.autograd.grad(
                    (each * signs.to(each.device)).sum() / len(each) ** 0.5,
                    list(inputs.values()),
                    retain_graph=True,
                )
                samples.append(dict(zip(inputs, gradients, strict=True)))
    return samples


def curvature(network: Network, tensors: Tensors, shards: Sequence[Shard]) -> Tensors:
    """Diagonal of the Gauss-Newton matrix of the mean squared error, per element.

    Random signs on the outputs make the square of one gradient an unbiased estimate of the sum
    of squared derivatives (Hutchinson).
    """
    generator = torch.Generator().manual_seed(0)
    sums = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
    count = 0.0
    with one_torch_thread():
        for shard in shards:
            inputs = {name: t.detach().requires_grad_(True) for name, t in tensors.items()}
            outputs = network(inputs, shard.indices)
            signs = torch.randint(0, 2, outputs.shape, generator=generator) * 2.0 - 1.0
            signs = signs.to(outputs.device)
            if shard.valid is not None:
                signs = signs * shard.valid
            gradients = torch.autograd.grad((outputs * signs).sum(), list(inputs.values()))
            for name, gradient in zip(inputs, gradients, strict=True):
                sums[name] += gradient.square()
            count += sample_count(shard)
    return {name: 2 * total / max(count, 1.0) for name, total in sums.items()}
