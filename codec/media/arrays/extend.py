"""Two HDF5, Zarr or npz files put together along a dim.

Their metadata does not say which dims an array has that is kept verbatim. It is taken to grow along
the axis whose length is that of the dim in both files, unless it is the same in both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from codec.arrays import Array
from codec.errors import CorruptError, InvalidInputError
from codec.media.arrays.layout import ArrayLayout, DatasetLayout
from codec.media.dataset import Metadata, VerbatimValue
from codec.media.described import Along, Described, joined, shaped
from codec.media.own_parts import OwnPart
from codec.media.zarr.documents import Documents

# Media, and where the own part of an array of texts has its shape.
_TEXT_SHAPES: dict[str, int] = {"hdf5": 5, "zarr": 1, "npz": 0}
MEDIA = tuple(_TEXT_SHAPES)
# In the own part of a store.
_DOCUMENTS = 0
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
                if old.medium == "zarr":
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
    name, value = array.name, _kept(old, array.name)
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
    value = _kept(file, array.name)
    if not isinstance(value, list):
        return value
    own = OwnPart(_entries(array.own), array.name)
    return shaped(value, own.shape(_TEXT_SHAPES[file.medium], len(value)))


def _kept(file: Described, name: str) -> VerbatimValue:
    """A verbatim array.

    Raises:
        CorruptError: there is none (META-23).
    """
    if name not in file.verbatim:
        raise CorruptError(f"metadata of the arrays: there is no array {name!r}", section="mETa")
    return file.verbatim[name]


def _entries(own: Any) -> Any:
    """An own part as a map; that of `.npz` is a list."""
    return dict(enumerate(own)) if isinstance(own, list) else own


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
    documents = Documents.from_texts(OwnPart(layout.own, "the store").texts(_DOCUMENTS, 2))
    most = documents.text_width(name)
    if most is not None and max(map(len, texts), default=0) > most:
        raise InvalidInputError(f"{name}: has texts of more than {most} characters there")
