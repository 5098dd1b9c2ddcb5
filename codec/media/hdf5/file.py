"""HDF5 files that are not NetCDF: datasets become fields named by their path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.arrays import fields as array_fields
from codec.media.arrays.chunks import affordable
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.decoded_arrays import decoded_arrays, native_layout
from codec.media.arrays.fields import ArrayFile, StoredArray
from codec.media.arrays.geometry_attributes import geometry_attributes, geometry_from_attributes
from codec.media.arrays.layout import ArrayLayout
from codec.media.arrays.native_part import NativePart
from codec.media.dataset import Dataset, DecodedDataset, VerbatimValue
from codec.media.hdf5.attributes import attributes_from_tree, attributes_to_tree
from codec.media.hdf5.native_keys import (
    ATTRIBUTES,
    CHUNKS,
    FILTER,
    GROUPS,
    LEVEL,
    SHUFFLE,
    TEXT_SHAPE,
    UNLIMITED,
)
from codec.media.libraries import reading, writing
from codec.media.recognise import first_bytes
from codec.media.table import named_verbatim

MEDIUM = "hdf5"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_TITLE = "HDF5"
_FILTERS = ("gzip", "lzf")
# Number of groups, those above a group counted again: the library takes its time for each.
_MOST_GROUPS = 1 << 15


class _Values:
    """A dataset as an `ArraySource` whose errors name the file."""

    def __init__(self, path: Path, stored: Any) -> None:
        self._path = path
        self._stored = stored
        self.shape: tuple[int, ...] = stored.shape
        self.dtype: np.dtype[Any] = stored.dtype

    def __getitem__(self, index: Any) -> Array:
        with reading(self._path, _TITLE):
            return np.asarray(self._stored[index])


def read(path: Path, select: tuple[str, ...] | None = None) -> Dataset:
    """Opens a file; values are read later, by slicing.

    Args:
        path: the file.
        select: paths of the datasets to fit, or None for the default of `array_fields.dataset`.

    Raises:
        InvalidInputError: not such a file, or it holds compound, reference or opaque types.
    """
    import h5py

    if not first_bytes(path).startswith(_SIGNATURE):
        raise InvalidInputError(f"{path}: not an HDF5 file; check that the download is complete")
    with reading(path, _TITLE):
        file = h5py.File(path, "r")
    try:
        with reading(path, _TITLE):
            return array_fields.dataset(_opened(path, file), select)
    except BaseException:
        file.close()
        raise


def _opened(path: Path, file: Any) -> ArrayFile:
    import h5py

    arrays: list[StoredArray] = []
    texts: dict[str, VerbatimValue] = {}
    texts_native: dict[str, Any] = {}
    groups: list[Any] = [["", attributes_to_tree(path, "/", _attributes(file))]]

    def visit(name: str, item: Any) -> None:
        attributes = attributes_to_tree(path, name, _attributes(item))
        if isinstance(item, h5py.Group):
            groups.append([name, attributes])
            return
        if not isinstance(item, h5py.Dataset):
            raise _refused(path, name, "a named datatype")
        part = _native_part(item, attributes)
        if h5py.check_string_dtype(item.dtype) is not None:
            texts[name] = _texts(path, name, item)
            texts_native[name] = part | {TEXT_SHAPE: list(item.shape)}
            return
        if item.dtype.kind not in "biufc" or item.shape is None:
            raise _refused(path, name, f"the type {item.dtype}, or no values at all")
        arrays.append(_array(path, name, item, part))

    file.visititems(visit)
    size = path.stat().st_size
    bare = len(groups) == 1 and not groups[0][1]
    native = {} if bare else {GROUPS: groups}
    return ArrayFile(path, MEDIUM, tuple(arrays), size, texts, native, texts_native, file.close)


def _attributes(item: Any) -> dict[str, Any]:
    hidden = ("DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates")
    return {name: item.attrs[name] for name in item.attrs if name not in hidden}


def _array(path: Path, name: str, item: Any, native: dict[int, Any]) -> StoredArray:
    dims = tuple(str(dim.label) for dim in item.dims)
    attributes = item.attrs
    axis = attributes.get("component_axis")
    unit = attributes.get("units", "")
    return StoredArray(
        name=name,
        values=_Values(path, item),
        dims=dims,
        axis=int(axis) if isinstance(axis, np.integer) and 0 <= axis < item.ndim else None,
        geometry=geometry_from_attributes(dict(attributes), item.ndim),
        unit=unit if isinstance(unit, str) else "",
        native=native or None,
    )


def _native_part(item: Any, attributes: list[Any]) -> dict[int, Any]:
    unlimited = [axis for axis, most in enumerate(item.maxshape or ()) if most is None]
    level = item.compression_opts
    part = {
        ATTRIBUTES: attributes,
        CHUNKS: list(item.chunks or ()),
        FILTER: item.compression if item.compression in _FILTERS else None,
        LEVEL: level if isinstance(level, int) else None,
        SHUFFLE: bool(item.shuffle),
        UNLIMITED: unlimited,
    }
    return {key: value for key, value in part.items() if value}


def _texts(path: Path, name: str, item: Any) -> list[str]:
    values = np.asarray(item.asstr()[()], object).ravel()
    try:
        return [str(value) for value in values]
    except UnicodeDecodeError:
        raise _refused(path, name, "text that is not UTF-8") from None


def _refused(path: Path, name: str, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path}: {name!r} has {what}, which cannot be kept; remove it from a copy of the file"
        " first, because inrc does not drop good data silently"
    )


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes every array as a dataset, block by block, and what was kept verbatim beside it.

    Geometry of another medium becomes the attributes `spacing`, `origin`, `direction`,
    `spacing_units`, `space` and `spatial_axes`; a scale `scale_factor` and `add_offset` is applied.

    Args:
        path: where to write; the caller renames it into place.
        dataset: any arrays.
        history: one line for the attribute `history` of the root group, or "".

    Raises:
        InvalidInputError: the file cannot be written.
        CorruptError: the metadata breaks a rule of the format.
    """
    import h5py

    layout = native_layout(dataset, MEDIUM)
    with writing(path, _TITLE), h5py.File(path, "w") as file:
        _put_groups(file, NativePart.of(layout))
        if history:
            before = file.attrs.get("history", "")
            file.attrs["history"] = f"{before}\n{history}" if before else history
        for array in decoded_arrays(dataset):
            _put_array(file, array if layout is not None else array.unscaled(), layout is not None)
        layouts = {} if layout is None else {array.name: array for array in layout.arrays}
        for name, value in named_verbatim(dataset).items():
            _put_verbatim(file, name, value, layouts.get(name))


def _put_groups(file: Any, part: NativePart) -> None:
    groups = part.pairs(GROUPS, list)
    if sum(name.count("/") + 1 for name, _ in groups) > _MOST_GROUPS:
        raise part.wrong("has too many groups")
    for name, attributes in groups:
        group = file.require_group(name) if name else file
        group.attrs.update(attributes_from_tree(attributes))


def _put_array(file: Any, array: DecodedArray, same_medium: bool) -> None:
    part = NativePart.of(array.layout if same_medium else None, repr(array.name))
    dtype = array.layout.stored_as(array.dtype) if same_medium else array.dtype
    target = file.create_dataset(
        array.name, array.shape, dtype, **_storage(part, array.shape, dtype)
    )
    for index, values in array.blocks():
        target[index] = values
    target.attrs.update(attributes_from_tree(part.items(ATTRIBUTES)))
    if not same_medium or not array.whole:
        target.attrs.update(geometry_attributes(array.geometry))
    if not same_medium:
        if array.layout.unit:
            target.attrs["units"] = array.layout.unit
        if array.axis is not None:
            target.attrs["component_axis"] = array.axis
    for axis, name in enumerate(array.dims):
        if name:
            target.dims[axis].label = name


def _storage(part: NativePart, shape: tuple[int, ...], dtype: np.dtype[Any]) -> dict[str, Any]:
    chunks, unlimited = part.numbers(CHUNKS), part.numbers(UNLIMITED)
    if not len(chunks) == len(shape) > 0:
        return {}
    # A region may be smaller than the chunks of the whole.
    chunks = tuple(min(c, max(1, n)) for c, n in zip(chunks, shape, strict=True))
    if not affordable(chunks, shape, dtype.itemsize):
        raise part.wrong(f"has chunks of {chunks}")
    options: dict[str, Any] = {
        "chunks": chunks,
        "maxshape": tuple(None if axis in unlimited else n for axis, n in enumerate(shape)),
        "shuffle": part.flag(SHUFFLE),
    }
    if FILTER in part:
        options["compression"] = part.text(FILTER)
        if options["compression"] not in _FILTERS:
            raise part.wrong("has an unknown compressor")
        if options["compression"] == "gzip":
            options["compression_opts"] = part.number(LEVEL, 4)
    return options


def _put_verbatim(file: Any, name: str, value: VerbatimValue, layout: ArrayLayout | None) -> None:
    import h5py

    part = NativePart.of(layout, repr(name))
    if isinstance(value, list):
        values = np.array(value, object).reshape(part.shape(TEXT_SHAPE, len(value)))
        target = file.create_dataset(name, values.shape, h5py.string_dtype(), data=values)
    else:
        dtype = value.dtype if layout is None else layout.stored_as(value.dtype)
        options = _storage(part, value.shape, dtype)
        target = file.create_dataset(name, data=value.astype(dtype), **options)
    target.attrs.update(attributes_from_tree(part.items(ATTRIBUTES)))
