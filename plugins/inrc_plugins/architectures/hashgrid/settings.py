"""Settings of `hashgrid`."""

from __future__ import annotations

from dataclasses import dataclass

from codec.options.plugin_settings import setting


@dataclass(frozen=True)
class HashgridSettings:
    """Shape and rates of a fit; 0 leaves a choice to rate control."""

    levels: int = setting(0, "resolutions, 0 as many as the table is worth", low=0, high=32)
    features: int = setting(2, "features per level", low=1, high=16)
    table: int = setting(0, "log2 of the entries per level, 0 by the target", low=0, high=24)
    base: int = setting(0, "nodes per axis of the coarsest level, 0 by the axes", low=0, high=65536)
    finest: int = setting(
        0, "nodes per axis of the finest level, 0 for the longest axis", low=0, high=1 << 24
    )
    width: int = setting(0, "units per hidden layer, at most 64 if 0", low=0, high=1024)
    layers: int = setting(2, "hidden layers", low=1, high=16)
    rate: float = setting(0.01, "Adam's rate for matrices", low=1e-6, high=1, logarithmic=True)
    table_rate: float = setting(0.1, "Adam's rate for tables", low=1e-6, high=1, logarithmic=True)
    tinycudann: bool = setting(True, "fit with tiny-cuda-nn where it and a GPU are there")
