"""Writing decoded images: the suffix chooses the format; Pillow writes what it can hold."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.dataset import DecodedDataset, DecodedField
from codec.media.image.channels import CHANNELS, in_channel_order
from codec.media.image.deep import write_deep
from codec.media.image.formats import DEEP, FORMATS, PIXEL_NAMES
from codec.media.image.metadata import EXIF_PREFIX, ImageMetadata
from codec.media.table import native_metadata

_MEDIUM = "image"


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
    target = FORMATS[path.suffix.lower()]
    channels = in_channel_order(dataset.fields)
    if not channels:
        raise _no_image(path, dataset)
    form = (f"u{channels[0].dtype.itemsize}", len(channels))
    if form not in target.pixels:
        fitting = [suffix for suffix, entry in FORMATS.items() if form in entry.pixels]
        raise InvalidInputError(
            f"{path}: a {path.suffix} file cannot hold {PIXEL_NAMES[form]};"
            f" use {' '.join([*fitting, '.npy', '.nc'])}"
        )
    options = {**target.options, **(_description(dataset, channels) if target.described else {})}
    try:
        if form in DEEP:
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
    tree = native_metadata(dataset, _MEDIUM)
    if tree is None:
        return {}
    metadata = ImageMetadata.from_tree(tree)
    options: dict[str, Any] = {}
    # The profile of a colour picture says nothing about its red channel alone.
    if metadata.icc and tuple(channel.name for channel in channels) in CHANNELS:
        options["icc_profile"] = metadata.icc
    if metadata.exif:
        options["exif"] = EXIF_PREFIX + metadata.exif
    return options
