"""ZFP through `zfpy`: fixed accuracy (nearly always best), fixed precision and fixed rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from codec.arrays import Array

from .layouts import LAYOUTS
from .peer import Kind, Setting, value_range

# Below half a bit zfpy writes past its buffer.
_RATES = (0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16)


@dataclass(frozen=True)
class Zfp:
    """Accuracies are swept by factors of 2; the best mode is kept at every PSNR."""

    name: str = "ZFP"
    kind: Kind = "volume"
    how: str = "best of fixed accuracy, precision and rate; 4-D whole and folded"

    def available(self) -> str | None:
        return None if find_spec("zfpy") else "no package zfpy"

    def version(self) -> str:
        return f"zfpy {version('zfpy')}"

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        extent = value_range(values)
        tightest = 10 ** (-(max(targets) + 10) / 20)
        for layout in ("whole", "fold-t") if values.ndim == 4 else ("whole",):
            # ZFP stays far below its bound, so the loosest useful ones exceed the range.
            relative = 256.0
            while relative > tightest:
                yield Setting("tolerance", relative * extent, layout)
                relative /= 2
            for precision in range(2, 30, 2):
                yield Setting("precision", precision, layout)
            for rate in _RATES:
                yield Setting("rate", rate, layout)

    def encode(self, values: Array, setting: Setting) -> bytes:
        import zfpy  # type: ignore[import-not-found]

        (folded,) = LAYOUTS[setting.layout].split(values)
        value = int(setting.value) if setting.mode == "precision" else setting.value
        data = zfpy.compress_numpy(folded, **{setting.mode: value})
        return bytes(data)

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        import zfpy

        values = np.asarray(zfpy.decompress_numpy(data), np.float32)
        return LAYOUTS[setting.layout].join([values], shape)
