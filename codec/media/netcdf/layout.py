"""The shape of a NetCDF file without its values.

`FileLayout` is what the reader finds and the writer recreates: format variant, groups, dimensions,
enum types, variables and attributes, all in file order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

# External type numbers of netcdf.h, stable since NetCDF-3.
CHAR = 2
FLOAT = 5
STRING = 12
NUMERIC_CODES = {
    1: "i1",
    3: "i2",
    4: "i4",
    5: "f4",
    6: "f8",
    7: "u1",
    8: "u2",
    9: "u4",
    10: "i8",
    11: "u8",
}
CODE_OF_DTYPE = {dtype: code for code, dtype in NUMERIC_CODES.items()}
INTEGER_CODES = frozenset(NUMERIC_CODES) - {5, 6}
# NC_FIRSTUSERTYPEID: type number `ENUM_BASE + i` is the i-th enum type of the file.
ENUM_BASE = 32

# nc_inq_format numbers -> names of netCDF4-python.
FORMATS = {
    1: "NETCDF3_CLASSIC",
    2: "NETCDF3_64BIT_OFFSET",
    3: "NETCDF4",
    4: "NETCDF4_CLASSIC",
    5: "NETCDF3_64BIT_DATA",
}
FORMAT_CODES = {name: code for code, name in FORMATS.items()}
NETCDF4 = 3
CLASSIC_FORMATS = frozenset({1, 2, 5})

Filter = tuple[str | int, ...]


@dataclass(frozen=True)
class Attribute:
    """An attribute.

    Attributes:
        name: as in the file.
        type: external type number.
        value: text bytes (`CHAR`), one bytes per string (`STRING`), else little-endian numbers.
    """

    name: str
    type: int
    value: bytes | tuple[bytes, ...]

    def numbers(self) -> np.ndarray[Any, np.dtype[Any]]:
        """The values of a numeric attribute, 1-D, native byte order, bits untouched."""
        if not isinstance(self.value, bytes) or self.type not in NUMERIC_CODES:
            return np.empty(0, np.float64)
        dtype = np.dtype(NUMERIC_CODES[self.type])
        return np.frombuffer(self.value, dtype.newbyteorder("<")).astype(dtype)


@dataclass(frozen=True)
class Dimension:
    """A dimension; `size` is the length at reading time, also of an unlimited one."""

    name: str
    size: int
    unlimited: bool = False


@dataclass(frozen=True)
class EnumType:
    """A user-defined enumeration over the integer type `base`."""

    name: str
    base: int
    members: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Storage:
    """Storage of a variable in HDF5; all defaults in the NetCDF-3 formats."""

    chunks: tuple[int, ...] = ()
    deflate: int = 0
    shuffle: bool = False
    fletcher32: bool = False
    big_endian: bool = False
    no_fill: bool = False
    filter: Filter = ()


@dataclass(frozen=True)
class VariableLayout:
    """A variable; `dims` index the dimensions of the whole file, in group order."""

    name: str
    type: int = FLOAT
    dims: tuple[int, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    storage: Storage = Storage()


@dataclass(frozen=True)
class GroupLayout:
    """A group; `path` is `""` for the root and `"a/b"` below it."""

    path: str = ""
    attributes: tuple[Attribute, ...] = ()
    enums: tuple[EnumType, ...] = ()
    dims: tuple[Dimension, ...] = ()
    variables: tuple[VariableLayout, ...] = ()

    def path_of(self, name: str) -> str:
        """Path of a variable of this group: `"t"` in the root, `"a/b/t"` below it."""
        return f"{self.path}/{name}" if self.path else name


@dataclass(frozen=True)
class FileLayout:
    """A file; the first group is the root and parents come before their children."""

    format: int = NETCDF4
    groups: tuple[GroupLayout, ...] = (GroupLayout(),)

    def dimensions(self) -> list[Dimension]:
        """All dimensions, in the order that `VariableLayout.dims` counts."""
        return list(self._dimensions)

    @cached_property
    def _dimensions(self) -> tuple[Dimension, ...]:
        return tuple(dim for group in self.groups for dim in group.dims)

    @cached_property
    def owners(self) -> tuple[str, ...]:
        """Path of the group of each dimension, in the same order."""
        return tuple(group.path for group in self.groups for _ in group.dims)

    @property
    def size(self) -> int:
        """Number of groups, enum types, dimensions and variables."""
        return sum(
            1 + len(group.enums) + len(group.dims) + len(group.variables) for group in self.groups
        )

    def enums(self) -> list[EnumType]:
        """All enum types, in the order that type numbers from `ENUM_BASE` count."""
        return [enum for group in self.groups for enum in group.enums]

    def variables(self) -> Iterator[tuple[str, VariableLayout]]:
        """Every variable with its path, in file order."""
        for group in self.groups:
            for variable in group.variables:
                yield group.path_of(variable.name), variable

    def shape(self, variable: VariableLayout) -> tuple[int, ...]:
        """The recorded shape of a variable of this file."""
        return tuple(self._dimensions[index].size for index in variable.dims)
