"""Zarr stores of version 2 and 3: folders, and zip archives of them for reading.

The JSON documents of a store are kept as they are, and written again before the values.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.decoded_arrays import decoded_arrays, native_layout
from codec.media.arrays.fields import ArrayFile, StoredArray
from codec.media.arrays.geometry_attributes import geometry_attributes, geometry_from_attributes
from codec.media.arrays.layout import ArrayLayout
from codec.media.arrays.native_part import NativePart
from codec.media.dataset import Dataset, DecodedDataset, VerbatimValue
from codec.media.libraries import library, reading, writing
from codec.media.table import named_verbatim
from codec.media.zarr.documents import DOCUMENT_NAMES, DOCUMENTS, Documents, check_holds
from codec.media.zarr.metadata import PATH, TEXT_SHAPE

MEDIUM = "zarr"
_TITLE = "Zarr"
# Attribute by which xarray names the dims of arrays of version 2.
_DIMS = "_ARRAY_DIMENSIONS"


class _Values:
    """A Zarr array as an `ArraySource` whose errors name the file."""

    def __init__(self, path: Path, stored: Any) -> None:
        self._path = path
        self._stored = stored
        self.shape: tuple[int, ...] = stored.shape
        self.dtype = np.dtype(stored.dtype)

    def __getitem__(self, index: Any) -> Array:
        with reading(self._path, _TITLE):
            return np.asarray(self._stored[index])


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a store; values are read later, by slicing.

    Args:
        path: the folder, or a zip archive of it.
        select: paths of the arrays to fit, or None for the default of `array_fields.dataset`.

    Raises:
        InvalidInputError: not a readable store.
        MissingDependencyError: zarr is not installed.
    """
    if not path.exists():
        raise InvalidInputError(f"{path}: no such file; check the path")
    zarr = library("zarr")
    storage = library("zarr.storage")
    with reading(path, _TITLE):
        documents = _documents(path)
        archive = None if path.is_dir() else storage.ZipStore(path, mode="r")
        root = zarr.open(str(path) if archive is None else archive, mode="r")
        arrays = {"": root} if isinstance(root, zarr.Array) else dict(_arrays_below(root, ""))
        texts = {name: item for name, item in arrays.items() if _is_text(item)}
        file = ArrayFile(
            path,
            MEDIUM,
            _numeric(path, arrays),
            _size(path),
            {name: _texts(item) for name, item in texts.items()},
            {DOCUMENTS: [part for pair in documents.items() for part in pair]},
            {name: {TEXT_SHAPE: list(item.shape)} for name, item in texts.items()},
            (lambda: None) if archive is None else archive.close,
        )
        return array_fields.dataset(file, select)


def _documents(path: Path) -> dict[str, str]:
    """Path in the store -> text of its JSON document, all but copies that save look-ups."""
    texts = {}
    if path.is_dir():
        for entry in sorted(path.rglob("*")):
            if entry.name in DOCUMENT_NAMES and entry.is_file():
                texts[entry.relative_to(path).as_posix()] = entry.read_text("utf-8")
    else:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.rpartition("/")[2] in DOCUMENT_NAMES:
                    texts[name] = archive.read(name).decode("utf-8")
    return {name: _plain(text) for name, text in texts.items()}


def _plain(text: str) -> str:
    """The document in its shortest form, without the copy of all others that a root may hold."""
    tree = json.loads(text)
    tree.pop("consolidated_metadata", None)
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False)


def _arrays_below(group: Any, prefix: str) -> list[tuple[str, Any]]:
    below = [(prefix + name, array) for name, array in sorted(group.arrays())]
    for name, child in sorted(group.groups()):
        below += _arrays_below(child, f"{prefix}{name}/")
    return below


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())


def _is_text(array: Any) -> bool:
    return np.dtype(array.dtype).kind in "UTO"


def _texts(array: Any) -> list[str]:
    return [str(text) for text in np.asarray(array[...], object).ravel()]


def _numeric(path: Path, arrays: Mapping[str, Any]) -> tuple[StoredArray, ...]:
    numeric = []
    for name, item in arrays.items():
        if _is_text(item):
            continue
        attributes = dict(item.attrs)
        names = item.metadata.to_dict().get("dimension_names") or attributes.get(_DIMS) or ()
        fits = len(names) == len(item.shape)
        scale, fills = _packing(attributes)
        axis = attributes.get("component_axis")
        unit = attributes.get("units", "")
        numeric.append(
            StoredArray(
                name=name or path.name.partition(".")[0],
                values=_Values(path, item),
                dims=tuple(str(dim or "") for dim in names) if fits else ("",) * len(item.shape),
                axis=axis if type(axis) is int and 0 <= axis < len(item.shape) else None,
                geometry=geometry_from_attributes(attributes, len(item.shape)),
                unit=unit if isinstance(unit, str) else "",
                scale=scale,
                fills=fills,
                native=None if name else {PATH: ""},
            )
        )
    return tuple(numeric)


def _packing(
    attributes: Mapping[str, Any],
) -> tuple[tuple[float, float] | None, tuple[int | float, ...]]:
    """Scale and fill values, by the names that xarray gives them."""
    factor, offset = attributes.get("scale_factor"), attributes.get("add_offset")
    numbers = [value for value in (factor, offset) if isinstance(value, int | float)]
    scale = (float(factor or 1), float(offset or 0)) if numbers else None
    fill = attributes.get("_FillValue")
    known = isinstance(fill, int | float) and not isinstance(fill, bool)
    return scale, (fill,) if known and fill is not None else ()


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes a store as a folder: the original's documents, or a new group of version 3.

    Args:
        path: an empty folder; the caller renames it into place.
        dataset: any arrays.
        history: one line for the attribute `history` of a new group, or "".

    Raises:
        InvalidInputError: the folder cannot be written.
        CorruptError: the metadata breaks a rule of the format.
        MissingDependencyError: zarr is not installed.
    """
    if path.name.lower().endswith(".zip"):
        raise InvalidInputError(f"{path}: zip archives are only read; write a .zarr folder")
    zarr = library("zarr")
    layout = native_layout(dataset, MEDIUM)
    with writing(path, _TITLE):
        if layout is None:
            root = zarr.create_group(str(path), attributes={"history": history} if history else {})
            for array in decoded_arrays(dataset):
                _create(root, array.unscaled())
            for name, value in named_verbatim(dataset).items():
                if not isinstance(value, list):
                    root.create_array(name, data=value)
            return
        documents = Documents.from_texts(NativePart.of(layout).texts(DOCUMENTS, groups_of=2))
        arrays = decoded_arrays(dataset)
        paths = {array.name: _path_in_store(array) for array in arrays}
        verbatim = {
            array.name: _restored(dataset.verbatim[array.name], array)
            for array in layout.arrays
            if array.name in dataset.verbatim
        }
        shapes = {paths[array.name]: array.shape for array in arrays}
        documents.put(path, shapes | {name: value.shape for name, value in verbatim.items()})
        for array in arrays:
            target = zarr.open_array(str(path), path=paths[array.name], mode="r+")
            check_holds(paths[array.name], np.dtype(target.dtype), array.dtype)
            for index, values in array.blocks():
                target[index] = values
            if not array.whole:
                target.attrs.update(geometry_attributes(array.geometry))
        for name, value in verbatim.items():
            target = zarr.open_array(str(path), path=name, mode="r+")
            check_holds(name, np.dtype(target.dtype), value.dtype)
            target[...] = value.astype(target.dtype)


def _restored(value: VerbatimValue, layout: ArrayLayout) -> Array:
    """A verbatim value in its shape; texts as objects."""
    if not isinstance(value, list):
        return value
    return np.array(value, object).reshape(NativePart.of(layout).shape(TEXT_SHAPE, len(value)))


def _path_in_store(array: DecodedArray) -> str:
    part = NativePart.of(array.layout, repr(array.name))
    return part.text(PATH) if PATH in part else array.name


def _create(root: Any, array: DecodedArray) -> None:
    attributes = geometry_attributes(array.geometry)
    if array.layout.unit:
        attributes["units"] = array.layout.unit
    if array.axis is not None:
        attributes["component_axis"] = array.axis
    names = [name or f"axis_{axis}" for axis, name in enumerate(array.dims)]
    target = root.create_array(
        array.name,
        shape=array.shape,
        dtype=array.dtype,
        dimension_names=names if any(array.dims) else None,
        attributes=attributes,
    )
    for index, values in array.blocks():
        target[index] = values
