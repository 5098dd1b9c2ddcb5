"""Attributes by which HDF5, Zarr and NetCDF files say where an array lies in space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from codec.errors import CorruptError
from codec.media.geometry import Geometry

# Names of the attributes by which HDF5 and Zarr files say where an array lies.
SPACING, ORIGIN, DIRECTION = "spacing", "origin", "direction"
UNITS, SPACE, AXES = "spacing_units", "space", "spatial_axes"
# Attribute of ilastik and Fiji: micrometres per element, slowest axis first.
_ELEMENT_SIZE = "element_size_um"


def geometry_attributes(geometry: Geometry | None) -> dict[str, Any]:
    """The attributes that say where an array lies."""
    if geometry is None:
        return {}
    attributes: dict[str, Any] = {SPACING: list(geometry.spacing)}
    if geometry.origin:
        attributes[ORIGIN] = list(geometry.origin)
    if geometry.direction:
        attributes[DIRECTION] = [list(vector) for vector in geometry.direction]
    if geometry.unit():
        attributes[UNITS] = geometry.unit()
    if geometry.space:
        attributes[SPACE] = geometry.space
    attributes[AXES] = list(geometry.axes)
    return attributes


def geometry_from_attributes(attributes: Mapping[str, Any], rank: int) -> Geometry | None:
    """The inverse of `geometry_attributes`; None where the attributes say nothing that fits."""
    unit = attributes.get(UNITS, "")
    spacing = attributes.get(SPACING)
    if spacing is None and _ELEMENT_SIZE in attributes:
        spacing, unit = attributes[_ELEMENT_SIZE], "um"
    try:
        sizes = tuple(map(float, np.ravel(np.asarray(spacing, np.float64))))
        first = max(0, rank - len(sizes))
        axes = tuple(map(int, attributes.get(AXES, range(first, rank))))
        direction = np.asarray(attributes.get(DIRECTION, []), np.float64)
        origin = tuple(map(float, np.ravel(attributes.get(ORIGIN, []))))
        tree = {
            0: list(sizes),
            1: list(origin),
            2: [float(value) for value in direction.ravel()],
            3: [str(unit)] * len(sizes) if unit else [],
            4: str(attributes.get(SPACE, "")),
            5: list(axes),
        }
        geometry = Geometry.from_tree(tree)
    except (TypeError, ValueError, CorruptError):
        return None
    return geometry if geometry.axes[-1] < rank else None
