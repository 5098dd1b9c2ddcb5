"""What is kept verbatim comes back bit for bit, and coordinates cost next to nothing."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codec.coding.verbatim_section import TYPES, decode_verbatim, encode_verbatim
from codec.errors import CorruptError, FormatError, UnsupportedError
from codec.format import cbor
from codec.format.compression import compress

SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)


def decode_variable(*entry: Any) -> Any:
    return decode_verbatim([cbor.encode([list(entry)])])[entry[0]]


@pytest.mark.parametrize("code", TYPES)
@given(data=st.data())
@settings(max_examples=30)
def test_arrays_come_back_bit_for_bit(code: str, data: st.DataObject) -> None:
    """Every bit pattern, NaNs with payloads included."""
    shape = data.draw(SHAPES)
    dtype = np.dtype(code)
    size = int(np.prod(shape)) * dtype.itemsize
    values = np.frombuffer(data.draw(st.binary(min_size=size, max_size=size)), dtype).reshape(shape)
    decoded = decode_verbatim(encode_verbatim({"a/b": values}))["a/b"]
    assert isinstance(decoded, np.ndarray)
    assert decoded.dtype == dtype
    assert decoded.shape == shape
    assert decoded.tobytes() == values.tobytes()


@pytest.mark.parametrize("code", [code for code in TYPES if code != "S1"])
@pytest.mark.parametrize("kind", [0, 1, 2, 3])
def test_verb_3_every_filter_is_undone_as_the_text_says(code: str, kind: int) -> None:
    dtype = np.dtype(code).newbyteorder("<")
    random = np.random.default_rng(0)
    values = np.frombuffer(random.bytes(7 * dtype.itemsize), dtype)
    patterns = [int(p) for p in values.view(f"<u{dtype.itemsize}")]
    for _ in range(max(0, kind - 1)):
        patterns = [
            patterns[0],
            *((b - a) % 2 ** (8 * dtype.itemsize)
              for a, b in pairwise(patterns)),
        ]  # fmt: skip
    rows = [pattern.to_bytes(dtype.itemsize, "little") for pattern in patterns]
    data = b"".join(rows)
    if kind:
        data = b"".join(bytes(row[byte] for row in rows) for byte in range(dtype.itemsize))
    decoded = decode_variable("x", TYPES.index(code), [7], kind, data)
    assert decoded.tobytes() == values.tobytes()


@pytest.mark.parametrize("dtype", ["f8", "i8", "f4", "i4"])
def test_an_arithmetic_progression_takes_under_100_bytes(dtype: str) -> None:
    axis = (np.arange(1000) * 0.25 + 10 if dtype[0] == "f" else np.arange(1000) * 3).astype(dtype)
    (payload,) = encode_verbatim({"lat": axis})
    assert len(compress(payload)[1]) < 100


def test_latitudes_through_zero_take_little_more() -> None:
    (payload,) = encode_verbatim({"lat": np.arange(1000) * 0.25 - 125})
    assert len(compress(payload)[1]) < 130


def test_texts_come_back() -> None:
    texts = ["", "plain", "Ä\n\0", "x" * 5000]
    assert decode_verbatim(encode_verbatim({"t": texts, "none": []})) == {"t": texts, "none": []}


def test_many_variables_come_back_in_order_from_several_sections() -> None:
    variables = {f"v{n}": np.full(400_000, n, "u1") for n in range(5)}
    payloads = encode_verbatim(variables)
    assert len(payloads) > 1
    decoded = decode_verbatim(payloads)
    assert list(decoded) == list(variables)
    assert all(np.array_equal(decoded[name], values) for name, values in variables.items())


def test_nothing_makes_no_section() -> None:
    assert encode_verbatim({}) == []
    assert decode_verbatim([]) == {}


def test_arrays_in_any_memory_order_come_back() -> None:
    base = np.arange(60.0).reshape(3, 4, 5)
    variables = {
        "fortran": np.asfortranarray(base),
        "strided": base[::-1, ::2, 1:],
        "big": base.astype(">f8"),
    }
    decoded = decode_verbatim(encode_verbatim(variables))
    for name, values in variables.items():
        assert np.array_equal(decoded[name], values)


@pytest.mark.parametrize("dtype", ["c8", "S3", "U2", "O", "?"])
def test_other_dtypes_are_not_encoded(dtype: str) -> None:
    with pytest.raises(TypeError):
        encode_verbatim({"x": np.zeros(3, dtype)})


MALFORMED: dict[str, Any] = {
    "no list": {"x": 0},
    "entry no list": ["x"],
    "entry of 4 parts": [["x", 0, [1], 0]],
    "entry of 6 parts": [["x", 0, [1], 0, b"a", 0]],
    "path no text": [[b"x", 0, [1], 0, b"a"]],
    "path twice": [["x", 0, [1], 0, b"a"], ["x", [1], ["a"]]],
    "type bool": [["x", True, [1], 0, b"a"]],
    "type negative": [["x", -1, [1], 0, b"a"]],
    "type text": [["x", "u1", [1], 0, b"a"]],
    "filter bool": [["x", 0, [1], True, b"a"]],
    "filter a float": [["x", 0, [1], 2.0, b"a"]],
    "filter negative": [["x", 0, [1], -1, b"a"]],
    "filter a list": [["x", 0, [1], [], b"a"]],
    "data text": [["x", 0, [1], 0, "a"]],
    "data too short": [["x", 0, [2], 0, b"a"]],
    "data too long": [["x", 0, [1], 0, b"ab"]],
    "data no whole number": [["x", 2, [1], 1, b"abc"]],
    "shape no list": [["x", 0, 1, 0, b"a"]],
    "shape negative": [["x", 0, [-1, -1], 0, b"a"]],
    "shape a float": [["x", 0, [1.0], 0, b"a"]],
    "shape bool": [["x", 0, [True], 0, b"a"]],
    "33 axes": [["x", 0, [1] * 33, 0, b"a"]],
    "texts too few": [["x", [2], ["a"]]],
    "texts no text": [["x", [1], [b"a"]]],
    "texts no list": [["x", [1], "a"]],
}


@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED)
def test_sections_that_break_a_rule_are_malformed(value: Any) -> None:
    with pytest.raises(CorruptError):
        decode_verbatim([cbor.encode(value)])


@pytest.mark.parametrize(
    "entry", [["x", 12, [1], 0, b"a"], ["x", 0, [1], 4, b"a"]], ids=["type", "filter"]
)
def test_unknown_types_and_filters_are_unsupported(entry: list[Any]) -> None:
    with pytest.raises(UnsupportedError):
        decode_verbatim([cbor.encode([entry])])


@pytest.mark.parametrize("sizes", [[0], [0, 5], [5, 0], []])
def test_empty_and_scalar_variables_come_back(sizes: list[int]) -> None:
    count = int(np.prod(sizes))
    for kind in range(4):
        decoded = decode_variable("x", 8, sizes, kind, b"\0" * 8 * count)
        assert decoded.shape == tuple(sizes)


def test_a_scalar_text_has_an_empty_shape() -> None:
    assert decode_variable("x", [], ["a"]) == ["a"]


@given(st.binary(max_size=40))
def test_noise_is_refused_cleanly(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        decode_verbatim([data])


def test_axes_without_end_are_refused_cleanly() -> None:
    for sizes in ([0, 2**62], [2**64 - 1, 0], [0, 2**40, 2**40]):
        try:
            assert decode_variable("x", 8, sizes, 0, b"").size == 0
        except FormatError:
            continue
