"""Arrays made of decoded fields: what writers are given, whatever medium the fields came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.media.arrays.layout import ArrayLayout
from codec.media.dataset import DecodedField
from codec.media.geometry import Geometry
from codec.media.image.channels import in_channel_order

# Name of the array that the channels of an image make up.
IMAGE = "image"


@dataclass(frozen=True)
class DecodedArray:
    """An array to write; its fields are its components.

    Attributes:
        name: as in the original file.
        fields: one, or the components in order, of one shape and dtype.
        axis: where the axis of the components stands, None if there is none.
        layout: what its medium says of it.
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
        """Dtype of the stored values."""
        return self.fields[0].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array, with its component axis."""
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
        return max(0, (self.axis or 0) - lost_axes(self.layout, self.fields[0]))

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


def image_or_single_arrays(fields: Sequence[DecodedField]) -> tuple[DecodedArray, ...]:
    """The channels of an image as an array (y, x, channel); any other field as an array alone."""
    channels = in_channel_order(fields) if len(fields) > 1 else ()
    if channels:
        layout = ArrayLayout(IMAGE, tuple(channel.name for channel in channels), 2)
        return (DecodedArray(IMAGE, channels, 2, layout, None, whole=True),)
    return tuple(map(single_array, fields))


def single_array(field: DecodedField) -> DecodedArray:
    """An array of one field, of which no more is known."""
    whole = not field.window
    return DecodedArray(field.name, (field,), None, ArrayLayout(field.name), None, whole)


def lost_axes(array: ArrayLayout, field: DecodedField) -> int:
    """Number of axes that an array has and its fields lack, besides that of the components."""
    if not array.shape:
        return 0
    return len(array.shape) - (array.axis is not None) - len(field.shape)
