"""The finetune of quantisers that round to the nearest: gradients go straight through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from codec.format.headers import Quantisation

StraightThrough = Callable[[torch.Tensor, Quantisation], torch.Tensor]


@dataclass(frozen=True)
class NearestPhase:
    """Training of the float tensors, rounded at every step."""

    steps: int
    straight_through: StraightThrough
    layered: bool = False

    def attach(
        self,
        tensors: Mapping[str, torch.Tensor],
        quantisations: Mapping[str, Quantisation],
        coded: Mapping[str, torch.Tensor],
        bit_price: float,
        steps: int,
    ) -> NearestState:
        return NearestState(self.straight_through, quantisations)


class NearestState:
    """State of a training that learns the tensors alone."""

    rate = 0.0

    def __init__(
        self, straight_through: StraightThrough, quantisations: Mapping[str, Quantisation]
    ) -> None:
        self._straight_through = straight_through
        self._quantisations = quantisations

    def parameters(self) -> list[torch.Tensor]:
        return []

    def apply(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return self._straight_through(tensor, self._quantisations[name])

    def penalty(self) -> torch.Tensor:
        return torch.zeros(())

    def advance(self, loss: float) -> None:
        """Step after which no state has changed."""

    def carried(self) -> list[torch.Tensor]:
        return []

    def settled(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor
