"""Pictures with 16 bits in several channels, which Pillow would read and write with 8.

PNG goes through imagecodecs and TIFF through tifffile; both are optional.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.image.metadata import EXIF_PREFIX
from codec.media.libraries import library

_PNG_SIGNATURE = 8
_HEADER_CHUNK = 25
_MULTIPLIED_ALPHA = 1
# Descriptive EXIF tags that a TIFF file holds itself, as text.
_TEXT_TAGS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)


def deep_pixels(path: Path, form: str) -> Array:
    """(y, x, channel) of dtype u2, 2 to 4 channels, not turned.

    Args:
        path: the picture.
        form: Pillow's name of its format, "PNG" or "TIFF".

    Raises:
        InvalidInputError: alpha is multiplied into colour, or the channels are no RGB.
        MissingDependencyError: the package that reads it is not installed.
    """
    if form == "PNG":
        pixels: Array = library("imagecodecs").png_decode(path.read_bytes())
        return pixels
    with library("tifffile").TiffFile(path) as file:
        page = file.pages[0]
        known = page.photometric.name in ("RGB", "MINISBLACK")
        if not known or _MULTIPLIED_ALPHA in tuple(page.extrasamples):
            raise InvalidInputError(
                f"{path}: 16-bit pictures are read in RGB, with straight alpha; convert it,"
                " or save its channels as .npy arrays"
            )
        values = page.asarray()
        moved: Array = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
        return moved


def write_deep(path: Path, pixels: Array, form: str, description: dict[str, Any]) -> None:
    """Writes (y, x, channel) of dtype u2.

    Args:
        path: the file.
        pixels: 2 to 4 channels.
        form: "PNG" or "TIFF".
        description: ICC profile and EXIF, as Pillow's `save` takes them.

    Raises:
        MissingDependencyError: the package that writes it is not installed.
    """
    icc = description.get("icc_profile", b"")
    exif = description.get("exif", b"").removeprefix(EXIF_PREFIX)
    pixels = np.ascontiguousarray(pixels)
    if form == "PNG":
        path.write_bytes(_described_png(library("imagecodecs").png_encode(pixels), icc, exif))
        return
    alpha = pixels.shape[2] in (2, 4)
    library("tifffile").imwrite(
        path,
        pixels,
        photometric="rgb" if pixels.shape[2] > 2 else "minisblack",
        planarconfig="contig",
        extrasamples=("unassalpha",) if alpha else (),
        iccprofile=icc or None,
        extratags=_text_tags(exif),
        metadata=None,
        software=False,
    )


def _described_png(data: bytes, icc: bytes, exif: bytes) -> bytes:
    """The file with chunks for profile and EXIF after its header."""
    place = _PNG_SIGNATURE + _HEADER_CHUNK
    chunks = _chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)) if icc else b""
    chunks += _chunk(b"eXIf", exif) if exif else b""
    return data[:place] + chunks + data[place:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def _text_tags(exif: bytes) -> list[tuple[int, str, int, str, bool]]:
    """The descriptive tags of EXIF data, in the form that tifffile writes them from."""
    if not exif:
        return []
    tags = Image.Exif()
    tags.load(EXIF_PREFIX + exif)
    texts = [(tag, tags.get(tag)) for tag in _TEXT_TAGS]
    return [(tag, "s", 0, text, True) for tag, text in texts if isinstance(text, str) and text]
