"""From decoded fields back to arrays, whatever medium they came from: what writers are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.arrays.attributes import geometry_from_attributes
from codec.media.arrays.layout import ARRAY_MEDIA, ArrayLayout, DatasetLayout
from codec.media.attributes import NETCDF, coordinates, variable_attributes
from codec.media.dataset import DecodedDataset, DecodedField
from codec.media.geometry import Geometry
from codec.media.image.channels import in_channel_order

IMAGE = "image"
# Of the widest of its steps, how much an axis may be uneven and still count as evenly spaced.
_UNEVEN = 1e-5


@dataclass(frozen=True)
class DecodedArray:
    """One array to write; its fields are its components.

    Attributes:
        name: as in its own medium.
        fields: one, or the components in order, of one shape and dtype.
        axis: where the axis of the components stands, None if there is none.
        layout: what its medium kept of it; one of another medium has no `own`.
        geometry: of what is decoded, on the axes of the array; None if unknown.
        whole: whether it is decoded whole, at full resolution.
    """

    name: str
    fields: tuple[DecodedField, ...]
    axis: int | None
    layout: ArrayLayout
    geometry: Geometry | None
    whole: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the stored values."""
        return self.fields[0].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array, with its component axis."""
        if self._reshaped:
            return self.layout.shape
        return self._joined_shape

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of its axes, "" where there is none."""
        if self._reshaped:
            return ("",) * len(self.layout.shape)
        names = list(self.fields[0].dims)
        if self.axis is not None:
            names.insert(self.axis, "c")
        return tuple(names)

    @property
    def _reshaped(self) -> bool:
        return self.whole and bool(self.layout.shape)

    @property
    def _joined_shape(self) -> tuple[int, ...]:
        sizes = list(self.fields[0].shape)
        if self.axis is not None:
            sizes.insert(self._joined_axis, len(self.fields))
        return tuple(sizes)

    @property
    def _joined_axis(self) -> int:
        # Axes of one sample may have gone before it.
        return max(0, (self.axis or 0) - _axes_gone(self.layout, self.fields[0]))

    def blocks(self) -> Iterator[tuple[tuple[slice, ...], Array]]:
        """(index, values) that tile `shape`; values have the shape of the index."""
        if self._reshaped:
            yield tuple(slice(0, size) for size in self.shape), self.read()
            return
        for number, field in enumerate(self.fields):
            for index, values in field.blocks():
                if self.axis is None:
                    yield index, values
                    continue
                parts, at = list(index), self._joined_axis
                parts.insert(at, slice(number, number + 1))
                yield tuple(parts), np.expand_dims(values, at)

    def read(self) -> Array:
        """The whole array in memory, of `shape` and `dtype`."""
        if self.axis is None:
            return self.fields[0].read().reshape(self.shape)
        if not self._reshaped:
            return np.stack([field.read() for field in self.fields], self._joined_axis)
        sizes = [size for at, size in enumerate(self.shape) if at != self.axis]
        return np.stack([field.read().reshape(sizes) for field in self.fields], self.axis)

    def unscaled(self) -> DecodedArray:
        """The same array in its own unit: scaled, as floats, NaN where there is no sample."""
        marked = bool(self.layout.fills) and self.dtype.kind == "f"
        if self.layout.scale is None and not marked:
            return self
        slope, offset = self.layout.scale or (1.0, 0.0)
        narrow = self.dtype.itemsize <= 2 or self.dtype == np.float32
        dtype = np.dtype(np.float32 if narrow else np.float64)
        if self.layout.scale is None:
            dtype = self.dtype
        fills = self.layout.fills

        def scaled(field: DecodedField) -> DecodedField:
            def blocks() -> Iterator[tuple[tuple[slice, ...], Array]]:
                for index, values in field.blocks():
                    real = (values.astype(np.float64) * slope + offset).astype(dtype)
                    if fills:
                        real[np.isin(values, np.array(fills).astype(values.dtype))] = np.nan
                    yield index, real

            return replace(field, dtype=dtype, blocks=blocks)

        layout = replace(self.layout, scale=None, fills=())
        return replace(self, fields=tuple(map(scaled, self.fields)), layout=layout)

    def as_one_of(self, path: Path, *codes: str) -> DecodedArray:
        """The array in the first of these dtypes that holds each of its values.

        float64 is rounded to float32 where `codes` have nothing wider.

        Raises:
            InvalidInputError: none does.
        """
        dtype = next((np.dtype(c) for c in codes if np.can_cast(self.dtype, c, "safe")), None)
        if dtype is None and self.dtype == np.float64 and "f4" in codes:
            dtype = np.dtype(np.float32)
        if dtype is None:
            raise InvalidInputError(
                f"{path}: this format cannot hold {self.dtype} ({self.name}); use .nc .h5 .npy"
            )
        if dtype == self.dtype:
            return self
        return replace(self, fields=tuple(_cast(field, dtype) for field in self.fields))


def _cast(field: DecodedField, dtype: np.dtype[Any]) -> DecodedField:
    def blocks() -> Iterator[tuple[tuple[slice, ...], Array]]:
        for index, values in field.blocks():
            yield index, values.astype(dtype)

    return replace(field, dtype=dtype, blocks=blocks)


def decoded_arrays(dataset: DecodedDataset) -> tuple[DecodedArray, ...]:
    """The arrays of a dataset of any medium, in file order.

    Raises:
        CorruptError: the metadata breaks a rule of the format.
    """
    if dataset.medium in ARRAY_MEDIA:
        return tuple(_joined(dataset.fields, DatasetLayout.from_tree(dataset.metadata)))
    if dataset.medium == NETCDF and dataset.metadata:
        return tuple(_of_netcdf(dataset, field) for field in dataset.fields)
    channels = in_channel_order(dataset.fields) if len(dataset.fields) > 1 else ()
    if channels:
        layout = ArrayLayout(IMAGE, tuple(channel.name for channel in channels), 2)
        return (DecodedArray(IMAGE, channels, 2, layout, None, whole=True),)
    return tuple(_plain(field) for field in dataset.fields)


def own_layout(dataset: DecodedDataset, medium: str) -> DatasetLayout | None:
    """The layout of a dataset that came from this medium; None for another or a plain one."""
    if dataset.medium != medium or dataset.plain:
        return None
    return DatasetLayout.from_tree(dataset.metadata)


def only_array(path: Path, dataset: DecodedDataset) -> DecodedArray:
    """The one array of a dataset.

    Raises:
        InvalidInputError: there are none, or several.
    """
    arrays = decoded_arrays(dataset)
    if len(arrays) != 1:
        names = ", ".join(field.name for field in dataset.fields) or "none"
        raise InvalidInputError(
            f"{path}: this format holds one variable, not {len(arrays)};"
            f" choose with --var (available: {names})"
        )
    return arrays[0]


def _plain(field: DecodedField) -> DecodedArray:
    whole = not field.window
    return DecodedArray(field.name, (field,), None, ArrayLayout(field.name), None, whole)


def _joined(fields: tuple[DecodedField, ...], layout: DatasetLayout) -> Iterator[DecodedArray]:
    by_name = {field.name: field for field in fields}
    for array in layout.arrays:
        parts = tuple(by_name.pop(name) for name in array.fields if name in by_name)
        if not parts:
            continue
        lone = array.axis is not None and len(parts) == 1 < len(array.fields)
        forms = [(part.shape, part.dtype) for part in parts]
        array.check_fits(forms, cut=bool(parts[0].window))
        if len(parts) < len(array.fields):
            array = replace(array, shape=())
        axis = None if lone else array.axis
        name = parts[0].name if lone else array.name
        whole = not parts[0].window
        geometry = _placed(array, parts[0], axis)
        yield DecodedArray(name, parts, axis, array, geometry, whole)
    yield from map(_plain, by_name.values())


def _placed(array: ArrayLayout, field: DecodedField, axis: int | None) -> Geometry | None:
    """The array's geometry, cut to what is decoded, on the axes that it now has."""
    found = array.geometry
    if found is None or (array.shape and not field.window):
        return found
    inner = [at - (array.axis is not None and at > array.axis) for at in found.axes]
    gone = _axes_gone(array, field)
    if inner[0] < gone:
        return None
    cut = found.on_axes([at - gone for at in inner]).cut(field.window)
    if axis is None:
        return cut
    joined = max(0, axis - gone)
    return cut.on_axes([at + (at >= joined) for at in cut.axes])


def _axes_gone(array: ArrayLayout, field: DecodedField) -> int:
    """How many axes the array has that its fields lack, besides that of the components."""
    if not array.shape:
        return 0
    return len(array.shape) - (array.axis is not None) - len(field.shape)


def _of_netcdf(dataset: DecodedDataset, field: DecodedField) -> DecodedArray:
    attributes = variable_attributes(NETCDF, dataset.metadata, field.name)
    scale = None
    if {"scale_factor", "add_offset"} & attributes.keys():
        scale = (_number(attributes, "scale_factor", 1.0), _number(attributes, "add_offset", 0.0))
    fills = [attributes.get(name) for name in ("_FillValue", "missing_value")]
    layout = ArrayLayout(
        field.name,
        unit=str(attributes.get("units", "")),
        scale=scale,
        fills=tuple(value.item() for value in fills if isinstance(value, np.generic)),
    )
    geometry = geometry_from_attributes(attributes, len(field.shape))
    if geometry is not None:
        geometry = geometry.cut(field.window)
        return DecodedArray(field.name, (field,), None, layout, geometry, not field.window)
    axes = coordinates(dataset.verbatim, field.name, field.dims, field.shape)
    geometry = _geometry_of_coordinates(dataset, field, axes)
    return DecodedArray(field.name, (field,), None, layout, geometry, not field.window)


def _number(attributes: dict[str, Any], name: str, default: float) -> float:
    return float(np.ravel(attributes.get(name, default))[0])


def _geometry_of_coordinates(
    dataset: DecodedDataset, field: DecodedField, axes: dict[str, Array]
) -> Geometry | None:
    """From coordinate variables that are evenly spaced, for the last (up to 3) axes."""
    names = [name for name in field.dims[-3:] if name in axes]
    steps, origins, units = [], [], []
    while names and (step := _even_step(axes[names[0]])) is None:
        names.pop(0)
    if not names or list(field.dims[-len(names) :]) != names:
        return None
    for name in names:
        step = _even_step(axes[name])
        if step is None:
            return None
        steps.append(step)
        origins.append(float(axes[name][0]))
        found = variable_attributes(NETCDF, dataset.metadata, name).get("units", "")
        units.append(str(found))
    matrix = np.diag(steps)[::-1]
    first = len(field.dims) - len(names)
    return Geometry.from_matrix(
        range(first, len(field.dims)),
        matrix,
        origins[::-1],
        tuple(units) if any(units) else (),
    )


def _even_step(values: Array) -> float | None:
    if len(values) < 2 or values.dtype.kind not in "iuf":
        return None
    steps = np.diff(values.astype(np.float64))
    step = float(steps.mean())
    even = step != 0 and bool(np.abs(steps - step).max() <= _UNEVEN * abs(step))
    return step if even else None
