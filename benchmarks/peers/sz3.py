"""SZ3 through `pysz`: interpolation with Lorenzo, absolute error bound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from codec.arrays import Array

from .layouts import LAYOUTS
from .peer import Kind, Setting, value_range


@dataclass(frozen=True)
class Sz3:
    """Bounds are swept by factors of 1.8, as wide as the PSNRs need."""

    name: str = "SZ3"
    kind: Kind = "volume"
    how: str = "interpolation + Lorenzo, absolute bound; 4-D whole and folded"

    def available(self) -> str | None:
        return None if find_spec("pysz") else "no package pysz"

    def version(self) -> str:
        return f"pysz {version('pysz')}"

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        extent = value_range(values)
        tightest = 10 ** (-(max(targets) + 15) / 20)
        for layout in ("whole", "fold-t") if values.ndim == 4 else ("whole",):
            relative = 0.36
            while relative > tightest:
                yield Setting("abs", relative * extent, layout)
                relative /= 1.8

    def encode(self, values: Array, setting: Setting) -> bytes:
        from pysz import sz, szAlgorithm, szConfig, szErrorBoundMode  # type: ignore[import-untyped]

        (folded,) = LAYOUTS[setting.layout].split(values)
        config = szConfig(folded.shape)
        config.errorBoundMode = szErrorBoundMode.ABS
        config.absErrorBound = setting.value
        config.cmprAlgo = szAlgorithm.INTERP_LORENZO
        config.openmp = False
        data, _ = sz.compress(folded, config)
        return bytes(data.tobytes())

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        from pysz import sz

        layout = LAYOUTS[setting.layout]
        (folded,) = layout.parts(shape)
        values, _ = sz.decompress(np.frombuffer(data, np.uint8), np.float32, folded)
        return layout.join([values], shape)
