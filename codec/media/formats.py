"""Which reader and which writer a file gets: one row per format.

Content decides before the suffix does, because files are renamed more often than rewritten; where
two media share their content, `recognise` decides. The modules behind a row are imported on use, so
that importing this one costs nothing.
"""

from __future__ import annotations

import gzip
import importlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from codec.errors import InvalidInputError
from codec.media import recognise
from codec.media.dataset import Dataset, DecodedDataset
from codec.options.encode import SIGNED
from codec.options.raw_layout import RawLayout

Writer = Callable[[Path, DecodedDataset, str], None]
# The mark of NIfTI stands farthest from the start, at byte 344.
_START_BYTES = 512
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Format:
    """One medium.

    Attributes:
        medium: id, as in `Dataset.medium`.
        title: for people.
        suffixes: file name endings, lower case.
        content: matches the first `_START_BYTES` bytes of such a file, or of what it unzips to.
        reader: module with `read(path, select)`.
        writer: module with `write(path, dataset, history)`.
        decide: where content fits several media, gives the id of the right one.
        folder: whether such a file is a folder.
    """

    medium: str
    title: str
    suffixes: tuple[str, ...]
    content: re.Pattern[bytes]
    reader: str
    writer: str
    decide: Callable[[Path], str] | None = None
    folder: bool = False


_HDF5 = rb"\x89HDF\r\n\x1a\n"
_TIFF = rb"II[*+]\x00|MM\x00[*+]"
_ZIP = rb"PK\x03\x04"

FORMATS = (
    Format(
        "netcdf",
        "NetCDF",
        recognise.NETCDF_SUFFIXES,
        re.compile(rb"CDF[\x01\x02\x05]"),
        "codec.media.netcdf.read",
        "codec.media.netcdf.write",
    ),
    Format(
        "hdf5",
        "HDF5",
        recognise.HDF5_SUFFIXES,
        re.compile(_HDF5),
        "codec.media.hdf5",
        "codec.media.hdf5",
        recognise.hdf5_medium,
    ),
    Format(
        "zarr",
        "Zarr",
        (".zarr", ".zarr.zip"),
        re.compile(_ZIP),
        "codec.media.zarr.store",
        "codec.media.zarr.store",
        recognise.zip_medium,
        folder=True,
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
        "npz",
        "NumPy archives",
        (".npz",),
        re.compile(_ZIP),
        "codec.media.npz",
        "codec.media.npz",
        recognise.zip_medium,
    ),
    Format(
        "raw",
        "raw samples",
        (".raw",),
        re.compile(rb"(?!)"),  # nothing tells raw samples from other bytes
        "codec.media.raw",
        "codec.media.raw",
    ),
    Format(
        "nifti",
        "NIfTI",
        (".nii", ".nii.gz"),
        re.compile(rb".{344}n[i+][12]\x00|.{4}n[i+]2\x00\r\n\x1a\n", re.DOTALL),
        "codec.media.nifti",
        "codec.media.nifti",
    ),
    Format(
        "nrrd",
        "NRRD",
        (".nrrd", ".nhdr"),
        re.compile(rb"NRRD00"),
        "codec.media.nrrd",
        "codec.media.nrrd",
    ),
    Format(
        "mrc",
        "MRC/CCP4",
        (".mrc", ".map", ".ccp4", ".rec", ".mrc.gz", ".map.gz", ".ccp4.gz"),
        re.compile(rb".{208}MAP ", re.DOTALL),
        "codec.media.mrc",
        "codec.media.mrc",
    ),
    Format(
        "fits",
        "FITS",
        (".fits", ".fit", ".fts", ".fits.gz"),
        re.compile(rb"SIMPLE  = "),
        "codec.media.fits",
        "codec.media.fits",
    ),
    Format(
        "vti",
        "VTK ImageData",
        (".vti",),
        re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<VTKFile\s", re.DOTALL),
        "codec.media.vti.image_data",
        "codec.media.vti.image_data",
    ),
    Format(
        "image",
        "images",
        (".png", ".webp", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm"),
        # PNG, JPEG, WebP, BMP (whose reserved bytes tell it from text), PPM.
        re.compile(
            rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF.{4}WEBP|BM.{4}\x00{4}|P[2356][\s#]",
            re.DOTALL,
        ),
        "codec.media.image.read",
        "codec.media.image.write",
    ),
    Format(
        "tiff",
        "TIFF images and stacks",
        (".tif", ".tiff"),
        re.compile(_TIFF),
        "codec.media.tiff",
        "codec.media.tiff",
        recognise.tiff_medium,
    ),
    Format(
        "mesh",
        "meshes",
        (".ply", ".obj", ".stl", ".off", ".glb"),
        re.compile(rb"ply\r?\n|glTF|OFF\s|solid\s"),
        "codec.media.mesh.read",
        "codec.media.mesh.write",
    ),
)
_BY_MEDIUM = {row.medium: row for row in FORMATS}


def read(
    path: Path,
    select: tuple[str, ...] | None = None,
    raw: RawLayout | None = None,
    sdf: str = SIGNED,
) -> Dataset:
    """Opens a file of any supported format.

    Args:
        path: the file, or the folder of a Zarr store.
        select: names of the variables to fit, or None for the reader's own choice.
        raw: how to read a file that is nothing but samples; then its content is not looked at.
        sdf: of a mesh, which distances are wanted (`EncodeOptions.sdf`).

    Raises:
        InvalidInputError: missing, unreadable, damaged, or of no supported format.
        MissingDependencyError: the format needs a package that is not installed.
    """
    if raw is not None:
        from codec.media import raw as raw_file

        first_bytes(path)
        return raw_file.read_as(path, raw, select)
    row = _by_content(path) or _by_suffix(path)
    if row is None:
        raise InvalidInputError(
            f"{path}: unknown file format; supported are {_supported()}; bare samples need their"
            " shape and dtype (--shape, --dtype)"
        )
    more = (sdf,) if row.medium == "mesh" else ()
    dataset: Dataset = importlib.import_module(row.reader).read(path, select, *more)
    return dataset


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


def writes_folder(path: Path) -> bool:
    """Whether a file of this name is written as a folder."""
    row = _by_suffix(path)
    return row is not None and row.folder


def keeps_own_parts(path: Path, medium: str) -> bool:
    """Whether a file of this name is written with what only the given medium understands."""
    row = _by_suffix(path)
    return row is not None and medium in (row.medium, "image")


def may_replace(folder: Path) -> bool:
    """Whether a folder is what `write` would have made, so that it may be replaced."""
    return recognise.is_zarr_store(folder)


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


def _by_content(path: Path) -> Format | None:
    if path.is_dir() and recognise.is_zarr_store(path):
        return _BY_MEDIUM["zarr"]
    start = _unzipped(path, first_bytes(path, _START_BYTES))
    row = next((row for row in FORMATS if row.content.match(start)), None)
    if row is None or row.decide is None:
        return row
    return _BY_MEDIUM[row.decide(path)]


def _unzipped(path: Path, start: bytes) -> bytes:
    """The first bytes of what a gzip file holds; those of any other file as they are."""
    if not start.startswith(_GZIP):
        return start
    try:
        with gzip.open(path) as file:
            return file.read(_START_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInputError(
            f"{path}: the gzip file is truncated or damaged; fetch or write it again"
        ) from error


def _by_suffix(path: Path) -> Format | None:
    name = path.name.lower()
    return next((row for row in FORMATS if name.endswith(row.suffixes)), None)


def _supported() -> str:
    return ", ".join(f"{row.title} ({' '.join(row.suffixes)})" for row in FORMATS)
