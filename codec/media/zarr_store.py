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

from codec.errors import InvalidInputError
from codec.media import array_fields
from codec.media.array_attributes import geometry_attributes, geometry_from_attributes
from codec.media.array_fields import ArrayFile, StoredArray
from codec.media.array_layout import NAMING
from codec.media.dataset import Array, Dataset, DecodedDataset, VerbatimValue
from codec.media.decoded_arrays import DecodedArray, decoded_arrays, own_layout
from codec.media.libraries import library, reading, writing

MEDIUM = "zarr"
_TITLE = "Zarr"
_DOCUMENTS = 0
_KEPT = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
_PATH, _TEXT_SHAPE = range(2)
# By which xarray names the dims of arrays of version 2.
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
        found = _found(path, arrays)
        texts = {name: item for name, item in arrays.items() if _is_text(item)}
        file = ArrayFile(
            path,
            MEDIUM,
            found,
            _size(path),
            {name: _texts(item) for name, item in texts.items()},
            {_DOCUMENTS: [part for pair in documents.items() for part in pair]},
            {name: {_TEXT_SHAPE: list(item.shape)} for name, item in texts.items()},
            (lambda: None) if archive is None else archive.close,
        )
        return array_fields.dataset(file, select)


def _documents(path: Path) -> dict[str, str]:
    """Path in the store -> text of its JSON document, all but copies that save look-ups."""
    found = {}
    if path.is_dir():
        for entry in sorted(path.rglob("*")):
            if entry.name in _KEPT and entry.is_file():
                found[entry.relative_to(path).as_posix()] = entry.read_text("utf-8")
    else:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.rpartition("/")[2] in _KEPT:
                    found[name] = archive.read(name).decode("utf-8")
    return {name: _plain(text) for name, text in found.items()}


def _plain(text: str) -> str:
    """The document in its shortest form, without the copy of all others that a root may hold."""
    tree = json.loads(text)
    tree.pop("consolidated_metadata", None)
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False)


def _arrays_below(group: Any, prefix: str) -> list[tuple[str, Any]]:
    found = [(prefix + name, array) for name, array in sorted(group.arrays())]
    for name, child in sorted(group.groups()):
        found += _arrays_below(child, f"{prefix}{name}/")
    return found


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())


def _is_text(array: Any) -> bool:
    return np.dtype(array.dtype).kind in "UTO"


def _texts(array: Any) -> list[str]:
    return [str(text) for text in np.asarray(array[...], object).ravel()]


def _found(path: Path, arrays: Mapping[str, Any]) -> tuple[StoredArray, ...]:
    found = []
    for name, item in arrays.items():
        if _is_text(item):
            continue
        attributes = dict(item.attrs)
        names = item.metadata.to_dict().get("dimension_names") or attributes.get(_DIMS) or ()
        fits = len(names) == len(item.shape)
        scale, fills = _packing(attributes)
        axis = attributes.get("component_axis")
        unit = attributes.get("units", "")
        found.append(
            StoredArray(
                name=name or path.name.partition(".")[0],
                values=_Values(path, item),
                dims=tuple(str(dim or "") for dim in names) if fits else ("",) * len(item.shape),
                axis=axis if type(axis) is int and 0 <= axis < len(item.shape) else None,
                geometry=geometry_from_attributes(attributes, len(item.shape)),
                unit=unit if isinstance(unit, str) else "",
                scale=scale,
                fills=fills,
                own=None if name else {_PATH: ""},
            )
        )
    return tuple(found)


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
    found = own_layout(dataset, MEDIUM)
    with writing(path, _TITLE):
        if found is None:
            root = zarr.create_group(str(path), attributes={"history": history} if history else {})
            for array in decoded_arrays(dataset):
                _create(root, array.unscaled())
            for name, value in dataset.verbatim.items() if dataset.medium in NAMING else ():
                if not isinstance(value, list):
                    root.create_array(name, data=value)
            return
        arrays = decoded_arrays(dataset)
        paths = {array.name: _path_in_store(array.layout.own, array.name) for array in arrays}
        kept = {array.name: array for array in found.arrays if array.name in dataset.verbatim}
        present = {*paths.values(), *kept}
        shapes = {paths[array.name]: array.shape for array in arrays}
        for name in kept:
            if isinstance(coordinate := dataset.verbatim[name], np.ndarray):
                shapes[name] = coordinate.shape
        _put_documents(path, found.own.get(_DOCUMENTS, []), present, shapes)
        for array in arrays:
            target = zarr.open_array(str(path), path=paths[array.name], mode="r+")
            for index, values in array.blocks():
                target[index] = values
            if not array.whole:
                target.attrs.update(geometry_attributes(array.geometry))
        for name, layout in kept.items():
            target = zarr.open_array(str(path), path=name, mode="r+")
            target[...] = _restored(dataset.verbatim[name], layout.own, target)


def _restored(value: VerbatimValue, own: Any, target: Any) -> Array:
    if isinstance(value, list):
        shape = (own or {}).get(_TEXT_SHAPE, [len(value)])
        return np.array(value, object).reshape(shape).astype(target.dtype)
    return value.astype(target.dtype)


def _path_in_store(own: Any, name: str) -> str:
    return str(own[_PATH]) if isinstance(own, dict) and _PATH in own else name


def _put_documents(
    path: Path, documents: list[str], present: set[str], shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Writes the documents of groups, and those of arrays that will get values."""
    paired = dict(zip(documents[::2], documents[1::2], strict=True))
    for place, text in paired.items():
        parts = place.split("/")
        if ".." in parts or place.startswith("/") or parts[-1] not in _KEPT:
            raise InvalidInputError(f"{path}: the metadata names the document {place!r}")
        owner = "/".join(parts[:-1])
        tree = json.loads(text)
        is_array = tree.get("node_type") == "array" or f"{owner}/.zarray".lstrip("/") in paired
        if is_array and owner not in present:
            continue
        if owner in shapes and "shape" in tree:
            tree["shape"] = list(shapes[owner])
            if len(tree["shape"]) != len(json.loads(text)["shape"]):
                raise InvalidInputError(f"{path}: {owner!r} has other axes now; write it as .npy")
        target = path / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(tree, ensure_ascii=False), "utf-8")


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
