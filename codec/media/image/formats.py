"""The table of picture formats: suffixes, what each can hold, and how Pillow is asked for it.

All are lossless but JPEG, which is written with quality 95 and full chroma.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Pixels as (dtype code, number of channels), and their names for people.
GREY, GREY_ALPHA, RGB, RGB_ALPHA = ("u1", 1), ("u1", 2), ("u1", 3), ("u1", 4)
GREY_16, GREY_ALPHA_16, RGB_16, RGB_ALPHA_16 = ("u2", 1), ("u2", 2), ("u2", 3), ("u2", 4)
PIXEL_NAMES = {
    GREY: "8-bit grey",
    GREY_ALPHA: "8-bit grey with alpha",
    RGB: "8-bit RGB",
    RGB_ALPHA: "8-bit RGB with alpha",
    GREY_16: "16-bit grey",
    GREY_ALPHA_16: "16-bit grey with alpha",
    RGB_16: "16-bit RGB",
    RGB_ALPHA_16: "16-bit RGB with alpha",
}
# Pixels for which Pillow has no mode; other libraries read and write them.
DEEP = (GREY_ALPHA_16, RGB_16, RGB_ALPHA_16)
_EIGHT_BITS = (GREY, GREY_ALPHA, RGB, RGB_ALPHA)


@dataclass(frozen=True)
class PictureFormat:
    """A format of pictures.

    Attributes:
        name: Pillow's name of it.
        pixels: (dtype code, number of channels) of the pictures that it holds without loss.
        described: whether it has a place for an ICC profile and EXIF.
        options: further arguments of Pillow's `save`.
    """

    name: str
    pixels: tuple[tuple[str, int], ...]
    described: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


_JPEG = PictureFormat("JPEG", (GREY, RGB), options={"quality": 95, "subsampling": 0})
_TIFF = PictureFormat("TIFF", (*_EIGHT_BITS, GREY_16, RGB_16, RGB_ALPHA_16))
FORMATS = {
    ".png": PictureFormat("PNG", (*_EIGHT_BITS, GREY_16, *DEEP)),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    # WebP has no grey; three equal channels take hardly more. `exact` keeps colour under alpha 0.
    ".webp": PictureFormat("WEBP", _EIGHT_BITS, options={"lossless": True, "exact": True}),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".bmp": PictureFormat("BMP", (GREY, RGB), described=False),
    ".ppm": PictureFormat("PPM", (GREY, RGB, GREY_16), described=False),
    ".pgm": PictureFormat("PPM", (GREY, GREY_16), described=False),
}
"""Formats by suffix."""

PILLOW_NAMES = tuple(dict.fromkeys(entry.name for entry in FORMATS.values()))
# TIFF is a medium of its own, which leaves plain pictures to this one.
SUFFIXES = tuple(suffix for suffix, entry in FORMATS.items() if entry is not _TIFF)
