"""Decoded NetCDF variables as arrays for writers of other media: packing, fills and geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.media.arrays.coordinates import coordinates
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.geometry_attributes import geometry_from_attributes
from codec.media.arrays.layout import ArrayLayout
from codec.media.dataset import DecodedField, VerbatimValue
from codec.media.geometry import Geometry

AttributesOf = Callable[[str], dict[str, Any]]
"""Attributes of the variable of a name."""

# Unevenness of an axis that still counts as evenly spaced, in parts of its mean step.
_UNEVEN = 1e-5


def decoded_array(
    field: DecodedField, attributes_of: AttributesOf, verbatim: Mapping[str, VerbatimValue]
) -> DecodedArray:
    """A field with what its attributes and coordinates say of it."""
    attributes = attributes_of(field.name)
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
    else:
        axes = coordinates(verbatim, field.name, field.dims, field.shape)
        geometry = _geometry_of_coordinates(field, axes, attributes_of)
    return DecodedArray(field.name, (field,), None, layout, geometry, not field.window)


def _number(attributes: dict[str, Any], name: str, default: float) -> float:
    return float(np.ravel(attributes.get(name, default))[0])


def _geometry_of_coordinates(
    field: DecodedField, axes: dict[str, Array], attributes_of: AttributesOf
) -> Geometry | None:
    """The geometry by coordinates that are evenly spaced, for the last (up to 3) axes."""
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
        units.append(str(attributes_of(name).get("units", "")))
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
