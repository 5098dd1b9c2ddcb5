"""A region is what the whole field holds there, and a point is what the model says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import codec
from codec.errors import InvalidInputError
from tests.building import coded_mask, constant_file, fvsrn_file

SHAPE = (6, 5, 9)
VALID = np.random.default_rng(0).random(SHAPE) < 0.7
PATTERNS = np.array([0x7FC00001, 0xFF800000, 0xC479C000, 0x80000000], "u4").view("f4")
FILL = PATTERNS[np.arange(int((~VALID).sum())) * 7 % 4]
FILE = fvsrn_file(SHAPE, ("f4", "i4"), offset=10.0, scale=200.0, mask=coded_mask(VALID, FILL))
PLAIN = fvsrn_file(SHAPE, offset=10.0, scale=200.0)


def bits(values: Any) -> Any:
    return np.asarray(values).view("u4")


def index_of(size: int) -> st.SearchStrategy[Any]:
    bound = st.none() | st.integers(-size - 2, size + 2)
    return st.one_of(
        st.integers(-size, size - 1),
        st.builds(slice, bound, bound, st.none() | st.integers(-4, 4).filter(bool)),
    )


@st.composite
def indices(draw: st.DrawFn) -> Any:
    parts: list[Any] = [draw(index_of(size)) for size in SHAPE]
    kept = draw(st.integers(0, len(parts)))
    if draw(st.booleans()):
        at = draw(st.integers(0, kept))
        parts = [*parts[:at], ..., *parts[len(parts) - (kept - at) :]]
    else:
        parts = parts[:kept]
    return parts[0] if len(parts) == 1 and draw(st.booleans()) else tuple(parts)


def assert_equal(found: Any, expected: Any) -> None:
    """Bit for bit, invalid samples too."""
    assert np.array_equal(bits(found), bits(expected))


@given(indices())
@settings(max_examples=120, deadline=None)
def test_a_region_is_a_slice_of_the_whole(index: Any) -> None:
    with codec.open(FILE, device="cpu", threads=1) as file:
        for view in file.values():
            expected = WHOLE[view.name][index]
            found = view[index]
            assert found.shape == expected.shape
            assert found.dtype == expected.dtype
            assert_equal(found, expected)


def _whole() -> dict[str, Any]:
    with codec.open(FILE, device="cpu", threads=1) as file:
        return {name: view[...] for name, view in file.items()}


WHOLE = _whole()


def test_masked_samples_are_bit_exact_in_the_whole_and_in_regions() -> None:
    found = WHOLE["v0"]
    assert bits(found)[~VALID].tolist() == bits(FILL).tolist()
    expected = np.zeros(SHAPE, "u4")
    expected[~VALID] = bits(FILL)
    with codec.open(FILE, device="cpu") as file:
        for index in (np.s_[2], np.s_[:, 1], np.s_[..., -1], np.s_[::-1, ::2, 3:]):
            part = bits(file["v0"][index])
            wanted = ~VALID[index]
            assert part[wanted].tolist() == expected[index][wanted].tolist()


def test_one_pattern_for_all_is_bit_exact_too() -> None:
    fill = np.full(int((~VALID).sum()), PATTERNS[0])
    data = fvsrn_file(SHAPE, mask=coded_mask(VALID, fill))
    with codec.open(data, device="cpu") as file:
        for index in (np.s_[...], np.s_[1:4, ::-2]):
            part = bits(file["v0"][index])[~VALID[index]]
            assert set(part.tolist()) == {0x7FC00001}


@pytest.mark.parametrize(
    "index",
    [6, -7, (0, 5), (0, 0, 9), (0, 0, 0, 0), (..., ...), None, "v", 1.0, [0], (0, [1, 2]),
     np.array([True, False]), np.array([1, 2]), b"", {}],
    ids=str,
)  # fmt: skip
def test_wrong_indices_are_index_errors(index: Any) -> None:
    with codec.open(PLAIN, device="cpu") as file, pytest.raises(IndexError):
        file["v0"][index]


def test_a_step_of_zero_is_refused_as_by_numpy() -> None:
    with codec.open(PLAIN, device="cpu") as file, pytest.raises((IndexError, ValueError)):
        file["v0"][::0]


def test_a_missing_field_is_a_key_error_that_lists_the_others() -> None:
    with codec.open(FILE) as file, pytest.raises(KeyError, match="v0, v1"):
        file["temperature"]


def test_numpy_integers_are_indices() -> None:
    with codec.open(PLAIN, device="cpu") as file:
        view = file["v0"]
        assert view[np.int64(2), np.uint8(1)].tolist() == view[2, 1].tolist()


def test_at_whole_positions_points_are_the_samples() -> None:
    with codec.open(FILE, device="cpu") as file:
        for name, view in file.items():
            points = np.array(list(np.ndindex(*SHAPE)), float)
            found = view.at(points).reshape(SHAPE)
            assert np.isnan(found[~VALID]).all()
            slack = 0.5 if name == "v1" else 0
            error = np.abs(found - WHOLE[name])[VALID]
            assert error.max() <= 400 * 2.0**-16 + slack


def test_points_between_samples_follow_the_nearest_mask() -> None:
    with codec.open(FILE, device="cpu") as file:
        for point in np.ndindex(*SHAPE):
            near = np.clip(np.array(point) + 0.3, 0, np.array(SHAPE) - 1)
            assert np.isnan(file["v0"].at([near])[0]) == (not VALID[point])


def test_points_outside_are_moved_to_the_border() -> None:
    with codec.open(PLAIN, device="cpu") as file:
        view = file["v0"]
        outside = view.at([[-3, 2, 99], [99, -1, -1]])
        assert outside.tolist() == view.at([[0, 2, 8], [5, 0, 0]]).tolist()


def test_one_point_may_come_without_brackets() -> None:
    with codec.open(PLAIN, device="cpu") as file:
        assert file["v0"].at([1, 2, 3]).shape == (1,)
        assert file["v0"].at(np.zeros((0, 3))).shape == (0,)


@pytest.mark.parametrize(
    "points",
    [[[1, 2]], [[1, 2, 3, 4]], [[1, np.nan, 3]], [[1, np.inf, 3]], np.zeros((2, 2, 3)), 1.0],
)
def test_points_of_another_kind_are_refused(points: Any) -> None:
    with codec.open(PLAIN, device="cpu") as file, pytest.raises(InvalidInputError):
        file["v0"].at(points)


def test_a_constant_field_is_its_value_everywhere() -> None:
    with codec.open(constant_file((3, 4), 2.5), device="cpu") as file:
        view = file["v0"]
        assert view[...].tolist() == [[2.5] * 4] * 3
        assert view[1:, ::-2].tolist() == [[2.5] * 2] * 2
        assert view.at([[0.5, 1.5]]).tolist() == [2.5]


@pytest.mark.parametrize("shape", [(1,), (1, 1, 1), (1, 7), (7, 1), (1, 3, 1, 4)], ids=str)
def test_axes_of_size_1_are_axes(shape: tuple[int, ...]) -> None:
    data = constant_file(shape) if max(shape) == 1 else fvsrn_file(shape)
    with codec.open(data, device="cpu") as file:
        view = file["v0"]
        whole = view[...]
        assert whole.shape == shape
        assert view[(0,) * len(shape)].tolist() == whole[(0,) * len(shape)].tolist()
        assert view.at([[0.0] * len(shape)])[0] == pytest.approx(float(whole.flat[0]), abs=1e-3)


def test_opening_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:

    def fail(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("decoded too early")

    for name in (
        "item.ItemStreams.decode",
        "masks.decode_mask_section",
        "metadata.decode_verbatim",
    ):
        monkeypatch.setattr(f"codec.reading.{name}", fail)
    with codec.open(FILE) as file:
        view = file["v0"]
        assert (view.shape, view.dtype, view.ndim, view.size) == (SHAPE, np.float32, 3, 270)
        assert "v0" in repr(view)
        assert list(file) == ["v0", "v1"]


def test_numpy_takes_a_field_as_an_array() -> None:
    with codec.open(PLAIN, device="cpu") as file:
        assert np.array_equal(np.asarray(file["v0"]), file["v0"][...])
        assert np.asarray(file["v0"], dtype=np.float64).dtype == np.float64
