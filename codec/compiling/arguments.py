"""Arguments of kernels: their types, and their values in a row of 64-bit words.

The first word is for the result. An array takes a word for its address, one for each length, and
one for each stride in bytes; a number takes a word; a tuple takes the words of its items.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import numpy as np

# Formats of numbers in a word, by kind and bytes of a NumPy dtype; the rest of a word is zero.
NUMBER_FORMATS = {
    "b1": "?7x", "i1": "b7x", "i2": "h6x", "i4": "i4x", "i8": "q",
    "u1": "B7x", "u2": "H6x", "u4": "I4x", "u8": "Q", "f4": "f4x", "f8": "d",
}  # fmt: skip
# Formats of Python's own numbers, which numba takes for int64, float64 and bool.
_OWN_FORMATS: dict[type, str] = {bool: "?7x", int: "q", float: "d"}


def types_of(value: Any) -> Any:
    """Everything about a value that numba compiles for; hashable, with a `repr` of its own.

    Raises:
        TypeError: kernels take no such value.
    """
    kind = type(value)
    if kind is np.ndarray:
        flags = value.flags
        layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
        return value.dtype.str, value.ndim, layout, flags.writeable, flags.aligned
    if kind in _OWN_FORMATS:
        return kind.__name__
    if isinstance(value, np.generic):
        return value.dtype.str
    if isinstance(value, tuple):
        items = tuple([types_of(item) for item in value])
        if kind is tuple:
            return items
        return kind.__module__, kind.__qualname__, getattr(kind, "_fields", ()), items
    raise TypeError(f"kernels take no argument of type {kind.__name__}")


def pack(arguments: tuple[Any, ...]) -> ctypes.Array[ctypes.c_char]:
    """Words of the arguments, after a word for the result. The arguments must outlive them."""
    formats = ["<8x"]
    values: list[Any] = []
    _append(arguments, formats, values)
    layout = "".join(formats)
    words = ctypes.create_string_buffer(struct.calcsize(layout))
    struct.pack_into(layout, words, 0, *values)
    return words


def _append(items: tuple[Any, ...], formats: list[str], values: list[Any]) -> None:
    """Add the words of all items and their formats."""
    for value in items:
        kind = type(value)
        if kind is np.ndarray:
            formats.append("Q" + 2 * value.ndim * "q")
            values.append(value.__array_interface__["data"][0])
            values += value.shape
            values += value.strides
        elif kind in _OWN_FORMATS:
            formats.append(_OWN_FORMATS[kind])
            values.append(value)
        elif isinstance(value, tuple):
            _append(value, formats, values)
        else:
            formats.append(NUMBER_FORMATS[value.dtype.str[1:]])
            values.append(value.item())
