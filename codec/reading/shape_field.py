"""The shape of an open file: distances and inside at positions, in the frame of its mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from codec.arrays import BoolArray, Float64Array
from codec.errors import CorruptError, InvalidInputError, InvalidOptionError
from codec.media.dataset import TriangleMesh
from codec.media.table import medium_of
from codec.reading.isosurface import Advance, extract, moved_inward

if TYPE_CHECKING:
    from codec.reading.field import FieldView


class ShapeView:
    """A field of distances seen as a shape.

    Raises:
        InvalidInputError: the file holds no shape.
        CorruptError: it does not say where the shape lies.
    """

    def __init__(self, view: FieldView) -> None:
        self._item = view.items[0]
        file = self._item.file
        if file.head.kind != "sdf" or view.ndim != 3 or len(view.items) > 1:
            raise InvalidInputError(f"{view.name}: the file holds no shape")
        frame = medium_of(file.medium).metadata.frame(file.metadata)
        if frame is None:
            raise CorruptError("a shape does not say where it lies", section="mETa")
        self._view = view
        self._band = self._item.header.components[0].scale
        self.frame = frame
        if self.frame.offset not in (0.0, self._item.header.components[0].offset):
            raise CorruptError("the offset of a shape is not that of its field", section="mETa")

    def sdf(self, points: Any) -> Float64Array:
        """See `FieldView.sdf`."""
        places = np.atleast_2d(np.asarray(points, np.float64))
        if places.ndim != 2 or places.shape[1] != 3:
            raise InvalidInputError(f"{self._view.name}: points are (n, 3), not {places.shape}")
        indices = self.frame.indices(places)
        highest = np.array(self._view.shape) - 1.0
        found = self._view.at(indices)
        gap = np.linalg.norm(indices - np.clip(indices, 0, highest), axis=1) * self.frame.spacing
        # Nothing of the surface is beyond the grid: it is farther than from the border.
        farther = np.minimum(np.maximum(found, 0) + gap, self._band + self.frame.offset)
        found = np.where(gap > 0, farther, found)
        return np.maximum(found, 0) if self.frame.offset else found

    def contains(self, points: Any) -> BoolArray:
        """See `FieldView.contains`."""
        if self.frame.offset:
            raise InvalidOptionError(
                f"{self._view.name}: distances are unsigned, so nothing is inside; ask for sdf"
            )
        return self.sdf(points) < 0

    def mesh(self, resolution: int, advance: Advance, closed: bool = False) -> TriangleMesh:
        """The surface, from `resolution` cells along the longest axis.

        Of unsigned distances it has two sides, one on the other.

        Args:
            closed: with what closes the holes of the original.

        Raises:
            InvalidOptionError: distances are unsigned, and there is nothing to be closed.
        """
        view, offset = self._view, self.frame.offset
        if offset and closed:
            raise InvalidOptionError(f"{view.name}: distances are unsigned; leave out --closed")
        places, faces = extract(
            self._item.evaluator,
            view.shape,
            self._band / self.frame.spacing,
            resolution,
            self._item.file.threads,
            advance,
            closed,
        )
        if offset:
            apart = offset / self.frame.spacing
            threads = self._item.file.threads
            places = moved_inward(self._item.evaluator, view.shape, places, apart, threads)
        return TriangleMesh(self.frame.positions(places), faces)
