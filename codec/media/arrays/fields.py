"""Fields made of the arrays of a file: the choice of arrays, and the split of components and axes.

A field has 1 to 4 axes, slowest first. An array of vectors becomes one field per component, all of
which share a model; axes of one sample, and then the slowest axes together, give way where an
array has more than 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError, InvalidOptionError
from codec.media.arrays.layout import ArrayLayout, DatasetLayout
from codec.media.dataset import ArraySource, Dataset, Field, Metadata, VerbatimValue
from codec.media.geometry import Geometry

SMALLEST_FIELD = 512  # samples; below this the verbatim form is cheaper than any model
LARGEST_RANK = 4
MOST_COMPONENTS = 4
DTYPES = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "u1", "u2", "u4"})


@dataclass(frozen=True)
class StoredArray:
    """A numeric array of a file.

    Attributes:
        name: as in the file.
        values: stored values of any rank and byte order, slowest axis first, read by slicing.
        dims: one name per axis, "" where it has none.
        axis: the axis of 2 to 4 components of one model, or None.
        geometry, unit, scale, fills, native: as in `ArrayLayout`.
    """

    name: str
    values: ArraySource
    dims: tuple[str, ...]
    axis: int | None = None
    geometry: Geometry | None = None
    unit: str = ""
    scale: tuple[float, float] | None = None
    fills: tuple[int | float, ...] = ()
    native: Any = None

    @property
    def component_names(self) -> tuple[str, ...]:
        """Names of the fields that the array becomes."""
        if self.axis is None:
            return (self.name,)
        return tuple(f"{self.name}/{number}" for number in range(self.values.shape[self.axis]))


@dataclass(frozen=True)
class ArrayFile:
    """An open file of arrays, before it is known which are fitted.

    Attributes:
        path, medium: of the file.
        arrays: numeric arrays, in file order.
        verbatim: names of other arrays -> their values.
        native: as in `DatasetLayout`.
        verbatim_native: name of another array -> `ArrayLayout.native`.
        close: releases the file.
        source_bytes: as in `Dataset`.
    """

    path: Path
    medium: str
    arrays: tuple[StoredArray, ...]
    source_bytes: int
    verbatim: Mapping[str, VerbatimValue]
    native: Metadata
    verbatim_native: Mapping[str, Any]
    close: Callable[[], None] = lambda: None


def single(
    path: Path,
    medium: str,
    array: StoredArray,
    native: Metadata,
    close: Callable[[], None] = lambda: None,
) -> ArrayFile:
    """A file that is one array."""
    return ArrayFile(path, medium, (array,), path.stat().st_size, {}, native, {}, close)


def dataset(file: ArrayFile, select: tuple[str, ...] | None) -> Dataset:
    """The fields of a file, and all else for its layout.

    Args:
        file: what was read.
        select: names of arrays, or of their components, to fit. None: the only array; of several,
            all of floating point with 512 samples or more, or where there is none, of integers.

    Raises:
        InvalidInputError: an array that is to be fitted cannot be.
        InvalidOptionError: `select` names what is not there.
    """
    chosen = _chosen(file, select)
    layouts, fields, verbatim, joint = [], [], dict(file.verbatim), []
    for array in file.arrays:
        if array.name not in chosen:
            verbatim[array.name] = _verbatim(file.path, array)
            layouts.append(_layout(array, ()))
            continue
        made = _fields(file.path, array, chosen[array.name])
        fields += made
        layouts.append(_layout(array, made))
        if len(made) > 1:
            joint.append(tuple(field.name for field in made))
    layouts += [ArrayLayout(name, native=native) for name, native in file.verbatim_native.items()]
    return Dataset(
        file.medium,
        tuple(fields),
        metadata=DatasetLayout(tuple(layouts), file.native).to_tree(),
        verbatim=verbatim,
        source_bytes=file.source_bytes,
        close=file.close,
        joint=tuple(joint),
    )


def _chosen(file: ArrayFile, select: tuple[str, ...] | None) -> dict[str, tuple[str, ...]]:
    """Names of the arrays to fit, and of their components."""
    if select is None:
        return {array.name: array.component_names for array in _default(file.arrays)}
    chosen: dict[str, tuple[str, ...]] = {}
    for wanted in select:
        name = wanted.strip("/")
        for array in file.arrays:
            parts = array.component_names
            if name == array.name:
                chosen[name] = parts
            elif name in parts:
                have = (*chosen.get(array.name, ()), name)
                chosen[array.name] = tuple(part for part in parts if part in have)
            else:
                continue
            break
        else:
            names = ", ".join(array.name for array in file.arrays) or "none"
            raise InvalidOptionError(f"{file.path}: has no variable {wanted!r}; available: {names}")
    return chosen


def _default(arrays: tuple[StoredArray, ...]) -> list[StoredArray]:
    if len(arrays) == 1:
        return list(arrays)
    large = [
        array
        for array in arrays
        if code_of(array.values.dtype) in DTYPES
        and math.prod(array.values.shape) >= SMALLEST_FIELD
        and not _is_coordinate(array)
    ]
    scaled = [array for array in large if array.values.dtype.kind == "f" or array.scale]
    return scaled or [array for array in large if len(array.values.shape) > 1]


def _is_coordinate(array: StoredArray) -> bool:
    return array.dims == (array.name.rpartition("/")[2],)


def code_of(dtype: np.dtype[Any]) -> str:
    """NumPy's code of a dtype without its byte order: "f4"."""
    return dtype.str[1:]


def check_fittable(path: Path, name: str, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    """Refuse what cannot be a field.

    Raises:
        InvalidInputError: with the reason and the way out.
    """
    if dtype.hasobject or dtype.fields is not None:
        kind = "Python objects" if dtype.hasobject else "a structured dtype"
        raise InvalidInputError(
            f"{path}: {name!r} holds {kind}; save each part as a plain numeric array"
        )
    if code_of(dtype) not in DTYPES:
        way = {
            "b": "convert it to uint8",
            "c": "save its real and imaginary part as two arrays",
        }.get(dtype.kind, "convert it to float16/32/64 or an integer of up to 32 bits")
        raise InvalidInputError(
            f"{path}: {name!r} has dtype {dtype}, which cannot be fitted; {way}"
        )
    if not shape:
        raise InvalidInputError(f"{path}: {name!r} is a single number; there is nothing to fit")
    if 0 in shape:
        raise InvalidInputError(f"{path}: {name!r} of shape {tuple(shape)} holds no samples")


def _verbatim(path: Path, array: StoredArray) -> Array:
    """An array that is not fitted, in a dtype that can be kept verbatim."""
    dtype = array.values.dtype
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise InvalidInputError(
            f"{path}: {array.name!r} has dtype {dtype}, which cannot be kept; remove it from a"
            " copy of the file first, because inrc does not drop good data silently"
        )
    native = np.uint8 if dtype.kind == "b" else dtype.newbyteorder("=")
    return np.ascontiguousarray(np.asarray(array.values[...]).astype(native))


def _layout(array: StoredArray, fields: Sequence[Field]) -> ArrayLayout:
    if array.axis is not None and len(fields) == 1:
        return _layout_of_one(array, array.axis, fields[0])
    shape = tuple(map(int, array.values.shape))
    whole = [size for axis, size in enumerate(shape) if axis != array.axis]
    reshaped = bool(fields) and list(fields[0].shape) != whole
    dtype = array.values.dtype
    differs = dtype.kind == "b" or not dtype.isnative
    if fields and array.axis is not None and len(fields) < shape[array.axis]:
        shape = tuple(len(fields) if at == array.axis else size for at, size in enumerate(shape))
    return ArrayLayout(
        name=array.name,
        fields=tuple(field.name for field in fields),
        axis=array.axis if fields else None,
        shape=shape if reshaped else (),
        geometry=array.geometry,
        unit=array.unit,
        scale=array.scale,
        fills=array.fills,
        dtype=dtype.str if differs else "",
        native=array.native,
    )


def _layout_of_one(array: StoredArray, axis: int, field: Field) -> ArrayLayout:
    """The layout of a component that is alone: an array without the axis of components."""
    place = array.geometry
    if place is not None:
        gone = len(array.values.shape) - 1 - len(field.shape)
        axes = [at - (at > axis) - gone for at in place.axes]
        place = place.on_axes(axes) if axes[0] >= 0 else None
    return ArrayLayout(
        name=field.name,
        fields=(field.name,),
        geometry=place,
        unit=array.unit,
        scale=array.scale,
        fills=array.fills,
        dtype="" if array.values.dtype.isnative else array.values.dtype.str,
        native=array.native,
    )


def _fields(path: Path, array: StoredArray, names: tuple[str, ...]) -> list[Field]:
    check_fittable(path, array.name, array.values.shape, array.values.dtype)
    numbers = [array.component_names.index(name) for name in names]
    sources = [_Part(array, number) for number in numbers]
    return [
        Field(
            name=name,
            dims=source.dims,
            values=source,
            fill_values=array.fills,
            packing=array.scale,
            units=array.unit,
        )
        for name, source in zip(names, sources, strict=True)
    ]


class _Part:
    """A component of an array as a field's values: native byte order, C order, 1 to 4 axes."""

    def __init__(self, array: StoredArray, component: int) -> None:
        self._values = array.values
        sizes = tuple(map(int, array.values.shape))
        self._fixed = {} if array.axis is None else {array.axis: component}
        free = [axis for axis in range(len(sizes)) if axis not in self._fixed]
        for axis in [axis for axis in free if sizes[axis] == 1]:
            if len(free) > LARGEST_RANK:
                free.remove(axis)
                self._fixed[axis] = 0
        if not free:  # a vector alone: its one sample still is an axis
            raise InvalidInputError(f"{array.name}: has no axis but that of its components")
        self._axes = free
        # Sizes of the slowest axes, which count together as one.
        self._merged = tuple(sizes[axis] for axis in free[: max(0, len(free) - LARGEST_RANK) + 1])
        separate = free[len(self._merged) :]
        self.shape = (math.prod(self._merged), *(sizes[axis] for axis in separate))
        names = [array.dims[axis] for axis in free[: len(self._merged)]]
        joined = names[0] if len(names) == 1 else "_".join(filter(None, names))
        self.dims = (joined, *(array.dims[axis] for axis in separate))
        self.dtype: np.dtype[Any] = array.values.dtype.newbyteorder("=")

    def __getitem__(self, index: Any) -> Array:
        parts = _per_axis(index, len(self.shape))
        if len(self._merged) == 1:
            return self._taken(parts)
        if not isinstance(parts[0], slice):
            return self._taken([*np.unravel_index(parts[0], self._merged), *parts[1:]])
        slabs = [
            self._taken([*np.unravel_index(number, self._merged), *parts[1:]])
            for number in range(self.shape[0])[parts[0]]
        ]
        return np.stack(slabs) if slabs else np.empty((0, *self.shape[1:]), self.dtype)

    def _taken(self, parts: Sequence[Any]) -> Array:
        places: list[Any] = [self._fixed.get(axis) for axis in range(len(self._values.shape))]
        for axis, part in zip(self._axes, parts, strict=True):
            places[axis] = part if isinstance(part, slice) else int(part)
        return np.array(self._values[tuple(places)], dtype=self.dtype, order="C")


def _per_axis(index: Any, rank: int) -> list[Any]:
    """An integer or slice per axis, for an index that may end early or hold `...`."""
    parts = list(index) if isinstance(index, tuple) else [index]
    missing = rank - sum(part is not Ellipsis for part in parts)
    if Ellipsis not in parts:
        parts.append(Ellipsis)
    at = parts.index(Ellipsis)
    return parts[:at] + [slice(None)] * missing + parts[at + 1 :]
