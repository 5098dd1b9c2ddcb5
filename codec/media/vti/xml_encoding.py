"""The encodings of VTK's XML files: ascii, base64 and appended data, plain or in zlib blocks.

Layout: VTK File Formats, "XML File Formats", and vtkXMLDataParser, for what it leaves open.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError

# VTK's names of the dtypes.
DTYPES = {
    "Int8": "i1",
    "UInt8": "u1",
    "Int16": "i2",
    "UInt16": "u2",
    "Int32": "i4",
    "UInt32": "u4",
    "Int64": "i8",
    "UInt64": "u8",
    "Float32": "f4",
    "Float64": "f8",
}
NAMES = {code: name for name, code in DTYPES.items()}
ZLIB = "vtkZLibDataCompressor"
_BYTE_ORDERS = {"LittleEndian": "<", "BigEndian": ">"}
_BLOCK = 1 << 20
_APPENDED = re.compile(rb"<AppendedData([^>]*)>\s*_")


@dataclass(frozen=True)
class VtkXml:
    """A parsed file.

    Attributes:
        path: of the file.
        root: its elements, appended data left out.
        order: "<" or ">".
        length_dtype: of the lengths before the data.
        packed: whether the data are zlib blocks.
        data: the bytes of the file.
        start: where appended data begins in them, after the underscore.
        plain: whether appended data is raw, not base64.
    """

    path: Path
    root: Xml.Element
    order: str
    length_dtype: np.dtype[Any]
    packed: bool
    data: Any
    start: int
    plain: bool

    @classmethod
    def parse(cls, path: Path, data: Any) -> VtkXml:
        """The document of a file, given all its bytes, which may be a memory map.

        Raises:
            InvalidInputError: a byte order or compressor that files of VTK itself rarely have.
        """
        mark = _APPENDED.search(data)
        text = bytes(data if mark is None else data[: mark.start()])
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise InvalidInputError(f"{path}: defines XML entities, which VTK files do not need")
        if mark is not None:
            text += b"</VTKFile>"
        root = Xml.fromstring(text)  # noqa: S314 - entities were refused above
        order = _BYTE_ORDERS.get(root.get("byte_order", "LittleEndian"), "<")
        compressor = root.get("compressor", "")
        if compressor not in ("", ZLIB):
            raise InvalidInputError(
                f"{path}: is compressed with {compressor}; save it with zlib or without"
            )
        length = DTYPES.get(root.get("header_type", "UInt32"), "u4")
        return cls(
            path,
            root,
            order,
            np.dtype(order + length),
            bool(compressor),
            data,
            0 if mark is None else mark.end(),
            mark is not None and b'"raw"' in mark[1],
        )

    def dtype(self, element: Xml.Element) -> np.dtype[Any]:
        """The dtype of a DataArray, in the file's byte order.

        Raises:
            InvalidInputError: it is not numeric.
        """
        name = element.get("type", "")
        if name not in DTYPES:
            raise InvalidInputError(
                f"{self.path}: the array {element.get('Name')!r} has the type {name!r}, which"
                " cannot be kept; remove it from a copy of the file first"
            )
        return np.dtype(self.order + DTYPES[name])

    def mapped_offset(self, element: Xml.Element) -> int | None:
        """Offset of the samples of an array that lie in the file as they are; None if none do."""
        if element.get("format") != "appended" or not self.plain or self.packed:
            return None
        return self.start + int(element.get("offset", "0")) + self.length_dtype.itemsize

    def values(self, element: Xml.Element) -> Array:
        """The values of a DataArray, 1-D."""
        dtype = self.dtype(element)
        form = element.get("format", "ascii")
        if form == "ascii":
            words = (element.text or "").split()
            native = dtype.newbyteorder("=")
            if dtype.kind == "f":
                return np.array(words, np.float64).astype(native)
            return np.array([int(word) for word in words], native)
        if form == "appended" and self.plain:
            return np.frombuffer(self._raw(self.start + int(element.get("offset", "0"))), dtype)
        text = (element.text or "").encode("ascii")
        if form == "appended":
            begin = self.start + int(element.get("offset", "0"))
            text = bytes(self.data[begin:]).split(b"<", 1)[0]
        return np.frombuffer(self._base64(b"".join(text.split())), dtype)

    def _raw(self, at: int) -> bytes:
        size = self.length_dtype.itemsize
        if not self.packed:
            length = self._lengths(self.data[at : at + size])[0]
            return self._exactly(self.data[at + size : at + size + length], length)
        count = self._lengths(self.data[at : at + size])[0]
        header = self._lengths(self.data[at : at + (3 + count) * size])
        return self._unpacked(header, self.data[at + (3 + count) * size :])

    def _base64(self, text: bytes) -> bytes:
        size = self.length_dtype.itemsize
        first = self._lengths(_decoded(text, size))[0]
        if not self.packed:
            # Some writers encode the length apart from the data, others in one go.
            start = text[: _characters(size)]
            if start.endswith(b"="):
                return self._exactly(_decoded(text[len(start) :], first), first)
            return self._exactly(_decoded(text, size + first)[size:], first)
        header = (3 + first) * size
        lengths = self._lengths(_decoded(text, header))
        return self._unpacked(lengths, _decoded(text[_characters(header) :], sum(lengths[3:])))

    def _lengths(self, data: bytes) -> list[int]:
        return [int(value) for value in np.frombuffer(bytes(data), self.length_dtype)]

    def _unpacked(self, header: Sequence[int], data: Any) -> bytes:
        blocks, at = [], 0
        for length in header[3:]:
            blocks.append(zlib.decompress(bytes(data[at : at + length])))
            at += length
        return b"".join(blocks)

    def _exactly(self, data: Any, length: int) -> bytes:
        if len(data) < length:
            raise InvalidInputError(f"{self.path}: truncated; fetch or write it again")
        return bytes(data[:length])


def _characters(count: int) -> int:
    """Base64 characters of so many bytes."""
    return -(-count // 3) * 4


def _decoded(text: bytes, count: int) -> bytes:
    """The first `count` bytes of base64 text, fewer if it ends before."""
    try:
        return base64.b64decode(text[: _characters(count)], validate=True)[:count]
    except binascii.Error as error:
        raise ValueError(f"base64: {error}") from error


def appended(values: Array, packed: bool) -> bytes:
    """An array as appended raw data with 64-bit lengths, little-endian."""
    data = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"))).tobytes()
    if not packed:
        return np.array([len(data)], "<u8").tobytes() + data
    blocks = [zlib.compress(data[at : at + _BLOCK]) for at in range(0, len(data), _BLOCK)]
    lengths = [len(blocks), _BLOCK, len(data) % _BLOCK, *map(len, blocks)]
    return np.array(lengths, "<u8").tobytes() + b"".join(blocks)
