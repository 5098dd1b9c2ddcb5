"""The tree that media of arrays share (`metadata.md`, META-22 to META-33)."""

from __future__ import annotations

import math
from itertools import pairwise

from .cbor import Value, as_map, as_text, as_uint
from .trees import Corrupt, Held, Tree, filled, floats, map_of, require, texts, uints

_NAME, _FIELDS, _AXIS, _SHAPE, _GEOMETRY, _UNIT, _SCALING, _FILLS, _DTYPE, _OWN = range(10)
_SIDES = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}


def check_arrays(tree: Value, held: Held) -> None:
    """Raise `Corrupt`, or another `Malformed`, for a tree that breaks a rule."""
    root = map_of(tree, range(2), "the tree")
    if 1 in root:
        as_map(root[1], "META-33: the own part of a file")
    arrays = [
        map_of(entry, range(10), "an array", [_NAME])
        for entry in (filled(root[0], "META-23: arrays") if 0 in root else [])
    ]
    names = [as_text(array[_NAME], "META-23: a name") for array in arrays]
    require(len(set(names)) == len(names), "META-23: two arrays have the same name")
    for name, array in zip(names, arrays, strict=True):
        _check_array(name, array, held)


def _check_array(name: str, array: Tree, held: Held) -> None:
    fields = texts(array[_FIELDS], "META-23: fields") if _FIELDS in array else [name]
    require(bool(fields) or name in held.verbatim, "META-23: no verbatim array")
    there = [field for field in fields if field in held.fields()]
    shapes = {held.shape(field) for field in there}
    require(len(shapes) <= 1, "META-24: fields of several shapes")
    dtypes = {p.dtype for i in held.items for p in i.components if p.name in there}
    require(len(dtypes) <= 1, "META-24: fields of several dtypes")
    require(len(fields) < 2 or _AXIS in array, "META-24: several fields without an axis")
    axes = None
    for shape in shapes:
        full = list(shape)
        if _AXIS in array:
            axis = as_uint(array[_AXIS], "META-24: the axis")
            require(axis <= len(full), "META-24: the axis")
            full.insert(axis, len(fields))
        if _SHAPE in array:
            given = uints(array[_SHAPE], "META-25: the shape")
            require(math.prod(given) == math.prod(full), "META-25: another number of samples")
            full = given
        axes = len(full)
    _check_plain(array)
    if _GEOMETRY in array:
        _check_geometry(map_of(array[_GEOMETRY], range(6), "a geometry", [0, 5]), axes)


def _check_plain(array: Tree) -> None:
    """Check the keys that do not depend on the fields (META-26, META-27)."""
    for key in (_UNIT, _DTYPE):
        if key in array:
            as_text(array[key], "META-32: a text")
    if _SCALING in array:
        scaling = floats(array[_SCALING], "META-26: slope and offset")
        require(len(scaling) == 2 and scaling[0] != 0, "META-26: a slope of 0")
    if _FILLS in array:
        for fill in filled(array[_FILLS], "META-27: fill values"):
            if isinstance(fill, bool) or not isinstance(fill, int | float):
                raise Corrupt("META-27: a fill value is not a number")


def _check_geometry(geometry: Tree, axes: int | None) -> None:
    """Check a geometry (META-28 to META-30)."""
    spatial = uints(geometry[5], "META-28: axes")
    require(len(spatial) <= 3, "META-28: more than three axes")
    require(all(a < b for a, b in pairwise(spatial)), "META-28: axes do not ascend")
    require(axes is None or spatial[-1] < axes, "META-28: an axis that is not there")
    spacing = floats(geometry[0], "META-29: spacing")
    require(all(number > 0 for number in spacing), "META-29: a spacing that is not positive")
    lengths = [len(spacing)]
    if 1 in geometry:
        lengths.append(len(floats(geometry[1], "META-28: origin")))
    if 3 in geometry:
        lengths.append(len(texts(geometry[3], "META-28: units")))
    require(set(lengths) == {len(spatial)}, "META-28: not one entry per axis")
    if 2 in geometry:
        direction = floats(geometry[2], "META-28: direction")
        require(len(direction) == len(spatial) ** 2, "META-28: direction is not the square")
    space = as_text(geometry.get(4, ""), "META-30: the space")
    sides = [_SIDES.get(letter) for letter in space]
    known = None not in sides and len(set(sides)) == len(sides)
    require(known, "META-30: a space that is not letters of different axes")


def check_empty(tree: Value, _: Held) -> None:
    """Check the tree of medium `npy` (META-1)."""
    require(not as_map(tree, "META-1"), "META-1: the tree is not empty")
