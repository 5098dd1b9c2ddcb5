"""Numbers have one form: the shortest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import CorruptError, TruncatedError
from codec.format.leb128 import decode_uleb, encode_uleb, unzigzag, zigzag

NUMBERS = st.integers(0, 2**63 - 1)


@given(NUMBERS, st.binary(max_size=4), st.binary(max_size=4))
def test_numbers_come_back_from_anywhere_in_the_data(
    value: int, before: bytes, after: bytes
) -> None:
    encoded = encode_uleb(value)
    end = len(before) + len(encoded)
    assert decode_uleb(before + encoded + after, len(before)) == (value, end)


@given(NUMBERS)
def test_the_form_is_the_shortest(value: int) -> None:
    assert len(encode_uleb(value)) == max(1, -(-value.bit_length() // 7))


@given(NUMBERS)
def test_a_number_cut_short_is_truncated(value: int) -> None:
    encoded = encode_uleb(value)
    for size in range(len(encoded)):
        with pytest.raises(TruncatedError):
            decode_uleb(encoded[:size])


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xff\x00", b"\x81\x80\x00", b"\x80" * 8 + b"\x00"])
def test_num_1_a_longer_form_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptError):
        decode_uleb(data)


def test_num_2_more_than_nine_bytes_are_refused() -> None:
    assert decode_uleb(b"\xff" * 8 + b"\x7f") == (2**63 - 1, 9)
    with pytest.raises(CorruptError):
        decode_uleb(b"\xff" * 9 + b"\x01")
    with pytest.raises(CorruptError):
        decode_uleb(b"\x80" * 9)


@pytest.mark.parametrize("value", [-1, 2**63])
def test_what_has_no_form_is_not_encoded(value: int) -> None:
    with pytest.raises(ValueError, match="LEB128"):
        encode_uleb(value)


@given(st.integers(-(2**62), 2**62))
def test_zigzag_is_undone(value: int) -> None:
    assert zigzag(value) >= 0
    assert unzigzag(zigzag(value)) == value


def test_zigzag_is_that_of_the_specification() -> None:
    assert [zigzag(value) for value in (0, -1, 1, -2, 2)] == [0, 1, 2, 3, 4]
