"""Two HDF5, Zarr or npz files put together along a dim.

Their metadata do not say which dims an array has that is verbatim. It is taken to grow along the
axis whose length is that of the dim in both files, unless it is the same in both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.arrays.layout import ArrayLayout, DatasetLayout, wrong_arrays
from codec.media.arrays.metadata import ArrayRules
from codec.media.arrays.native_part import NativePart
from codec.media.dataset import VerbatimValue
from codec.media.described import Along, Described, joined, shaped


class GrowingArrayRules(ArrayRules):
    """Rules of a medium of named arrays, whose files can be put together.

    Args:
        text_shape: key of the shape in the native part of an array of texts, or its place where
            that part is a list.
    """

    def __init__(self, text_shape: int) -> None:
        self._text_shape = text_shape

    def extended(self, before: Described, added: Described, along: Along) -> Described:
        """See `MetadataRules.extended`."""
        layout = DatasetLayout.from_tree(before.metadata)
        other = DatasetLayout.from_tree(added.metadata)
        theirs = {array.name: array for array in other.arrays}
        if self.named_after_file(before.metadata):
            theirs = dict.fromkeys((array.name for array in layout.arrays), other.arrays[0])
        verbatim, arrays = dict(before.verbatim), []
        for array in layout.arrays:
            if array.fields:
                if set(array.fields) & set(along.fields):
                    _check_meaning(array, theirs.get(array.name))
                arrays.append(array)
                continue
            value, shape = self._grown(array, theirs.get(array.name), before, added, along)
            verbatim[array.name] = value
            if isinstance(value, list):
                self.check_texts(array.name, layout, value)
                array = self._with_shape(array, shape, value)
            arrays.append(array)
        tree = DatasetLayout(tuple(arrays), layout.native).to_tree()
        return Described(before.medium, tree, verbatim)

    def check_texts(self, name: str, layout: DatasetLayout, texts: list[str]) -> None:
        """Refuse texts that an array cannot hold, in a medium where that can be.

        Raises:
            InvalidInputError: they are too long.
        """

    def _grown(
        self,
        array: ArrayLayout,
        other: ArrayLayout | None,
        before: Described,
        added: Described,
        along: Along,
    ) -> tuple[VerbatimValue, tuple[int, ...]]:
        """A verbatim array with what the added file has of it, and its shape."""
        name, value = array.name, _verbatim(before, array.name)
        ours = self._as_array(before, array)
        if other is None or name not in added.verbatim:
            if along.before in ours.shape:
                raise InvalidInputError(f"it lacks the array {name!r}, which may have to grow too")
            return value, ours.shape
        theirs = self._as_array(added, other)
        last = name.rpartition("/")[2]
        axes = _axes_along(ours, theirs, along)
        same = ours.shape == theirs.shape and _equal(ours, theirs)
        if axes and (not same or last == along.dim):
            size = along.before + along.added
            shape = tuple(size if at == axes[0] else n for at, n in enumerate(ours.shape))
            return joined(name, ours, theirs, axes[0]), shape
        if not same and last in along.dims:
            raise InvalidInputError(f"{name}: the coordinate has other values there than before")
        return value, ours.shape

    def _as_array(self, file: Described, array: ArrayLayout) -> Array:
        value = _verbatim(file, array.name)
        if not isinstance(value, list):
            return value
        part = NativePart(_entries(array.native), array.name)
        return shaped(value, part.shape(self._text_shape, len(value)))

    def _with_shape(
        self, array: ArrayLayout, shape: tuple[int, ...], texts: list[str]
    ) -> ArrayLayout:
        """The layout of an array of so many texts."""
        if isinstance(array.native, dict) and self._text_shape in array.native:
            return replace(array, native={**array.native, self._text_shape: list(shape)})
        if isinstance(array.native, list) and array.native:
            width = max(map(len, texts), default=1)
            return replace(array, native=[list(shape), f"<U{max(width, 1)}"])
        return array


def _check_meaning(ours: ArrayLayout, theirs: ArrayLayout | None) -> None:
    if theirs is None:
        raise InvalidInputError(f"it lacks the array {ours.name!r}, which must grow too")
    if ours.shape:
        raise InvalidInputError(
            f"{ours.name}: an array of {len(ours.shape)} axes cannot grow; split it into arrays of "
            "at most 4"
        )
    for name in ("unit", "scale", "fills"):
        before, there = getattr(ours, name), getattr(theirs, name)
        if before != there:
            raise InvalidInputError(
                f"{ours.name}: its {name} is {there or 'missing'} there, and "
                f"{before or 'missing'} before"
            )


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


def _verbatim(file: Described, name: str) -> VerbatimValue:
    """A verbatim array.

    Raises:
        CorruptError: there is none (META-23).
    """
    if name not in file.verbatim:
        raise wrong_arrays(f"there is no array {name!r}")
    return file.verbatim[name]


def _entries(native: Any) -> Any:
    """A native part as a map; that of `.npz` is a list."""
    return dict(enumerate(native)) if isinstance(native, list) else native
