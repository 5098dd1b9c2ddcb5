"""Settings of `amgsrn`."""

from __future__ import annotations

from dataclasses import dataclass

from codec.options.plugin_settings import setting
from inrc_plugins.architectures.amgsrn.config import (
    MOST_FEATURES,
    MOST_GRIDS,
    MOST_LAYERS,
    MOST_NODES,
    MOST_WIDTH,
)


@dataclass(frozen=True)
class AmgsrnSettings:
    """Settings of a fit of `amgsrn`; 0 and an empty size leave it to the target."""

    grids: int = setting(0, "grids, 0 as the target asks", low=0, high=MOST_GRIDS)
    features: int = setting(0, "features per node, 0 as the target asks", low=0, high=MOST_FEATURES)
    nodes: tuple[int, ...] = setting(
        (), "nodes of a grid per axis longer than 1, such as 16x16x16", low=2, high=MOST_NODES
    )
    arranged: bool = setting(
        True, "put the fitted grids into an order, with signs and scales, that takes less"
    )
    match_aspect: bool = setting(True, "reshape the nodes asked for to the aspect of the field")
    width: int = setting(
        0, "units per layer, 0 as the target asks", low=0, high=MOST_WIDTH, logarithmic=True
    )
    layers: int = setting(0, "hidden layers, 0 as the target asks", low=0, high=MOST_LAYERS)
    bias: bool = setting(False, "whether layers add a vector")
    start: str = setting("default", "how grids lie at first", choices=("default", "large", "small"))
    rate: float = setting(
        0.01, "learning rate of grids and network", low=1e-6, high=1.0, logarithmic=True
    )
    transform_rate: float = setting(
        1e-3, "learning rate of the transforms, 0 leaves them", low=0.0, high=1.0
    )
    variation: float = setting(1e-4, "weight of the grids' variation", low=0.0, high=1.0)
    magnitude: float = setting(2.5e-5, "weight of the grids' mean magnitude", low=0.0, high=1.0)
    points: int = setting(0, "samples per step, 0 as the device likes", low=0, high=1 << 24)
