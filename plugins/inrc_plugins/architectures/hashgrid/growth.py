"""Growth factors with which tiny-cuda-nn, in float32, comes to the same resolutions."""

from __future__ import annotations

import math

from inrc_plugins.architectures.hashgrid.config import HashgridConfig

# How far, relatively, the nodes per axis must be from a whole number, where float32 may round to
# the other side of it. Its powers of 2 are exact, and its other powers right to about 1e-6.
_MARGIN = 1e-5
# Growth factors are multiples of this: they take three bytes in a config.
_UNIT = 1 / 512


def same_resolutions(config: HashgridConfig) -> bool:
    """Whether float32 arithmetic gives every level the resolution that the text gives it."""
    if config.growth in (1.0, 2.0, 4.0):
        return True
    return all(abs(n - round(n)) > _MARGIN * n for n in config.nodes[1:])


def exchangeable_growth(base: int, levels: int, ratio: float) -> float:
    """A growth factor near that which makes the last of `levels` about `ratio` times the first."""
    wanted = ratio ** (1 / max(levels - 1, 1))
    nearest = math.floor(min(max(wanted, 1.0), 4.0) / _UNIT)
    for units in range(nearest, round(1 / _UNIT), -1):
        growth = units * _UNIT
        if same_resolutions(HashgridConfig(1, levels, 1, 3, base, growth, 1, 1)):
            return growth
    return 1.0
