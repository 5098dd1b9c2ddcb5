"""From stored values to [-1, 1] and back: invalid samples bit for bit, valid ones in range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from codec.coding.normalise import denormalise, normalise, to_stored, validity
from codec.errors import InvalidInputError
from codec.media.dataset import Field

TINY = float(np.nextafter(0, 1))
HUGE = float(np.finfo(np.float64).max)


def field(values: Any, dtype: str = "f4", fill: tuple[Any, ...] = ()) -> Field:
    array = np.asarray(values, dtype)
    return Field("t", ("",) * array.ndim, array, fill)


def restored(entry: Any) -> Any:
    """What a perfect model would decode to."""
    exact = denormalise(entry.values.astype(np.float64), entry.offset, entry.scale)
    stored = to_stored(exact, entry.stored.dtype)
    if entry.coded_mask is not None:
        invalid = ~entry.coded_mask.mask
        bits = stored.view(f"u{stored.itemsize}")
        bits[invalid] = entry.coded_mask.patterns.fill(int(invalid.sum()))
    return stored


FLOAT_BITS = {"f4": "u4", "f8": "u8", "f2": "u2"}


@pytest.mark.parametrize("dtype", FLOAT_BITS)
def test_every_invalid_pattern_is_kept(dtype: str) -> None:
    """NaNs with signs and payloads, and infinities of both signs, beside values and -0.0."""
    bits = np.dtype(FLOAT_BITS[dtype])
    unit = np.array([1], bits)
    quiet = np.array([np.nan], dtype).view(bits)
    sign = unit << (8 * bits.itemsize - 1)
    infinity = np.array([np.inf], dtype).view(bits)
    patterns = np.concatenate([quiet, quiet | 5, quiet | sign, infinity | 1, infinity,
                               infinity | sign]).view(dtype)  # fmt: skip
    values = np.concatenate([patterns, np.array([0.5, -0.0, 0.0, 2.0], dtype), patterns[::-1]])
    entry = normalise(field(values.reshape(2, -1), dtype))
    assert entry.valid is not None
    assert entry.valid.ravel().tolist() == [False] * 6 + [True] * 4 + [False] * 6
    invalid = ~entry.valid
    restored_values = restored(entry)
    assert restored_values[invalid].tobytes() == entry.stored[invalid].tobytes()
    assert (entry.values[invalid] == 0).all()


def test_minus_zero_can_be_a_fill_value() -> None:
    """-0.0 == 0.0: both are invalid, and each keeps its own bits."""
    entry = normalise(field([0.0, -0.0, 1.0, 2.0], fill=(np.float32(0),)))
    assert entry.valid is not None
    assert entry.valid.tolist() == [False, False, True, True]
    assert restored(entry)[:2].tobytes() == np.array([0.0, -0.0], "f4").tobytes()


@pytest.mark.parametrize(("dtype", "fill"), [("i2", -32768), ("u1", 255), ("f4", 1e20)])
def test_fill_values_are_invalid(dtype: str, fill: float) -> None:
    values = np.array([1, 2, fill, 3], dtype)
    entry = normalise(field(values, dtype, (values[2],)))
    assert entry.valid is not None
    assert entry.valid.tolist() == [True, True, False, True]
    assert entry.half_range == 1
    assert restored(entry).tobytes() == values.tobytes()


def test_without_invalid_samples_there_is_no_mask() -> None:
    entry = normalise(field([1.0, 2.0]))
    assert entry.valid is None
    assert entry.coded_mask is None
    assert validity(np.arange(3), (7,)) is None


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
def test_a_constant_field_has_scale_0_and_comes_back_exactly(dtype: str) -> None:
    for value in (0, 7, 100):
        entry = normalise(field(np.full((3, 4), value), dtype))
        assert entry.scale == 0
        assert restored(entry).tobytes() == entry.stored.tobytes()


@pytest.mark.parametrize("value", [0.1, TINY, HUGE, -HUGE, -0.0])
def test_a_constant_float64_comes_back_exactly(value: float) -> None:
    entry = normalise(field([value] * 3, "f8"))
    assert restored(entry).tolist() == [value] * 3


def test_a_field_without_valid_samples_is_all_mask() -> None:
    values = np.full((4, 5), np.nan, "f4")
    entry = normalise(field(values))
    assert (entry.offset, entry.scale, entry.half_range) == (0, 0, 0)
    assert restored(entry).tobytes() == values.tobytes()


@pytest.mark.parametrize(
    "values",
    [
        [0.0, TINY],
        [-TINY, TINY],
        [TINY, 2 * TINY, 3 * TINY],
        [2.0**-1074, 2.0**-1022],
        [-HUGE, HUGE],
        [0.0, HUGE],
        [-HUGE, -HUGE / 2],
        [1.0, 1.0 + 2.0**-52],
        [-1e-300, 1e300],
    ],
    ids=str,
)
def test_ranges_at_the_edges_of_float64_are_finite_and_cover_the_values(
    values: list[float],
) -> None:
    entry = normalise(field(values, "f8"))
    assert np.isfinite([entry.offset, entry.scale]).all()
    assert np.isfinite(entry.values).all()
    assert np.abs(entry.values).max() <= 1
    assert entry.scale > 0
    assert_covered(entry, values)


def assert_covered(entry: Any, values: list[float]) -> None:
    """offset +- scale reaches all values, to within the rounding of float64."""
    slack = math.ulp(max(map(abs, values)))
    assert entry.offset - entry.scale <= min(values) + slack
    assert entry.offset + entry.scale >= max(values) - slack


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=5).filter(lambda v: len(set(v)) > 1))
def test_a_scale_rounded_to_float32_still_covers_the_values(values: list[float]) -> None:
    entry = normalise(field(values, "f8"))
    assert entry.scale > 0
    assert_covered(entry, values)


@given(
    arrays.arrays(
        np.float32, st.integers(1, 20),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    )
)  # fmt: skip
def test_float32_values_come_back_to_within_half_a_step_of_their_range(
    values: np.ndarray[Any, np.dtype[np.float32]],
) -> None:
    entry = normalise(field(values))
    reach = float(values.max()) - float(values.min())
    assert 2 * entry.half_range == pytest.approx(reach)
    assert entry.scale <= 0.5 * reach * 1.002 + TINY
    error = np.abs(restored(entry).astype(np.float64) - values)
    ulp = np.spacing(np.abs(values)).astype(np.float64)
    assert (error <= 2.0**-23 * reach + ulp).all()


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
def test_small_integers_come_back_exactly(dtype: str) -> None:
    info = np.iinfo(dtype)
    values = np.arange(int(info.min), int(info.max) + 1).reshape(2, -1)
    entry = normalise(field(values, dtype))
    assert restored(entry).tobytes() == entry.stored.tobytes()


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i4", "f2", "f4", "f8"])
def test_val_3_stored_values_are_clipped_to_the_dtype(dtype: str) -> None:
    stored = to_stored(np.array([1e300, -1e300, np.inf, -np.inf]), np.dtype(dtype))
    info = np.finfo(dtype) if dtype[0] == "f" else np.iinfo(dtype)
    top = HUGE if dtype == "f8" else info.max
    if dtype != "f8":
        assert stored.tolist() == [info.max, info.min, info.max, info.min]
    else:
        assert stored.tolist() == [1e300, -1e300, top, -top]


def test_val_3_halves_round_to_even() -> None:
    halves = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 254.5, 255.5])
    assert to_stored(halves, np.dtype("u1")).tolist() == [0, 2, 2, 0, 0, 254, 255]
    assert to_stored(halves, np.dtype("i4")).tolist() == [0, 2, 2, 0, -2, 254, 256]


def test_val_2_y_is_clipped_and_a_nan_counts_as_minus_one() -> None:
    y = np.array([-2.0, -1.0, 0.0, 1.0, 7.0, np.inf, -np.inf, np.nan], np.float32)
    assert denormalise(y, 10.0, 2.0).tolist() == [8, 8, 10, 12, 12, 12, 8, 8]
    assert denormalise(y, 10.0, 0.0).tolist() == [10] * 8


def test_more_kinds_of_invalid_samples_than_a_file_lists_are_refused() -> None:
    bits = np.arange(70_000, dtype="u4") | np.array([np.nan], "f4").view("u4")
    with pytest.raises(InvalidInputError, match="70000"):
        normalise(field(bits.view("f4")))
