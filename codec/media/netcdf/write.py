"""NetCDF files written back from their layout, verbatim values and decoded fields.

A field that was decoded in part gives its dimensions the size of the part; variables that no longer
fit those dimensions are left out, and so are lossy variables that were not decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.arrays.chunks import affordable
from codec.media.dataset import DecodedDataset, DecodedField, VerbatimValue
from codec.media.libraries import writing
from codec.media.metadata_error import metadata_error
from codec.media.netcdf.layout import (
    CHAR,
    CLASSIC_FORMATS,
    ENUM_BASE,
    FORMATS,
    NETCDF4,
    NUMERIC_CODES,
    STRING,
    Attribute,
    Dimension,
    FileLayout,
    VariableLayout,
)
from codec.media.netcdf.plain import plain
from codec.media.netcdf.tree import SUBJECT, from_tree
from codec.media.table import native_metadata

_MEDIUM = "netcdf"
_TITLE = "NetCDF"
_FILL = "_FillValue"
# Size of the widest number; a string is a pointer.
_ITEM_BYTES = 8
# Number of groups, dimensions and variables of a file, and of attributes of any of them.
_MOST_PARTS, _MOST_ATTRIBUTES = 1 << 14, 1 << 11
# Name longer than `_FillValue`, so that renaming it back needs no room in a NetCDF-3 header.
_PENDING_FILL = "_FillValue_pending"


def write(path: Path, dataset: DecodedDataset, history: str = "") -> None:
    """Writes a NetCDF file.

    Args:
        path: where to write; the caller renames it into place.
        dataset: decoded fields; what came from another medium becomes a plain NetCDF-4 file.
        history: one line for the global `history` attribute, or "" to leave it alone.

    Raises:
        InvalidInputError: the file cannot be created, or two fields disagree about a dimension.
        CorruptError: the metadata breaks a rule of the format.
    """
    with writing(path, _TITLE):
        _write(path, dataset, history)


def _write(path: Path, dataset: DecodedDataset, history: str) -> None:
    verbatim = dataset.verbatim
    tree = native_metadata(dataset, _MEDIUM)
    if tree is not None:
        layout = from_tree(tree)
        fields = {field.name: field for field in dataset.fields}
        layout = _resized(path, layout, fields)
        layout = _without_missing(layout, fields, verbatim)
        _check_size(layout)
    else:
        made = plain(dataset)
        layout, fields, verbatim = made.layout, made.fields, dict(made.coordinates)
    layout = _with_history(layout, history)
    path.touch()  # fails with a clear message where the library only says "error"
    variant: Any = FORMATS[layout.format]  # the stubs want a literal
    file = _Defining(str(path), "w", format=variant)
    try:
        pending = _define(file, layout)
        file.finish()
        for name, variable in layout.variables():
            target = file[name]
            if name in fields:
                _put_field(target, fields[name])
            elif name in verbatim:
                values = _shaped(verbatim[name], layout.shape(variable))
                _put_verbatim(target, variable, values)
        for target in pending:
            target.renameAttribute(_PENDING_FILL, _FILL)
    finally:
        file.close()


class _Defining(netCDF4.Dataset):
    """A new file that stays in define mode until `finish`.

    netCDF4-python leaves define mode after every definition in the classic formats, and each time
    the C library moves all data that is already behind the header.
    """

    def _redef(self) -> None:
        pass

    def _enddef(self) -> None:
        pass

    def finish(self) -> None:
        """Ends define mode, once."""
        if self.data_model != FORMATS[NETCDF4]:
            super()._enddef()  # type: ignore[misc]
        self.set_auto_maskandscale(False)
        self.set_auto_chartostring(False)


def _resized(path: Path, layout: FileLayout, fields: Mapping[str, DecodedField]) -> FileLayout:
    """The layout with dimensions as long as the decoded fields are."""
    dims = layout.dimensions()
    sizes: dict[int, int] = {}
    groups = []
    for group in layout.groups:
        variables = []
        for variable in group.variables:
            field = fields.get(group.path_of(variable.name))
            if field is not None:
                variable = _fitted_dims(path, variable, dims, field)
                for index, size in zip(variable.dims, field.shape, strict=True):
                    if sizes.setdefault(index, size) != size:
                        raise InvalidInputError(
                            f"{path}: fields with different sizes of dimension"
                            f" {dims[index].name!r} cannot share a file; write them one by one"
                        )
            variables.append(variable)
        groups.append(replace(group, variables=tuple(variables)))
    resized = iter([replace(dim, size=sizes.get(i, dim.size)) for i, dim in enumerate(dims)])
    return FileLayout(
        layout.format,
        tuple(replace(group, dims=tuple(next(resized) for _ in group.dims)) for group in groups),
    )


def _fitted_dims(
    path: Path, variable: VariableLayout, dims: list[Dimension], field: DecodedField
) -> VariableLayout:
    """The variable with the dimensions that the decoded field still has."""
    if len(field.shape) == len(variable.dims):
        return variable
    by_name = {dims[index].name: index for index in variable.dims}
    remaining_dims = tuple(by_name[name] for name in field.dims if name in by_name)
    if len(remaining_dims) != len(field.shape):
        raise InvalidInputError(
            f"{path}: field {field.name!r} has dimensions {field.dims}, which its file lacks;"
            " write it as .npy"
        )
    return replace(variable, dims=remaining_dims, storage=replace(variable.storage, chunks=()))


def _without_missing(
    layout: FileLayout, fields: Mapping[str, DecodedField], verbatim: Mapping[str, VerbatimValue]
) -> FileLayout:
    """The layout without variables whose values are absent or of another shape."""

    def is_kept(path: str, variable: VariableLayout) -> bool:
        shape = layout.shape(variable)
        if path in fields or 0 in shape:
            return True
        if path not in verbatim:
            return False
        value = verbatim[path]
        if isinstance(value, list):
            return len(value) == int(np.prod(shape, dtype=object))
        return value.shape == shape

    return FileLayout(
        layout.format,
        tuple(
            replace(
                group,
                variables=tuple(v for v in group.variables if is_kept(group.path_of(v.name), v)),
            )
            for group in layout.groups
        ),
    )


def _check_size(layout: FileLayout) -> None:
    """Refuse what takes the library time that grows with the square of it.

    Raises:
        CorruptError: the layout has so many parts.
    """
    lists = [group.attributes for group in layout.groups]
    lists += [variable.attributes for _, variable in layout.variables()]
    attributes = max(map(len, lists))
    if layout.size > _MOST_PARTS or attributes > _MOST_ATTRIBUTES:
        raise metadata_error(SUBJECT, "it has too many parts")


def _with_history(layout: FileLayout, line: str) -> FileLayout:
    """The layout with one more line in the global `history`, whose type stays as it is."""
    if not line:
        return layout
    root, entry = layout.groups[0], line.encode("utf-8")
    attributes = list(root.attributes)
    names = [attribute.name for attribute in attributes]
    if "history" not in names:
        attributes.append(Attribute("history", CHAR, entry))
    else:
        place = names.index("history")
        old = attributes[place]
        value: bytes | tuple[bytes, ...] = old.value
        if isinstance(value, tuple):
            single = len(value) == 1
            value = (value[0] + b"\n" + entry,) if single else (*value, entry)
        elif old.type == CHAR:
            value = value + b"\n" + entry if value else entry
        attributes[place] = replace(old, value=value)
    return replace(layout, groups=(replace(root, attributes=tuple(attributes)), *layout.groups[1:]))


def _define(file: Any, layout: FileLayout) -> list[Any]:
    """Creates everything but values; returns variables whose fill attribute is still pending."""
    if layout.format in CLASSIC_FORMATS:
        file.set_fill_off()  # every value is written, so filling first would be wasted
    dims: list[Any] = []
    enums: list[Any] = []
    pending = []
    for group in layout.groups:
        target = file.createGroup(group.path) if group.path else file
        for item in group.enums:
            dtype = np.dtype(NUMERIC_CODES[item.base])
            enums.append(target.createEnumType(dtype, item.name, dict(item.members)))
        for dim in group.dims:
            dims.append(target.createDimension(dim.name, None if dim.unlimited else dim.size))
        for attribute in group.attributes:
            _set_attribute(target, attribute.name, attribute)
        for variable in group.variables:
            sizes = list(layout.shape(variable))
            shape_dims = [dims[index] for index in variable.dims]
            made = _create(target, layout.format, variable, shape_dims, sizes, enums)
            if _set_attributes(made, layout.format, variable):
                pending.append(made)
    return pending


def _create(
    group: Any,
    code: int,
    variable: VariableLayout,
    dims: list[Any],
    sizes: list[int],
    enums: list[Any],
) -> Any:
    """A variable without its attributes, except a `_FillValue` that the library must know."""
    options = _storage_options(variable, dims, sizes) if code not in CLASSIC_FORMATS else {}
    fill = next((item for item in variable.attributes if item.name == _FILL), None)
    if fill is not None and _is_typed_fill(variable, fill):
        options["fill_value"] = _fill_scalar(fill)
    elif variable.storage.no_fill:
        options["fill_value"] = False
    return group.createVariable(variable.name, _datatype(variable, enums), dims, **options)


def _datatype(variable: VariableLayout, enums: list[Any]) -> Any:
    if variable.type >= ENUM_BASE:
        return enums[variable.type - ENUM_BASE]
    if variable.type == STRING:
        return str
    dtype = np.dtype("S1" if variable.type == CHAR else NUMERIC_CODES[variable.type])
    return dtype.newbyteorder(">") if variable.storage.big_endian else dtype


def _storage_options(variable: VariableLayout, dims: list[Any], sizes: list[int]) -> dict[str, Any]:
    storage = variable.storage
    options: dict[str, Any] = {"fletcher32": storage.fletcher32, "shuffle": storage.shuffle}
    if storage.big_endian:
        options["endian"] = "big"
    if storage.chunks:
        # A region may be smaller than the chunks of the whole.
        chunks = [
            chunk if dim.isunlimited() else min(chunk, max(size, 1))
            for chunk, dim, size in zip(storage.chunks, dims, sizes, strict=True)
        ]
        # Chunks are advice, which is not taken where they would cost more than the values.
        if affordable(chunks, sizes, _ITEM_BYTES):
            options["chunksizes"] = chunks
    elif dims and not any(dim.isunlimited() for dim in dims) and not storage.deflate:
        options["contiguous"] = True
    if storage.deflate:
        options |= {"compression": "zlib", "complevel": storage.deflate}
    elif storage.filter:
        options |= _filter_options(storage.filter)
    return options


def _filter_options(filter_: tuple[str | int, ...]) -> dict[str, Any]:
    """Options for a compressor other than deflate; none where this library lacks it.

    Compression is a matter of storage, not of content, so a missing compressor is no error.
    """
    name, settings = filter_[0], filter_[1:]
    if name == "szip" and netCDF4.__has_szip_support__ and len(settings) == 2:
        return {
            "compression": name,
            "szip_coding": settings[0],
            "szip_pixels_per_block": settings[1],
        }
    if name == "zstd" and netCDF4.__has_zstandard_support__ and len(settings) == 1:
        return {"compression": name, "complevel": settings[0]}
    if name == "bzip2" and netCDF4.__has_bzip2_support__ and len(settings) == 1:
        return {"compression": name, "complevel": settings[0]}
    if str(name).startswith("blosc_") and netCDF4.__has_blosc_support__ and len(settings) == 2:
        return {"compression": name, "complevel": settings[0], "blosc_shuffle": settings[1]}
    return {}


def _is_typed_fill(variable: VariableLayout, fill: Attribute) -> bool:
    """Whether a `_FillValue` has the variable's type, so that the library takes it as one."""
    if variable.type >= ENUM_BASE:
        return True
    if fill.type != variable.type:
        return False
    if fill.type in NUMERIC_CODES:
        return fill.numbers().size == 1
    return len(fill.value) == 1 if fill.type == STRING else len(fill.value) <= 1


def _fill_scalar(fill: Attribute) -> Any:
    if isinstance(fill.value, tuple):
        return fill.value[0].decode("utf-8", "surrogateescape")
    return fill.value if fill.type == CHAR else fill.numbers()[0]


def _set_attributes(target: Any, code: int, variable: VariableLayout) -> bool:
    """Sets all attributes in order; True if the fill attribute must wait until data is written."""
    waits = False
    for position, attribute in enumerate(variable.attributes):
        if attribute.name != _FILL:
            _set_attribute(target, attribute.name, attribute)
            continue
        known = _is_typed_fill(variable, attribute)
        if known and (position == 0 or variable.type >= ENUM_BASE):
            continue  # set at creation, and in the right place
        # netCDF4-python takes a _FillValue at creation only, which puts it first; some files have
        # it elsewhere, or of another type than the data. A rename gets it there.
        if known:
            target.delncattr(_FILL)
        _set_attribute(target, _PENDING_FILL, attribute)
        waits = not known and code in CLASSIC_FORMATS  # there it would forbid writing values
        if not waits:
            target.renameAttribute(_PENDING_FILL, _FILL)
    return waits


def _set_attribute(target: Any, name: str, attribute: Attribute) -> None:
    if isinstance(attribute.value, tuple):
        strings = attribute.value
        target.setncattr_string(name, strings[0] if len(strings) == 1 else np.array(strings, "S"))
    elif attribute.type == CHAR:
        # bytes, because non-ASCII str would silently become NC_STRING
        target.setncattr(name, attribute.value)
    else:
        target.setncattr(name, attribute.numbers())


def _put_field(target: Any, field: DecodedField) -> None:
    for index, block in field.blocks():
        values = block.astype(target.dtype) if block.dtype == np.float16 else block
        target[index] = values


def _shaped(value: VerbatimValue, shape: tuple[int, ...]) -> Array:
    return np.array(value, object).reshape(shape) if isinstance(value, list) else value


def _put_verbatim(target: Any, variable: VariableLayout, values: Array) -> None:
    if values.size == 0:
        return
    if variable.type >= ENUM_BASE:
        # The library refuses values without a member name, but files hold them: unwritten ones.
        known = target.datatype.enum_dict
        known.update({f"value {number}": number for number in np.unique(values).tolist()})
    target[tuple(slice(0, size) for size in values.shape) or ...] = values
