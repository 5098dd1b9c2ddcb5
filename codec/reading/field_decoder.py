"""Decoding of one field, whether one item holds it or several tiles do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from codec.arrays import Array, Float64Array
from codec.coding.evaluate import Window
from codec.errors import InvalidInputError
from codec.format.headers import Component, Dim
from codec.limits import within_memory
from codec.reading.item import DecodableItem
from codec.reading.selection import Selection, sample_indices
from codec.reading.streams import FileStreams


class FieldDecoder(ABC):
    """Values of one field at one level, decoded where they are asked for.

    Args:
        component: name, dtype and scale of the field.
        shape: shape of the field at level 0.

    Attributes:
        streams: the sections of the file, and what its items share.
        name, dims, dtype: properties of the stored array.
        full_shape: at level 0.
        shape: at this level.
        factors: per axis, how many samples of the full field lie from one sample to the next.
        level: number of times each axis is halved that can be.
    """

    def __init__(
        self,
        streams: FileStreams,
        component: Component,
        dims: Sequence[Dim],
        shape: Sequence[int],
        factors: Sequence[int],
        level: int,
    ) -> None:
        self.streams = streams
        self.level = level
        self.full_shape = tuple(shape)
        self.name = component.name
        self.dims = tuple(dim.name for dim in dims)
        self.dtype = np.dtype(component.dtype)
        self.factors = tuple(factors)
        self.shape = tuple(
            -(-size // factor) for size, factor in zip(shape, self.factors, strict=True)
        )

    @property
    @abstractmethod
    def items(self) -> Sequence[DecodableItem]:
        """The models behind the field: one, or its tiles."""

    @abstractmethod
    def at_level(self, level: int) -> FieldDecoder:
        """The field at a level.

        Raises:
            InvalidOptionError: there is no such level.
        """

    @abstractmethod
    def read(self, selection: Selection) -> Array:
        """Stored values at the outer product of sample indices, one array per axis."""

    @abstractmethod
    def windows(self, selection: Selection, samples: int) -> Iterator[Window]:
        """Cut an outer product of sample indices into parts that are best read one by one.

        Yields:
            Per axis a slice of the selection; a part has at most `samples`.
        """

    def read_windows(self, selection: Selection, samples: int) -> Iterator[tuple[Window, Array]]:
        """The parts of `windows`, each with its stored values, in their order."""
        for window in self.windows(selection, samples):
            parts = [axis[part] for axis, part in zip(selection, window, strict=True)]
            yield window, self.read(parts)

    @abstractmethod
    def at(self, points: Any) -> Float64Array:
        """Values between the samples; see `Field.at`."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of samples."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def bound(self) -> float | None:
        """Greatest error that the encoder promised, in stored units, or None; levels have none."""
        if self.level or self.streams.sections.truncated:
            return None
        bounds = [
            bound
            for item in self.items
            for component, bound in zip(item.header.components, item.header.bounds, strict=False)
            if component.name == self.name
        ]
        return max(bounds) if len(bounds) == len(self.items) else None

    @within_memory()
    def __getitem__(self, index: Any) -> Array:
        """Stored values of a region; see `Field.__getitem__`."""
        selection, remaining = sample_indices(index, self.shape)
        return self.read(selection).reshape([len(selection[axis]) for axis in remaining])

    def _checked_points(self, points: Any) -> Float64Array:
        """Points as positions of the full field, moved into it."""
        places = np.atleast_2d(np.asarray(points, np.float64))
        if places.ndim != 2 or places.shape[1] != self.ndim:
            raise InvalidInputError(f"{self.name}: points are (n, {self.ndim}), not {places.shape}")
        if not np.isfinite(places).all():
            raise InvalidInputError(f"{self.name}: a point is not finite")
        return np.clip(places, 0, np.array(self.shape) - 1) * np.array(self.factors, np.float64)

    def _full_indices(self, selection: Selection) -> Selection:
        return [axis * factor for axis, factor in zip(selection, self.factors, strict=True)]
