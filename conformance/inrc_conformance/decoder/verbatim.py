"""VERB payloads (section 9)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .cbor import Value, as_list, as_text, as_uint
from .errors import Malformed, Unsupported

TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8", "u8", "i8", "S1")
_MAX_AXES = 32


@dataclass(frozen=True)
class Variable:
    """A variable kept verbatim; `values` are little-endian bytes in C order, or texts."""

    path: str
    type: str
    shape: tuple[int, ...]
    values: bytes | tuple[str, ...]

    def sha256(self) -> str:
        """Return a digest: of the bytes, or of each text's UTF-8 after its u64 length."""
        if isinstance(self.values, bytes):
            return hashlib.sha256(self.values).hexdigest()
        digest = hashlib.sha256()
        for text in self.values:
            encoded = text.encode("utf-8")
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
        return digest.hexdigest()


def parse_verbatim(value: Value, variables: dict[str, Variable]) -> None:
    """Add the variables of one VERB payload to those of the file (VERB-1)."""
    for entry in as_list(value, "VERB-1: the payload"):
        variable = _variable(as_list(entry, "VERB-1: an entry"))
        if variable.path in variables:
            raise Malformed("VERB-1: two variables have the same path")
        variables[variable.path] = variable


def _variable(entry: list[Value]) -> Variable:
    if len(entry) == 3:
        path, shape, texts = entry
        name, sizes, count = _place(path, shape)
        values = tuple(as_text(text, "VERB-1: a text") for text in as_list(texts, "VERB-1: texts"))
        if len(values) != count:
            raise Malformed("VERB-1: the number of texts is not the product of shape")
        return Variable(name, "text", sizes, values)
    if len(entry) != 5:
        raise Malformed("VERB-1: an entry has three or five elements")
    path, kind, shape, method, data = entry
    name, sizes, count = _place(path, shape)
    if not isinstance(data, bytes):
        raise Malformed("VERB-2: data is not a byte string")
    number = as_uint(kind, "VERB-2: type")
    code = as_uint(method, "VERB-3: filter")
    if number >= len(TYPES):
        raise Unsupported(f"VERB-2: type {number}")
    if code > 3:
        raise Unsupported(f"VERB-3: filter {code}")
    size = int(TYPES[number][1])
    if len(data) != size * count:
        raise Malformed("VERB-2: the data does not have the size of the shape")
    return Variable(name, TYPES[number], sizes, unfilter(data, size, code))


def _place(path: Value, shape: Value) -> tuple[str, tuple[int, ...], int]:
    """Return path, shape and the product of shape."""
    name = as_text(path, "VERB-1: path")
    sizes = tuple(as_uint(size, "VERB-1: a size") for size in as_list(shape, "VERB-1: shape"))
    if len(sizes) > _MAX_AXES:
        raise Malformed("VERB-1: more than 32 axes")
    count = 1
    for size in sizes:
        count *= size
    return name, sizes, count


def unfilter(data: bytes, size: int, method: int) -> bytes:
    """Undo a filter of values of `size` bytes (VERB-3)."""
    if method == 0:
        return data
    planes = np.frombuffer(data, dtype=np.uint8).reshape(size, -1)
    values: npt.NDArray[np.uint64] = planes.T.copy().view(f"<u{size}").reshape(-1)
    for _ in range(method - 1):
        values = np.cumsum(values, dtype=f"<u{size}")
    return values.tobytes()
