"""Effort levels of `pyramid`; docs/plugins/pyramid.md has the cost of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Extent of the search.

    Attributes:
        trial: samples of the part that is coded to try a plan.
        axes: how many leading axes are tried outside the joint wavelet.
        cosine: whether axes are tried with a cosine basis, the last two included.
        rounds: how often all axes are gone through.
        prices: squared error, in squared steps, that a bit may be worth; each is tried.
        passes: how often magnitudes are chosen for a step.
        excess: dB above the target at which a step is fine enough.
        attempts: steps tried for a price.
        fill: rounds of filling invalid samples.
        restore: whether images are tried with a restoration network.
        static: whether coefficients are coded by the static coder, else by mixing.
    """

    trial: int
    axes: int
    cosine: bool
    rounds: int
    prices: tuple[float, ...]
    passes: int
    excess: float
    attempts: int
    fill: int
    restore: bool
    static: bool = False


_STATIC = (
    Effort(1 << 17, 3, False, 1, (0.0,), 1, 0.1, 10, 20, False, True),
    Effort(1 << 18, 3, False, 1, (0.075,), 1, 0.1, 10, 20, False, True),
    Effort(1 << 18, 5, True, 1, (0.075,), 1, 0.1, 10, 30, False, True),
    Effort(1 << 18, 5, True, 1, (0.075,), 1, 0.1, 10, 30, True, True),
)
_LIGHT = Effort(1 << 18, 5, True, 1, (0.09,), 2, 0.05, 6, 30, True)
_FULL = Effort(1 << 21, 5, True, 2, (0.09, 0.075, 0.11), 2, 0.02, 8, 60, True)
_WHOLE = Effort(1 << 25, 5, True, 3, (0.09, 0.06, 0.075, 0.105, 0.125), 2, 0.005, 12, 150, True)
_LEVELS = (*_STATIC, _LIGHT, _FULL, _WHOLE, _WHOLE, _WHOLE, _WHOLE)


def effort(level: int) -> Effort:
    """The effort of a level, 0 to 9."""
    return _LEVELS[level]
