"""Two NetCDF files put together along a dim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from codec.errors import InvalidInputError
from codec.media.dataset import VerbatimValue
from codec.media.described import Along, Described, joined, shaped
from codec.media.netcdf.layout import (
    Attribute,
    FileLayout,
    VariableLayout,
)
from codec.media.netcdf.tree import from_tree, to_tree

# Attributes that say what stored numbers mean; where they differ, numbers cannot be put together.
_MEANING = ("units", "calendar", "scale_factor", "add_offset", "_FillValue", "missing_value")


def extended(before: Described, added: Described, along: Along) -> Described:
    """See `MetadataRules.extended`."""
    dim, fields = along.dim, along.fields
    layout, other = from_tree(before.metadata), from_tree(added.metadata)
    theirs = dict(other.variables())
    verbatim = dict(before.verbatim)
    for path, variable in layout.variables():
        grows = dim in _names(layout, variable)
        if path in fields or grows:
            _check_meaning(path, variable, theirs.get(path))
        if path in verbatim and grows:
            ours = shaped(verbatim[path], layout.shape(variable))
            new = shaped(added.verbatim[path], other.shape(theirs[path]))
            verbatim[path] = joined(path, ours, new, _names(layout, variable).index(dim))
        elif path in verbatim and _names(layout, variable) == [path.rpartition("/")[2]]:
            _check_coordinate(path, verbatim[path], added.verbatim.get(path))
    groups = tuple(
        replace(
            group,
            dims=tuple(
                replace(entry, size=entry.size + _length(other, dim))
                if entry.name == dim
                else entry
                for entry in group.dims
            ),
        )
        for group in layout.groups
    )
    return Described(before.medium, to_tree(FileLayout(layout.format, groups)), verbatim)


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
        before, there = _attribute(ours, name), _attribute(theirs, name)
        if before != there:
            raise InvalidInputError(
                f"{path}: its attribute {name!r} is {_words(there)} there,"
                f" and {_words(before)} before"
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
