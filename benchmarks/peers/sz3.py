"""SZ3 through `pysz`: absolute error bounds, with each of its ways of predicting."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array, Float32Array

from .layouts import LAYOUTS
from .peer import Kind, Setting, value_range

_TUNED_SINCE = (3, 3)
# Bounds of coarse levels are the bound over min(alpha^level, beta) in QoZ's interpolation.
_LEVEL_BOUNDS = {"interp": None, "interp 1/1": (1.0, 1.0), "interp 1.5/3": (1.5, 3.0)}


@dataclass(frozen=True)
class Sz3:
    """Bounds are swept by factors of 1.8, as wide as the PSNRs need.

    Attributes:
        threads: with more than one, OpenMP is asked for; OMP_NUM_THREADS says how many there are.
    """

    threads: int = 1
    name: str = "SZ3"
    kind: Kind = "volume"
    how: str = (
        "absolute bound; best of interpolation + Lorenzo and of interpolation alone with three "
        "choices of the levels' bounds (QoZ's alpha and beta); 4-D whole and folded"
    )

    def available(self) -> str | None:
        return None if find_spec("pysz") else "no package pysz"

    def version(self) -> str:
        numbers = data_version()
        tuned = "with" if numbers >= _TUNED_SINCE else "WITHOUT"
        dotted = ".".join(map(str, numbers))
        return (
            f"pysz {version('pysz')}, data version {dotted} of SZ3, {tuned} the interpolation "
            "tuning of QoZ, which SZ3 has since 3.3"
        )

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        extent = value_range(values)
        tightest = 10 ** (-(max(targets) + 15) / 20)
        for layout in ("whole", "fold-t") if values.ndim == 4 else ("whole",):
            for mode in ("abs", *_LEVEL_BOUNDS):
                relative = 0.36
                while relative > tightest:
                    yield Setting(mode, relative * extent, layout)
                    relative /= 1.8

    def encode(self, values: Array, setting: Setting) -> bytes:
        (folded,) = LAYOUTS[setting.layout].split(values)
        return _compressed(folded, setting, self.threads > 1)

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        from pysz import sz  # type: ignore[import-untyped]

        layout = LAYOUTS[setting.layout]
        (folded,) = layout.parts(shape)
        values, _ = sz.decompress(np.frombuffer(data, np.uint8), np.float32, folded)
        return layout.join([values], shape)


@cache
def data_version() -> tuple[int, int, int]:
    """Version of SZ3's format, which its streams state in bytes 4 to 7; pysz names no other."""
    patch, minor, major = _compressed(_little(), Setting("abs", 0.1), parallel=False)[5:8]
    return major, minor, patch


@cache
def has_threads() -> bool:
    """Whether pysz was built with OpenMP: its streams are then cut into chunks."""
    streams = [_compressed(_little(), Setting("abs", 0.1), parallel) for parallel in (False, True)]
    return len(streams[0]) != len(streams[1])


def _little() -> Float32Array:
    return np.random.default_rng(0).random((24, 24, 24), np.float32)


def _compressed(values: Float32Array, setting: Setting, parallel: bool) -> bytes:
    from pysz import sz, szAlgorithm, szConfig, szErrorBoundMode

    config = szConfig(values.shape)
    config.errorBoundMode = szErrorBoundMode.ABS
    config.absErrorBound = setting.value
    config.cmprAlgo = szAlgorithm.INTERP_LORENZO
    config.openmp = parallel
    if setting.mode in _LEVEL_BOUNDS:
        config.cmprAlgo = szAlgorithm.INTERP
        _set_level_bounds(config, _LEVEL_BOUNDS[setting.mode])
    data, _ = sz.compress(values, config)
    return bytes(data.tobytes())


def _set_level_bounds(config: Any, bounds: tuple[float, float] | None) -> None:
    """Set alpha and beta, which pysz takes from a file alone; what the file lacks stays."""
    if bounds is None:
        return
    with tempfile.TemporaryDirectory(prefix="sz3-") as folder:
        path = Path(folder, "levels.cfg")
        path.write_text(
            f"[AlgoSettings]\nInterpolationAlpha = {bounds[0]}\nInterpolationBeta = {bounds[1]}\n"
        )
        config.loadcfg(str(path))
