"""The shape of an open file: distances to a surface, in the frame of the original mesh."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float64Array
from codec.errors import CorruptError, InvalidInputError, InvalidOptionError
from codec.limits import within_memory
from codec.measuring.shape_quality import compare_shape
from codec.media.dataset import Shape, TriangleMesh
from codec.media.mesh.frame import MeshFrame
from codec.media.table import medium_of
from codec.options.decode import DEFAULT_RESOLUTION
from codec.reading.component_decoder import ComponentDecoder
from codec.reading.field import Field
from codec.reading.isosurface import extract, moved_inward
from codec.reading.metadata import FileMetadata
from codec.reports import FieldQuality


class ShapeField(Field):
    """A shape: an array of distances over the nodes of a grid, and the surface where they are 0.

    As an array it is like every field; its levels are arrays alone. Methods that take or give
    positions raise a CorruptError if the file does not say where the shape lies.
    """

    def __init__(self, decoder: ComponentDecoder, metadata: FileMetadata) -> None:
        super().__init__(decoder, metadata)
        (self._item,) = decoder.items
        self._threads = decoder.streams.threads
        self._component = self._item.header.components[0]

    @cached_property
    def _frame(self) -> MeshFrame:
        rules = medium_of(self._metadata.medium).metadata
        frame = rules.frame(self._metadata.tree)
        if frame is None:
            raise CorruptError("a shape does not say where it lies", section="mETa")
        if frame.offset not in (0.0, self._component.offset):
            raise CorruptError("the offset of a shape is not that of its field", section="mETa")
        return frame

    @property
    def signed(self) -> bool:
        """Whether distances are negative inside; without a side nothing is inside."""
        return not self._frame.offset

    def sdf(self, points: Any) -> Float64Array:
        """Distances to the surface of the shape, negative inside.

        Unsigned distances are at least 0, and blurred within about a quarter of a node's spacing
        from the faces.

        Args:
            points: (n, 3) positions in the frame and unit of the original mesh.

        Returns:
            (n,) float64 in that unit, exact near the surface and cut off at the width of the band
            (three nodes): farther away only the side is known.

        Raises:
            InvalidInputError: the points are not (n, 3), or not finite.
            FormatError: the file's streams are damaged or over the limits.
        """
        frame = self._frame
        places = np.atleast_2d(np.asarray(points, np.float64))
        if places.ndim != 2 or places.shape[1] != 3:
            raise InvalidInputError(f"{self.name}: points are (n, 3), not {places.shape}")
        indices = frame.indices(places)
        highest = np.array(self.shape) - 1.0
        distances = self.at(indices)
        gap = np.linalg.norm(indices - np.clip(indices, 0, highest), axis=1) * frame.spacing
        # No part of the surface is beyond the grid: it is farther away than from the border.
        band = self._component.scale + frame.offset
        farther = np.minimum(np.maximum(distances, 0) + gap, band)
        distances = np.where(gap > 0, farther, distances)
        return np.maximum(distances, 0) if frame.offset else distances

    def contains(self, points: Any) -> BoolArray:
        """Mask of the positions that are inside the shape.

        Args:
            points: (n, 3) positions in the frame and unit of the original mesh.

        Returns:
            (n,) bool.

        Raises:
            InvalidInputError: the points are not (n, 3), or not finite.
            InvalidOptionError: the distances are unsigned.
            FormatError: the file's streams are damaged or over the limits.
        """
        if not self.signed:
            raise InvalidOptionError(
                f"{self.name}: distances are unsigned, so nothing is inside; ask for sdf"
            )
        return self.sdf(points) < 0

    @within_memory()
    def mesh(
        self,
        resolution: int = DEFAULT_RESOLUTION,
        *,
        closed: bool = False,
        advance: Callable[[float], None] = lambda share: None,
    ) -> TriangleMesh:
        """The surface as triangles; of unsigned distances it has two sides, one on the other.

        Args:
            resolution: cells along the longest axis, 2 to 1024.
            closed: close the holes of the original.
            advance: told the share that is done, 0 to 1.

        Returns:
            `vertices`, (n, 3) float64 in the frame and unit of the original mesh, and `faces`,
            (m, 3) int64, turned outward; both empty where there is no surface.

        Raises:
            InvalidOptionError: the resolution is out of range, or distances are unsigned and
                there is nothing to be closed.
            MissingDependencyError: scikit-image is not installed.
            FormatError: the file's streams are damaged or over the limits.
        """
        frame, evaluator = self._frame, self._item.evaluator
        if closed and not self.signed:
            raise InvalidOptionError(f"{self.name}: distances are unsigned; leave out --closed")
        places, faces = extract(
            evaluator,
            self.shape,
            self._component.scale / frame.spacing,
            resolution,
            self._threads,
            advance,
            closed,
        )
        if frame.offset:
            distance = frame.offset / frame.spacing
            places = moved_inward(evaluator, self.shape, places, distance, self._threads)
        return TriangleMesh(frame.positions(places), faces)


def measured_shape(field: Field, original: Shape) -> FieldQuality:
    """Distances of a field measured at the surface that it was made from.

    Raises:
        InvalidInputError: the field is no shape.
        FormatError: the file is damaged.
    """
    if not isinstance(field, ShapeField):
        raise InvalidInputError(f"{field.name}: the file holds no shape")
    return compare_shape(original, field.name, field.sdf, field._frame.offset)
