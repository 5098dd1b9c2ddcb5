"""Settings of a `miner` fit; 0 leaves a choice to rate control."""

from __future__ import annotations

from dataclasses import dataclass

from codec.options.plugin_settings import setting

SINE, GAUSSIAN = "sine", "gaussian"


@dataclass(frozen=True)
class MinerSettings:
    """Settings; the source's values are in docs/plugins/miner.md."""

    block: int = setting(
        0, "samples of a block along each axis, 0 as the axes say", low=0, high=1024
    )
    levels: int = setting(0, "levels of the pyramid, 0 as the size says", low=0, high=32)
    width: int = setting(
        0, "hidden units of a block's network, 0 as the target says", low=0, high=1024
    )
    coarsest: int = setting(1, "width of the coarsest level, in those of others", low=1, high=16)
    layers: int = setting(2, "hidden layers", low=1, high=16)
    unit: str = setting(SINE, "hidden units", choices=(SINE, GAUSSIAN))
    omega: int = setting(0, "factor inside the sines, 0 as the axes say", low=0, high=65535)
    octaves: int = setting(0, "frequencies of encoded positions, 0 for none", low=0, high=16)
    inherit: bool = setting(False, "start blocks from their parents' parameters")
    samples: int = setting(0, "samples of a block in a step, 0 as the axes say", low=0)
    threshold: float = setting(
        0.0,
        "mean squared residual, of values from 0 to 1, that gives a block a network; 0 as the "
        "target says",
        low=0,
    )
    relative: float = setting(
        1e-4, "share of its energy left over at which a block stops training", low=0, high=1
    )
    rate: float = setting(0.0, "Adam's learning rate, 0 as the unit says", low=0)
