"""Images: PNG, TIFF, JPEG, WebP, BMP, PPM and PGM, read with Pillow where it keeps every bit.

A picture becomes one group of fields that share a model: `red`, `green`, `blue` or `grey`, then
`alpha`. Anything that Pillow would only give with less precision than the file has is refused.
"""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from codec.arrays import Array
from codec.errors import InvalidInputError, InvalidOptionError
from codec.media.dataset import Dataset, Field
from codec.media.image.channels import ALPHA, CHANNELS, DIMS
from codec.media.image.deep import deep_pixels
from codec.media.image.formats import PILLOW_NAMES
from codec.media.image.metadata import EXIF_PREFIX, ORIENTATION, ImageMetadata, upright
from codec.media.recognise import first_bytes

MEDIUM = "image"
_MODES = ("1", "L", "LA", "RGB", "RGBA", "P", "PA", "I;16", "I;16L", "I;16B")
_GREY_MODES = ("1", "L", "I", "I;16", "I;16L", "I;16B")
# Pillow's plugins raise whatever the damage makes them stumble over.
_DAMAGE = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
_TIFF_BITS = 258
# Tags of a TIFF file that describe the picture, not how the file holds it: description, maker,
# model, software, date, artist, copyright; then the directories of EXIF and GPS.
_TIFF_TAGS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
_TIFF_DIRECTORIES = (0x8769, 0x8825)
_SPACE = rb"(?:\s|#[^\n]*\n)+"
_PPM_HEADER = re.compile(rb"P[36]" + _SPACE + rb"\d+" + _SPACE + rb"\d+" + _SPACE + rb"(\d+)\s")


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Reads a picture of one page, upright, with 8 or 16 bits a channel.

    Palettes are expanded. Colour is invalid, and 0, where a picture with alpha is fully
    transparent.

    Args:
        path: the file.
        select: names of the channels to fit, or None for all.

    Returns:
        Fields (y, x) of dtype u1 or u2, with `peak` 255 or 65535, and one joint group of them all.

    Raises:
        InvalidInputError: not such a picture, damaged, larger than Pillow's limit, or with more
            bits than Pillow can read.
        InvalidOptionError: `select` names a channel that is not there.
        MissingDependencyError: colour of 16 bits needs a package that is not installed.
    """
    with _refusing_damage(path):
        image, orientation, metadata = _loaded(path)
    fields = _fields(_turned(_pixels(path, image), orientation))
    if select is not None:
        names = [field.name for field in fields]
        for name in select:
            if name not in names:
                raise InvalidOptionError(
                    f"{path}: has no variable {name!r}; available: {', '.join(names)}"
                )
        fields = tuple(field for field in fields if field.name in select)
    return Dataset(
        MEDIUM,
        fields,
        metadata=metadata.to_tree(),
        source_bytes=path.stat().st_size,
        kind="image",
        joint=(tuple(field.name for field in fields),),
    )


def _loaded(path: Path) -> tuple[Image.Image, int, ImageMetadata]:
    """The picture in memory, its orientation, and what is kept of its metadata."""
    first_bytes(path)
    with warnings.catch_warnings():
        # Pillow warns of what it can live with, such as odd EXIF; what it cannot, it raises.
        warnings.simplefilter("ignore")
        with Image.open(path, formats=PILLOW_NAMES) as image:
            image.verify()  # the checksums of a PNG; the picture is of no use afterwards
        with Image.open(path, formats=PILLOW_NAMES) as image:
            _check(path, image)
            turned = _tiff_orientation(image)
            image.load()
            orientation, metadata = _described(image)
            # Pillow turns a TIFF file's pixels as it loads them; those of others are not turned.
            if image.format == "TIFF" and _is_deep(path, image):
                orientation = turned
            return image, orientation, metadata


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    """Turn Pillow's errors into ours."""
    try:
        yield
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise InvalidInputError(
            f"{path}: has more than {most} pixels, which Pillow takes for an attack; "
            "raise PIL.Image.MAX_IMAGE_PIXELS if it is none"
        ) from None
    except UnidentifiedImageError:
        raise InvalidInputError(
            f"{path}: not a PNG, TIFF, JPEG, WebP, BMP, PPM or PGM image, or its header is damaged"
        ) from None
    except _DAMAGE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidInputError(
            f"{path}: the image is truncated or damaged ({reason}); fetch or save it again"
        ) from error


def _check(path: Path, image: Image.Image) -> None:
    pages = getattr(image, "n_frames", 1)
    # Phones append previews to their JPEG files (MPO); the first picture is the photograph.
    if pages > 1 and image.format != "MPO":
        raise InvalidInputError(
            f"{path}: holds {pages} pictures (an animation or pages); save the one you want alone"
        )
    # 32-bit and signed TIFF files have mode I too; in the others it stands for 16 bits of grey.
    if image.mode not in _MODES and not (image.mode == "I" and image.format in ("PNG", "PPM")):
        raise InvalidInputError(
            f"{path}: pictures of mode {image.mode} are not supported;"
            " convert it to RGB or grey, or to a .npy array"
        )
    if _is_deep(path, image) and image.format not in ("PNG", "TIFF"):
        raise InvalidInputError(
            f"{path}: 16 bits a channel can only be read in grey, PNG and TIFF;"
            " save it as one of these, or with 8"
        )


def _is_deep(path: Path, image: Image.Image) -> bool:
    """Whether Pillow would give several channels with fewer bits than the file has."""
    return image.mode not in _GREY_MODES and _bits(path, image) > 8


def _bits(path: Path, image: Image.Image) -> int:
    """Bits per channel of the file, which Pillow's mode does not tell."""
    if image.format == "PNG":
        return _png_depth(path)
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_TIFF_BITS, (8,))
        return int(max(bits)) if isinstance(bits, tuple) else int(bits)
    if image.format == "PPM":
        header = _PPM_HEADER.match(first_bytes(path, 4096))
        return int(header[1]).bit_length() if header else 8
    return 8


def _png_depth(path: Path) -> int:
    """Bits per channel in the header, which always comes first."""
    return first_bytes(path, 25)[24]


def _pixels(path: Path, image: Image.Image) -> Array:
    """(y, x, channel) of dtype u1 or u2; 1 to 4 channels as in `CHANNELS`."""
    if _is_deep(path, image):
        return _with_transparent_colour(path, image, deep_pixels(path, str(image.format)))
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    values = np.asarray(image)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * 255
    elif values.dtype.itemsize > 1:
        values = values.astype(np.uint16)
    return _with_transparent_colour(path, image, values.reshape(*values.shape[:2], -1))


def _with_transparent_colour(path: Path, image: Image.Image, values: Array) -> Array:
    """The channels, with alpha where a PNG calls one colour transparent."""
    if image.format != "PNG" or "transparency" not in image.info or values.shape[2] in (2, 4):
        return values
    colour: Any = image.info["transparency"]
    if image.mode == "L" and values.dtype == np.uint8:
        # Pillow stretches 2 and 4 bits to 8, but not this one.
        colour *= 255 // ((1 << _png_depth(path)) - 1)
    opaque = (values != np.asarray(colour)).any(axis=2, keepdims=True)
    alpha = opaque.astype(values.dtype) * np.iinfo(values.dtype).max
    return np.concatenate([values, alpha], axis=2)


def _turned(pixels: Array, orientation: int) -> Array:
    """Pixels as EXIF's orientation wants them seen."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _fields(pixels: Array) -> tuple[Field, ...]:
    """A field per channel, colour marked invalid under fully transparent pixels."""
    names = CHANNELS[pixels.shape[2] - 1]
    peak = float(np.iinfo(pixels.dtype).max)
    valid = None
    if ALPHA in names and not pixels[..., -1].all():
        valid = pixels[..., -1] > 0
    fields = []
    for number, name in enumerate(names):
        values = np.ascontiguousarray(pixels[..., number])
        mask = None if name == ALPHA else valid
        if mask is not None:
            values = values * mask
        fields.append(Field(name, DIMS, values, valid=mask, peak=peak))
    return tuple(fields)


def _described(image: Image.Image) -> tuple[int, ImageMetadata]:
    """Orientation still to be applied, and what is kept of the file's metadata."""
    icc = image.info.get("icc_profile") or b""
    if image.format == "TIFF":
        # Pillow may have turned the picture already; then it has removed the tag.
        orientation = image.getexif().get(ORIENTATION, 1)
        return orientation, ImageMetadata(icc, _exif_of_tiff(image))
    orientation, exif = upright((image.info.get("exif") or b"").removeprefix(EXIF_PREFIX))
    return orientation, ImageMetadata(icc, exif)


def _tiff_orientation(image: Image.Image) -> int:
    """Orientation that a TIFF file asks for before Pillow has turned it, 1 for other formats."""
    return int(getattr(image, "tag_v2", {}).get(ORIENTATION, 1))


def _exif_of_tiff(image: Image.Image) -> bytes:
    """EXIF data made of what a TIFF file says about its picture; b"" if that is nothing."""
    picked = Image.Exif()
    try:
        exif = image.getexif()
        for tag in _TIFF_TAGS:
            if tag in exif:
                picked[tag] = exif[tag]
        for directory in _TIFF_DIRECTORIES:
            if entries := exif.get_ifd(directory):
                picked[directory] = dict(entries)
        return picked.tobytes().removeprefix(EXIF_PREFIX) if len(picked) else b""
    except _DAMAGE:
        return b""  # tags that Pillow itself cannot write are no reason to refuse the picture
