"""MRC and CCP4 maps: one array of density, with a header whose bytes are kept.

Axes are sections, rows, columns; the header says which axes of the cell they run along.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.decoded_arrays import native_layout, only_array
from codec.media.arrays.fields import StoredArray
from codec.media.arrays.native_part import NativePart
from codec.media.arrays.sample_file import SampleFile
from codec.media.dataset import ArraySource, Dataset, DecodedDataset
from codec.media.geometry import Geometry
from codec.media.libraries import library, reading, writing
from codec.media.recognise import first_bytes
from codec.media.units import angstroms

MEDIUM = "mrc"
_TITLE = "MRC"
_HEADER, _EXTENDED = range(2)
_HEADER_BYTES = 1024
_UNIT = "angstrom"
# Modes 0, 1, 6, 12 and 2; 8 unsigned bits go into mode 6, which holds them.
_CODES = ("i1", "i2", "u2", "f2", "f4")
_WHOLE_ANGLE = 90.0
# Fields of the header that follow from the values and from what is decoded.
_MADE = ("nx", "ny", "nz", "mode", "dmin", "dmax", "dmean", "rms", "mx", "my", "mz", "cella",
         "nxstart", "nystart", "nzstart", "origin", "machst", "nsymbt", "map")  # fmt: skip
_PLACING = ("mx", "my", "mz", "cella", "nxstart", "nystart", "nzstart", "origin")


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a map; values are read as they are needed, or decompressed into memory.

    Args:
        path: the file, also compressed with gzip or bzip2.
        select: None, or the name of the array.

    Raises:
        InvalidInputError: not such a file, truncated, or of complex values.
        MissingDependencyError: mrcfile is not installed.
    """
    packed = first_bytes(path)[:2] in (b"\x1f\x8b", b"BZ")
    mrcfile = library("mrcfile")
    with reading(path, _TITLE):
        opened = (mrcfile.open if packed else mrcfile.mmap)(path, "r", permissive=True)
        if opened.data is None:
            opened.close()
            raise InvalidInputError(f"{path}: truncated, or no MRC map; fetch or write it again")
    try:
        header = opened.header
        native = {_HEADER: header.tobytes()}
        if opened.extended_header is not None and opened.extended_header.nbytes:
            native[_EXTENDED] = opened.extended_header.tobytes()
        rank = opened.data.ndim
        with reading(path, _TITLE):
            geometry = _geometry(opened, rank)
        array = StoredArray(
            name=path.name.partition(".")[0],
            values=opened.data if packed else _values(path, opened),
            dims=("", "z", "y", "x")[4 - rank :] if rank <= 4 else ("",) * rank,
            geometry=geometry,
        )
        file = array_fields.single(path, MEDIUM, array, native, opened.close)
        return array_fields.dataset(file, select)
    except BaseException:
        opened.close()
        raise


def _values(path: Path, opened: Any) -> ArraySource:
    """The samples after both headers."""
    offset = _HEADER_BYTES + int(opened.header.nsymbt)
    return SampleFile(path, opened.data.dtype, offset, opened.data.shape)


def _geometry(opened: Any, rank: int) -> Geometry | None:
    """Steps along the axes of the cell, which need not be at right angles."""
    header = opened.header
    if rank < 3:
        return None
    along = [int(header[name]) - 1 for name in ("maps", "mapr", "mapc")]
    if sorted(along) != [0, 1, 2]:
        along = [2, 1, 0]
    size = opened.voxel_size
    steps = _cell(header) * np.array([float(size.x), float(size.y), float(size.z)])
    starts = [int(header[name]) for name in ("nzstart", "nystart", "nxstart")]
    matrix = steps[:, along]
    origin = np.array([float(header.origin[name]) for name in ("x", "y", "z")])
    if not origin.any():
        origin = matrix @ np.array(starts, np.float64)
    return Geometry.from_matrix(range(rank - 3, rank), matrix, origin, (_UNIT,) * 3)


def _cell(header: Any) -> np.ndarray:
    """(3, 3): column k is the unit vector of cell axis k, a along x and b in the plane of x, y."""
    angles = [float(header.cellb[name]) or _WHOLE_ANGLE for name in ("alpha", "beta", "gamma")]
    if angles == [_WHOLE_ANGLE] * 3:
        return np.eye(3)
    alpha, beta, gamma = np.cos(np.radians(angles))
    height = np.sqrt(1 - gamma**2)
    second = (alpha - beta * gamma) / height
    third = np.sqrt(max(0.0, 1 - beta**2 - second**2))
    return np.array([[1, gamma, beta], [0, height, second], [0, 0, third]])


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes one array as a map: with its own header, or one made of its geometry.

    Args:
        path: where to write; compressed if the name ends in `.gz`. The caller renames it.
        dataset: one array of 2 to 4 axes; scaled ones are written in their own unit, and
            float64 as float32.
        history: ignored; the header's labels belong to the original.

    Raises:
        InvalidInputError: several arrays, axes of components, or a dtype that MRC lacks.
        MissingDependencyError: mrcfile is not installed.
    """
    mrcfile = library("mrcfile")
    layout = native_layout(dataset, MEDIUM)
    array = only_array(path, dataset)
    if array.axis is not None or not 2 <= len(array.shape) <= 4:
        raise InvalidInputError(
            f"{path}: MRC holds scalar maps of 2 to 4 axes, not {array.name} of"
            f" {len(array.fields)} component(s) and {len(array.shape)} axes; use .nrrd, .nc or .h5"
        )
    part = NativePart.of(layout)
    array = array.unscaled().as_one_of(path, *_CODES)
    packed = "gzip" if path.suffix.lower() == ".gz" else None
    with writing(path, _TITLE), mrcfile.new(path, compression=packed, overwrite=True) as made:
        dtype = array.dtype if layout is None else array.layout.stored_as(array.dtype)
        made.set_data(array.read().astype(dtype))
        if _EXTENDED in part:
            made.set_extended_header(np.frombuffer(part.data(_EXTENDED), "V1"))
        if _HEADER in part:
            _restore(made, array, part.data(_HEADER))
        if array.geometry is not None and not (_HEADER in part and array.whole):
            _place(made, array.geometry)


def _restore(made: Any, array: DecodedArray, original: bytes) -> None:
    """Put back what the header said besides what follows from the values."""
    header = np.frombuffer(original, made.header.dtype)[0]
    for name in header.dtype.names:
        if name not in _MADE or (name in _PLACING and array.whole):
            made.header[name] = header[name]


def _place(made: Any, geometry: Geometry) -> None:
    """Cell and origin of what is written, along the axes that the header maps to."""
    header = made.header
    factor = angstroms(geometry.unit())
    spacing = [1.0] * (3 - geometry.rank) + [value * factor for value in geometry.spacing]
    shape = (1, *made.data.shape)[-3:]
    for name, step, size in zip(("maps", "mapr", "mapc"), spacing, shape, strict=True):
        along = "xyz"[int(header[name]) - 1] if 1 <= header[name] <= 3 else "xyz"[2]
        header[f"m{along}"] = size
        header.cella[along] = step * size
    origin = [value * factor for value in geometry.position()] + [0.0] * (3 - geometry.rank)
    header.origin = tuple(origin)
    for name in ("nxstart", "nystart", "nzstart"):
        header[name] = 0
