"""Quantiser `uniform`: steps, and rounding to the nearest; see `stepped`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from codec.container.items import Quantisation
from codec.contracts import Integers
from codec.stage_contracts import QuantisingPhase
from inrc_plugins.quantisers.nearest import NearestPhase
from inrc_plugins.quantisers.stepped import Steps, StepSettings


class Uniform:
    """Uniform mid-tread quantisation."""

    name = "uniform"
    summary = "steps per tensor or channel, calibrated or of a number of bits, rounding to nearest"
    settings = StepSettings

    def __init__(self, settings: StepSettings | None = None) -> None:
        chosen = settings or StepSettings()
        self._steps = Steps(chosen.per == "channel", chosen.bits)
        self.adjustable = chosen.bits == 0

    def configured(self, settings: StepSettings) -> Uniform:
        return Uniform(settings)

    def steps(
        self,
        tensors: Mapping[str, torch.Tensor],
        sensitivity: Mapping[str, torch.Tensor],
        coarseness: float,
        kept: Mapping[str, torch.Tensor],
    ) -> dict[str, Quantisation]:
        return self._steps.choose(tensors, sensitivity, coarseness, kept)

    def quantise(self, tensor: torch.Tensor, quantisation: Quantisation) -> Integers:
        return self._steps.integers(tensor, quantisation)

    def straight_through(self, tensor: torch.Tensor, quantisation: Quantisation) -> torch.Tensor:
        return self._steps.straight_through(tensor, quantisation)

    def phases(self, steps: int) -> Sequence[QuantisingPhase]:
        return (NearestPhase(steps, self.straight_through),)
