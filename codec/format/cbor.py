"""A strict subset of CBOR: deterministic encoding (RFC 8949, section 4.2.1) and nothing else.

Values: None, bool, int in [-2**64, 2**64), float, str, bytes, list, and dict with int or str keys.
The decoder refuses whatever the encoder would not have written: longer forms, unsorted or repeated
keys, indefinite lengths, tags, NaN payloads, trailing bytes.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from codec.errors import CorruptError, LimitError

MAX_DEPTH = 16
MAX_ITEMS = 1 << 22
_FLOATS = ((0xF9, ">e", 2), (0xFA, ">f", 4), (0xFB, ">d", 8))
_SIMPLE = {0xF4: False, 0xF5: True, 0xF6: None}
_NAN = b"\xf9\x7e\x00"


def encode(value: Any) -> bytes:
    """The one deterministic encoding of `value`.

    Raises:
        TypeError: a value outside the subset.
        ValueError: an integer outside 64 bits, or nesting deeper than `MAX_DEPTH`.
    """
    out = bytearray()
    _encode_into(out, value, 0)
    return bytes(out)


def _encode_into(out: bytearray, value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, bool):
        out.append({False: 0xF4, True: 0xF5, None: 0xF6}[value])
    elif isinstance(value, int):
        if not -(2**64) <= value < 2**64:
            raise ValueError(f"{value} does not fit 64 bits")
        out += _head(0, value) if value >= 0 else _head(1, -1 - value)
    elif isinstance(value, float):
        out += _encode_float(value)
    elif isinstance(value, bytes):
        out += _head(2, len(value)) + value
    elif isinstance(value, str):
        text = value.encode("utf-8")
        out += _head(3, len(text)) + text
    elif isinstance(value, (list, tuple)):
        out += _head(4, len(value))
        for element in value:
            _encode_into(out, element, depth + 1)
    elif isinstance(value, dict):
        _encode_map(out, value, depth)
    else:
        raise TypeError(f"{type(value).__name__} has no place in the CBOR subset")


def _encode_map(out: bytearray, value: dict[Any, Any], depth: int) -> None:
    out += _head(5, len(value))
    entries = []
    for key, element in value.items():
        if isinstance(key, bool) or not isinstance(key, (int, str)):
            raise TypeError(f"map keys are int or str, not {type(key).__name__}")
        entries.append((encode(key), element))
    for encoded_key, element in sorted(entries, key=lambda entry: entry[0]):
        out += encoded_key
        _encode_into(out, element, depth + 1)


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for additional, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * size):
            return bytes([major << 5 | additional]) + argument.to_bytes(size, "big")
    raise ValueError(f"{argument} does not fit 64 bits")


def _encode_float(value: float) -> bytes:
    if math.isnan(value):
        return _NAN
    for initial, form, _ in _FLOATS:
        try:
            packed = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == value:
            return bytes([initial]) + packed
    raise ValueError(f"{value} has no binary form")


def decode(data: bytes) -> Any:
    """The value that `data` encodes; the whole of `data` must be one deterministic item.

    Raises:
        CorruptError: anything else, with the offset inside `data`.
    """
    value, position = _Decoder(data).item(0, 0)
    if position != len(data):
        raise CorruptError("bytes follow the CBOR item", offset=position)
    return value


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.items = 0

    def take(self, position: int, size: int) -> bytes:
        if size > len(self.data) - position:
            raise CorruptError("the CBOR item is cut short", offset=position)
        return self.data[position : position + size]

    def check_items(self, more: int, position: int) -> None:
        """See that so many elements can follow, before the first of them takes time."""
        if self.items + more > MAX_ITEMS:
            raise LimitError(f"more than {MAX_ITEMS} CBOR items in a payload", offset=position)

    def argument(self, position: int) -> tuple[int, int]:
        """The argument of the head at `position`, and the position after the head."""
        additional = self.data[position] & 0x1F
        if additional < 24:
            return additional, position + 1
        if additional > 27:
            raise CorruptError("indefinite or reserved CBOR length", offset=position)
        size = 1 << (additional - 24)
        value = int.from_bytes(self.take(position + 1, size), "big")
        if value < (24 if size == 1 else 1 << (4 * size)):
            raise CorruptError("a CBOR number is not in its shortest form", offset=position)
        return value, position + 1 + size

    def item(self, position: int, depth: int) -> tuple[Any, int]:
        initial = self.take(position, 1)[0]
        self.items += 1
        self.check_items(0, position)
        if depth > MAX_DEPTH:
            raise CorruptError(f"CBOR nested deeper than {MAX_DEPTH}", offset=position)
        major = initial >> 5
        if major == 7:
            return self.simple(position, initial)
        if major == 6:
            raise CorruptError("CBOR tags are not used here", offset=position)
        argument, after = self.argument(position)
        if major == 0:
            return argument, after
        if major == 1:
            return -1 - argument, after
        if major == 2:
            return self.take(after, argument), after + argument
        if major == 3:
            try:
                return self.take(after, argument).decode("utf-8"), after + argument
            except UnicodeDecodeError:
                raise CorruptError("CBOR text is not UTF-8", offset=after) from None
        # Every element takes a byte at least, so a count beyond the data is a lie.
        elements = argument if major == 4 else 2 * argument
        self.take(after, elements)
        self.check_items(elements, position)
        return (self.array if major == 4 else self.map)(after, argument, depth)

    def simple(self, position: int, initial: int) -> tuple[Any, int]:
        if initial in _SIMPLE:
            return _SIMPLE[initial], position + 1
        for head, form, size in _FLOATS:
            if initial == head:
                value = struct.unpack(form, self.take(position + 1, size))[0]
                if _encode_float(value) != self.take(position, size + 1):
                    raise CorruptError("a CBOR float is not in its shortest form", offset=position)
                return value, position + 1 + size
        raise CorruptError("unknown CBOR simple value", offset=position)

    def array(self, position: int, count: int, depth: int) -> tuple[list[Any], int]:
        values = []
        for _ in range(count):
            value, position = self.item(position, depth + 1)
            values.append(value)
        return values, position

    def map(self, position: int, count: int, depth: int) -> tuple[dict[Any, Any], int]:
        values: dict[Any, Any] = {}
        previous = b""
        for _ in range(count):
            key, after = self.item(position, depth + 1)
            if isinstance(key, bool) or not isinstance(key, (int, str)):
                raise CorruptError("a CBOR map key is neither int nor text", offset=position)
            encoded = self.data[position:after]
            if encoded <= previous:
                raise CorruptError("CBOR map keys repeat or are out of order", offset=position)
            previous = encoded
            values[key], position = self.item(after, depth + 1)
        return values, position
