"""What a file's metadata says once some of its variables are gone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from codec.errors import CorruptError
from codec.media.arrays.layout import ARRAY_MEDIA, ArrayLayout, DatasetLayout
from codec.media.attributes import NETCDF, variable_attributes
from codec.media.dataset import Metadata
from codec.media.netcdf.layout import FileLayout, from_tree, to_tree


def remaining(
    medium: str, metadata: Metadata, names: Collection[str]
) -> tuple[Metadata, tuple[str, ...]]:
    """The metadata without variables that are neither a field nor verbatim.

    Args:
        names: of the fields and of the verbatim variables that are left.

    Returns:
        The metadata, and the names of what it lost. Where it breaks a rule, it stays as it is.
    """
    try:
        if medium == NETCDF:
            return _of_netcdf(from_tree(metadata), names)
        if medium in ARRAY_MEDIA:
            return _of_arrays(DatasetLayout.from_tree(metadata), names)
    except CorruptError:
        return metadata, ()
    return metadata, ()


def named_in(medium: str, metadata: Metadata) -> frozenset[str]:
    """The fields and verbatim variables that metadata name."""
    try:
        if medium == NETCDF:
            return frozenset(path for path, _ in from_tree(metadata).variables())
        if medium in ARRAY_MEDIA:
            arrays = DatasetLayout.from_tree(metadata).arrays
            return frozenset(name for one in arrays for name in one.fields or (one.name,))
    except CorruptError:
        pass
    return frozenset()


def _of_netcdf(layout: FileLayout, names: Collection[str]) -> tuple[Metadata, tuple[str, ...]]:
    # A variable without values need not be there.
    gone = {
        path
        for path, variable in layout.variables()
        if path not in names and 0 not in layout.shape(variable)
    }
    groups = tuple(
        replace(
            group,
            variables=tuple(one for one in group.variables if group.path_of(one.name) not in gone),
        )
        for group in layout.groups
    )
    return to_tree(replace(layout, groups=groups)), tuple(sorted(gone))


def _of_arrays(layout: DatasetLayout, names: Collection[str]) -> tuple[Metadata, tuple[str, ...]]:
    kept, gone = [], []
    for array in layout.arrays:
        wanted = array.fields or (array.name,)
        missing = [name for name in wanted if name not in names]
        if len(missing) < len(wanted):
            fields = tuple(one for one in array.fields if one in names)
            kept.append(replace(array, fields=fields, shape=_shape_of(array, len(fields))))
        gone += missing
    return replace(layout, arrays=tuple(kept)).to_tree(), tuple(gone)


def _shape_of(array: ArrayLayout, fields: int) -> tuple[int, ...]:
    """The shape of an array with fewer components."""
    if array.axis is None or array.axis >= len(array.shape):
        return array.shape
    shape = list(array.shape)
    shape[array.axis] = shape[array.axis] * fields // len(array.fields)
    return tuple(shape)


def fill_value(medium: str, metadata: Metadata, name: str) -> int | float | None:
    """The stored value that means "no sample" in a field, as the metadata has it; None if none."""
    found: Any = None
    try:
        if medium in ARRAY_MEDIA:
            arrays = DatasetLayout.from_tree(metadata).arrays
            fills = next((array.fills for array in arrays if name in array.fields), ())
            found = fills[0] if fills else None
        elif medium == NETCDF:
            found = variable_attributes(medium, metadata, name).get("_FillValue")
    except CorruptError:
        return None
    number = found.item() if isinstance(found, np.generic) else found
    return number if isinstance(number, int | float) else None
