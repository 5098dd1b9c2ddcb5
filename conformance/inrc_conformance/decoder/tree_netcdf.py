"""The tree of medium `netcdf` (`metadata.md`, META-3 to META-14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .cbor import Value, as_list, as_text, as_uint, is_uint
from .trees import Corrupt, Held, Tree, filled, map_of, require, uints

_SIZES = {1: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_NAMES = {1: "i1", 2: "S1", 3: "i2", 4: "i4", 5: "f4", 6: "f8", 7: "u1", 8: "u2", 9: "u4"}
_DTYPES = _NAMES | {10: "i8", 11: "u8", 12: "text"}
_INTEGERS = (1, 3, 4, 7, 8, 9, 10, 11)
_FLOAT, _FIRST_ENUM, _NETCDF_4 = 5, 32, 3
_CLASSIC = (1, 2, 5)
_FLAGS = 16


@dataclass
class _File:
    """Parts of the tree that were read so far."""

    format: int
    enums: list[int] = field(default_factory=list)
    dims: list[tuple[str, int]] = field(default_factory=list)
    """The group and the size of each dimension; an unlimited one is negative."""
    paths: list[str] = field(default_factory=list)
    variables: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    """Path, type and dimensions of each variable."""


def check_netcdf(tree: Value, held: Held) -> None:
    """Raise `Corrupt`, or another `Malformed`, for a tree that breaks a rule."""
    root = map_of(tree, range(2), "the tree", [1])
    form = as_uint(root.get(0, _NETCDF_4), "META-2: the format")
    require(1 <= form <= 5, "META-2: the format")
    require(root.get(0) != _NETCDF_4, "META-12: the format is the default")
    file = _File(form)
    groups = [map_of(entry, range(5), "a group") for entry in filled(root[1], "META-12: groups")]
    for group in groups:
        _begin(file, group)
    for path, group in zip(file.paths, groups, strict=True):
        for entry in filled(group[4], "META-12: variables") if 4 in group else []:
            _variable(file, path, map_of(entry, range(8), "a variable", [0]))
    _check_values(file, held)


def _begin(file: _File, group: Tree) -> None:
    """Read all of a group but its variables, which may use what comes later."""
    path = as_text(group.get(0, ""), "META-3: a path")
    require(bool(path) or 0 not in group, "META-12: the path is the default")
    require(bool(path) == bool(file.paths), "META-3: the first group alone is the root")
    require(path not in file.paths, "META-3: a path occurs twice")
    require(not path or path.rpartition("/")[0] in file.paths, "META-3: a group before its parent")
    file.paths.append(path)
    _attributes(group, None)
    if 2 in group:
        file.enums += [_enum(entry) for entry in filled(group[2], "META-12: enum types")]
    if 3 in group:
        flat = filled(group[3], "META-12: dimensions")
        require(len(flat) % 2 == 0, "META-5: dimensions are pairs")
        for name, size in zip(flat[::2], flat[1::2], strict=True):
            as_text(name, "META-5: a dimension")
            if isinstance(size, bool) or not isinstance(size, int):
                raise Corrupt("META-6: a size is not an integer")
            file.dims.append((path, size))


def _enum(value: Value) -> int:
    """Return the base type of an enum type."""
    entry = as_list(value, "META-4: an enum type")
    require(len(entry) == 3, "META-4: an enum type has three entries")
    as_text(entry[0], "META-4: an enum type")
    base = as_uint(entry[1], "META-4: a base type")
    require(base in _INTEGERS, "META-4: a base type")
    members = as_list(entry[2], "META-4: members")
    require(len(members) % 2 == 0, "META-4: members are pairs")
    for name, number in zip(members[::2], members[1::2], strict=True):
        as_text(name, "META-4: a member")
        require(type(number) is int, "META-4: a member")
    return base


def _attributes(owner: Tree, enum_base: int | None, key: int = 1) -> None:
    """Check a list of attributes; a fill value of an enum has its base type (META-9)."""
    if key not in owner:
        return
    flat = filled(owner[key], "META-12: attributes")
    require(len(flat) % 2 == 0, "META-9: attributes are pairs")
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        kind = _attribute(value)
        if as_text(name, "META-9: an attribute") == "_FillValue" and enum_base is not None:
            require(kind == enum_base, "META-9: the fill value of an enum type")


def _attribute(value: Value) -> int | None:
    """Check the value of an attribute; return its type if it is numeric."""
    if not isinstance(value, list):
        _text(value)
        return None
    if value and isinstance(value[0], int):
        require(len(value) == 2, "META-7: a numeric attribute has two entries")
        kind, data = value
        if not is_uint(kind) or not isinstance(kind, int) or not isinstance(data, bytes):
            raise Corrupt("META-7: a numeric attribute is a type and bytes")
        require(kind in _SIZES, "META-4: the type of an attribute")
        require(len(data) % _SIZES[kind] == 0, "META-7: no whole number of values")
        return kind
    for text in value:
        _text(text)
    return None


def _text(value: Value) -> None:
    """Check text: without trailing NUL, and bytes only where it is not valid UTF-8 (META-8)."""
    if isinstance(value, str):
        require(not value.endswith("\0"), "META-8: a trailing NUL")
        return
    if not isinstance(value, bytes):
        raise Corrupt("META-8: an attribute is neither text nor numbers")
    require(not value.endswith(b"\0"), "META-8: a trailing NUL")
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return
    raise Corrupt("META-8: bytes that are valid UTF-8")


def _variable(file: _File, group: str, variable: Tree) -> None:
    """Check a variable (META-4, META-5, META-10 to META-12)."""
    name = as_text(variable[0], "META-13: the name of a variable")
    kind = as_uint(variable.get(1, _FLOAT), "META-4: a type")
    enum = kind - _FIRST_ENUM
    known = kind in _DTYPES or 0 <= enum < len(file.enums)
    require(known, "META-4: an unknown type")
    require(variable.get(1) != _FLOAT, "META-12: the type is the default")
    dims = uints(variable[2], "META-12: dimensions") if 2 in variable else []
    for index in dims:
        require(index < len(file.dims), "META-5: a dimension that is not there")
        above = file.dims[index][0]
        inside = not above or group == above or group.startswith(above + "/")
        require(inside, "META-5: a dimension of another group")
    _attributes(variable, file.enums[enum] if enum >= 0 else None, 3)
    if file.format in _CLASSIC:
        stored = [key for key in range(4, 8) if key in variable]
        require(not stored, "META-10: storage in a classic format")
    _check_storage(variable, len(dims))
    path = f"{group}/{name}" if group else name
    base = file.enums[enum] if enum >= 0 else kind
    file.variables.append((path, base, tuple(file.dims[index][1] for index in dims)))


def _check_storage(variable: Tree, dims: int) -> None:
    """Check keys 4 to 7: how values are stored."""
    if 4 in variable:
        require(len(uints(variable[4], "META-12: chunks")) == dims, "META-2: a chunk per dimension")
    if 5 in variable:
        flags = as_uint(variable[5], "META-2: flags")
        require(flags < _FLAGS, "META-2: an unknown flag")
        require(flags > 0, "META-12: flags are the default")
    if 6 in variable:
        require(1 <= as_uint(variable[6], "META-2: deflate") <= 9, "META-2: the deflate level")
    if 7 in variable:
        require(_is_compressor(as_list(variable[7], "META-11")), "META-11: an unknown compressor")


def _is_compressor(entry: Sequence[Value]) -> bool:
    if not entry or not isinstance(entry[0], str):
        return False
    name, options = entry[0], entry[1:]
    if name in ("zstd", "bzip2"):
        return len(options) == 1 and is_uint(options[0])
    if name.startswith("blosc_"):
        return len(options) == 2 and all(map(is_uint, options))
    if name != "szip" or len(options) != 2:
        return False
    return options[0] in ("nn", "ec") and is_uint(options[1])


def _check_values(file: _File, held: Held) -> None:
    """Compare the variables with the fields and the verbatim values (META-13, META-14)."""
    fields = held.fields()
    for path, kind, sizes in file.variables:
        if path in fields:
            continue
        if path not in held.verbatim:
            require(0 in sizes or -1 in sizes, "META-14: a variable without values")
            continue
        value = held.verbatim[path]
        require(value.type == _DTYPES[kind], "META-14: values of another dtype")
        fixed = all(size >= 0 for size in sizes)
        require(not fixed or value.shape == sizes, "META-14: values of another shape")
