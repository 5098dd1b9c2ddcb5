"""Grids in an order, with signs and scales, that make them cheap to code.

Grids lie nearly in the same places, so that what two of them hold is often alike. The coder of
arrays foretells a node from the grid before; so grids that are alike follow one another, and those
that are alike but for their sign are negated. Scales make every grid's step the one that the loss
asks for. The matrix of the first layer takes all of it back: the function stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from codec.arrays import Float64Array

# Prediction by the grid before the previous one, beside that of the previous one.
_SECOND_SHARE = 0.4
# Share of the mean curvature that a grid that the loss hardly feels counts as at least.
_LEAST_CURVATURE = 1e-3


def arranged(
    tensors: Mapping[str, torch.Tensor], curvature: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The same function (but for rounding), its grids arranged.

    Args:
        tensors: of the network: "grids" (F, K, G_1, ..., G_d), "transforms" (P, K) and "matrix0"
            (width, K F) among them.
        curvature: of the loss, per element of the tensors.
    """
    grids, matrix = tensors["grids"], tensors["matrix0"]
    features, count = grids.shape[:2]
    felt = curvature["grids"].reshape(features, count, -1).mean(dim=(0, 2)).double()
    felt = felt.clamp(min=max(_LEAST_CURVATURE * float(felt.mean()), 1e-30)).sqrt()
    scales = (felt / felt.log().mean().exp()).to(grids.dtype)
    lines = (grids * _along_grids(scales, grids)).movedim(1, 0).reshape(count, -1)
    order, signs = _chained(_correlations(lines.detach().cpu().double().numpy()))
    factors = scales[order] * torch.tensor(signs, dtype=grids.dtype, device=grids.device)
    columns = matrix.reshape(len(matrix), count, features)[:, order] / factors[None, :, None]
    return {
        **tensors,
        "grids": grids[:, order] * _along_grids(factors, grids),
        "transforms": tensors["transforms"][:, order],
        "matrix0": columns.reshape(matrix.shape),
    }


def _along_grids(values: torch.Tensor, grids: torch.Tensor) -> torch.Tensor:
    return values.reshape(1, -1, *[1] * (grids.ndim - 2))


def _correlations(lines: Float64Array) -> Float64Array:
    """(K, K) correlations; 0 with a grid that is the same everywhere."""
    centred = lines - lines.mean(axis=1, keepdims=True)
    lengths = np.sqrt(np.square(centred).sum(axis=1))
    units = centred / np.where(lengths > 0, lengths, 1)[:, None]
    return np.asarray(units @ units.T)


def _chained(correlations: Float64Array) -> tuple[list[int], list[int]]:
    """An order in which each grid is like those before it, and their signs.

    Greedy from every start; the chain with the most likeness wins.
    """
    count = len(correlations)
    best: tuple[float, list[int]] | None = None
    for start in range(count):
        chain, left, total = [start], set(range(count)) - {start}, 0.0
        while left:
            likeness = np.abs(correlations[chain[-1]])
            if len(chain) > 1:
                likeness = likeness + _SECOND_SHARE * np.abs(correlations[chain[-2]])
            following = max(sorted(left), key=lambda grid: likeness[grid])
            total += float(likeness[following])
            chain.append(following)
            left.remove(following)
        if best is None or total > best[0]:
            best = total, chain
    chain = best[1] if best is not None else []
    signs = [1] * len(chain)
    for place in range(1, len(chain)):
        negative = correlations[chain[place - 1], chain[place]] < 0
        signs[place] = -signs[place - 1] if negative else signs[place - 1]
    return chain, signs
