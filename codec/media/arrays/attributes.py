"""Attributes of HDF5 and Zarr: kept as a tree, and those that say where an array lies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from codec.errors import CorruptError, InvalidInputError
from codec.media.geometry import Geometry

# Names of the attributes by which HDF5 and Zarr files of ours say where an array lies.
SPACING, ORIGIN, DIRECTION = "spacing", "origin", "direction"
UNITS, SPACE, AXES = "spacing_units", "space", "spatial_axes"
# Of ilastik and Fiji: micrometres per element, slowest axis first.
_ELEMENT_SIZE = "element_size_um"
# HDF5 takes time that grows with the square of it.
_MOST_ATTRIBUTES = 1 << 11
_DTYPE_CODE = re.compile(r"[<>|=]?[biufcS]\d{1,9}", re.ASCII)


def attributes_to_tree(path: Path, owner: str, attributes: Mapping[str, Any]) -> list[Any]:
    """[name, value, name, value ...]; a value is text, [text, ...] or [dtype, shape, bytes].

    Raises:
        InvalidInputError: an attribute of a type that has no such form.
    """
    tree: list[Any] = []
    for name, value in attributes.items():
        found = np.asarray(value)
        if isinstance(value, str):
            tree += [name, value]
        elif found.dtype.kind in "biufcS":
            little = found.astype(found.dtype.newbyteorder("<"))
            tree += [name, [little.dtype.str, list(found.shape), little.tobytes()]]
        elif found.dtype.kind == "O" and all(isinstance(item, str) for item in found.ravel()):
            tree += [name, [*map(str, found.ravel())]]
        else:
            raise InvalidInputError(
                f"{path}: the attribute {name!r} of {owner!r} has the type {found.dtype}, which"
                " cannot be kept; remove it from a copy of the file first"
            )
    return tree


def attributes_from_tree(tree: Any) -> dict[str, Any]:
    """The inverse of `attributes_to_tree`.

    Raises:
        CorruptError: the tree is not such a list.
    """
    if not isinstance(tree, list) or len(tree) % 2:
        raise _wrong("attributes are not names and values")
    if len(tree) > 2 * _MOST_ATTRIBUTES:
        raise _wrong("there are too many attributes")
    if any(not isinstance(name, str) for name in tree[::2]):
        raise _wrong("the name of an attribute is not text")
    return {name: _value(value) for name, value in zip(tree[::2], tree[1::2], strict=True)}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return np.array(value, object)
    try:
        code, shape, data = value
        if not _DTYPE_CODE.fullmatch(code):
            raise ValueError
        array = np.frombuffer(data, np.dtype(code)).reshape(shape)
        return array[()]
    except (TypeError, ValueError, OverflowError):
        raise _wrong("an attribute has no such type") from None


def _wrong(complaint: str) -> CorruptError:
    return CorruptError(f"metadata of the arrays: {complaint}", section="mETa")


def geometry_attributes(geometry: Geometry | None) -> dict[str, Any]:
    """The attributes that say where an array lies."""
    if geometry is None:
        return {}
    found: dict[str, Any] = {SPACING: list(geometry.spacing)}
    if geometry.origin:
        found[ORIGIN] = list(geometry.origin)
    if geometry.direction:
        found[DIRECTION] = [list(vector) for vector in geometry.direction]
    if geometry.unit():
        found[UNITS] = geometry.unit()
    if geometry.space:
        found[SPACE] = geometry.space
    found[AXES] = list(geometry.axes)
    return found


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
        found = Geometry.from_tree(tree)
    except (TypeError, ValueError, CorruptError):
        return None
    return found if found.axes[-1] < rank else None
