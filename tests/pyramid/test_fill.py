"""Filled samples: smooth, cheap, and never at the cost of the valid ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from codec.arrays import Array, BoolArray, Float32Array, Float64Array
from inrc_plugins.architectures.pyramid import fill as filling
from inrc_plugins.architectures.pyramid import wavelet
from inrc_plugins.architectures.pyramid.fill import fill, pull_push

JOINT, SEPARATE = (0, 1, 2, 3), (0, 0, 0, 0)


def scene(shape: tuple[int, ...] = (1, 7, 30, 45)) -> tuple[Float32Array, BoolArray]:
    """A wavy volume with NaN in two balls and at scattered places, and what is valid."""
    rng = np.random.default_rng(3)
    places = np.indices(shape).astype(np.float64)
    waves = sum(
        np.sin(place * rate) for place, rate in zip(places, (0.9, 0.7, 0.3, 0.2), strict=True)
    )
    array = (waves + 0.02 * rng.normal(size=shape)).astype(np.float32)
    valid = rng.random(shape) > 0.05
    for centre in ((12, 10), (20, 36)):
        valid &= np.hypot(places[-2] - centre[0], places[-1] - centre[1]) > 8
    return np.where(valid, array, np.float32(np.nan)), valid


def cost(array: Float32Array, levels: tuple[int, ...], separate: tuple[int, ...]) -> float:
    coefficients = array.copy()
    wavelet.forward(coefficients, separate)
    wavelet.forward(coefficients, levels)
    return float(np.abs(coefficients).sum(dtype=np.float64))


def slow_pull_push(array: Array, valid: BoolArray) -> Float64Array:
    """Axis by axis: sums of pairs, then interpolation between the centres of cells."""
    if valid.all() or not valid.any():
        return np.where(valid, array, 0).astype(np.float64)
    sums, counts = np.where(valid, array, 0).astype(np.float64), valid.astype(np.float64)
    for axis, length in enumerate(array.shape):
        starts = np.arange(0, length, 2)
        sums, counts = (np.add.reduceat(part, starts, axis) for part in (sums, counts))
    cells = slow_pull_push(sums / np.maximum(counts, 1), counts > 0)
    for axis, length in enumerate(array.shape):
        places = (np.arange(length) - 0.5) / 2
        cells = np.apply_along_axis(
            lambda line, at=places: np.interp(at, np.arange(len(line)), line), axis, cells
        )
    return np.where(valid, array, cells)


def slow_fill(
    array: Float32Array, valid: BoolArray, levels: Any, separate: Any, step: float, rounds: int
) -> Float64Array:
    """The prototype (docs/research/pyramid-effort-0/fill.py), but for the wavelet."""
    values = slow_pull_push(array, valid)
    for _ in range(4):
        padded = np.pad(values, 1, mode="edge")
        total = np.zeros_like(values)
        for axis, length in enumerate(values.shape):
            if length > 1:
                for shift in (0, 2):
                    cut = [slice(1, -1)] * 4
                    cut[axis] = slice(shift, shift + length)
                    total += padded[tuple(cut)]
        values = np.where(valid, array, total / (2 * sum(n > 1 for n in values.shape)))
    low = tuple(slice(0, n) for n in wavelet.box_sizes(array.shape, levels, max(levels)))
    before = moved = values
    for k in range(rounds):
        threshold = step * max(0.6, 20 * 0.03 ** (k / (0.7 * rounds)))
        coefficients = moved.astype(np.float32)
        wavelet.forward(coefficients, separate)
        wavelet.forward(coefficients, levels)
        kept = coefficients[low].copy()
        coefficients = np.sign(coefficients) * np.maximum(np.abs(coefficients) - threshold, 0)
        coefficients[low] = kept
        coefficients = coefficients.astype(np.float32)
        wavelet.inverse(coefficients, levels)
        wavelet.inverse(coefficients, separate)
        values = np.where(valid, array, coefficients)
        moved = values + k / (k + 3) * (values - before)
        before = values
    return values


@pytest.mark.parametrize("shape", [(1, 7, 30, 45), (3, 4, 21, 33), (1, 1, 25, 40), (2, 1, 30, 41)])
def test_pull_push(shape: tuple[int, ...]) -> None:
    array, valid = scene(shape)
    result = pull_push(array.copy(), valid)
    assert np.allclose(result, slow_pull_push(array, valid), atol=1e-5)


@pytest.mark.parametrize("axis", range(4))
def test_pull_push_along_one_axis(axis: int) -> None:
    shape = [1, 1, 1, 1]
    shape[axis] = 13
    array = np.arange(13, dtype=np.float32).reshape(shape)
    valid = (array % 5 == 2) | (array == 12)
    assert np.allclose(pull_push(array.copy(), valid), slow_pull_push(array, valid), atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "levels", "separate"),
    [
        ((1, 7, 30, 45), JOINT, SEPARATE),
        ((1, 7, 30, 45), (0, 0, 2, 2), (0, 1, 0, 0)),
        ((3, 4, 21, 33), (0, 1, 2, 3), (1, 0, 0, 0)),
        ((1, 7, 30, 45), SEPARATE, (0, 1, 0, 0)),
    ],
)
@pytest.mark.parametrize("rounds", [0, 1, 12])
def test_the_same_as_the_prototype(
    shape: tuple[int, ...], levels: tuple[int, ...], separate: tuple[int, ...], rounds: int
) -> None:
    array, valid = scene(shape)
    result = fill(array, valid, levels, separate, 0.05, rounds)
    assert result.dtype == np.float32
    assert np.array_equal(result[valid], array[valid])
    expected = slow_fill(array, valid, levels, separate, 0.05, rounds)
    if max(levels) == 0:  # no coefficient is ever thresholded
        assert np.allclose(expected, slow_fill(array, valid, levels, separate, 0.05, 0), atol=1e-5)
    assert np.allclose(result, expected, atol=1e-4)


def test_projection_makes_it_cheaper() -> None:
    array, valid = scene()
    before = array.copy()
    smooth, filled = (fill(array, valid, JOINT, SEPARATE, 0.05, rounds) for rounds in (0, 20))
    zeros = np.where(valid, array, np.float32(0))
    assert cost(filled, JOINT, SEPARATE) < 0.95 * cost(smooth, JOINT, SEPARATE)
    assert cost(smooth, JOINT, SEPARATE) < 0.8 * cost(zeros, JOINT, SEPARATE)
    assert np.array_equal(array, before, equal_nan=True)


def test_what_an_invalid_sample_held_does_not_matter() -> None:
    array, valid = scene()
    other = np.where(valid, array, np.float32(1e30))
    first, second = (fill(given, valid, JOINT, SEPARATE, 0.05, 3) for given in (array, other))
    assert np.array_equal(first, second)


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wavelet, "_WORTH_A_THREAD", 1)
    array, valid = scene()
    first, second = (fill(array, valid, JOINT, SEPARATE, 0.05, 3, threads=n) for n in (1, 2))
    assert np.array_equal(first, second)


def test_nothing_or_everything_valid() -> None:
    array, _ = scene()
    array = np.nan_to_num(array)
    everything = np.ones(array.shape, np.bool_)
    assert np.array_equal(fill(array, everything, JOINT, SEPARATE, 0.1), array)
    assert not fill(array, ~everything, JOINT, SEPARATE, 0.1).any()


def test_one_valid_sample() -> None:
    array = np.full((1, 3, 9, 10), np.nan, np.float32)
    array[0, 2, 4, 7] = 5
    filled = fill(array, np.isfinite(array), JOINT, SEPARATE, 0.1)
    assert np.allclose(filled, 5, atol=1e-4)
    assert filling.pull_push(array.copy(), np.isfinite(array)).min() == pytest.approx(5)
