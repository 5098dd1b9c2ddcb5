"""Descent of the float fit of a network, where an architecture lets one choose."""

from __future__ import annotations

import math
from dataclasses import dataclass

L1, L2 = "l1", "l2"
_WARM_UP = 20


@dataclass(frozen=True)
class Recipe:
    """Loss, learning rate and choice of samples; the default is that of every later stage.

    Attributes:
        loss: "l2", squared errors, or "l1", absolute ones.
        rate_steps: steps between two multiplications of the rates by `rate_factor`, 0 for a cosine.
        rate_factor: 0 to 1.
        resample: steps between two maps of the error (`codec.training.resampling`), 0 for none.
    """

    loss: str = L2
    rate_steps: int = 0
    rate_factor: float = 0.5
    resample: int = 0

    def rate_share(self, step: int, steps: int, final: float) -> float:
        """Share of the learning rate: a short warm-up, then a cosine to `final`, or steps."""
        warm = min(1.0, (step + 1) / _WARM_UP)
        if self.rate_steps:
            return float(warm * self.rate_factor ** (step // self.rate_steps))
        return warm * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * step / steps)))


USUAL = Recipe()
