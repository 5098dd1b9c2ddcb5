"""The header of a NetCDF-3 file, for the two things that the C library does not tell.

It reads zeros past the end of a truncated file without an error, and netCDF4-python drops NUL bytes
from text attributes. Layout: "NetCDF Classic Format Specification", CDF-1, CDF-2 and CDF-5.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from codec.errors import InvalidInputError

_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 0x0A, 0x0B, 0x0C
_CHAR = 2
_ITEM_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_CDF5 = 5
_NAME_LIMIT = 4096


@dataclass(frozen=True)
class ClassicHeader:
    """The parts of a header that the C library does not tell.

    Attributes:
        text: (variable name, or "" for the file, attribute name) -> bytes of a text attribute.
        data_end: where the last value ends; a shorter file is truncated.
    """

    text: dict[tuple[str, str], bytes]
    data_end: int


@dataclass(frozen=True)
class _Extent:
    begin: int
    size: int
    is_record: bool


def read_header(path: Path) -> ClassicHeader:
    """Parses the header of a NetCDF-3 file.

    Raises:
        InvalidInputError: the header is cut off or makes no sense.
    """
    try:
        with path.open("rb") as file:
            return _Parser(file).header()
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise InvalidInputError(
            f"{path}: the NetCDF header is truncated or damaged; fetch or write the file again"
        ) from error


class _Parser:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._version = self._bytes(4)[3]
        self._text: dict[tuple[str, str], bytes] = {}

    def header(self) -> ClassicHeader:
        streaming = 0xFFFFFFFFFFFFFFFF if self._version == _CDF5 else 0xFFFFFFFF
        records = self._count()
        dims = []
        for _ in range(self._list_length(_DIMENSIONS)):
            self._name()
            dims.append(self._count())
        self._attributes("")
        extents = [self._variable(dims) for _ in range(self._list_length(_VARIABLES))]
        return ClassicHeader(self._text, _data_end(extents, 0 if records == streaming else records))

    def _variable(self, dims: list[int]) -> _Extent:
        name = self._name()
        shape = [dims[self._count()] for _ in range(self._count())]
        self._attributes(name)
        item_size = _ITEM_SIZES[self._int(">i")]
        self._count()  # vsize: redundant, and capped for large variables
        begin = self._int(">I") if self._version == 1 else self._int(">Q")
        is_record = bool(shape) and shape[0] == 0
        return _Extent(begin, math.prod(shape[is_record:]) * item_size, is_record)

    def _attributes(self, owner: str) -> None:
        for _ in range(self._list_length(_ATTRIBUTES)):
            name = self._name()
            kind = self._int(">i")
            size = self._count() * _ITEM_SIZES[kind]
            if kind == _CHAR:
                self._text[owner, name] = self._bytes(size)
                self._bytes(-size % 4)
            else:
                self._bytes(size + -size % 4)

    def _list_length(self, tag: int) -> int:
        given, length = self._int(">i"), self._count()
        if given != tag and (given, length) != (0, 0):
            raise ValueError(f"list tag {given} where {tag} belongs")
        return length

    def _name(self) -> str:
        size = self._count()
        if size > _NAME_LIMIT:
            raise ValueError(f"a name of {size} bytes")
        name = self._bytes(size)
        self._bytes(-size % 4)
        return name.decode("utf-8")

    def _count(self) -> int:
        return self._int(">Q" if self._version == _CDF5 else ">I")

    def _int(self, layout: str) -> int:
        (value,) = struct.unpack(layout, self._bytes(struct.calcsize(layout)))
        return int(value)

    def _bytes(self, count: int) -> bytes:
        # Pieces, because a damaged count may ask for more than there is memory.
        parts = []
        while count > 0:
            part = self._file.read(min(count, 1 << 20))
            if not part:
                raise ValueError("the header ends early")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _data_end(extents: list[_Extent], records: int) -> int:
    """First byte after the last value; padding after it may be missing."""
    record_sizes = [extent.size for extent in extents if extent.is_record]
    # Records of a single record variable have no padding between them, all others do.
    padded = sum(size + -size % 4 for size in record_sizes)
    stride = record_sizes[0] if len(record_sizes) == 1 else padded
    ends = [0]
    for extent in extents:
        if extent.is_record and records:
            ends.append(extent.begin + (records - 1) * stride + extent.size)
        elif not extent.is_record and extent.size:
            ends.append(extent.begin + extent.size)
    return max(ends)
