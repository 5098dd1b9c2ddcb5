"""Quantiser `adaround`: which way each weight is rounded is learned.

Nagel et al., Up or Down? Adaptive Rounding for Post-Training Quantization, 2020, as Strümpler et
al. use it for coordinate networks (2022, seed 003): w = step * clip(floor(w / step) + h(V)) with
the rectified sigmoid h(V) = clip(sigmoid(V) (zeta - gamma) + gamma, 0, 1), V starting where h is
the fractional part. The loss gets lambda * sum (1 - |2 h - 1|^beta), after a warm start without
it, with beta falling from 20 to 2 along a cosine. Layers are learned one after the other, each on
its outputs after the activation, behind layers that are rounded already, where the network shows
its layers; else all at once, on the output. Vectors are rounded to the nearest. A finetune with
gradients straight through and the same steps follows. The source's lambda of 1e-4 is in units of
its outputs; here, unless it is given, it is what a bit is worth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from codec.format.headers import Quantisation
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import QuantisingPhase
from inrc_plugins.quantisers.nearest import NearestPhase
from inrc_plugins.quantisers.stepped import SteppedQuantiser, Steps, StepSettings, broadcast

ZETA, GAMMA = 1.1, -0.1
_FIRST_BETA, _LAST_BETA = 20.0, 2.0
# How far V can go in a phase at least: from one side of the sigmoid's middle to the other.
_TRAVEL = 4.0
# Fractional parts of 0 and 1 have no V with a gradient.
_EDGE = 1e-3


@dataclass(frozen=True)
class AdaRoundSettings(StepSettings):
    """Learning of the rounding, and what follows."""

    layered: bool = setting(
        True, "layer by layer, where the network shows its layers; else all on the output"
    )
    regulariser: float = setting(
        0.0, "lambda, in units of MSE (source: 1e-4); 0: what a bit is worth", low=0.0
    )
    warm: float = setting(0.2, "part of the phase without the regulariser", low=0.0, high=1.0)
    rate: float = setting(
        0.0, "of learning V (source: 1e-3 for 1,000 steps); 0: as the phase is long", low=0.0
    )
    retrain: float = setting(
        0.5, "part of the steps that finetunes straight through afterwards", low=0.0, high=1.0
    )


class AdaRound(SteppedQuantiser):
    """Learned rounding."""

    name = "adaround"
    summary = "uniform steps, rounding learned layer by layer (AdaRound), then finetuned"
    settings = AdaRoundSettings

    def __init__(self, settings: AdaRoundSettings | None = None) -> None:
        self._settings = settings or AdaRoundSettings()
        super().__init__(self._settings)

    def configured(self, settings: AdaRoundSettings) -> AdaRound:
        return AdaRound(settings)

    def phases(self, steps: int) -> Sequence[QuantisingPhase]:
        after = int(self._settings.retrain * steps)
        phases: list[QuantisingPhase] = [RoundingPhase(steps - after, self._settings, self._steps)]
        if after:
            phases.append(NearestPhase(after, self.straight_through))
        return phases


class RoundingPhase:
    """Learning which way to round."""

    def __init__(self, steps: int, settings: AdaRoundSettings, by: Steps) -> None:
        self.steps = steps
        self.layered = settings.layered
        self._settings = settings
        self._by = by

    def attach(
        self,
        tensors: Mapping[str, torch.Tensor],
        quantisations: Mapping[str, Quantisation],
        coded: Mapping[str, torch.Tensor],
        bit_price: float,
        steps: int,
    ) -> RoundingState:
        weight = self._settings.regulariser or bit_price
        return RoundingState(tensors, quantisations, coded, self._by, weight, self._settings, steps)


class RoundingState:
    """Roundings in training.

    Args:
        weight: lambda.
        steps: that will be taken.
    """

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor],
        quantisations: Mapping[str, Quantisation],
        coded: Mapping[str, torch.Tensor],
        by: Steps,
        weight: float,
        settings: AdaRoundSettings,
        steps: int,
    ) -> None:
        self._quantisations, self._by, self._coded = quantisations, by, coded
        self._weight, self._warm, self._steps = weight, settings.warm, steps
        self.rate = settings.rate or _TRAVEL / max(steps, 1)
        self._done = torch.zeros((), dtype=torch.int64)
        self._below: dict[str, torch.Tensor] = {}
        self._size: dict[str, torch.Tensor] = {}
        self._v: dict[str, torch.Tensor] = {}
        for name, tensor in tensors.items():
            if tensor.ndim < 2:
                continue
            step = torch.as_tensor(broadcast(tensor, quantisations[name]), device=tensor.device)
            scaled = tensor.detach().double() / step
            below = torch.floor(scaled)
            self._below[name], self._size[name] = below.to(tensor.dtype), step.to(tensor.dtype)
            self._v[name] = start_of((scaled - below).to(tensor.dtype))

    def parameters(self) -> list[torch.Tensor]:
        return list(self._v.values())

    def apply(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        if name not in self._v:
            return self._by.straight_through(tensor, self._quantisations[name])
        return self._at(name, rectified_sigmoid(self._v[name]))

    def penalty(self) -> torch.Tensor:
        share = int(self._done) / max(self._steps, 1)
        if share < self._warm or not self._v:
            return torch.zeros(())
        beta = beta_at((share - self._warm) / max(1 - self._warm, 1e-9))
        terms = []
        for name, v in self._v.items():
            undecided = 1 - (2 * rectified_sigmoid(v) - 1).abs() ** beta
            terms.append((undecided[self._coded[name]] if name in self._coded else undecided).sum())
        return self._weight * torch.stack(terms).sum()

    def advance(self, loss: float) -> None:
        self._done += 1

    def carried(self) -> list[torch.Tensor]:
        return [self._done]

    def settled(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        if name not in self._v:
            return tensor
        up = (rectified_sigmoid(self._v[name]) >= 0.5).to(tensor.dtype)
        return self._at(name, up)

    def _at(self, name: str, up: torch.Tensor) -> torch.Tensor:
        low, high = self._by.ends()
        return (self._below[name] + up).clamp(low, high) * self._size[name]


def rectified_sigmoid(v: torch.Tensor) -> torch.Tensor:
    """h(V), in [0, 1]."""
    return (torch.sigmoid(v) * (ZETA - GAMMA) + GAMMA).clamp(0, 1)


def start_of(fraction: torch.Tensor) -> torch.Tensor:
    """The V at which h is the fractional part (but for a margin at 0 and 1)."""
    inside = fraction.clamp(_EDGE, 1 - _EDGE)
    return torch.logit((inside - GAMMA) / (ZETA - GAMMA))


def beta_at(share: float) -> float:
    """The exponent, from 20 at 0 to 2 at 1."""
    return _LAST_BETA + 0.5 * (_FIRST_BETA - _LAST_BETA) * (1 + math.cos(math.pi * share))
