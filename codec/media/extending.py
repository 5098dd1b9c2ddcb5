"""Two files of one medium put together along a dim: what is kept verbatim, and the metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from codec.errors import InvalidInputError
from codec.media.dataset import Array, Metadata, VerbatimValue
from codec.media.netcdf_layout import (
    Attribute,
    FileLayout,
    VariableLayout,
    from_tree,
    to_tree,
)

NETCDF, NPY = "netcdf", "npy"
# Attributes that say what stored numbers mean; where they differ, numbers cannot be put together.
_MEANING = ("units", "calendar", "scale_factor", "add_offset", "_FillValue", "missing_value")


@dataclass(frozen=True)
class Described:
    """A file without its fields: medium, metadata and verbatim variables."""

    medium: str
    metadata: Metadata
    verbatim: Mapping[str, VerbatimValue]


def meant_to_grow(medium: str, metadata: Metadata) -> bool:
    """Whether the file itself says so: it is NetCDF with an unlimited dimension."""
    return medium == NETCDF and any(dim.unlimited for dim in from_tree(metadata).dimensions())


def extended(old: Described, new: Described, dim: str, fields: tuple[str, ...]) -> Described:
    """The old file with the variables of the new one behind its own along `dim`.

    Args:
        dim: its name; what has no such dim stays as it is.
        fields: paths of the fields that are appended, whose attributes must have the same meaning.

    Raises:
        InvalidInputError: the files do not fit together.
    """
    if old.medium not in (NETCDF, NPY):
        raise InvalidInputError(
            f"it cannot be put behind a file from {old.medium or 'an unknown medium'}, only behind "
            "one from netcdf or npy"
        )
    if new.medium != old.medium:
        raise InvalidInputError(
            f"it is {new.medium}, and the file is from {old.medium}; convert one of them"
        )
    if old.medium == NPY:
        return old
    layout, other = from_tree(old.metadata), from_tree(new.metadata)
    theirs = dict(other.variables())
    verbatim = dict(old.verbatim)
    for path, variable in layout.variables():
        along = dim in _names(layout, variable)
        if path in fields or along:
            _check_meaning(path, variable, theirs.get(path))
        if path in verbatim and along:
            ours = _shaped(verbatim[path], layout.shape(variable))
            added = _shaped(new.verbatim[path], other.shape(theirs[path]))
            verbatim[path] = _joined(path, ours, added, _names(layout, variable).index(dim))
        elif path in verbatim and _names(layout, variable) == [path.rpartition("/")[2]]:
            _check_coordinate(path, verbatim[path], new.verbatim.get(path))
    groups = tuple(
        replace(
            group,
            dims=tuple(
                replace(one, size=one.size + _length(other, dim)) if one.name == dim else one
                for one in group.dims
            ),
        )
        for group in layout.groups
    )
    return Described(NETCDF, to_tree(FileLayout(layout.format, groups)), verbatim)


def _names(layout: FileLayout, variable: VariableLayout) -> list[str]:
    dims = layout.dimensions()
    return [dims[index].name for index in variable.dims]


def _length(layout: FileLayout, name: str) -> int:
    sizes = {dim.size for dim in layout.dimensions() if dim.name == name}
    if len(sizes) != 1:
        raise InvalidInputError(f"it has {len(sizes)} lengths of dim {name!r}, not one")
    return sizes.pop()


def _check_meaning(path: str, ours: VariableLayout, theirs: VariableLayout | None) -> None:
    if theirs is None:
        raise InvalidInputError(f"it lacks the variable {path!r}, which must grow too")
    if ours.type != theirs.type:
        raise InvalidInputError(f"{path}: it has another type there")
    for name in _MEANING:
        one, other = _attribute(ours, name), _attribute(theirs, name)
        if one != other:
            raise InvalidInputError(
                f"{path}: its attribute {name!r} is {_words(other)} there, and {_words(one)} before"
            )


def _attribute(variable: VariableLayout, name: str) -> Attribute | None:
    return next((entry for entry in variable.attributes if entry.name == name), None)


def _words(attribute: Attribute | None) -> str:
    if attribute is None:
        return "missing"
    if isinstance(attribute.value, bytes) and not len(attribute.numbers()):
        return repr(attribute.value.decode("utf-8", "replace"))
    return str(attribute.numbers().tolist() or attribute.value)


def _check_coordinate(path: str, ours: VerbatimValue, theirs: VerbatimValue | None) -> None:
    if theirs is not None and not np.array_equal(np.asarray(ours), np.asarray(theirs)):
        raise InvalidInputError(f"{path}: the coordinate has other values there than before")


def _shaped(value: VerbatimValue, shape: tuple[int, ...]) -> Array:
    return np.asarray(value, object if isinstance(value, list) else None).reshape(shape)


def _joined(path: str, ours: Array, theirs: Array, axis: int) -> VerbatimValue:
    sizes: list[Any] = [
        [size for number, size in enumerate(array.shape) if number != axis]
        for array in (ours, theirs)
    ]
    if sizes[0] != sizes[1]:
        raise InvalidInputError(f"{path}: has shape {theirs.shape} there, {ours.shape} before")
    joined = np.concatenate([ours, theirs], axis)
    return [str(text) for text in joined.ravel()] if joined.dtype == object else joined
