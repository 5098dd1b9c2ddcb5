"""A NetCDF-4 layout for what came from another medium: dims, coordinates, units and packing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from codec.arrays import Array
from codec.media.arrays.decoded import DecodedArray
from codec.media.arrays.decoded_arrays import decoded_arrays
from codec.media.arrays.geometry_attributes import geometry_attributes
from codec.media.dataset import DecodedDataset, DecodedField
from codec.media.geometry import Geometry
from codec.media.netcdf.layout import (
    CHAR,
    CODE_OF_DTYPE,
    Attribute,
    Dimension,
    FileLayout,
    GroupLayout,
    VariableLayout,
)


@dataclass
class PlainFile:
    """A file in the making.

    Attributes:
        dims: of the file.
        variables: of the file, coordinates included.
        fields: variable name -> field.
        coordinates: variable name -> positions along the dim of that name.
    """

    dims: list[Dimension] = field(default_factory=list)
    variables: list[VariableLayout] = field(default_factory=list)
    fields: dict[str, DecodedField] = field(default_factory=dict)
    coordinates: dict[str, Array] = field(default_factory=dict)

    @property
    def layout(self) -> FileLayout:
        """The file's layout."""
        root = GroupLayout(dims=tuple(self.dims), variables=tuple(self.variables))
        return FileLayout(groups=(root,))


def plain(dataset: DecodedDataset) -> PlainFile:
    """A variable per field, and a coordinate variable per straight spatial axis."""
    made = PlainFile()
    for array in decoded_arrays(dataset):
        # Axes that an array lost on its way to fields have no place in its geometry here.
        geometry = None if array.layout.shape else _without_components(array)
        for part in array.fields:
            _add(made, array, part, geometry)
    return made


def _without_components(array: DecodedArray) -> Geometry | None:
    geometry, axis = array.geometry, array.axis
    if geometry is None or axis is None:
        return geometry
    return geometry.on_axes([at - (at > axis) for at in geometry.axes])


def _add(
    made: PlainFile, array: DecodedArray, part: DecodedField, geometry: Geometry | None
) -> None:
    name = part.name.replace("/", "_")
    positions = {} if geometry is None else _positions(geometry, part.shape)
    indices = []
    for axis, (label, size) in enumerate(zip(part.dims, part.shape, strict=True)):
        label = label or f"x{axis}"
        unit = geometry.units[geometry.axes.index(axis)] if (
            geometry is not None and geometry.units and axis in geometry.axes
        ) else ""  # fmt: skip
        indices.append(_dimension(made, label, size, positions.get(axis), unit))
    # NetCDF has no half precision; single precision holds every half exactly.
    dtype = np.dtype(np.float32) if part.dtype == np.float16 else part.dtype
    attributes = _attributes(array, dtype)
    if geometry is not None:
        attributes += [
            _numeric(key, value) if not isinstance(value, str) else _text(key, value)
            for key, value in geometry_attributes(geometry).items()
        ]
    made.variables.append(
        VariableLayout(name, CODE_OF_DTYPE[dtype.str[1:]], tuple(indices), tuple(attributes))
    )
    made.fields[name] = part


def _attributes(array: DecodedArray, dtype: np.dtype[np.generic]) -> list[Attribute]:
    layout = array.layout
    attributes = []
    if layout.fills and dtype.kind != "f":
        attributes.append(Attribute("_FillValue", CODE_OF_DTYPE[dtype.str[1:]],
                               np.array(layout.fills[:1], dtype).tobytes()))  # fmt: skip
    if layout.unit:
        attributes.append(_text("units", layout.unit))
    if layout.scale is not None:
        attributes.append(_numeric("scale_factor", layout.scale[0]))
        attributes.append(_numeric("add_offset", layout.scale[1]))
    return attributes


def _text(name: str, value: str) -> Attribute:
    return Attribute(name, CHAR, value.encode("utf-8"))


def _numeric(name: str, value: object) -> Attribute:
    numbers = np.ravel(np.asarray(value))
    dtype = np.dtype("<i4") if numbers.dtype.kind == "i" else np.dtype("<f8")
    return Attribute(name, CODE_OF_DTYPE[dtype.str[1:]], numbers.astype(dtype).tobytes())


def _positions(geometry: Geometry, shape: Sequence[int]) -> dict[int, Array]:
    """World positions along the axes that run along the world's own; none for a turned grid."""
    steps = geometry.matrix()[:, ::-1]
    if not np.array_equal(steps, np.diag(np.diag(steps))):
        return {}
    positions = {}
    for column, axis in enumerate(geometry.axes):
        world = geometry.rank - 1 - column
        positions[axis] = geometry.position()[world] + steps[world, world] * np.arange(shape[axis])
    return positions


def _dimension(made: PlainFile, name: str, size: int, positions: Array | None, unit: str) -> int:
    """Index of a dimension of this name, size and positions; other ones get a name of their own."""
    unique, count = name, 1
    while not _fits(made, unique, size, positions):
        count += 1
        unique = f"{name}_{count}"
    if Dimension(unique, size) in made.dims:
        return made.dims.index(Dimension(unique, size))
    made.dims.append(Dimension(unique, size))
    if positions is not None:
        attributes = (_text("units", unit),) if unit else ()
        made.variables.append(
            VariableLayout(unique, CODE_OF_DTYPE["f8"], (len(made.dims) - 1,), attributes)
        )
        made.coordinates[unique] = positions
    return len(made.dims) - 1


def _fits(made: PlainFile, name: str, size: int, positions: Array | None) -> bool:
    known = next((dim for dim in made.dims if dim.name == name), None)
    if known is None:
        return name not in made.fields
    have = made.coordinates.get(name)
    same = (have is None and positions is None) or (
        have is not None and positions is not None and np.array_equal(have, positions)
    )
    return known.size == size and same
