"""Pruner `binary-mask`: learned 0/1 gates with a straight-through gradient.

One gate per position, shared by all features of the tensor, as in LFGC (after Rho et al., Masked
Wavelet Representation for Compact Neural Radiance Fields, CVPR 2023): the forward pass multiplies
by [sigmoid(m) >= 1/2], the backward pass by sigmoid(m). The source adds lambda * sum |m|, which
pushes the gates to 1/2; here sum sigmoid(m) is priced, with lambda the mean squared error that the
saved integers are worth, and gates start where the importance of their position says they should
end.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from codec.contracts import Mask
from codec.settings import NoSettings

_STEEPEST_START = 4.0


class BinaryMask:
    """Learned gates shared over features."""

    name = "binary-mask"
    summary = "learned 0/1 gates per grid position, shared by its features (straight-through)"
    settings = NoSettings

    def configured(self, settings: NoSettings) -> BinaryMask:
        return self

    def attach(
        self,
        tensors: Mapping[str, torch.Tensor],
        importance: Mapping[str, torch.Tensor],
        price: float,
    ) -> BinaryMaskState:
        return BinaryMaskState(tensors, importance, price)


class BinaryMaskState:
    """Gates in training."""

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor],
        importance: Mapping[str, torch.Tensor],
        price: float,
    ) -> None:
        self._logits = {}
        self._prices = {}
        for name, tensor in tensors.items():
            worth = price * tensor.shape[0]
            total = importance[name].sum(dim=0)
            logits = torch.log(total.clamp(min=1e-30) / max(worth, 1e-30))
            self._logits[name] = logits.clamp(-_STEEPEST_START, _STEEPEST_START)
            self._prices[name] = worth

    def parameters(self) -> list[torch.Tensor]:
        return list(self._logits.values())

    def apply(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        if name not in self._logits:
            return tensor
        soft = torch.sigmoid(self._logits[name])
        gate = (soft >= 0.5).to(tensor.dtype)
        return tensor * (gate - soft.detach() + soft)

    def penalty(self) -> torch.Tensor:
        terms = [
            self._prices[name] * torch.sigmoid(logits).sum()
            for name, logits in self._logits.items()
        ]
        return torch.stack(terms).sum()

    def masks(self) -> dict[str, Mask]:
        return {name: (logits.detach() >= 0).cpu().numpy() for name, logits in self._logits.items()}
