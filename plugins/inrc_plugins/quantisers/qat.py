"""Quantiser `qat`: the finetune knows what its integers cost.

Training with gradients straight through, as in Strümpler et al. (2022, seed 003), which has no
rate; here the loss gets the bits that a discrete Laplace distribution per slice of each tensor's
first axis (per tensor below three axes, as they share a stream) needs for the integers, times
what a bit is worth. In the first part of the steps integers are relaxed, so that both have
gradients everywhere: by uniform noise (Ballé, Laparra, Simoncelli, 2017) or by soft rounding
(Agustsson, Theis, 2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from codec.format.headers import Quantisation
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import QuantisingPhase
from inrc_plugins.quantisers.stepped import SteppedQuantiser, Steps, StepSettings, broadcast

_LEAST_SCALE = 0.05
# Sharpness of soft rounding: from nearly the identity to nearly rounding.
_FIRST_SHARPNESS, _LAST_SHARPNESS = 1.0, 8.0


@dataclass(frozen=True)
class QatSettings(StepSettings):
    """Weight of the rate, and the relaxation of integers."""

    rate: float = setting(
        1.0, "weight of the rate, in units of what a bit is worth; 0: distortion only", low=0.0
    )
    relaxation: str = setting("noise", "of the first part", choices=("noise", "soft"))
    relaxed: float = setting(0.5, "part of the steps with relaxed integers", low=0.0, high=1.0)


class Qat(SteppedQuantiser):
    """Quantisation-aware training with the rate."""

    name = "qat"
    summary = "uniform steps, finetuned with the rate of the integers in the loss"
    settings = QatSettings

    def __init__(self, settings: QatSettings | None = None) -> None:
        self._settings = settings or QatSettings()
        super().__init__(self._settings)

    def configured(self, settings: QatSettings) -> Qat:
        return Qat(settings)

    def phases(self, steps: int) -> Sequence[QuantisingPhase]:
        return (RatePhase(steps, self._settings, self._steps),)


@dataclass(frozen=True)
class RatePhase:
    """Training with the rate in the loss."""

    steps: int
    settings: QatSettings
    by: Steps
    layered: bool = False

    def attach(
        self,
        tensors: Mapping[str, torch.Tensor],
        quantisations: Mapping[str, Quantisation],
        coded: Mapping[str, torch.Tensor],
        bit_price: float,
        steps: int,
    ) -> RateState:
        return RateState(self, quantisations, coded, self.settings.rate * bit_price, steps)


class RateState:
    """Integers, relaxed first, and their bits."""

    rate = 0.0

    def __init__(
        self,
        phase: RatePhase,
        quantisations: Mapping[str, Quantisation],
        coded: Mapping[str, torch.Tensor],
        bit_price: float,
        steps: int,
    ) -> None:
        self._phase = phase
        self._relaxed_steps = phase.settings.relaxed * steps
        self._quantisations = quantisations
        self._coded = coded
        self._bit_price = bit_price
        self._done = torch.zeros((), dtype=torch.int64)
        self._integers: dict[str, torch.Tensor] = {}

    @property
    def _relaxed(self) -> bool:
        return int(self._done) < self._relaxed_steps

    def parameters(self) -> list[torch.Tensor]:
        return []

    def apply(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        quantisation, by = self._quantisations[name], self._phase.by
        if not self._relaxed:
            restored = by.straight_through(tensor, quantisation)
            self._integers[name] = restored / _sizes(tensor, quantisation)
            return restored
        size = _sizes(tensor, quantisation)
        scaled = (tensor / size).clamp(*by.ends())
        if self._phase.settings.relaxation == "noise":
            # A generator of its own for every step has no state that a journal would have to keep.
            place = list(self._quantisations).index(name) + len(self._quantisations) * int(
                self._done
            )
            noise = torch.rand(scaled.shape, generator=torch.Generator().manual_seed(place)) - 0.5
            self._integers[name] = scaled + noise.to(scaled.device)
        else:
            part = int(self._done) / max(self._relaxed_steps, 1)
            sharpness = _FIRST_SHARPNESS * (_LAST_SHARPNESS / _FIRST_SHARPNESS) ** part
            self._integers[name] = soft_round(scaled, sharpness)
        return self._integers[name] * size

    def penalty(self) -> torch.Tensor:
        if not self._bit_price:
            return torch.zeros(())
        terms = [
            laplace_bits(integers, self._coded.get(name))
            for name, integers in self._integers.items()
        ]
        return self._bit_price * torch.stack(terms).sum()

    def advance(self, loss: float) -> None:
        self._done += 1

    def carried(self) -> list[torch.Tensor]:
        return [self._done]

    def settled(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor


def _sizes(tensor: torch.Tensor, quantisation: Quantisation) -> torch.Tensor:
    return torch.as_tensor(
        broadcast(tensor, quantisation), dtype=tensor.dtype, device=tensor.device
    )


def soft_round(x: torch.Tensor, sharpness: float) -> torch.Tensor:
    """Nearly x for a small sharpness, nearly round(x) for a great one."""
    middle = torch.floor(x).detach() + 0.5
    scale = 2 * math.tanh(sharpness / 2)
    return middle + torch.tanh(sharpness * (x - middle)) / scale


def laplace_bits(integers: torch.Tensor, coded: torch.Tensor | None) -> torch.Tensor:
    """Bits of (relaxed) integers under discrete Laplace distributions of their own scales.

    The scale is the mean magnitude, per slice of the first axis from three axes on. Of those that
    are not pruned, what a slice takes is that of the integers or of their differences from the
    mean of those one before along each axis, whichever is less, as for the coders.
    """
    weight = torch.ones_like(integers) if coded is None else coded.to(integers.dtype)
    alone = _bits_of_slices(integers, weight)
    if coded is None and integers.ndim > 2:
        alone = torch.minimum(alone, _bits_of_slices(integers - _mean_before(integers), weight))
    return alone.sum()


def _mean_before(integers: torch.Tensor) -> torch.Tensor:
    """The mean of the elements one before along each axis, where there are any."""
    total, neighbours = torch.zeros_like(integers), torch.zeros_like(integers)
    for axis, size in enumerate(integers.shape):
        if size > 1:
            total.narrow(axis, 1, size - 1).add_(integers.narrow(axis, 0, size - 1))
            neighbours.narrow(axis, 1, size - 1).add_(1)
    return total / neighbours.clamp(min=1)


def _bits_of_slices(integers: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Bits of each slice of the first axis, or of all; the probability of an integer is that of
    the interval of length 1 around it."""
    rows = integers.reshape(len(integers), -1) if integers.ndim > 2 else integers.reshape(1, -1)
    weight = weight.reshape(rows.shape)
    counts = weight.sum(dim=1, keepdim=True).clamp(min=1)
    size = rows.abs()
    scale = ((size * weight).sum(dim=1, keepdim=True) / counts).clamp(min=_LEAST_SCALE)
    # Interval below 1/2 in magnitude: it holds the peak; above: one side alone.
    near = size.clamp(max=0.5)
    inner = 1 - 0.5 * (torch.exp(-(0.5 - near) / scale) + torch.exp(-(0.5 + near) / scale))
    # ln of (exp(-(s - 1/2) / b) - exp(-(s + 1/2) / b)) / 2, in a form that does not vanish.
    outer = -(size - 0.5) / scale + torch.log(-torch.expm1(-1 / scale)) - math.log(2)
    nats = torch.where(size < 0.5, -torch.log(inner.clamp(min=1e-12)), -outer)
    return (nats * weight).sum(dim=1) / math.log(2)
