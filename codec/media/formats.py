"""Which reader and which writer a file gets: one row per format.

Content decides before the suffix does, because files are renamed more often than rewritten. The
modules behind a row are imported on use, so that importing this one costs nothing.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from codec.errors import InvalidInputError
from codec.media.dataset import Dataset, DecodedDataset

Writer = Callable[[Path, DecodedDataset, str], None]


@dataclass(frozen=True)
class Format:
    """One medium.

    Attributes:
        medium: id, as in `Dataset.medium`.
        title: for people.
        suffixes: file name endings, lower case.
        content: matches the first bytes of such a file.
        reader: module with `read(path, select)`.
        writer: module with `write(path, dataset, history)`.
    """

    medium: str
    title: str
    suffixes: tuple[str, ...]
    content: re.Pattern[bytes]
    reader: str
    writer: str


FORMATS = (
    Format(
        "netcdf",
        "NetCDF",
        (".nc", ".nc4", ".cdf"),
        re.compile(rb"CDF[\x01\x02\x05]|\x89HDF\r\n\x1a\n"),
        "codec.media.netcdf_read",
        "codec.media.netcdf_write",
    ),
    Format(
        "npy",
        "NumPy",
        (".npy",),
        re.compile(rb"\x93NUMPY"),
        "codec.media.npy",
        "codec.media.npy",
    ),
    Format(
        "image",
        "images",
        (".png", ".tif", ".tiff", ".webp", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm"),
        # PNG, JPEG, TIFF and BigTIFF, WebP, BMP (whose reserved bytes tell it from text), PPM.
        re.compile(
            rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|II[*+]\x00|MM\x00[*+]|RIFF.{4}WEBP"
            rb"|BM.{4}\x00{4}|P[2356][\s#]",
            re.DOTALL,
        ),
        "codec.media.image",
        "codec.media.image_write",
    ),
    Format(
        "mesh",
        "meshes",
        (".ply", ".obj", ".stl", ".off", ".glb"),
        re.compile(rb"ply\r?\n|glTF|OFF\s|solid\s"),
        "codec.media.mesh_read",
        "codec.media.mesh_write",
    ),
)


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a file of any supported format.

    Args:
        path: the file.
        select: names of the variables to fit, or None for the reader's own choice.

    Raises:
        InvalidInputError: missing, unreadable, damaged, or of no supported format.
    """
    start = first_bytes(path)
    row = _by_content(start) or _by_suffix(path)
    if row is None:
        raise InvalidInputError(f"{path}: unknown file format; supported are {_supported()}")
    dataset: Dataset = importlib.import_module(row.reader).read(path, select)
    return dataset


def medium_of(path: Path) -> str:
    """The medium of a file, by content if it can be read, else by name; "" if it is unknown."""
    start = b""
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(16)
    row = _by_content(start) or _by_suffix(path)
    return "" if row is None else row.medium


def is_mesh(path: Path) -> bool:
    """Whether a file that is written under this name holds a mesh."""
    row = _by_suffix(path)
    return row is not None and row.medium == "mesh"


def writer_for(path: Path) -> Writer:
    """The writer for a file name: `writer(path, dataset, history)`.

    Raises:
        InvalidInputError: no format has this suffix.
    """
    row = _by_suffix(path)
    if row is None:
        raise InvalidInputError(
            f"{path}: cannot write suffix {path.suffix!r}; supported are {_supported()}"
        )
    writer: Writer = importlib.import_module(row.writer).write
    return writer


def first_bytes(path: Path, count: int = 16) -> bytes:
    """The first bytes of a file, fewer if it is shorter.

    Raises:
        InvalidInputError: missing, a directory, empty or not readable.
    """
    try:
        with path.open("rb") as file:
            start = file.read(count)
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: no such file; check the path") from None
    except IsADirectoryError:
        raise InvalidInputError(f"{path}: is a directory; name a file in it") from None
    except PermissionError:
        raise InvalidInputError(f"{path}: no permission to read it; check its mode") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not start:
        raise InvalidInputError(f"{path}: the file is empty; fetch or write it again")
    return start


def _by_content(start: bytes) -> Format | None:
    return next((row for row in FORMATS if row.content.match(start)), None)


def _by_suffix(path: Path) -> Format | None:
    return next((row for row in FORMATS if path.suffix.lower() in row.suffixes), None)


def _supported() -> str:
    return ", ".join(f"{row.title} ({' '.join(row.suffixes)})" for row in FORMATS)
