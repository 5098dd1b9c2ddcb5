"""Writing decoded images: the suffix chooses the format; Pillow writes what it can hold.

All are lossless but JPEG, which is written with quality 95 and full chroma.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.dataset import DecodedDataset, DecodedField
from codec.media.image.channels import CHANNELS, in_channel_order
from codec.media.image.deep import write_deep
from codec.media.image.metadata import EXIF_PREFIX, ImageMetadata

_MEDIUM = "image"
_KINDS = {
    ("u1", 1): "8-bit grey",
    ("u1", 2): "8-bit grey with alpha",
    ("u1", 3): "8-bit RGB",
    ("u1", 4): "8-bit RGB with alpha",
    ("u2", 1): "16-bit grey",
    ("u2", 2): "16-bit grey with alpha",
    ("u2", 3): "16-bit RGB",
    ("u2", 4): "16-bit RGB with alpha",
}
_GREY, _GREY_ALPHA, _RGB, _RGB_ALPHA, _GREY_16 = (
    ("u1", 1),
    ("u1", 2),
    ("u1", 3),
    ("u1", 4),
    ("u2", 1),
)


@dataclass(frozen=True)
class _Format:
    """What a file format can hold, and how Pillow is asked for it.

    Attributes:
        name: Pillow's.
        kinds: (dtype code, number of channels) it holds without loss of any.
        described: whether it has a place for an ICC profile and EXIF.
        options: of Pillow's `save`.
    """

    name: str
    kinds: tuple[tuple[str, int], ...]
    described: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


_EIGHT = (_GREY, _GREY_ALPHA, _RGB, _RGB_ALPHA)
# Written by other libraries than Pillow, which has no such mode.
_DEEP_GREY_ALPHA = ("u2", 2)
_DEEP_COLOUR = (("u2", 3), ("u2", 4))
_JPEG = _Format("JPEG", (_GREY, _RGB), options={"quality": 95, "subsampling": 0})
_TIFF = _Format("TIFF", (*_EIGHT, _GREY_16, *_DEEP_COLOUR))
_FORMATS = {
    ".png": _Format("PNG", (*_EIGHT, _GREY_16, _DEEP_GREY_ALPHA, *_DEEP_COLOUR)),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    # WebP has no grey; three equal channels take hardly more. `exact` keeps colour under alpha 0.
    ".webp": _Format("WEBP", _EIGHT, options={"lossless": True, "exact": True}),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".bmp": _Format("BMP", (_GREY, _RGB), described=False),
    ".ppm": _Format("PPM", (_GREY, _RGB, _GREY_16), described=False),
    ".pgm": _Format("PPM", (_GREY, _GREY_16), described=False),
}


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes an image in the format that the suffix names.

    Args:
        path: where to write; the caller renames it into place.
        dataset: one field (y, x) of dtype u1 or u2, written as grey, or the fields of an image;
            ICC profile and EXIF are written where the format has a place for them.
        history: ignored, an image has no place for it.

    Raises:
        InvalidInputError: the fields are no image, the format cannot hold it, or the file cannot
            be written.
        MissingDependencyError: colour of 16 bits needs a package that is not installed.
    """
    target = _FORMATS[path.suffix.lower()]
    channels = in_channel_order(dataset.fields)
    if not channels:
        raise _no_image(path, dataset)
    kind = (f"u{channels[0].dtype.itemsize}", len(channels))
    if kind not in target.kinds:
        fitting = [suffix for suffix, row in _FORMATS.items() if kind in row.kinds]
        raise InvalidInputError(
            f"{path}: a {path.suffix} file cannot hold {_KINDS[kind]};"
            f" use {' '.join([*fitting, '.npy', '.nc'])}"
        )
    options = {**target.options, **(_description(dataset, channels) if target.described else {})}
    try:
        if kind in (_DEEP_GREY_ALPHA, *_DEEP_COLOUR):
            write_deep(path, _pixels(channels), target.name, options)
            return
        Image.fromarray(_pixels(channels)).save(path, target.name, **options)
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInputError(
            f"{path}: cannot be written: {reason}; choose another place or format"
        ) from error


def _no_image(path: Path, dataset: DecodedDataset) -> InvalidInputError:
    names = ", ".join(decoded.name for decoded in dataset.fields) or "none"
    images = ", ".join("+".join(row) for row in CHANNELS[1:])
    return InvalidInputError(
        f"{path}: an image holds one 2-D variable of dtype uint8 or uint16, or {images};"
        f" the variables {names} can be written as .nc, or each alone (--var) as .npy"
    )


def _pixels(channels: tuple[DecodedField, ...]) -> Array:
    """(y, x), or (y, x, channel) where there are several."""
    if len(channels) == 1:
        return np.ascontiguousarray(channels[0].read())
    pixels = np.empty((*channels[0].shape, len(channels)), channels[0].dtype)
    for number, channel in enumerate(channels):
        for index, block in channel.blocks():
            pixels[..., number][index] = block
    return pixels


def _description(dataset: DecodedDataset, channels: tuple[DecodedField, ...]) -> dict[str, Any]:
    if dataset.medium != _MEDIUM or dataset.plain:
        return {}
    metadata = ImageMetadata.from_tree(dataset.metadata)
    found: dict[str, Any] = {}
    # The profile of a colour picture says nothing about its red channel alone.
    if metadata.icc and tuple(channel.name for channel in channels) in CHANNELS:
        found["icc_profile"] = metadata.icc
    if metadata.exif:
        found["exif"] = EXIF_PREFIX + metadata.exif
    return found
