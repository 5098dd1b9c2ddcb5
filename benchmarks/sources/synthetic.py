"""Made fields for machines without real data: noise whose power falls off as in turbulence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from codec.arrays import Float32Array
from sources.source import Sample

_SLOPE = -2.2
_SEED = 20


def turbulence(*shape: int) -> Callable[[Path], Sample]:
    """Reader of a made field; the path that it is given is not used."""
    return lambda _: Sample(_noise(shape))


def ocean(*shape: int) -> Callable[[Path], Sample]:
    """Reader of a made field whose last two axes are about one third land, the same everywhere."""

    def read(_: Path) -> Sample:
        land = _noise(shape[-2:], seed=_SEED + 1)
        valid = np.broadcast_to(land < np.quantile(land, 2 / 3), shape).copy()
        return Sample(np.where(valid, _noise(shape), 0).astype(np.float32), valid)

    return read


def _noise(shape: tuple[int, ...], seed: int = _SEED) -> Float32Array:
    """White noise whose amplitudes fall off with the wave number, of unit variance."""
    spectrum = np.fft.rfftn(np.random.default_rng(seed).standard_normal(shape))
    squares = np.zeros(spectrum.shape)
    for axis, size in enumerate(shape):
        waves = np.fft.rfftfreq(size) if axis == len(shape) - 1 else np.fft.fftfreq(size)
        column = [-1 if other == axis else 1 for other in range(len(shape))]
        squares += np.square(waves * size).reshape(column)
    spectrum *= np.maximum(squares, 1) ** (_SLOPE / 2)
    field = np.fft.irfftn(spectrum, shape, axes=range(len(shape)))
    return np.asarray(field / field.std(), np.float32)
