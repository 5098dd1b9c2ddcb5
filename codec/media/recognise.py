"""The medium of a file by its content, where the first bytes alone do not say it.

An HDF5 file is NetCDF-4 if NetCDF's library wrote it (`_NCProperties` in the root group), if its
suffix says so, or if it has dimension scales and a suffix that does not say HDF5. A TIFF file is an
image if it has one page of 1, 3 or 4 samples of up to 16 unsigned bits, and a volume otherwise. A
zip archive is a Zarr store if it holds one's metadata, and NumPy's if not.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from codec.errors import InvalidInputError, MissingDependencyError
from codec.media.libraries import library, reading

# The mark of NIfTI stands farthest from the start, at byte 344.
START_BYTES = 512
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
NETCDF_SUFFIXES = (".nc", ".nc4", ".cdf")
ZARR_FILES = ("zarr.json", ".zgroup", ".zarray", ".zmetadata")
_IMAGEJ = "ImageJ="
_OME = "<OME"


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


def hdf5_medium(path: Path) -> str:
    """ "netcdf" or "hdf5" for an HDF5 file."""
    import h5py

    try:
        with reading(path, "HDF5"), h5py.File(path, "r") as file:
            if "_NCProperties" in file.attrs:
                return "netcdf"
            if path.suffix.lower() in NETCDF_SUFFIXES:
                return "netcdf"
            if path.suffix.lower() in HDF5_SUFFIXES:
                return "hdf5"
            return "netcdf" if _has_scales(file) else "hdf5"
    except InvalidInputError:  # damaged; the reader that the suffix names says so
        return "hdf5" if path.suffix.lower() in HDF5_SUFFIXES else "netcdf"


def _has_scales(group: object) -> bool:
    import h5py

    def visit(name: str, item: object) -> bool | None:
        scale = isinstance(item, h5py.Dataset) and item.attrs.get("CLASS") == b"DIMENSION_SCALE"
        return True if scale else None  # anything else but None ends the visit

    return bool(group.visititems(visit))  # type: ignore[attr-defined]


def zip_medium(path: Path) -> str:
    """ "zarr" or "npz" for a zip archive."""
    with reading(path, "a zip archive"), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return "zarr" if any(name.rpartition("/")[2] in ZARR_FILES for name in names) else "npz"


def tiff_medium(path: Path) -> str:
    """ "image" or "tiff" for a TIFF file, told from its first two directories."""
    pages = _TiffStart.of(path)
    if pages is None:
        return "image"  # damaged; the reader of images says so
    described = pages.description
    stack = pages.several or described.startswith(_IMAGEJ) or _OME in described[:2000]
    return "tiff" if stack or not pages.is_plain else "image"


class _TiffStart:
    """The first directory of a TIFF file, and whether there is another."""

    def __init__(self, several: bool, is_plain: bool, description: str) -> None:
        self.several = several
        self.is_plain = is_plain
        self.description = description

    @classmethod
    def of(cls, path: Path) -> _TiffStart | None:
        """None if the file is damaged, or there is no library that could read a stack."""
        try:
            tifffile = library("tifffile")
        except MissingDependencyError:
            return cls._with_pillow(path)
        try:
            with reading(path, "TIFF"), tifffile.TiffFile(path) as file:
                page = file.pages[0]
                plain = page.bitspersample <= 16 and page.sampleformat in (1, None)
                plain = plain and page.imagedepth == 1 and page.samplesperpixel in (1, 2, 3, 4)
                return cls(len(file.pages) > 1, plain, page.description or "")
        except InvalidInputError:
            return None

    @classmethod
    def _with_pillow(cls, path: Path) -> _TiffStart | None:
        from PIL import Image

        try:
            with Image.open(path, formats=("TIFF",)) as image:
                plain = image.mode != "F" and not image.mode.startswith("I;32")
                return cls(getattr(image, "n_frames", 1) > 1, plain, "")
        except (OSError, SyntaxError, ValueError):
            return None


def is_zarr_store(folder: Path) -> bool:
    """Whether a folder is a Zarr group or array."""
    return any((folder / name).is_file() for name in ZARR_FILES)
