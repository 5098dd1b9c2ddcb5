"""NRRD, attached (`.nrrd`) and with a detached header (`.nhdr`); the header is kept as text.

Axes stand slowest first (z, y, x, and components last where they vary fastest); NRRD headers name
them the other way round.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.decoded_arrays import native_layout, only_array
from codec.media.arrays.fields import MOST_COMPONENTS, StoredArray, check_fittable
from codec.media.arrays.native_part import NativePart
from codec.media.arrays.sample_file import SampleFile
from codec.media.dataset import ArraySource, Dataset, DecodedDataset
from codec.media.geometry import Geometry
from codec.media.libraries import library, reading, writing
from codec.media.recognise import first_bytes

MEDIUM = "nrrd"
_TITLE = "NRRD"
_SIGNATURE = b"NRRD00"
_HEADER = 0
_MOST_HEADER_BYTES = 1 << 20
_SPACES = {
    "right-anterior-superior": "RAS",
    "left-anterior-superior": "LAS",
    "left-posterior-superior": "LPS",
    "ras": "RAS",
    "las": "LAS",
    "lps": "LPS",
}
_SPACE_NAMES = {
    "RAS": "right-anterior-superior",
    "LAS": "left-anterior-superior",
    "LPS": "left-posterior-superior",
}
_SAMPLES = ("domain", "space", "time", "", "none", "???")
_DIMS = ("x", "y", "z")
_CODES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")
# Entries of pynrrd's header that every file gets anew, and those that have one value per axis.
_MADE = ("type", "dimension", "sizes", "endian", "data file", "datafile", "line skip", "byte skip",
         "lineskip", "byteskip", "min", "max", "old min", "old max")  # fmt: skip
_PER_AXIS = ("space directions", "spacings", "thicknesses", "axis mins", "axis maxs", "kinds",
             "labels", "units", "centers", "centerings")  # fmt: skip
_PLACING = ("space", "space dimension", "space origin", "space units", "space directions",
            "spacings", "axis mins", "axismins", "axis maxs", "axismaxs")  # fmt: skip


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a file; samples stored raw in the same file are mapped, all others read into memory.

    Args:
        path: the file, or the detached header.
        select: None, or names of the array or its components.

    Raises:
        InvalidInputError: not such a file, or one whose samples are blocks.
        MissingDependencyError: pynrrd is not installed.
    """
    if not first_bytes(path).startswith(_SIGNATURE):
        raise InvalidInputError(f"{path}: not a NRRD file; check that the download is complete")
    nrrd = library("nrrd")
    with reading(path, _TITLE, nrrd.NRRDError), path.open("rb") as file:
        header = nrrd.read_header(file)
        if header["type"] == "block":
            raise InvalidInputError(f"{path}: samples of type block are not supported; unpack them")
        text = _text(path, file.tell())
        check_fittable(path, path.stem, list(header["sizes"]), np.dtype("f4"))
        raw = header["encoding"] == "raw" and not {"data file", "datafile"} & header.keys()
        if raw and not _skips(header):
            dtype = np.dtype(_dtype(nrrd, header))
            shape = tuple(map(int, header["sizes"][::-1]))
            values: ArraySource = SampleFile(path, dtype, file.tell(), shape)
        else:
            _check_size(path, header)
            values = nrrd.read_data(header, file, str(path), index_order="C")
        array = _array(path, header, values)
        return array_fields.dataset(
            array_fields.single(path, MEDIUM, array, {_HEADER: text}), select
        )


def _text(path: Path, length: int) -> str:
    with path.open("rb") as file:
        return file.read(min(length, _MOST_HEADER_BYTES)).decode("utf-8", "surrogateescape").strip()


def _skips(header: Mapping[str, Any]) -> bool:
    return any(header.get(key, 0) for key in ("line skip", "lineskip", "byte skip", "byteskip"))


def _dtype(nrrd: Any, header: Mapping[str, Any]) -> str:
    kind: str = nrrd.reader._TYPEMAP_NRRD2NUMPY[header["type"]]
    order = {"big": ">", "little": "<"}.get(str(header.get("endian")).lower(), "=")
    return order + kind


def _check_size(path: Path, header: Mapping[str, Any]) -> None:
    sizes = [int(size) for size in header["sizes"]]
    if math.prod(sizes) > np.iinfo(np.int64).max // 8:
        raise InvalidInputError(f"{path}: claims {sizes} samples; the header is damaged")


def _array(path: Path, header: Mapping[str, Any], values: ArraySource) -> StoredArray:
    rank = len(values.shape)
    kinds = [str(kind).lower() for kind in header.get("kinds", [])]
    axis = None
    for place, kind in enumerate(kinds):
        few = 2 <= int(header["sizes"][place]) <= MOST_COMPONENTS
        if kind not in _SAMPLES and few and axis is None:
            axis = rank - 1 - place
    geometry = _geometry(header, rank, axis)
    return StoredArray(
        name=path.stem,
        values=values,
        dims=_dims(header, kinds, rank, axis),
        axis=axis,
        geometry=geometry,
    )


def _dims(
    header: Mapping[str, Any], kinds: list[str], rank: int, axis: int | None
) -> tuple[str, ...]:
    """Labels where all are given and differ; else x, y, z from the fastest on, then t."""
    labels = [str(label) for label in header.get("labels", [])]
    if len(labels) == rank and all(labels) and len(set(labels)) == rank:
        return tuple(reversed(labels))
    names: list[str] = []
    left = list(_DIMS)
    for place in range(rank):
        if rank - 1 - place == axis:
            names.append("c")
        elif place < len(kinds) and kinds[place] == "time":
            names.append("t")
        else:
            names.append(left.pop(0) if left else "")
    if len(set(names)) < rank - names.count(""):
        return ("",) * rank
    if names[-1] == "" and "t" not in names and rank == len(_DIMS) + 1 and axis is None:
        names[-1] = "t"
    return tuple(reversed(names))


def _geometry(header: Mapping[str, Any], rank: int, axis: int | None) -> Geometry | None:
    directions = header.get("space directions")
    if directions is not None:
        return _by_directions(header, np.asarray(directions, np.float64), rank)
    spacings = [float(value) for value in header.get("spacings", [])]
    if len(spacings) != rank:
        return None
    usable = [
        at
        for at, value in enumerate(reversed(spacings))
        if math.isfinite(value) and value and at != axis
    ][-3:]
    if not usable:
        return None
    places = [rank - 1 - at for at in usable]
    units = [str(unit) for unit in header.get("units", [])]
    mins = [float(value) for value in header.get("axis mins", header.get("axismins", []))]
    known = len(mins) == rank and all(math.isfinite(mins[place]) for place in places)
    steps = np.diag([spacings[place] for place in places])[::-1]
    return Geometry.from_matrix(
        usable,
        steps,
        [mins[place] for place in reversed(places)] if known else [0.0] * len(places),
        tuple(units[place] for place in places) if len(units) == rank else (),
    )


def _by_directions(header: Mapping[str, Any], directions: np.ndarray, rank: int) -> Geometry | None:
    spatial = [at for at in range(rank) if np.isfinite(directions[rank - 1 - at]).all()]
    world = directions.shape[1]
    if len(spatial) != world or not 1 <= world <= 3:
        return None
    origin = np.asarray(header.get("space origin", [0.0] * world), np.float64)
    units = [str(unit) for unit in header.get("space units", [])]
    space = _SPACES.get(str(header.get("space", "")).lower(), "")
    return Geometry.from_matrix(
        spatial,
        np.array([directions[rank - 1 - at] for at in spatial]).T,
        [float(value) for value in origin],
        tuple(reversed(units)) if len(units) == world and any(units) else (),
        space,
    )


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes one array into one file, header and samples: its own header, or a new one.

    Args:
        path: where to write; the caller renames it into place.
        dataset: one array; scaled ones are written in their own unit.
        history: ignored; the header has no field for it.

    Raises:
        InvalidInputError: several arrays, or the suffix asks for a detached header.
        MissingDependencyError: pynrrd is not installed.
    """
    if path.suffix.lower() == ".nhdr":
        raise InvalidInputError(f"{path}: detached headers are only read; write a .nrrd file")
    nrrd = library("nrrd")
    layout = native_layout(dataset, MEDIUM)
    array = only_array(path, dataset)
    with writing(path, _TITLE, nrrd.NRRDError):
        if layout is not None and _HEADER in layout.native:
            text = NativePart.of(layout).text(_HEADER).encode("utf-8", "surrogateescape")
            header = _adapted_header(nrrd.read_header(io.BytesIO(text + b"\n\n")), array)
            dtype = array.layout.stored_as(array.dtype)
        else:
            array = array.unscaled().as_one_of(path, *_CODES)
            header, dtype = _new_header(array), array.dtype
        with path.open("wb") as file:
            nrrd.write(file, array.read().astype(dtype), header, index_order="C")


def _adapted_header(header: Mapping[str, Any], array: DecodedArray) -> dict[str, Any]:
    rank = len(array.shape)
    entries = {key: value for key, value in header.items() if key not in _MADE}
    same_axes = len(header["sizes"]) == rank
    if not same_axes:
        entries = {key: value for key, value in entries.items() if key not in _PER_AXIS}
    if not array.whole or not same_axes:
        entries = {key: value for key, value in entries.items() if key not in _PLACING}
        entries |= _placing(array.geometry, rank)
    return entries


def _new_header(array: DecodedArray) -> dict[str, Any]:
    rank = len(array.shape)
    header: dict[str, Any] = {"encoding": "gzip", **_placing(array.geometry, rank)}
    if array.axis is not None:
        kinds = ["domain"] * rank
        kinds[rank - 1 - array.axis] = "vector"
        header["kinds"] = kinds
    if all(array.dims):
        header["labels"] = list(reversed(array.dims))
    return header


def _placing(geometry: Geometry | None, rank: int) -> dict[str, Any]:
    """The fields that say where samples lie."""
    if geometry is None:
        return {}
    directions = np.full((rank, geometry.rank), np.nan)
    for column, axis in enumerate(geometry.axes):
        directions[rank - 1 - axis] = geometry.matrix()[:, column]
    header: dict[str, Any] = {
        "space directions": directions,
        "space origin": np.array(geometry.position()),
    }
    if geometry.space in _SPACE_NAMES:
        header["space"] = _SPACE_NAMES[geometry.space]
    else:
        header["space dimension"] = geometry.rank
    if any(geometry.units):
        header["space units"] = list(reversed(geometry.units))
    return header
