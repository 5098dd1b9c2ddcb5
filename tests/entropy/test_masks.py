"""Masks and what lies beneath them come back bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.coding.mask_section import (
    CodedMask,
    FillPatterns,
    decode_mask_section,
    encode_mask_section,
)
from codec.coding.write_file import FileParts, mask_section
from codec.entropy.mask_coder import decode_mask, encode_mask, passes
from codec.errors import FormatError, UnsupportedError
from codec.limits import Limits
from inrc_conformance.decoder import decode_bytes
from tests.building import coded_mask

LIMITS = Limits(max_mask_samples=1 << 22, max_parameters=1 << 20)
SHAPES = [(1,), (2,), (9,), (1, 1), (3, 1), (7, 5), (33, 2), (4, 5, 6), (1, 8, 1), (2, 3, 2, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("density", [0.0, 0.05, 0.5, 0.95, 1.0])
def test_masks_come_back(shape: tuple[int, ...], density: float) -> None:
    mask = np.random.default_rng(0).random(shape) < density
    assert np.array_equal(decode_mask(encode_mask(mask), shape), mask)
    coded = decode_mask_section(encode_mask_section(CodedMask(mask)), LIMITS)
    assert np.array_equal(coded.mask, mask)
    assert coded.patterns is None


@pytest.mark.parametrize("shape", [(70,), (23, 31), (9, 14, 11), (5, 6, 7, 8)], ids=str)
@pytest.mark.parametrize("kind", ["blob", "noise"])
def test_the_reference_decoder_reads_the_same_masks(shape: tuple[int, ...], kind: str) -> None:
    """Order, contexts and probabilities are those of the text, not just the same on both ways."""
    random = np.random.default_rng(1)
    grids = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    mask = sum(grid**2 for grid in grids) + 0.2 * random.random(shape) < 0.6
    if kind == "noise":
        mask = random.random(shape) < 0.03
    payload = encode_mask_section(CodedMask(mask))
    assert payload[len(shape) + 3] == 1, "context-coded"
    (decoded,) = decode_bytes(FileParts(masks=[mask_section(payload)]).to_bytes(1)).masks
    assert np.array_equal(decoded.bits, mask)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8).map(tuple), st.data())
@settings(max_examples=40)
def test_masks_of_any_shape_come_back(shape: tuple[int, ...], data: st.DataObject) -> None:
    if np.prod(shape) > 2000:
        shape = shape[:4]
    seed = data.draw(st.integers(0, 2**32))
    random = np.random.default_rng(seed)
    mask = random.random(shape) < random.random()
    axis = int(random.integers(len(shape)))
    if random.random() < 0.5:  # the same all along an axis
        mask = np.broadcast_to(mask.take([0], axis), shape)
    decoded = decode_mask_section(encode_mask_section(CodedMask(mask)), LIMITS)
    assert np.array_equal(decoded.mask, mask)


@pytest.mark.parametrize("shape", [(40,), (12, 17), (5, 9, 8), (3, 4, 5, 6)], ids=str)
def test_every_sample_is_visited_once(shape: tuple[int, ...]) -> None:
    visits = np.zeros(shape, int)
    visits[(0,) * len(shape)] += 1
    for step in passes(shape):
        part = tuple(slice(step.stride * odd, None, 2 * step.stride) for odd in step.parity)
        visits[part] += 1
    assert (visits == 1).all()


@pytest.mark.parametrize("shape", [(200,), (64, 70), (20, 24, 28), (6, 10, 12, 14)], ids=str)
def test_blobs_take_fewer_bytes_than_their_bits(shape: tuple[int, ...]) -> None:
    grids = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    blob = sum(grid**2 for grid in grids) < 0.5
    packed = blob.size / 8
    assert len(encode_mask(blob)) < 0.5 * packed
    assert len(encode_mask_section(CodedMask(blob))) < 0.5 * packed + 12


def test_noise_takes_no_more_than_its_bits() -> None:
    noise = np.random.default_rng(0).random((100, 100)) < 0.5
    assert len(encode_mask_section(CodedMask(noise))) <= 1250 + 8


def test_mask_2_a_constant_axis_costs_nothing() -> None:
    mask = np.random.default_rng(0).random((1, 40, 50)) < 0.5
    once = len(encode_mask_section(CodedMask(mask)))
    often = encode_mask_section(CodedMask(np.broadcast_to(mask, (30, 40, 50))))
    assert len(often) <= once + 1
    assert decode_mask_section(often, LIMITS).mask.shape == (30, 40, 50)


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8"])
@pytest.mark.parametrize("kinds", [1, 2, 5])
def test_fill_patterns_come_back(dtype: str, kinds: int) -> None:
    random = np.random.default_rng(0)
    valid = random.random((9, 11)) < 0.6
    invalid = int((~valid).sum())
    values = random.integers(0, 100, kinds).astype(dtype)[random.integers(0, kinds, invalid)]
    coded = coded_mask(valid, values)
    decoded = decode_mask_section(encode_mask_section(coded), LIMITS)
    assert np.array_equal(decoded.mask, valid)
    assert decoded.patterns is not None
    assert decoded.patterns.fill(invalid).tobytes() == values.tobytes()
    assert decoded.integer_layer() == coded.integer_layer()


def test_an_all_valid_mask_may_have_patterns() -> None:
    patterns = FillPatterns(np.array([7], "u4"))
    payload = encode_mask_section(CodedMask(np.ones((3, 4), np.bool_), patterns))
    decoded = decode_mask_section(payload, LIMITS).patterns
    assert decoded is not None
    assert decoded.values.tolist() == [7]


def test_the_integer_layer_is_that_of_the_text() -> None:
    """One byte per sample, then the indices as int32."""
    valid = np.array([[True, False], [False, True]])
    assert coded_mask(valid, np.array([5, 5], "f4")).integer_layer() == b"\1\0\0\1"
    two = coded_mask(valid, np.array([5, 2], "f4")).integer_layer()
    assert two == b"\1\0\0\1" + np.array([1, 0], "<i4").tobytes()


BITS = b"\x01\xa0"
SOUND = b"\x01\x01\x03\x00\x00" + BITS
REFUSED = {
    "no axes": b"\x01\x00\x00\x00\x01\x80",
    "nine axes": b"\x01\x09" + b"\x01" * 9 + b"\x00\x00\x01\x80",
    "empty axis": b"\x01\x02\x03\x00\x00\x00\x00",
    "constant axis that is not there": b"\x01\x01\x03\x02\x00" + BITS,
    "padding set": b"\x01\x01\x03\x00\x00\x01\xa1",
    "a byte too many": b"\x01\x01\x03\x00\x00\x02\xa0\x00",
    "a byte too few": b"\x01\x01\x03\x00\x00\x00",
    "data cut short": b"\x01\x01\x03\x00\x00\x02\xa0",
    "something behind it": SOUND + b"\0",
    "context of five axes": b"\x01\x05" + b"\x02" * 5 + b"\x00\x01\x00",
    "context of half a word": b"\x01\x01\x03\x00\x01\x02\xa0\xa0",
    "patterns missing": b"\x00" + SOUND[1:],
    "pattern of 3 bytes": b"\x00" + SOUND[1:] + b"\x03\x01abc",
    "no pattern": b"\x00" + SOUND[1:] + b"\x04\x00",
    "pattern cut short": b"\x00" + SOUND[1:] + b"\x04\x01abc",
    "pattern twice": b"\x00" + SOUND[1:] + b"\x01\x02aa" + b"\0\x01\0\0\0",
    "index missing": b"\x00" + SOUND[1:] + b"\x01\x02ab" + b"\0\0\0\0\0",
    "index too many": b"\x00" + SOUND[1:] + b"\x01\x02ab" + b"\0\2\0\0\0",
    "index too large": b"\x00" + SOUND[1:] + b"\x01\x02ab" + b"\0\1\4\0\0",
    "index negative": b"\x00" + SOUND[1:] + b"\x01\x02ab" + b"\0\1\1\0\0",
    "stream cut short": b"\x00" + SOUND[1:] + b"\x01\x02ab",
    "a stream for one pattern": b"\x00" + SOUND[1:] + b"\x01\x01a" + b"\0\1\0\0\0",
}


def test_the_sound_mask_of_these_tests_is_sound() -> None:
    assert decode_mask_section(SOUND, LIMITS).mask.tolist() == [True, False, True]
    indexed = b"\x00" + SOUND[1:] + b"\x01\x02ab" + b"\0\1\2\0\0"
    patterns = decode_mask_section(indexed, LIMITS).patterns
    assert patterns is not None
    assert patterns.fill(1).tolist() == [ord("b")]


@pytest.mark.parametrize("payload", REFUSED.values(), ids=REFUSED)
def test_masks_that_break_a_rule_are_refused(payload: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        decode_mask_section(payload, LIMITS)
    assert not isinstance(caught.value, UnsupportedError)


@pytest.mark.parametrize(
    "payload", [b"\x02" + SOUND[1:], b"\x01\x01\x03\x00\x03" + BITS], ids=["purpose", "method"]
)
def test_unknown_purposes_and_methods_are_unsupported(payload: bytes) -> None:
    with pytest.raises(UnsupportedError):
        decode_mask_section(payload, LIMITS)


def test_damaged_masks_give_a_clean_error_or_another_mask() -> None:
    random = np.random.default_rng(0)
    grids = np.meshgrid(*(np.linspace(-1, 1, size) for size in (12, 14, 9)), indexing="ij")
    valid = sum(grid**2 for grid in grids) < 0.5
    fill = (np.arange(int((~valid).sum())) % 3).astype("f4")
    sound = encode_mask_section(coded_mask(valid, fill))
    for _ in range(100):
        damaged = bytearray(sound)
        damaged[int(random.integers(len(sound)))] ^= 1 << int(random.integers(8))
        try:
            decode_mask_section(bytes(damaged), LIMITS)
        except FormatError:
            continue
