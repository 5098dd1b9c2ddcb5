"""Settings of `neurcomp`."""

from __future__ import annotations

from dataclasses import dataclass

from codec.options.plugin_settings import setting


@dataclass(frozen=True)
class NeurcompSettings:
    """Shape and rate of a fit; 0 leaves a choice to rate control."""

    width: int = setting(0, "units per layer, 0 by the ratio or the target", low=0, high=4096)
    ratio: float = setting(
        0.0, "samples per parameter that the width follows from, 0 by the target", low=0.0
    )
    blocks: int = setting(7, "residual blocks of two layers", low=0, high=64)
    frequency: int = setting(30, "factor of all phases (w0)", low=1, high=1000, logarithmic=True)
    rate: float = setting(
        0.0, "Adam's rate at the start, 0 for 0.008 / sqrt(width) up to 0.002", low=0.0, high=1.0
    )
