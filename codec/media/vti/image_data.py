"""VTK ImageData (`.vti`): arrays on the points or cells of one grid."""

from __future__ import annotations

import math
import mmap
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.decoded_arrays import decoded_arrays, native_layout
from codec.media.arrays.fields import MOST_COMPONENTS, ArrayFile, StoredArray
from codec.media.arrays.native_part import NativePart
from codec.media.dataset import ArraySource, Dataset, DecodedDataset, VerbatimValue
from codec.media.geometry import Geometry
from codec.media.libraries import reading, writing
from codec.media.recognise import first_bytes
from codec.media.vti.xml_encoding import NAMES, ZLIB, VtkXml, appended

MEDIUM = "vti"
_TITLE = "VTK ImageData"
_POINTS, _CELLS, _FIELD = "PointData", "CellData", "FieldData"
_DIMS = ("z", "y", "x")
_CODES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Keys of the file's native part: uncompressed, first indices of the extent, and what is active.
_PLAIN, _FIRST, _ACTIVE = range(3)


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a file; arrays appended raw are mapped, all others are decoded when they are read.

    Args:
        path: the file, with one piece.
        select: names of point arrays, or "CellData/name", or None for the default of
            `array_fields.dataset`.

    Raises:
        InvalidInputError: no ImageData, in several pieces, or in a compression other than zlib.
    """
    first_bytes(path)
    with reading(path, _TITLE, Xml.ParseError), path.open("rb") as stream:
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        file = VtkXml.parse(path, data)
        image = file.root.find("ImageData")
        pieces = image.findall("Piece") if image is not None else []
        if image is None or file.root.tag != "VTKFile":
            raise InvalidInputError(
                f"{path}: holds no ImageData but {file.root.get('type', 'something else')};"
                " resample it to an image first"
            )
        if len(pieces) != 1:
            raise InvalidInputError(f"{path}: has {len(pieces)} pieces; save it as one")
        extent = _extent(path, pieces[0].get("Extent") or image.get("WholeExtent", ""))
        arrays, active = _arrays(file, image, pieces[0], extent)
        verbatim = _field_data(file)
        native: dict[int, Any] = {
            _PLAIN: not file.packed,
            _FIRST: list(extent[::2]) if any(extent[::2]) else [],
            _ACTIVE: active,
        }
        stored = ArrayFile(
            path,
            MEDIUM,
            tuple(arrays),
            path.stat().st_size,
            verbatim,
            {key: value for key, value in native.items() if value},
            {},
        )
        return array_fields.dataset(stored, select)


def _extent(path: Path, text: str | None) -> list[int]:
    numbers = [int(word) for word in (text or "").split()]
    if len(numbers) != 6 or any(last < first for first, last in zip(*_pairs(numbers), strict=True)):
        raise InvalidInputError(f"{path}: the extent {text!r} is not x0 x1 y0 y1 z0 z1")
    return numbers


def _pairs(extent: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    return extent[::2], extent[1::2]


def _arrays(
    file: VtkXml, image: Xml.Element, piece: Xml.Element, extent: Sequence[int]
) -> tuple[list[StoredArray], list[str]]:
    """The arrays of points and cells, and the attributes that say which are active."""
    points = tuple(last - first + 1 for first, last in zip(*_pairs(extent), strict=True))[::-1]
    cells = tuple(max(1, size - 1) for size in points)
    arrays, active = [], []
    for section, sizes in ((_POINTS, points), (_CELLS, cells)):
        element = piece.find(section)
        if element is None:
            continue
        for key, value in element.attrib.items():
            active += [section, key, value]
        for item in element.findall("DataArray"):
            half = 0.5 if section == _CELLS else 0.0
            geometry = _geometry(image, extent, half)
            arrays.append(_array(file, section, item, sizes, geometry))
    return arrays, active


def _array(
    file: VtkXml,
    section: str,
    item: Xml.Element,
    sizes: tuple[int, ...],
    geometry: Geometry | None,
) -> StoredArray:
    parts = int(item.get("NumberOfComponents", "1"))
    name = item.get("Name", section)
    shape = sizes if parts == 1 else (*sizes, parts)
    return StoredArray(
        name=name if section == _POINTS else f"{section}/{name}",
        values=_source(file, item, shape),
        dims=_DIMS if parts == 1 else (*_DIMS, "c"),
        axis=len(_DIMS) if 2 <= parts <= MOST_COMPONENTS else None,
        geometry=geometry,
    )


def _source(file: VtkXml, item: Xml.Element, shape: tuple[int, ...]) -> ArraySource:
    dtype, offset = file.dtype(item), file.mapped_offset(item)
    if offset is None:
        return _Decoded(file, item, shape)
    if offset + math.prod(shape) * dtype.itemsize > len(file.data):
        raise InvalidInputError(f"{file.path}: truncated; fetch or write it again")
    values: Array = np.ndarray(shape, dtype, file.data, offset)
    return values


class _Decoded:
    """An array that is decoded whole when it is first read."""

    def __init__(self, file: VtkXml, item: Xml.Element, shape: tuple[int, ...]) -> None:
        self._file = file
        self._item = item
        self._values: Array | None = None
        self.shape = shape
        self.dtype = file.dtype(item)

    def __getitem__(self, index: Any) -> Array:
        if self._values is None:
            with reading(self._file.path, _TITLE):
                self._values = self._file.values(self._item).reshape(self.shape)
        return np.asarray(self._values[index])


def _geometry(image: Xml.Element, extent: Sequence[int], half: float) -> Geometry | None:
    spacing = [float(word) for word in image.get("Spacing", "1 1 1").split()]
    origin = [float(word) for word in image.get("Origin", "0 0 0").split()]
    direction = [float(word) for word in image.get("Direction", "1 0 0 0 1 0 0 0 1").split()]
    steps = np.reshape(direction, (3, 3)) * np.array(spacing)
    first = np.array(extent[::2], np.float64) + half
    return Geometry.from_matrix(range(3), steps[:, ::-1], np.array(origin) + steps @ first)


def _field_data(file: VtkXml) -> dict[str, VerbatimValue]:
    arrays: dict[str, VerbatimValue] = {}
    for parent in (file.root, file.root.find("ImageData")):
        element = parent.find(_FIELD) if parent is not None else None
        for item in element.findall("DataArray") if element is not None else ():
            parts = int(item.get("NumberOfComponents", "1"))
            values = file.values(item).astype(file.dtype(item).newbyteorder("="))
            name = f"{_FIELD}/{item.get('Name', '')}"
            arrays[name] = values if parts == 1 else values.reshape(-1, parts)
    return arrays


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes the arrays of one grid, appended raw; in zlib blocks unless the original had none.

    Args:
        path: where to write; the caller renames it into place.
        dataset: arrays of up to 3 axes of more than one sample, besides components; scaled ones are
            written in their own unit.
        history: ignored; the format has no place for it.

    Raises:
        InvalidInputError: arrays of different grids, of too many axes, or of a dtype VTK lacks.
    """
    with writing(path, _TITLE):
        root, chunks = _document(path, dataset)
        text = Xml.tostring(root, encoding="unicode").removesuffix("</VTKFile>")
        if forbidden := _NO_XML.search(text):
            raise InvalidInputError(
                f"{path}: XML cannot hold a name with {forbidden[0]!r}; use .nc .h5"
            )
        with path.open("wb") as stream:
            stream.write(b'<?xml version="1.0"?>\n' + text.encode("utf-8"))
            stream.write(b'<AppendedData encoding="raw">\n_')
            for chunk in chunks:
                stream.write(chunk)
            stream.write(b"\n</AppendedData></VTKFile>\n")


def _document(path: Path, dataset: DecodedDataset) -> tuple[Xml.Element, list[bytes]]:
    """The elements of a file, and what is appended to them."""
    layout = native_layout(dataset, MEDIUM)
    part = NativePart.of(layout)
    packed = not part.flag(_PLAIN)
    arrays = [_fitted(path, array.unscaled()) for array in decoded_arrays(dataset)]
    if not arrays:
        raise InvalidInputError(f"{path}: there is no array to write")
    sizes = _grid(path, arrays)
    root = Xml.Element(
        "VTKFile", type="ImageData", version="1.0", byte_order="LittleEndian", header_type="UInt64"
    )
    if packed:
        root.set("compressor", ZLIB)
    whole = arrays[0].whole
    image = Xml.SubElement(
        root, "ImageData", _placing(arrays[0], sizes, part if whole else NativePart.of(None))
    )
    chunks: list[bytes] = []
    for name, value in dataset.verbatim.items() if layout is not None else ():
        if isinstance(value, np.ndarray) and name.startswith(_FIELD + "/"):
            section = image.find(_FIELD)
            section = Xml.SubElement(image, _FIELD) if section is None else section
            item = _element(section, name, value, 1 if value.ndim < 2 else value.shape[-1], chunks)
            item.set("NumberOfTuples", str(len(value)))
            chunks.append(appended(value, packed))
    piece = Xml.SubElement(image, "Piece", Extent=image.get("WholeExtent", ""))
    sections = {name: Xml.SubElement(piece, name) for name in (_POINTS, _CELLS)}
    _mark_active(sections, part.texts(_ACTIVE, groups_of=3))
    for array in arrays:
        section = sections[_CELLS if array.name.startswith(_CELLS + "/") else _POINTS]
        values = _samples(array)
        cells = tuple(max(1, size - 1) for size in sizes)
        count = math.prod(cells if section.tag == _CELLS else sizes)
        _element(section, array.name, values, values.size // count, chunks)
        chunks.append(appended(values, packed))
    return root, chunks


def _element(
    section: Xml.Element, name: str, values: Array, parts: int, before: list[bytes]
) -> Xml.Element:
    if section.tag in (_CELLS, _FIELD):
        name = name.removeprefix(section.tag + "/")
    return Xml.SubElement(
        section,
        "DataArray",
        type=NAMES[values.dtype.str[1:]],
        Name=name,
        NumberOfComponents=str(parts),
        format="appended",
        offset=str(sum(map(len, before))),
    )


def _mark_active(sections: dict[str, Xml.Element], active: list[str]) -> None:
    for tag, key, value in zip(active[::3], active[1::3], active[2::3], strict=True):
        if tag in sections:
            sections[tag].set(key, value)


def _fitted(path: Path, array: DecodedArray) -> DecodedArray:
    """The array in a dtype of VTK; refused where it is no image of 3 axes."""
    spatial = _spatial(array)
    if len(spatial) > len(_DIMS):
        raise InvalidInputError(
            f"{path}: {array.name} has {len(spatial)} axes, VTK ImageData has 3; choose one sample"
            f" of the first with --region {array.fields[0].dims[0] or 0}=0, or use .nc .h5 .zarr"
        )
    return array.as_one_of(path, *_CODES)


def _spatial(array: DecodedArray) -> tuple[int, ...]:
    """Sizes of the axes but that of the components, without leading axes of one sample."""
    sizes = list(array.shape)
    if array.axis is not None:
        del sizes[array.axis]
    elif array.layout.geometry is not None and len(sizes) == 4 and array.dims[-1] == "c":
        sizes.pop()  # components too many to be fields, a tensor
    while len(sizes) > len(_DIMS) and sizes[0] == 1:
        sizes.pop(0)
    return tuple(sizes)


def _grid(path: Path, arrays: Sequence[DecodedArray]) -> tuple[int, ...]:
    """Points per axis z, y, x, which all arrays share."""
    points: set[tuple[int, ...]] = set()
    cells: set[tuple[int, ...]] = set()
    for array in arrays:
        sizes = (1, 1, *_spatial(array))[-len(_DIMS) :]
        (cells if array.name.startswith(_CELLS + "/") else points).add(sizes)
    # One cell along an axis may lie between two points, or be as flat as one.
    grid = points.pop() if points else tuple(size + 1 for size in min(cells))
    expected = tuple(max(1, size - 1) for size in grid)
    if points or cells - {expected}:
        names = ", ".join(array.name for array in arrays)
        raise InvalidInputError(
            f"{path}: {names} have different grids; choose those of one with --var"
        )
    return grid


def _samples(array: DecodedArray) -> Array:
    values = array.read()
    if array.axis is not None:
        values = np.moveaxis(values, array.axis, -1)
    return values


def _placing(array: DecodedArray, sizes: tuple[int, ...], part: NativePart) -> dict[str, str]:
    """Attributes of ImageData: extent, origin, spacing and direction."""
    firsts = part.numbers(_FIRST) or (0, 0, 0)
    extent = [
        number
        for first, size in zip(firsts, reversed(sizes), strict=True)
        for number in (first, first + size - 1)
    ]
    attributes = {"WholeExtent": " ".join(map(str, extent))}
    geometry = array.geometry
    if geometry is None:
        return attributes | {"Origin": "0 0 0", "Spacing": "1 1 1"}
    if geometry.rank < 3:
        missing = 3 - geometry.rank
        geometry = replace(
            Geometry(tuple(range(3)), (1.0,) * missing + geometry.spacing),
            origin=(*geometry.position(), *(0.0,) * missing),
        )
    steps = geometry.matrix()[:, ::-1]
    shift = np.array(firsts, np.float64)
    if array.name.startswith(_CELLS + "/"):
        shift = shift + 0.5
    origin = np.array(geometry.position()) - steps @ shift
    vectors = np.array(geometry.vectors())[::-1].T
    return attributes | {
        "Origin": " ".join(repr(float(value)) for value in origin),
        "Spacing": " ".join(repr(value) for value in reversed(geometry.spacing)),
        "Direction": " ".join(repr(float(value)) for value in vectors.ravel()),
    }
