"""Settings of `fvsrn`; the sources' defaults stand in docs/plugins/fvsrn.md."""

from __future__ import annotations

from dataclasses import dataclass

from codec.options.plugin_settings import setting
from inrc_plugins.architectures.fvsrn.config import MOST_ROWS


@dataclass(frozen=True)
class FvsrnSettings:
    """0 or nothing leaves a size to rate control."""

    grid: tuple[int, ...] = setting(
        (), "nodes per axis longer than 1, as 16x16x16; by rate control if left out", low=2
    )
    features: int = setting(
        0, "channels of the grid, 0: by rate control", low=0, high=1024, logarithmic=True
    )
    width: int = setting(
        0, "units per hidden layer, 0: by rate control", low=0, high=4096, logarithmic=True
    )
    layers: int = setting(0, "hidden layers, 0: by rate control", low=0, high=64)
    octaves: int = setting(2, "Fourier octaves per axis", low=0, high=16)
    frequency: float = setting(
        1.0, "frequency of SnakeAlt, in 256ths", low=1 / 256, high=256, logarithmic=True
    )
    basis: str = setting(
        "nodal", "of the grid: its nodes, or wavelet coefficients", choices=("nodal", "wavelet")
    )
    wavelet: str = setting("9/7", "with basis=wavelet", choices=("9/7", "5/3"))
    levels: int = setting(
        0, "of the wavelet, 0: as many as leave 4 nodes along an axis", low=0, high=16
    )
    fourier: str = setting(
        "octaves", "Fourier features: per axis, or of random rows", choices=("octaves", "gauss")
    )
    fourier_rows: int = setting(
        0, "with fourier=gauss: rows, 0: (width - 4) / 2", low=0, high=MOST_ROWS
    )
    fourier_std: float = setting(
        1.0,
        "with fourier=gauss: deviation of the rows, in waves per axis",
        low=1 / 256,
        high=4096,
        logarithmic=True,
    )
    time: int = setting(-1, "the axis that is time, counted from 0; -1: none", low=-1)
    keyframes: int = setting(0, "nodes along the time axis, 0: as along the others", low=0)
    time_raw: bool = setting(True, "whether the network sees the time itself")
    time_octaves: int = setting(0, "Fourier octaves of the time", low=0, high=16)
    loss: str = setting("l2", "of the float fit", choices=("l2", "l1"))
    grid_rate: float = setting(
        0.1, "Adam's learning rate for the grid", low=1e-6, high=1, logarithmic=True
    )
    network_rate: float = setting(
        0.007, "Adam's learning rate for the network", low=1e-6, high=1, logarithmic=True
    )
    rate_steps: int = setting(
        0, "lower the rates every so many steps of the float fit, 0: along a cosine", low=0
    )
    rate_factor: float = setting(0.5, "with rate_steps: by this factor", low=0.01, high=1)
    resample: int = setting(
        0, "steps of the float fit between two maps of the error, 0: no resampling", low=0
    )
