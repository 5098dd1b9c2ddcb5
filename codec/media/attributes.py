"""What a file's metadata says about one variable, whatever the medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.media.arrays.layout import ARRAY_MEDIA, DatasetLayout
from codec.media.dataset import Metadata, VerbatimValue
from codec.media.netcdf.layout import (
    CHAR,
    STRING,
    Attribute,
    FileLayout,
    VariableLayout,
    from_tree,
)

NETCDF = "netcdf"


def variable_attributes(medium: str, metadata: Metadata, path: str) -> dict[str, Any]:
    """Attributes of the variable at `path`: str, list of str, NumPy scalar or array; {} if none."""
    if medium in ARRAY_MEDIA:
        arrays = DatasetLayout.from_tree(metadata).arrays
        unit = next((array.unit for array in arrays if path in array.fields), "")
        return {"units": unit} if unit else {}
    if medium != NETCDF:
        return {}
    variable = dict(from_tree(metadata).variables()).get(path)
    if variable is None:
        return {}
    return {attribute.name: _value(attribute) for attribute in variable.attributes}


def _value(attribute: Attribute) -> Any:
    if attribute.type == CHAR and isinstance(attribute.value, bytes):
        return attribute.value.decode("utf-8", "replace")
    if attribute.type == STRING and not isinstance(attribute.value, bytes):
        texts = [text.decode("utf-8", "replace") for text in attribute.value]
        return texts[0] if len(texts) == 1 else texts
    numbers = attribute.numbers()
    return numbers[0] if len(numbers) == 1 else numbers


def coordinates(
    verbatim: Mapping[str, VerbatimValue], path: str, dims: Sequence[str], shape: Sequence[int]
) -> dict[str, Array]:
    """Coordinate variables: 1-D, called like their dim, in the variable's group or above it."""
    found = {}
    groups = path.split("/")[:-1]
    for dim, size in zip(dims, shape, strict=True):
        for depth in range(len(groups), -1, -1):
            value = verbatim.get("/".join([*groups[:depth], dim]))
            if isinstance(value, np.ndarray) and value.shape == (size,):
                found[dim] = value
                break
    return found


def cut_verbatim(
    medium: str,
    metadata: Metadata,
    verbatim: Mapping[str, VerbatimValue],
    cuts: Mapping[str, Array],
) -> dict[str, VerbatimValue]:
    """Verbatim variables, reduced to the kept sample indices of every dim named in `cuts`.

    Dims are matched by name; lists of texts are cut like arrays. In media of arrays only
    coordinates are cut, which are called like their dim.
    """
    if medium in ARRAY_MEDIA:
        return {path: _cut_coordinate(path, value, cuts) for path, value in verbatim.items()}
    if medium != NETCDF or not cuts:
        return dict(verbatim)
    layout = from_tree(metadata)
    dims = [dim.name for dim in layout.dimensions()]
    variables = dict(layout.variables())
    return {
        path: _cut(layout, variables[path], dims, value, cuts) if path in variables else value
        for path, value in verbatim.items()
    }


def _cut_coordinate(path: str, value: VerbatimValue, cuts: Mapping[str, Array]) -> VerbatimValue:
    """A coordinate (1-D, called like its dim) with the samples that are kept."""
    kept = cuts.get(path.rpartition("/")[2])
    if kept is None or isinstance(value, list) or value.ndim != 1:
        return value
    return value.take(kept) if kept.max(initial=-1) < len(value) else value


def _cut(
    layout: FileLayout,
    variable: VariableLayout,
    dims: Sequence[str],
    value: VerbatimValue,
    cuts: Mapping[str, Array],
) -> VerbatimValue:
    names = [dims[index] for index in variable.dims]
    if not any(name in cuts for name in names):
        return value
    shape = layout.shape(variable)
    array = np.asarray(value, dtype=object if isinstance(value, list) else None).reshape(shape)
    for axis, name in enumerate(names):
        if name in cuts and cuts[name].max(initial=-1) < shape[axis]:
            array = array.take(cuts[name], axis)
    return [str(text) for text in array.ravel()] if isinstance(value, list) else array
