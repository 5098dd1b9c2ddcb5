"""The images of the rate-distortion benchmark: Kodak's photographs and scikit-image's samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sources.source import Sample, Source

_KODAK = (1, 3, 4, 5, 6, 7, 9, 10, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23)
_SCIKIT = ("astronaut", "chelsea", "coffee")


def _picture(path: Path) -> Sample:
    with Image.open(path) as image:
        return Sample(np.asarray(image.convert("RGB")))


def _scikit(name: str) -> Callable[[Path], Sample]:
    def read(_: Path) -> Sample:
        import skimage

        return _picture(Path(skimage.__file__).parent / "data" / f"{name}.png")

    return read


SOURCES = (
    *(Source(f"kodim{n:02}", f"kodak/kodim{n:02}.png", _picture) for n in _KODAK),
    *(Source(f"skimage_{name}", "skimage", _scikit(name), True) for name in _SCIKIT),
)
