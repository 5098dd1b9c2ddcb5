"""The strict CBOR subset of section 3."""

from __future__ import annotations

import math
import struct
from typing import Final

from .errors import Malformed
from .limits import require

Value = int | float | bytes | str | bool | None | list["Value"] | dict["int | str", "Value"]

_MAX_DEPTH = 16
_FLOATS: Final = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}


def parse(data: bytes, max_items: int) -> Value:
    """Parse exactly one item; anything after it is malformed (CBOR-4)."""
    parser = _Parser(data, max_items)
    value = parser.item(0)
    if parser.position != len(data):
        raise Malformed("CBOR-4: bytes follow the CBOR item")
    return value


class _Parser:
    def __init__(self, data: bytes, max_items: int) -> None:
        self.data = data
        self.position = 0
        self.items = 0
        self.max_items = max_items

    def take(self, count: int) -> bytes:
        stop = self.position + count
        if stop > len(self.data):
            raise Malformed("CBOR-4: the CBOR item ends early")
        part = self.data[self.position : stop]
        self.position = stop
        return part

    def argument(self, info: int) -> int:
        """Return the argument of a head, in its shortest form (CBOR-2)."""
        if info < 24:
            return info
        if info > 27:
            raise Malformed("CBOR-1: an indefinite or reserved length")
        size = 1 << (info - 24)
        value = int.from_bytes(self.take(size), "big")
        smallest = 24 if size == 1 else 1 << (4 * size)
        if value < smallest:
            raise Malformed("CBOR-2: a number is not in its shortest form")
        return value

    def item(self, depth: int) -> Value:
        """Parse one item at a nesting depth."""
        if depth > _MAX_DEPTH:
            raise Malformed("CBOR-3: nesting deeper than 16")
        self.items += 1
        require(self.items, self.max_items, "CBOR items of one payload")
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self.simple(info)
        if major == 6:
            raise Malformed("CBOR-1: a tag")
        argument = self.argument(info)
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            return self.text(argument)
        if argument > len(self.data) - self.position:
            raise Malformed("CBOR-4: an array or map is longer than the payload")
        require(self.items + argument, self.max_items, "CBOR items of one payload")
        if major == 4:
            return [self.item(depth + 1) for _ in range(argument)]
        return self.map(argument, depth)

    def text(self, size: int) -> str:
        try:
            return self.take(size).decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("CBOR-3: text is not valid UTF-8") from None

    def map(self, count: int, depth: int) -> dict[int | str, Value]:
        """Parse the entries of a map, whose keys ascend (CBOR-2)."""
        result: dict[int | str, Value] = {}
        previous = b""
        for _ in range(count):
            start = self.position
            key = self.item(depth + 1)
            encoded = self.data[start : self.position]
            if isinstance(key, bool) or not isinstance(key, int | str):
                raise Malformed("CBOR-3: a map key is neither an integer nor text")
            if encoded <= previous:
                raise Malformed("CBOR-2: map keys do not ascend")
            previous = encoded
            result[key] = self.item(depth + 1)
        return result

    def simple(self, info: int) -> Value:
        """Parse false, true, null or a float."""
        if info == 20:
            return False
        if info == 21:
            return True
        if info == 22:
            return None
        if info not in _FLOATS:
            raise Malformed("CBOR-1: a simple value that the subset lacks")
        layout, size = _FLOATS[info]
        raw = self.take(size)
        value = float(struct.unpack(layout, raw)[0])
        if raw != shortest_float(value):
            raise Malformed("CBOR-2: a float is not in its shortest form")
        return value


def shortest_float(value: float) -> bytes:
    """Return the shortest big-endian bytes of a float; NaN is 7E 00."""
    if math.isnan(value):
        return b"\x7e\x00"
    for layout in (">e", ">f"):
        try:
            raw = struct.pack(layout, value)
        except OverflowError:
            continue
        if struct.unpack(layout, raw)[0] == value:
            return raw
    return struct.pack(">d", value)


def is_uint(value: Value) -> bool:
    """Say whether a value is an unsigned integer."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def as_uint(value: Value, what: str) -> int:
    """Return an unsigned integer, or refuse the value."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Malformed(f"{what} is not an unsigned integer")
    return value


def as_float(value: Value, what: str) -> float:
    """Return a finite CBOR float, or refuse the value."""
    if not isinstance(value, float) or not math.isfinite(value):
        raise Malformed(f"{what} is not a finite float")
    return value


def is_float32(value: float) -> bool:
    """Say whether a float32 represents a finite number exactly."""
    try:
        return bool(struct.unpack("<f", struct.pack("<f", value))[0] == value)
    except OverflowError:
        return False


def as_text(value: Value, what: str) -> str:
    """Return text, or refuse the value."""
    if not isinstance(value, str):
        raise Malformed(f"{what} is not text")
    return value


def as_list(value: Value, what: str) -> list[Value]:
    """Return an array, or refuse the value."""
    if not isinstance(value, list):
        raise Malformed(f"{what} is not an array")
    return value


def as_map(value: Value, what: str) -> dict[int | str, Value]:
    """Return a map, or refuse the value."""
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not a map")
    return value
