"""One field of an open file, as an array that decodes what is asked of it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from codec.arrays import Array, Float64Array
from codec.reading.field_decoder import FieldDecoder
from codec.reading.metadata import FileMetadata


class Field:
    """One field of an open file, indexed like an array.

    `field[0, 10:20, ::4]` decodes these samples, `field.at` gives values between samples, and
    `field.level` a coarser field from fewer bytes. Nothing is decoded before. `codec.open` makes
    fields, and they can be used until the file is closed.
    """

    def __init__(self, decoder: FieldDecoder, metadata: FileMetadata) -> None:
        self._decoder = decoder
        self._metadata = metadata

    @property
    def name(self) -> str:
        """Name of the field; variables in groups are called by their path, "group/name"."""
        return self._decoder.name

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored values."""
        return self._decoder.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of samples along each axis, at the level of this field."""
        return self._decoder.shape

    @property
    def dims(self) -> tuple[str, ...]:
        """Name of each axis, "" where it has none."""
        return self._decoder.dims

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._decoder.ndim

    @property
    def size(self) -> int:
        """Number of samples."""
        return self._decoder.size

    @property
    def factors(self) -> tuple[int, ...]:
        """Number of samples of the full field from one sample to the next, along each axis."""
        return self._decoder.factors

    @property
    def bound(self) -> float | None:
        """Greatest error that the encoder promised, in the unit of the stored values.

        None where nothing is promised: for levels, and in a file that was cut short.
        """
        return self._decoder.bound

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the original variable by name: str, number, array or list of str."""
        from codec.media.table import medium_of

        rules = medium_of(self._metadata.medium).metadata
        return rules.attributes(self._metadata.tree, self.name)

    @property
    def coords(self) -> dict[str, Array]:
        """Coordinates of the samples by dim, (size,) each, as they stand in the original.

        Dims without a coordinate variable are left out.
        """
        from codec.media.arrays.coordinates import coordinates

        full = coordinates(self._metadata.verbatim, self.name, self.dims, self._decoder.full_shape)
        factors = dict(zip(self.dims, self.factors, strict=True))
        return {name: values[:: factors[name]] for name, values in full.items()}

    def level(self, level: int) -> Field:
        """This field, halved `level` times along every axis that can be.

        Sample i of an axis stands where sample i * factor of the full field does. Where a field is
        stored as levels, only the streams of this and coarser ones are read.

        Args:
            level: counted from the full field, which is level 0.

        Raises:
            InvalidOptionError: there is no such level.
        """
        return Field(self._decoder.at_level(level), self._metadata)

    def at(self, points: Any) -> Float64Array:
        """Values between the samples.

        Args:
            points: (n, ndim) real sample indices, 0 to size - 1 along each axis; positions outside
                are moved to the border.

        Returns:
            (n,) float64 in the unit of the stored values, not rounded to the stored dtype; NaN
            where the nearest sample is invalid.

        Raises:
            InvalidInputError: the points have another shape, or are not finite.
            FormatError: the file's streams are damaged or over the limits.
        """
        return self._decoder.at(points)

    def __getitem__(self, index: Any) -> Array:
        """Stored values of a region; integers, slices with steps, `...`, per axis.

        Returns:
            An array of the field's dtype (a scalar array where every axis is an integer).

        Raises:
            IndexError: too many indices, or one that is out of range.
            FormatError: the file's streams are damaged or over the limits.
        """
        return self._decoder[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        values = self[...]
        return values if dtype is None else values.astype(dtype)

    def __repr__(self) -> str:
        axes = ", ".join(
            f"{name}: {size}" if name else str(size)
            for name, size in zip(self.dims, self.shape, strict=True)
        )
        units = self.attrs.get("units", "")
        return f"<inrc field {self.name!r} ({axes}) {self.dtype}{f', {units}' if units else ''}>"
