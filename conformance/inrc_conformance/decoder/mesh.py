"""The metadata of medium `mesh` (`metadata.md`, META-34 and META-39)."""

from __future__ import annotations

from collections.abc import Sequence

from .cbor import Value, as_float, as_list, as_map, as_text
from .errors import Malformed
from .headers import Item

_ORIGIN, _SPACING, _UNIT, _OFFSET = range(4)
_AXES = ("x", "y", "z")


def check_mesh(tree: Value, items: Sequence[Item]) -> None:
    """Refuse a tree that breaks a rule, or does not go with the fields of the file."""
    mesh = as_map(tree, "META-34: the metadata of a mesh")
    if any(key not in (_ORIGIN, _SPACING, _UNIT, _OFFSET) for key in mesh):
        raise Malformed("META-2: a key that a mesh lacks")
    if _ORIGIN not in mesh or _SPACING not in mesh:
        raise Malformed("META-34: a mesh without origin or spacing")
    origin = as_list(mesh[_ORIGIN], "META-34: the origin")
    if len(origin) != len(_AXES):
        raise Malformed("META-34: an origin does not have three numbers")
    for number in origin:
        as_float(number, "META-34: the origin")
    if as_float(mesh[_SPACING], "META-34: the spacing") <= 0:
        raise Malformed("META-34: the spacing is not greater than 0")
    if _UNIT in mesh and not as_text(mesh[_UNIT], "META-34: the unit"):
        raise Malformed("META-34: the unit is empty")
    for item in items:
        component = item.components[0]
        if len(item.components) != 1 or (component.name, component.dtype) != ("distance", "f4"):
            raise Malformed("META-34: the field is not distance of dtype f4")
        if item.dim_names != _AXES:
            raise Malformed("META-34: the axes are not x, y and z")
    if _OFFSET in mesh:
        offset = as_float(mesh[_OFFSET], "META-39: the offset")
        if offset <= 0 or any(item.components[0].offset != offset for item in items):
            raise Malformed("META-39: the offset is not greater than 0 and that of the field")
