"""Coder array: integers of a box, of which neighbours are alike."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from codec.arrays import Int64Array
from codec.entropy.stream import ARRAY, decode_stream, encode_stream, summarise_stream
from codec.errors import CorruptError, LimitError
from codec.format.leb128 import encode_uleb
from codec.limits import Limits


def smooth(shape: tuple[int, ...], scale: float = 30.0) -> Int64Array:
    """Integers that are like their neighbours."""
    noise = np.random.default_rng(math.prod(shape)).normal(size=shape)
    return np.rint(scale * gaussian_filter(noise, 0.8, mode="constant")).astype(np.int64)


def stream(values: Int64Array) -> bytes:
    return encode_stream([values.ravel()], shape=values.shape)


@pytest.mark.parametrize(
    "shape", [(4, 9, 10, 11), (8, 30, 40), (1, 3, 1, 9, 10, 11), (2, 3, 4, 20, 30)]
)
def test_smooth_boxes_take_less_as_arrays_and_come_back(shape: tuple[int, ...]) -> None:
    values = smooth(shape)
    encoded = stream(values)
    assert summarise_stream(encoded, 0)[0].coder == "array"
    assert len(encoded) < 0.95 * len(encode_stream([values.ravel()]))
    assert decode_stream(encoded, 0, Limits())[0].tolist() == values.ravel().tolist()


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 2**20))
@settings(max_examples=30)
def test_every_box_comes_back(shape: list[int], scale: int) -> None:
    values = smooth(tuple(shape), scale)
    assert decode_stream(stream(values), 0, Limits())[0].tolist() == values.ravel().tolist()


def test_a_box_with_a_step_too_large_for_arrays_has_another_coder() -> None:
    values = smooth((4, 8, 8))
    values[2, 3, 4] = 2**31 - 1
    encoded = stream(values)
    assert summarise_stream(encoded, 0)[0].coder != "array"
    assert decode_stream(encoded, 0, Limits())[0].tolist() == values.ravel().tolist()


def array(count: int, *lengths: int, data: bytes = b"") -> bytes:
    """A stream of coder array as the format has it."""
    box = bytes([len(lengths)]) + b"".join(map(encode_uleb, lengths))
    return bytes([ARRAY]) + encode_uleb(count) + box + encode_uleb(len(data)) + data


def test_axes_of_one_element_are_axes_of_the_lattice() -> None:
    # Contexts look one back along axes 3, 2 and 1, so the same bytes mean something else.
    box = stream(smooth((2, 20, 30)))
    lengths = b"\x03\x02\x14\x1e"
    at = box.index(lengths)
    forms = [lengths, b"\x04\x01\x02\x14\x1e", b"\x04\x02\x01\x14\x1e"]
    decoded = [
        decode_stream(box[:at] + form + box[at + len(lengths) :], 0, Limits())[0].tolist()
        for form in forms
    ]
    assert decoded[0] == decoded[1] == smooth((2, 20, 30)).ravel().tolist()
    assert decoded[2] != decoded[0]


@pytest.mark.parametrize("lengths", [(), (1, 1, 1, 1, 60), (59,), (3, 0), (3, 21)])
def test_lengths_that_do_not_fit_are_refused(lengths: tuple[int, ...]) -> None:
    with pytest.raises(CorruptError):
        decode_stream(array(60, *lengths), 0, Limits())


def test_an_array_of_nothing_is_refused() -> None:
    with pytest.raises(CorruptError, match="lengths"):
        decode_stream(array(0, 0), 0, Limits())


def test_the_count_is_checked_before_anything_is_made() -> None:
    with pytest.raises(LimitError, match="parameters"):
        decode_stream(array(2**40, 2**20, 2**20), 0, Limits())
