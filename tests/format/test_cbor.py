"""CBOR: every value has one encoding, and nothing else is accepted."""

from __future__ import annotations

import math
import struct
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import CorruptError
from codec.format import cbor
from inrc_conformance.decoder import Malformed
from inrc_conformance.decoder import cbor as reference

INTEGERS = st.integers(-(2**64), 2**64 - 1)
SCALARS = st.one_of(
    st.none(), st.booleans(), INTEGERS, st.floats(), st.text(max_size=8), st.binary(max_size=8)
)
KEYS = st.one_of(INTEGERS, st.text(max_size=4))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def same(left: Any, right: Any) -> bool:
    """Equal in value and type, NaN included."""
    if isinstance(left, float) and isinstance(right, float):
        both_nan = math.isnan(left) and math.isnan(right)
        return both_nan or struct.pack("d", left) == struct.pack("d", right)
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    assert same(cbor.decode(cbor.encode(value)), value)


@given(VALUES)
def test_other_readers_read_the_same(value: Any) -> None:
    assert same(cbor2.loads(cbor.encode(value)), value)


@given(VALUES)
def test_the_encoding_is_that_of_cbor2_where_both_are_deterministic(value: Any) -> None:
    """cbor2's canonical form sorts keys by length first (RFC 7049), so maps are left out."""
    if not any(isinstance(part, dict) for part in _parts(value)):
        assert cbor.encode(value) == cbor2.dumps(value, canonical=True)


def _parts(value: Any) -> list[Any]:
    inner = value if isinstance(value, list) else []
    return [value, *(part for element in inner for part in _parts(element))]


@given(st.binary(max_size=24))
def test_what_is_accepted_is_what_would_have_been_written(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except CorruptError:
        return
    assert cbor.encode(value) == data
    assert same(cbor2.loads(data), value)


@given(st.one_of(st.binary(max_size=12), VALUES.map(cbor.encode)), st.integers(0, 2**16))
def test_the_reference_decoder_refuses_and_accepts_the_same(data: bytes, flip: int) -> None:
    damaged = bytearray(data)
    if damaged:
        damaged[flip // 8 % len(damaged)] ^= 1 << flip % 8
    for candidate in (data, bytes(damaged)):
        try:
            cbor.decode(candidate)
            accepted = True
        except CorruptError:
            accepted = False
        try:
            reference.parse(candidate, 10**6)
            agreed = True
        except Malformed:
            agreed = False
        assert accepted == agreed, candidate.hex()


REFUSED = {
    "number of two bytes below 24": "1817",
    "number of three bytes below 2^8": "1900ff",
    "number of five bytes below 2^16": "1a0000ffff",
    "number of nine bytes below 2^32": "1b00000000ffffffff",
    "negative number in a longer form": "3800",
    "length of text in a longer form": "780161",
    "length of bytes in a longer form": "580100",
    "length of an array in a longer form": "980100",
    "length of a map in a longer form": "b8010000",
    "reserved length 28": "1c",
    "reserved length 30": "1e",
    "indefinite bytes": "5f4100ff",
    "indefinite text": "7f6161ff",
    "indefinite array": "9f00ff",
    "indefinite map": "bf0000ff",
    "break alone": "ff",
    "tag": "c000",
    "float32 that fits float16": "fa3f800000",
    "float64 that fits float16": "fb3ff0000000000000",
    "float64 that fits float32": "fb3ff0000020000000",
    "NaN with a sign": "f9fe00",
    "NaN with a payload": "f97e01",
    "NaN in 32 bits": "fa7fc00000",
    "NaN in 64 bits": "fb7ff8000000000000",
    "infinity in 32 bits": "fa7f800000",
    "undefined": "f7",
    "simple value 0": "e0",
    "simple value in two bytes": "f820",
    "true in two bytes": "f815",
    "keys out of order": "a201000000",
    "keys of other lengths out of order": "a218640018630000",
    "text key before number": "a2616100" + "0000",
    "repeated key": "a201000100",
    "float as key": "a1f93c0000",
    "bool as key": "a1f500",
    "null as key": "a1f600",
    "bytes as key": "a1410000",
    "array as key": "a1800000",
    "text that is not UTF-8": "61ff",
    "text with an overlong form": "62c080",
    "text with a surrogate": "63eda080",
    "bytes after the item": "0000",
    "nothing": "",
    "text cut short": "6261",
    "array cut short": "8200",
    "map cut short": "a200000",
    "array of 2^60 elements": "9b1000000000000000",
    "map of 2^63 entries": "bb8000000000000000",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(CorruptError):
        cbor.decode(bytes.fromhex(text + "0" * (len(text) % 2)))


def test_nesting_is_at_most_16_deep() -> None:
    """The outermost item has depth 0."""
    deepest = b"\x81" * 16 + b"\x00"
    value = cbor.decode(deepest)
    assert cbor.encode(value) == deepest
    with pytest.raises(CorruptError):
        cbor.decode(b"\x81" + deepest)
    with pytest.raises(CorruptError):
        cbor.decode(b"\x81" * 100_000)
    with pytest.raises(ValueError, match="nested"):
        cbor.encode([value])


def test_keys_are_sorted_by_their_bytes() -> None:
    value = {"b": 0, "aa": 0, 10: 0, 100: 0, -1: 0, "": 0}
    assert list(cbor.decode(cbor.encode(value))) == [10, 100, -1, "", "b", "aa"]


@pytest.mark.parametrize("value", [1j, {1.0: 0}, {True: 0}, {None: 0}, {b"": 0}, set()])
def test_what_has_no_place_is_not_encoded(value: Any) -> None:
    with pytest.raises(TypeError):
        cbor.encode(value)


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1])
def test_numbers_beyond_64_bits_are_not_encoded(value: int) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        cbor.encode(value)
