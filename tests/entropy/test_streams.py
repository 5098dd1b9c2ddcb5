"""Integers come back from every coder, and damage is noticed or harmless."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.entropy import bits
from codec.entropy.stream import CODERS, decode_stream, decode_stream_with_summary, encode_stream
from codec.errors import CorruptError, FormatError, InvalidInputError, UnsupportedError
from codec.format.leb128 import encode_uleb, zigzag
from codec.limits import Limits

LIMITS = Limits()
INT32 = st.integers(-(2**31), 2**31 - 1)
VALUES = st.one_of(
    st.lists(st.integers(-3, 3), max_size=60),
    st.lists(st.one_of(st.integers(-200, 200), INT32), max_size=40),
    st.lists(st.sampled_from([-(2**31), 2**31 - 1, 0, -1]), max_size=20),
    st.tuples(INT32, st.integers(0, 300)).map(lambda pair: [pair[0]] * pair[1]),
)
NAMES = ["auto", *CODERS]


def stream(values: list[int], coder: str = "auto") -> bytes:
    return encode_stream([np.array(values, np.int64)], coder)


@pytest.mark.parametrize("coder", NAMES)
@given(values=VALUES)
@settings(max_examples=40)
def test_integers_come_back(coder: str, values: list[int]) -> None:
    encoded = stream(values, coder)
    decoded, position = decode_stream(b"ab" + encoded + b"cd", 2, LIMITS)
    assert decoded.tolist() == values
    assert position == 2 + len(encoded)


@given(VALUES)
@settings(max_examples=40)
def test_auto_is_never_larger_than_a_single_coder(values: list[int]) -> None:
    best = len(stream(values))
    assert all(best <= len(stream(values, coder)) for coder in CODERS)


@pytest.mark.parametrize("scale", [0.2, 2.0, 50.0, 3e4])
def test_auto_is_never_larger_on_typical_tensors(scale: float) -> None:
    values = np.rint(np.random.default_rng(0).laplace(0, scale, 1500)).astype(np.int64)
    segments = [values[:500], values[500:]]
    sizes = {coder: len(encode_stream(segments, coder)) for coder in NAMES}
    assert sizes["auto"] == min(sizes.values())


@pytest.mark.parametrize("coder", NAMES)
def test_segments_come_back_as_one_run(coder: str) -> None:
    random = np.random.default_rng(1)
    segments = [
        np.rint(random.laplace(0, scale, size)).astype(np.int64)
        for scale, size in ((1, 300), (1000, 200), (1, 0), (0.1, 1), (1e7, 30))
    ]
    decoded, _ = decode_stream(encode_stream(segments, coder), 0, LIMITS)
    assert decoded.tolist() == np.concatenate(segments).tolist()


def test_segments_pay_where_they_differ() -> None:
    random = np.random.default_rng(2)
    small = np.rint(random.laplace(0, 0.5, 3000)).astype(np.int64)
    large = np.rint(random.laplace(0, 2e4, 3000)).astype(np.int64)
    assert len(encode_stream([small, large])) < 0.85 * len(
        encode_stream([np.stack([small, large], 1).ravel()])
    )


@pytest.mark.parametrize("coder", list(CODERS))
def test_the_coder_asked_for_is_used(coder: str) -> None:
    values = np.arange(-50, 50, dtype=np.int64)
    _, _, summary = decode_stream_with_summary(encode_stream([values], coder), 0, LIMITS)
    assert summary.coder == coder
    assert summary.count == 100


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**40])
def test_integers_beyond_32_bits_are_not_encoded(value: int) -> None:
    with pytest.raises(InvalidInputError):
        stream([0, value])


def test_an_unknown_coder_is_not_used() -> None:
    with pytest.raises(InvalidInputError):
        stream([0, 1], "lzma")


@pytest.mark.parametrize("coder", list(CODERS))
def test_damaged_streams_give_a_clean_error_or_other_integers(coder: str) -> None:
    random = np.random.default_rng(3)
    values = np.rint(random.laplace(0, 40, 120)).astype(np.int64)
    sound = encode_stream([values], coder)
    tight = Limits(max_parameters=5000)
    refused = 0
    tries = 400
    for _ in range(tries):
        damaged = bytearray(sound)
        for _ in range(int(random.integers(1, 4))):
            damaged[int(random.integers(len(sound)))] ^= 1 << int(random.integers(8))
        try:
            decoded, position = decode_stream(bytes(damaged), 0, tight)
        except FormatError:
            refused += 1
        else:
            assert position <= len(sound)
            assert decoded.dtype == np.int64
            assert not len(decoded) or -(2**31) <= decoded.min() <= decoded.max() < 2**31
    assert refused > tries / 20


@pytest.mark.parametrize("coder", list(CODERS))
def test_streams_cut_short_are_refused(coder: str) -> None:
    values = np.rint(np.random.default_rng(3).laplace(0, 40, 60)).astype(np.int64)
    sound = encode_stream([values], coder)
    for size in range(len(sound)):
        with pytest.raises(FormatError):
            decode_stream(sound[:size], 0, LIMITS)


@given(st.binary(max_size=60))
def test_noise_gives_a_clean_error_or_integers(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        decode_stream(data, 0, Limits(max_parameters=5000))


@given(st.integers(1, 2), st.integers(0, 1), st.binary(min_size=6, max_size=60))
def test_noise_behind_a_head_gives_a_clean_error_or_integers(
    coder: int, model: int, data: bytes
) -> None:
    with contextlib.suppress(FormatError):
        decode_stream(bytes([coder, data[0], model]) + data[1:], 0, Limits(max_parameters=5000))


def raw(count: int, offset: int, width: int, data: bytes) -> bytes:
    return (
        b"\0" + encode_uleb(count) + encode_uleb(zigzag(offset)) + bytes([width])
        + encode_uleb(len(data)) + data
    )  # fmt: skip


REFUSED = {
    "raw of 33 bits": raw(1, 0, 33, bytes(5)),
    "raw with a byte too many": raw(1, 0, 8, bytes(2)),
    "raw with a byte too few": raw(2, 0, 8, bytes(1)),
    "raw with padding set": raw(1, 0, 7, b"\x01"),
    "raw above int32": raw(1, 2**31 - 1, 1, b"\x80"),
    "raw far above int32": raw(1, 2**61, 1, b"\x80"),
    "raw below int32": raw(1, -(2**31) - 1, 0, b""),
    "zstd of 3 bytes": b"\x03\x01\x03\x00",
    "zstd of 8 bytes": b"\x03\x01\x08\x00",
    "zstd without a frame": b"\x03\x01\x01\x00",
    "brotli of 0 bytes": b"\x04\x01\x00\x00",
    "one symbol": b"\x01\x01\x00\x00\x01\x00\x80\x00",
    "order 8": b"\x01\x01\x00\x00\x02\x08\xa0\x00",
    "counts all 0": b"\x01\x01\x00\x00\x02\x00\xc0\x00",
    "padding of the table set": b"\x01\x00\x00\x00\x02\x00\x61\x00",
    "count of 33 leading zeros": b"\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x40\x00",
    "table cut short": b"\x01\x00\x00\x00\x02\x00",
    "Laplace class 64": b"\x01\x01\x01\x01\x40\x01\x00",
    "Laplace segments too long": b"\x01\x05\x01\x02\x01\x06\x01\x01\x00",
    "Laplace without segments": b"\x01\x05\x01\x00\x01\x00",
    "Laplace with more words than data": b"\x01\x00\x01\x00\x01\x05",
    "Laplace with something behind it": b"\x01\x00\x01\x00\x02\x00\x07",
    "Laplace with words for nothing": b"\x01\x00\x01\x00\x05\x01\x01\x00\x00\x00",
    "range with words for nothing": b"\x02\x00\x01\x00\x0d\x03" + bytes(12),
    "half a word": b"\x01\x00\x00\x00\x02\x00\x50\x02\x01\x01",
}
UNKNOWN = {
    "coder 10": b"\x0a\x00",
    "coder 255": b"\xff\x00",
    "model 2": b"\x01\x00\x02",
    "model 255": b"\x02\x00\xff",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_streams_that_break_a_rule_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        decode_stream(data, 0, LIMITS)
    assert not isinstance(caught.value, UnsupportedError)


@pytest.mark.parametrize("data", UNKNOWN.values(), ids=UNKNOWN)
def test_str_1_what_is_unknown_is_unsupported(data: bytes) -> None:
    with pytest.raises(UnsupportedError):
        decode_stream(data, 0, LIMITS)


def test_the_words_of_str_2_read_as_the_text_says() -> None:
    data = raw(3, -2, 3, bytes([0b101_000_11, 0b1_0000000]))
    assert decode_stream(data, 0, LIMITS)[0].tolist() == [3, -2, 5]


def test_lap_3_escapes_carry_any_integer() -> None:
    values = [0] * 500 + [2**31 - 1, -(2**31), 12345]
    for coder in ("ans", "range"):
        decoded, _, summary = decode_stream_with_summary(stream(values, coder), 0, LIMITS)
        assert decoded.tolist() == values
        assert summary.model == "laplace"


@given(st.lists(st.tuples(st.integers(0, 32), st.integers(0, 2**32 - 1)), max_size=40))
def test_bits_come_back(pairs: list[tuple[int, int]]) -> None:
    widths = np.array([width for width, _ in pairs], np.int64)
    values = np.array([value % 2**width for width, value in pairs], np.int64)
    packed = bits.pack(values, widths)
    assert len(packed) == -(-int(widths.sum()) // 8)
    assert bits.unpack(packed, widths).tolist() == values.tolist()


def test_bits_are_filled_from_the_most_significant() -> None:
    assert bits.pack(np.array([5, 1]), np.array([3, 2])) == bytes([0b101_01_000])
    with pytest.raises(CorruptError):
        bits.unpack(bytes([0b101_01_001]), np.array([3, 2]))
    with pytest.raises(CorruptError):
        bits.unpack(bytes(2), np.array([3, 2]))


@given(st.lists(st.integers(0, 2**32 - 1), max_size=30), st.integers(0, 7), st.integers(0, 3))
def test_exponential_golomb_codes_come_back(values: list[int], order: int, at: int) -> None:
    encoded = bytes(at) + bits.encode_exp_golomb(np.array(values, np.int64), order)
    decoded, position = bits.decode_exp_golomb(encoded + b"x", at, len(values), order)
    assert decoded.tolist() == values
    assert position == len(encoded)


def test_exponential_golomb_codes_are_those_of_the_text() -> None:
    """v = 4, order 1: q = 3 of 2 bits: one zero, 11, low bit 0."""
    assert bits.encode_exp_golomb(np.array([4], np.int64), 1) == bytes([0b0110_0000])
    assert bits.encode_exp_golomb(np.array([0, 1], np.int64), 0) == bytes([0b1_010_0000])
