"""VERB sections: arrays and texts kept bit for bit, filtered so that a general coder finds more.

Coordinates are mostly arithmetic progressions: as differences of their bit patterns, byte planes
apart, they shrink to almost nothing. Normative text: format_spec/inrc-1.md, section 9.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from codec.arrays import Array, UInt8Array
from codec.errors import CorruptError, LimitError, UnsupportedError
from codec.format import cbor
from codec.format.compression import quick_frame
from codec.limits import Limits

TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8", "u8", "i8", "S1")
AS_IS, SHUFFLE, DIFFERENCE, DIFFERENCE_TWICE = range(4)
# Large variables get a section each, so that reading one does not hold all of them in memory.
_SECTION_BYTES = 1 << 20
# Filters are compared on a piece this long.
_TRIAL_VALUES = 1 << 16

VerbatimValue = Array | list[str]
_Bytes = UInt8Array


def encode_verbatim(variables: Mapping[str, VerbatimValue]) -> list[bytes]:
    """Payloads of the VERB sections for `variables` (path -> array, or list of strings)."""
    payloads: list[bytes] = []
    batch: list[list[Any]] = []
    batch_bytes = 0
    for path, value in variables.items():
        entry = _text_entry(path, value) if isinstance(value, list) else _array_entry(path, value)
        size = value.nbytes if isinstance(value, np.ndarray) else sum(map(len, value))
        if batch and batch_bytes + size > _SECTION_BYTES:
            payloads.append(cbor.encode(batch))
            batch, batch_bytes = [], 0
        batch.append(entry)
        batch_bytes += size
    return [*payloads, cbor.encode(batch)] if batch else payloads


def _text_entry(path: str, texts: list[str]) -> list[Any]:
    return [path, [len(texts)], texts]


def _array_entry(path: str, array: Array) -> list[Any]:
    code = "S1" if array.dtype.kind == "S" else array.dtype.kind + str(array.dtype.itemsize)
    if code not in TYPES or (array.dtype.kind == "S" and array.dtype.itemsize != 1):
        raise TypeError(f"{path}: dtype {array.dtype} has no verbatim form")
    chosen = _best_filter(np.ascontiguousarray(array).ravel()[:_TRIAL_VALUES], code)
    data = _apply(np.ascontiguousarray(array).ravel(), code, chosen)
    return [path, TYPES.index(code), list(array.shape), chosen, data.tobytes()]


def _best_filter(values: Array, code: str) -> int:
    if values.size < 2:
        return AS_IS
    filters = (AS_IS, DIFFERENCE) if values.itemsize == 1 else range(4)
    return min(filters, key=lambda kind: len(quick_frame(_apply(values, code, kind).tobytes())))


def _unsigned(values: Array, code: str) -> Array:
    """The bit patterns as little-endian unsigned integers."""
    if code == "S1":
        return values.view(np.uint8)
    little = values.astype(f"<{code}")
    return little.view(f"<u{values.itemsize}")


def _apply(values: Array, code: str, kind: int) -> _Bytes:
    patterns = _unsigned(values, code)
    for _ in range(max(0, kind - SHUFFLE)):
        patterns = np.concatenate([patterns[:1], patterns[1:] - patterns[:-1]])
    planes = patterns.view(np.uint8)
    if kind == AS_IS:
        return planes
    return np.ascontiguousarray(planes.reshape(len(patterns), -1).T).ravel()


def within_limits(payloads: Iterable[bytes], limits: Limits) -> list[bytes]:
    """The payloads of all VERB sections, which count together.

    Raises:
        LimitError: the payloads are larger than the reader allows; the next ones are not read.
    """
    accepted: list[bytes] = []
    size = 0
    for payload in payloads:
        accepted.append(payload)
        size += len(payload)
        limits.check("verbatim_bytes", size, section="VERB")
    return accepted


def decode_verbatim(payloads: list[bytes]) -> dict[str, VerbatimValue]:
    """The variables of all VERB sections, in order.

    Raises:
        CorruptError, UnsupportedError: a payload breaks a rule, or uses an unknown type.
    """
    variables: dict[str, VerbatimValue] = {}
    for payload in payloads:
        entries = cbor.decode(payload)
        if not isinstance(entries, list):
            raise CorruptError("the payload is not an array", section="VERB")
        for entry in entries:
            path, value = _entry(entry)
            if path in variables:
                raise CorruptError(f"variable {path!r} is repeated", section="VERB")
            variables[path] = value
    return variables


def _entry(entry: Any) -> tuple[str, VerbatimValue]:
    if not isinstance(entry, list) or len(entry) not in (3, 5) or not isinstance(entry[0], str):
        raise CorruptError(
            "an entry is not [path, shape, texts] or [path, type, ...]", section="VERB"
        )
    path = entry[0]
    if len(entry) == 3:
        count = math.prod(_shape(entry[1], path))
        texts = entry[2]
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise CorruptError(f"variable {path!r}: the texts are not text", section="VERB")
        if len(texts) != count:
            raise CorruptError(
                f"variable {path!r}: {len(texts)} texts, not {count}", section="VERB"
            )
        return path, texts
    _, code, sizes, kind, data = entry
    shape = _shape(sizes, path)
    if type(code) is not int or type(kind) is not int or not isinstance(data, bytes):
        raise CorruptError(f"variable {path!r}: type or data is of a wrong kind", section="VERB")
    if code < 0 or kind < 0:
        raise CorruptError(f"variable {path!r}: type or filter is negative", section="VERB")
    if code >= len(TYPES) or kind > DIFFERENCE_TWICE:
        raise UnsupportedError(f"variable {path!r}: unknown type or filter", section="VERB")
    return path, _restore(data, TYPES[code], shape, kind, path)


def _shape(sizes: Any, path: str) -> tuple[int, ...]:
    valid = isinstance(sizes, list) and len(sizes) <= 32
    if not valid or not all(type(size) is int and size >= 0 for size in sizes):
        raise CorruptError(f"variable {path!r}: the shape is invalid", section="VERB")
    return tuple(sizes)


def _restore(data: bytes, code: str, shape: tuple[int, ...], kind: int, path: str) -> Array:
    dtype = np.dtype(code).newbyteorder("<")
    count = math.prod(shape)
    if len(data) != count * dtype.itemsize:
        raise CorruptError(f"variable {path!r}: the data does not match the shape", section="VERB")
    planes = np.frombuffer(data, np.uint8)
    if kind != AS_IS:
        planes = np.ascontiguousarray(planes.reshape(dtype.itemsize, -1).T).ravel()
    patterns = planes.view(f"<u{dtype.itemsize}")
    for _ in range(max(0, kind - SHUFFLE)):
        patterns = np.cumsum(patterns, dtype=patterns.dtype)
    try:
        return patterns.view(dtype).reshape(shape).astype(np.dtype(code))
    except (ValueError, OverflowError):
        # The array is empty, but NumPy cannot count its other axes.
        raise LimitError(f"variable {path!r}: its axes are too long", section="VERB") from None
