"""The metadata tree of a NetCDF file (format_spec/metadata.md, medium `netcdf`).

Integer keys and omitted defaults keep the tree small, because every byte of it ends up in the
compressed file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.media.dataset import Metadata
from codec.media.metadata_error import metadata_error
from codec.media.netcdf.layout import (
    CHAR,
    CLASSIC_FORMATS,
    ENUM_BASE,
    FLOAT,
    FORMATS,
    INTEGER_CODES,
    NETCDF4,
    NUMERIC_CODES,
    STRING,
    Attribute,
    Dimension,
    EnumType,
    FileLayout,
    GroupLayout,
    Storage,
    VariableLayout,
)

SUBJECT = "the NetCDF file"
_SHUFFLE, _FLETCHER32, _BIG_ENDIAN, _NO_FILL = 1, 2, 4, 8
_NO_STORAGE_FLAGS = 0


def to_tree(layout: FileLayout) -> Metadata:
    """The metadata tree of a layout."""
    tree: Metadata = {1: [_group_tree(group) for group in layout.groups]}
    if layout.format != NETCDF4:
        tree[0] = layout.format
    return tree


def _group_tree(group: GroupLayout) -> Metadata:
    tree = {
        0: group.path,
        1: _attribute_list(group.attributes),
        2: [
            [enum.name, enum.base, [part for member in enum.members for part in member]]
            for enum in group.enums
        ],
        3: [
            part
            for dim in group.dims
            for part in (dim.name, -1 - dim.size if dim.unlimited else dim.size)
        ],
        4: [_variable_tree(variable) for variable in group.variables],
    }
    return {key: value for key, value in tree.items() if value}


def _variable_tree(variable: VariableLayout) -> Metadata:
    storage = variable.storage
    flags = (
        _SHUFFLE * storage.shuffle
        | _FLETCHER32 * storage.fletcher32
        | _BIG_ENDIAN * storage.big_endian
        | _NO_FILL * storage.no_fill
    )
    tree: Metadata = {
        2: list(variable.dims),
        3: _attribute_list(variable.attributes),
        4: list(storage.chunks),
        5: flags,
        6: storage.deflate,
        7: list(storage.filter),
    }
    tree = {key: value for key, value in tree.items() if value}
    tree[0] = variable.name
    if variable.type != FLOAT:
        tree[1] = variable.type
    return tree


def _attribute_list(attributes: tuple[Attribute, ...]) -> list[Any]:
    """Names and values in turn: flat, because a list per attribute would cost a byte each."""
    return [part for item in attributes for part in (item.name, _attribute_value(item))]


def _attribute_value(attribute: Attribute) -> Any:
    if isinstance(attribute.value, tuple):
        return [_text(part) for part in attribute.value]
    if attribute.type == CHAR:
        return _text(attribute.value)
    return [attribute.type, attribute.value]


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def from_tree(tree: Metadata) -> FileLayout:
    """The layout that a metadata tree describes.

    Raises:
        CorruptError: the tree breaks a rule of `format_spec/metadata.md`.
    """
    tree = _mapping(tree, {0, 1}, "file")
    code = tree.get(0, NETCDF4)
    groups = tuple(_group(item) for item in _items(tree, 1))
    _require(_is_int(code) and code in FORMATS, f"unknown format variant {code!r}")
    _require(bool(groups) and groups[0].path == "", "the first group is not the root")
    layout = FileLayout(code, groups)
    _check_groups(layout)
    for path, variable in layout.variables():
        _check_variable(layout, path, variable)
    _require(to_tree(layout) == tree, "it is not in its shortest form")
    return layout


def _check_groups(layout: FileLayout) -> None:
    seen: set[str] = set()
    for group in layout.groups:
        parent = group.path.rpartition("/")[0]
        known = parent in seen or not group.path
        _require(known and group.path not in seen, f"group {group.path!r} is out of place")
        seen.add(group.path)


def _check_variable(layout: FileLayout, path: str, variable: VariableLayout) -> None:
    known = variable.type in NUMERIC_CODES or variable.type in (CHAR, STRING)
    known = known or ENUM_BASE <= variable.type < ENUM_BASE + len(layout.enums())
    _require(known, f"variable {path!r} has unknown type {variable.type}")
    owners = layout.owners
    home = path.rpartition("/")[0]
    for index in variable.dims:
        _require(index < len(owners), f"variable {path!r} has no dimension {index}")
        above = f"{home}/".startswith(f"{owners[index]}/") or not owners[index]
        _require(above, f"variable {path!r} has a dimension of another group")
    storage = variable.storage
    fits = len(storage.chunks) in (0, len(variable.dims)) and storage.deflate <= 9
    _require(fits, f"variable {path!r} has impossible storage")
    plain = layout.format not in CLASSIC_FORMATS or storage == Storage()
    _require(plain, f"variable {path!r} has storage settings in a NetCDF-3 file")


def _group(value: Any) -> GroupLayout:
    tree = _mapping(value, {0, 1, 2, 3, 4}, "group")
    dims = _pairs(_items(tree, 3), "dimension", int)
    return GroupLayout(
        path=_string(tree.get(0, "")),
        attributes=_attributes(_items(tree, 1)),
        enums=tuple(_enum(item) for item in _items(tree, 2)),
        dims=tuple(
            Dimension(name, size if size >= 0 else -1 - size, size < 0) for name, size in dims
        ),
        variables=tuple(_variable(item) for item in _items(tree, 4)),
    )


def _enum(value: Any) -> EnumType:
    _require(isinstance(value, list) and len(value) == 3, "an enum type is not a triple")
    name, base, members = value
    _require(_is_int(base) and base in INTEGER_CODES, "an enum type has no integer base")
    _require(isinstance(members, list), "the members of an enum type are not a list")
    return EnumType(_string(name), base, tuple(_pairs(members, "enum member", int)))


def _variable(value: Any) -> VariableLayout:
    tree = _mapping(value, {0, 1, 2, 3, 4, 5, 6, 7}, "variable")
    flags = _count(tree.get(5, _NO_STORAGE_FLAGS))
    _require(flags < 16, f"unknown storage flag in {flags}")
    return VariableLayout(
        name=_string(tree.get(0)),
        type=_count(tree.get(1, FLOAT)),
        dims=tuple(_count(item) for item in _items(tree, 2)),
        attributes=_attributes(_items(tree, 3)),
        storage=Storage(
            chunks=tuple(_count(item) for item in _items(tree, 4)),
            deflate=_count(tree.get(6, 0)),
            shuffle=bool(flags & _SHUFFLE),
            fletcher32=bool(flags & _FLETCHER32),
            big_endian=bool(flags & _BIG_ENDIAN),
            no_fill=bool(flags & _NO_FILL),
            filter=tuple(
                item if isinstance(item, str) else _count(item) for item in _items(tree, 7)
            ),
        ),
    )


def _attributes(parts: list[Any]) -> tuple[Attribute, ...]:
    return tuple(_attribute(name, value) for name, value in _pairs(parts, "attribute", object))


def _attribute(name: str, value: Any) -> Attribute:
    if isinstance(value, (str, bytes)):
        return Attribute(name, CHAR, _bytes(value))
    _require(isinstance(value, list), f"attribute {name!r} has no value")
    if not value or not _is_int(value[0]):
        return Attribute(name, STRING, tuple(_bytes(part) for part in value))
    code = value[0]
    numeric = len(value) == 2 and code in NUMERIC_CODES and isinstance(value[1], bytes)
    _require(numeric, f"attribute {name!r} is not numeric")
    whole = len(value[1]) % np.dtype(NUMERIC_CODES[code]).itemsize == 0
    _require(whole, f"attribute {name!r} holds half a number")
    return Attribute(name, code, value[1])


def _require(condition: bool, complaint: str) -> None:
    if not condition:
        raise metadata_error(SUBJECT, complaint)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _mapping(value: Any, keys: set[int], what: str) -> Metadata:
    _require(isinstance(value, dict), f"a {what} is not a map")
    _require(set(value) <= keys, f"a {what} has an unknown key")
    return dict(value)


def _items(tree: Metadata, key: int) -> list[Any]:
    value = tree.get(key, [])
    _require(isinstance(value, list), f"key {key} is not a list")
    return list(value)


def _pairs(parts: list[Any], what: str, kind: type) -> list[tuple[str, Any]]:
    _require(len(parts) % 2 == 0, f"{what} without a value")
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    for name, value in pairs:
        _require(isinstance(name, str), f"{what} name is not text")
        valid = isinstance(value, kind) and not isinstance(value, bool)
        _require(valid, f"{what} {name!r} has a wrong value")
    return pairs


def _count(value: Any) -> int:
    _require(_is_int(value) and value >= 0, f"{value!r} is not a count")
    return int(value)


def _string(value: Any) -> str:
    _require(isinstance(value, str), f"{value!r} is not text")
    return str(value)


def _bytes(value: Any) -> bytes:
    _require(isinstance(value, (str, bytes)), f"{value!r} is not text")
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)
