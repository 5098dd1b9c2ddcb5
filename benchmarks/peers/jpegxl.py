"""JPEG XL through `imagecodecs`: VarDCT in XYB, tuned for perception; PSNR understates it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from codec.arrays import Array

from .peer import Kind, Setting

_DISTANCES = (25, 20, 15, 12, 10, 8, 6, 5, 4, 3, 2.2, 1.6, 1.2, 0.9, 0.6, 0.4, 0.25, 0.1)


@dataclass(frozen=True)
class JpegXl:
    """Effort 7, the library's default."""

    name: str = "JPEG XL"
    kind: Kind = "image"
    how: str = "effort 7, by distance"

    def available(self) -> str | None:
        if not find_spec("imagecodecs"):
            return "no package imagecodecs"
        import imagecodecs

        return None if imagecodecs.JPEGXL.available else "this imagecodecs has no JPEG XL"

    def version(self) -> str:
        import imagecodecs

        return f"imagecodecs {version('imagecodecs')}, {imagecodecs.jpegxl_version()}"

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        for distance in _DISTANCES:
            yield Setting("distance", distance)

    def encode(self, values: Array, setting: Setting) -> bytes:
        import imagecodecs

        data = imagecodecs.jpegxl_encode(
            values, lossless=False, distance=setting.value, effort=7, numthreads=1
        )
        return bytes(data)

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        import imagecodecs

        return np.asarray(imagecodecs.jpegxl_decode(data, numthreads=1))
