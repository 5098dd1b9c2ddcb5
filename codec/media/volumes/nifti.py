"""NIfTI-1 and -2: one array with an affine, and a header whose bytes are kept.

Axes stand as in the file, slowest first: (vector, time, z, y, x); nibabel shows them turned round.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import InvalidInputError
from codec.media import units
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.decoded_arrays import native_layout, only_array
from codec.media.arrays.fields import MOST_COMPONENTS, StoredArray
from codec.media.arrays.native_part import NativePart
from codec.media.arrays.sample_file import SampleFile
from codec.media.dataset import ArraySource, Dataset, DecodedDataset
from codec.media.geometry import Geometry
from codec.media.libraries import library, reading, writing
from codec.media.recognise import first_bytes

MEDIUM = "nifti"
_TITLE = "NIfTI"
_HEADER = 0
_DIMS = ("v", "t", "z", "y", "x")
_SPACE = "RAS"
_VECTOR_AXIS = 4
# Dtypes of NIfTI that a field can have.
_CODES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")
_GZIP_LEVEL = 6


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a file; stored values are read as they are needed, or decompressed into memory.

    Args:
        path: `.nii` or `.nii.gz`.
        select: None, or names of the array or its components.

    Raises:
        InvalidInputError: not such a file, or of complex or colour dtype.
        MissingDependencyError: nibabel is not installed.
    """
    nibabel = library("nibabel")
    zipped = first_bytes(path).startswith(b"\x1f\x8b")
    errors = (
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
        nibabel.wrapstruct.WrapStructError,
    )
    with reading(path, _TITLE, *errors):
        opened: Any = gzip.open if zipped else open
        with opened(path, "rb") as stream:
            header = _header(nibabel, path, stream)
            start = _whole_header(stream, int(header.get_data_offset()))
            array = _array(path, header, _values(path, stream, header, zipped), start)
        return array_fields.dataset(
            array_fields.single(path, MEDIUM, array, {_HEADER: start}), select
        )


def _header(nibabel: Any, path: Path, stream: Any) -> Any:
    start = stream.read(348)
    stream.seek(0)
    if start[344:348] in (b"ni1\0", b"ni2\0") or start[4:8] == b"ni2\0":
        raise InvalidInputError(
            f"{path}: is half of a pair of .hdr and .img; save it as one .nii file"
        )
    second = start[4:8] == b"n+2\0"
    kind = nibabel.nifti2.Nifti2Header if second else nibabel.nifti1.Nifti1Header
    return kind.from_fileobj(stream)


def _whole_header(stream: Any, offset: int) -> bytes:
    """The header and its extensions: all bytes before the samples."""
    stream.seek(0)
    return bytes(stream.read(offset))


def _values(path: Path, stream: Any, header: Any, zipped: bool) -> ArraySource:
    """Stored values, slowest axis first."""
    dtype, shape = header.get_data_dtype(), tuple(map(int, header.get_data_shape()))
    array_fields.check_fittable(path, _name(path), shape, dtype)
    offset = int(header.get_data_offset())
    if not zipped:
        return SampleFile(path, dtype, offset, shape[::-1])
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    stream.seek(offset)
    data = stream.read(size)
    if len(data) < size:
        raise InvalidInputError(
            f"{path}: truncated: {len(data)} of {size} bytes of samples; fetch it again"
        )
    return np.frombuffer(data, dtype).reshape(shape[::-1])


def _name(path: Path) -> str:
    return path.name.partition(".")[0] or path.name


def _array(path: Path, header: Any, values: ArraySource, start: bytes) -> StoredArray:
    rank = len(values.shape)
    slope, inter = header.get_slope_inter()
    scaled = slope is not None and (slope, inter) != (1.0, 0.0)
    vector = rank == _VECTOR_AXIS + 1 and 2 <= values.shape[0] <= MOST_COMPONENTS
    return StoredArray(
        name=_name(path),
        values=values,
        dims=("",) * max(0, rank - len(_DIMS)) + _DIMS[max(0, len(_DIMS) - rank) :],
        axis=0 if vector else None,
        geometry=_geometry(header, rank),
        scale=(float(slope), float(inter or 0.0)) if scaled else None,
    )


def _geometry(header: Any, rank: int) -> Geometry | None:
    """The geometry by the best affine, for the axes x, y, z that the array has."""
    spatial = min(rank, 3)
    known = header["sform_code"] > 0 or header["qform_code"] > 0
    if not known and (header["pixdim"][1 : spatial + 1] == 1).all():
        return None
    affine = header.get_best_affine() if known else np.diag([*map(float, header["pixdim"][1:4]), 1])
    unit = units.from_nifti(header.get_xyzt_units()[0])
    axes = range(rank - spatial, rank)
    matrix = affine[:spatial, :spatial][:, ::-1]
    per_axis = (unit,) * spatial if unit else ()
    return Geometry.from_matrix(
        axes, matrix, affine[:spatial, 3], per_axis, _SPACE if known and spatial == 3 else ""
    )


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes one array: with its own header, or one made of its geometry.

    Args:
        path: where to write; compressed if the name ends in `.gz`. The caller renames it.
        dataset: one array of up to 7 axes, components on the fifth axis of NIfTI.
        history: ignored; a header has no room for it.

    Raises:
        InvalidInputError: several arrays, or a dtype that NIfTI lacks.
        MissingDependencyError: nibabel is not installed.
    """
    nibabel = library("nibabel")
    layout = native_layout(dataset, MEDIUM)
    array = only_array(path, dataset)
    errors = (nibabel.spatialimages.HeaderDataError, nibabel.wrapstruct.WrapStructError)
    with writing(path, _TITLE, *errors):
        if layout is not None and _HEADER in layout.native:
            data = _with_original_header(nibabel, array, NativePart.of(layout))
        else:
            # NIfTI knows no fill values, and would scale them like any other.
            array = array.unscaled() if array.layout.fills else array
            data = _with_new_header(nibabel, array.as_one_of(path, *_CODES))
        with path.open("wb") as file:
            if path.suffix.lower() == ".gz":
                with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed:
                    packed.write(data)
            else:
                file.write(data)


def _with_original_header(nibabel: Any, array: DecodedArray, part: NativePart) -> bytes:
    """The original's bytes before the samples, changed only where a part was decoded."""
    start = part.data(_HEADER)
    second = start[4:8] == b"n+2\0"
    kind = nibabel.nifti2.Nifti2Header if second else nibabel.nifti1.Nifti1Header
    header = kind.from_fileobj(io.BytesIO(start))
    dtype = header.get_data_dtype()
    if header.get_data_offset() != len(start) or not np.can_cast(array.dtype, dtype, "safe"):
        raise part.wrong("has a header of other samples")
    if not array.whole or array.shape[::-1] != header.get_data_shape():
        header.set_data_shape(_nifti_shape(array))
        _place(header, array.geometry)
        packed = io.BytesIO()
        header.write_to(packed)
        start = (packed.getvalue() + start[len(packed.getvalue()) :])[: len(start)]
    values = _nifti_order(array)
    return start + values.astype(dtype).tobytes()


def _with_new_header(nibabel: Any, array: DecodedArray) -> bytes:
    values = _nifti_order(array)
    made = nibabel.nifti1.Nifti1Image(values.T, None)
    made.header.set_data_dtype(array.dtype)
    slope, inter = array.layout.scale or (1.0, 0.0)
    made.header.set_slope_inter(slope, inter)
    made.header.set_sform(None, 0)
    made.header.set_qform(None, 0)
    if array.axis is not None:
        made.header.set_intent("vector")
    _place(made.header, array.geometry)
    header = made.header
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    packed = io.BytesIO()
    header.write_to(packed)
    start = packed.getvalue().ljust(352, b"\0")
    return start + np.ascontiguousarray(values.astype(header.get_data_dtype())).tobytes()


def _nifti_order(array: DecodedArray) -> np.ndarray:
    """Values slowest axis first, components before time, which may be one sample."""
    values = array.read()
    if array.axis is None:
        return values
    values = np.moveaxis(values, array.axis, 0)
    missing = _VECTOR_AXIS + 1 - values.ndim
    return values.reshape(values.shape[0], *(1,) * max(0, missing), *values.shape[1:])


def _nifti_shape(array: DecodedArray) -> tuple[int, ...]:
    return tuple(_nifti_order(array).shape[::-1])


def _place(header: Any, geometry: Geometry | None) -> None:
    """Affine and unit of a header from a geometry."""
    if geometry is None:
        return
    moved = geometry.in_space(_SPACE)
    rank = moved.rank
    affine = np.eye(4)
    affine[:rank, :rank] = moved.matrix()[:, ::-1]
    affine[:rank, 3] = moved.position()
    header.set_sform(affine, 1 if moved.space == _SPACE else 2)
    header.set_qform(affine, 1 if moved.space == _SPACE else 2, strip_shears=True)
    if unit := units.nifti_name(moved.unit()):
        header.set_xyzt_units(unit, header.get_xyzt_units()[1])
