"""Two HDF5, Zarr or npz files put together along a dim.

Their metadata does not say which dims an array has that is kept verbatim. It is taken to grow along
the axis whose length is that of the dim in both files, unless it is the same in both.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from codec.errors import InvalidInputError
from codec.media.array_layout import ArrayLayout, DatasetLayout
from codec.media.dataset import Array, Metadata, VerbatimValue
from codec.media.described import Along, Described, joined, shaped

# Media, and where the own part of an array of texts has its shape.
_TEXT_SHAPES: dict[str, int] = {"hdf5": 5, "zarr": 1, "npz": 0}
MEDIA = tuple(_TEXT_SHAPES)
_ROOT = {0: ""}


def is_root(medium: str, metadata: Metadata) -> bool:
    """Whether the file is a Zarr store that is one array, without a name of its own."""
    if medium != "zarr":
        return False
    return any(array.own == _ROOT for array in DatasetLayout.from_tree(metadata).arrays)


def extended(old: Described, new: Described, along: Along) -> Described:
    """See `codec.media.extending.extended`."""
    layout, other = (DatasetLayout.from_tree(one.metadata) for one in (old, new))
    theirs = {array.name: array for array in other.arrays}
    if is_root(old.medium, old.metadata):
        theirs = dict.fromkeys((array.name for array in layout.arrays), other.arrays[0])
    verbatim, arrays = dict(old.verbatim), []
    for array in layout.arrays:
        if array.fields:
            if set(array.fields) & set(along.fields):
                _check_meaning(array, theirs.get(array.name))
            arrays.append(array)
        else:
            value, shape = _grown(array, theirs.get(array.name), old, new, along)
            verbatim[array.name] = value
            if isinstance(value, list):
                _check_width(array.name, layout, value)
                array = _with_shape(array, old.medium, shape, value)
            arrays.append(array)
    return Described(old.medium, DatasetLayout(tuple(arrays), layout.own).to_tree(), verbatim)


def _check_meaning(ours: ArrayLayout, theirs: ArrayLayout | None) -> None:
    if theirs is None:
        raise InvalidInputError(f"it lacks the array {ours.name!r}, which must grow too")
    if ours.shape:
        raise InvalidInputError(
            f"{ours.name}: an array of {len(ours.shape)} axes cannot grow; split it into arrays of "
            "at most 4"
        )
    for name in ("unit", "scale", "fills"):
        one, another = getattr(ours, name), getattr(theirs, name)
        if one != another:
            raise InvalidInputError(
                f"{ours.name}: its {name} is {another or 'missing'} there, and "
                f"{one or 'missing'} before"
            )


def _grown(
    array: ArrayLayout, other: ArrayLayout | None, old: Described, new: Described, along: Along
) -> tuple[VerbatimValue, tuple[int, ...]]:
    """An array that is kept verbatim, with what the new file has of it, and its shape."""
    name, value = array.name, old.verbatim[array.name]
    ours = _as_array(old, array)
    if other is None or name not in new.verbatim:
        if along.before in ours.shape:
            raise InvalidInputError(f"it lacks the array {name!r}, which may have to grow too")
        return value, ours.shape
    theirs = _as_array(new, other)
    last = name.rpartition("/")[2]
    axes = _axes_along(ours, theirs, along)
    same = ours.shape == theirs.shape and _equal(ours, theirs)
    if axes and (not same or last == along.dim):
        found = joined(name, ours, theirs, axes[0])
        size = along.before + along.added
        return found, tuple(size if at == axes[0] else n for at, n in enumerate(ours.shape))
    if not same and last in along.dims:
        raise InvalidInputError(f"{name}: the coordinate has other values there than before")
    return value, ours.shape


def _axes_along(ours: Array, theirs: Array, along: Along) -> list[int]:
    """Axes with the dim's length in both files, where all others are of equal length."""
    if ours.ndim != theirs.ndim:
        return []
    different = [axis for axis in range(ours.ndim) if ours.shape[axis] != theirs.shape[axis]]
    return [
        axis
        for axis in range(ours.ndim)
        if (ours.shape[axis], theirs.shape[axis]) == (along.before, along.added)
        and set(different) <= {axis}
    ]


def _equal(ours: Array, theirs: Array) -> bool:
    if ours.dtype != theirs.dtype:
        return False
    if ours.dtype == object:
        return bool((ours == theirs).all())
    return ours.tobytes() == theirs.tobytes()


def _as_array(file: Described, array: ArrayLayout) -> Array:
    value = file.verbatim[array.name]
    if not isinstance(value, list):
        return value
    own: Mapping[int, Any] | list[Any] = array.own or {}
    at = _TEXT_SHAPES[file.medium]
    known = at in own if isinstance(own, Mapping) else len(own) > at
    return shaped(value, tuple(own[at]) if known else (len(value),))


def _with_shape(
    array: ArrayLayout, medium: str, shape: tuple[int, ...], texts: list[str]
) -> ArrayLayout:
    """The layout of an array of so many texts."""
    at = _TEXT_SHAPES[medium]
    if isinstance(array.own, dict) and at in array.own:
        return replace(array, own={**array.own, at: list(shape)})
    if isinstance(array.own, list) and array.own:
        width = max(map(len, texts), default=1)
        return replace(array, own=[list(shape), f"<U{max(width, 1)}"])
    return array


def _check_width(name: str, layout: DatasetLayout, texts: list[str]) -> None:
    """Refuse texts that a Zarr array of fixed width would cut off."""
    documents = layout.own.get(0, [])
    for place, text in zip(documents[::2], documents[1::2], strict=False):
        if place not in (f"{name}/zarr.json", f"{name}/.zarray"):
            continue
        tree = json.loads(text)
        width = re.search(r"U(\d+)$", str(tree.get("dtype", "")))
        most = int(width[1]) if width else math.inf
        kind = tree.get("data_type")
        if isinstance(kind, dict) and kind.get("name") == "fixed_length_utf32":
            most = kind["configuration"]["length_bytes"] // 4
        if max(map(len, texts), default=0) > most:
            raise InvalidInputError(f"{name}: has texts of more than {most} characters there")
