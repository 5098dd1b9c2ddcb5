"""Masks coded with mixed chances: inrc-1.md, section 8.2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.coding.mask_section import (
    MIXED,
    CodedMask,
    FillPatterns,
    decode_mask_section,
    encode_mask_section,
)
from codec.entropy.mixing.masks import decode_mixed_mask, encode_mixed_mask
from codec.format.leb128 import encode_uleb
from codec.limits import Limits


def ball(shape: tuple[int, ...]) -> Any:
    grids = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    return sum(grid**2 for grid in grids) < 0.6


@given(
    st.lists(st.integers(2, 7), min_size=0, max_size=5),
    st.integers(0, 2**32),
    st.floats(0, 1),
)
@settings(max_examples=40, deadline=None)
def test_any_mask_round_trips(sizes: list[int], seed: int, share: float) -> None:
    shape = tuple(sizes)
    mask = np.random.default_rng(seed).random(shape) < share
    assert np.array_equal(decode_mixed_mask(encode_mixed_mask(mask), shape), mask)


@pytest.mark.parametrize("shape", [(1,), (50_000,), (300, 200), (20, 40, 30), (3, 2, 20, 60)])
def test_round_masks_are_small(shape: tuple[int, ...]) -> None:
    mask = ball(shape)
    data = encode_mixed_mask(mask)
    assert np.array_equal(decode_mixed_mask(data, shape), mask)
    assert len(data) < 30 + mask.size / 32


@given(st.binary(max_size=80))
@settings(max_examples=20, deadline=None)
def test_any_bytes_are_a_mask_and_always_the_same(data: bytes) -> None:
    first = decode_mixed_mask(data, (3, 7, 5))
    assert np.array_equal(first, decode_mixed_mask(data, (3, 7, 5)))
    assert first.dtype == np.bool_


def test_mask_sections_use_method_2_where_it_is_smallest() -> None:
    mask = ball((24, 40, 36))
    fill = FillPatterns(np.array([0x7FC00000], np.uint32), None)
    payload = encode_mask_section(CodedMask(mask, fill))
    prefix = bytes([0, 3]) + b"".join(map(encode_uleb, mask.shape)) + bytes([0, MIXED])
    assert payload.startswith(prefix)
    assert np.array_equal(decode_mask_section(payload, Limits()).mask, mask)


def test_constant_axes_are_left_out_of_method_2() -> None:
    mask = np.broadcast_to(ball((60, 70))[:, None, :, None], (60, 5, 70, 3)).copy()
    payload = encode_mask_section(CodedMask(mask))
    assert payload[2 + 4 : 2 + 6] == bytes([0b1010, MIXED])
    assert np.array_equal(decode_mask_section(payload, Limits()).mask, mask)
