"""Quantiser `uniform`: steps, and rounding to the nearest; see `stepped`."""

from __future__ import annotations

from collections.abc import Sequence

from codec.plugin_api.stages import QuantisingPhase
from inrc_plugins.quantisers.nearest import NearestPhase
from inrc_plugins.quantisers.stepped import SteppedQuantiser, StepSettings


class Uniform(SteppedQuantiser):
    """Uniform mid-tread quantisation."""

    name = "uniform"
    summary = "steps per tensor or channel, calibrated or of a number of bits, rounding to nearest"
    settings = StepSettings

    def __init__(self, settings: StepSettings | None = None) -> None:
        super().__init__(settings or StepSettings())

    def configured(self, settings: StepSettings) -> Uniform:
        return Uniform(settings)

    def phases(self, steps: int) -> Sequence[QuantisingPhase]:
        return (NearestPhase(steps, self.straight_through),)
