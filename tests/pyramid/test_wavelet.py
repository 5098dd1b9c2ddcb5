"""The 9/7 wavelet against lifting steps in float64, written out with explicit reflections."""

from __future__ import annotations

import numpy as np
import pytest

from codec.arrays import Array, Float32Array, Float64Array
from codec.entropy.lattice import halved
from inrc_plugins.architectures.pyramid import wavelet
from inrc_plugins.architectures.pyramid.config import halvings

STEPS = (-1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971)
SCALE = 1.149604398860241


def lift(line: Float64Array, steps: list[tuple[int, float]]) -> None:
    """x[i] += c (x[i-1] + x[i+1]) for every i of a parity, mirrored about the end samples."""
    last = len(line) - 1
    for parity, factor in steps:
        for i in range(parity, len(line), 2):
            before, after = abs(i - 1), last - abs(last - (i + 1))
            line[i] += factor * (line[before] + line[after])


def split(line: Float64Array) -> Float64Array:
    if len(line) == 1:
        return line
    line = line.copy()
    lift(line, [(1, STEPS[0]), (0, STEPS[1]), (1, STEPS[2]), (0, STEPS[3])])
    return np.concatenate([line[0::2] * SCALE, line[1::2] / SCALE])


def join(line: Float64Array) -> Float64Array:
    if len(line) == 1:
        return line
    half = (len(line) + 1) // 2
    out = np.empty_like(line)
    out[0::2], out[1::2] = line[:half] / SCALE, line[half:] * SCALE
    lift(out, [(0, -STEPS[3]), (1, -STEPS[2]), (0, -STEPS[1]), (1, -STEPS[0])])
    return out


def boxes(shape: tuple[int, ...], levels: tuple[int, ...]) -> list[tuple[tuple[slice, ...], int]]:
    """(box, axis) of every one-dimensional step, in the order of the analysis."""
    steps, sizes = [], list(shape)
    for level in range(max(levels)):
        box = tuple(slice(0, size) for size in sizes)
        split_now = [axis for axis in range(4) if level < levels[axis]]
        steps += [(box, axis) for axis in split_now]
        for axis in split_now:
            sizes[axis] = (sizes[axis] + 1) // 2
    return steps


def analysed(samples: Array, levels: tuple[int, ...]) -> Float64Array:
    out = samples.astype(np.float64)
    for box, axis in boxes(out.shape, levels):
        out[box] = np.apply_along_axis(split, axis, out[box])
    return out


def synthesised(coefficients: Array, levels: tuple[int, ...]) -> Float64Array:
    out = coefficients.astype(np.float64)
    for box, axis in reversed(boxes(out.shape, levels)):
        out[box] = np.apply_along_axis(join, axis, out[box])
    return out


def noise(*shape: int) -> Float32Array:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


CASES = [
    ((1, 1, 13, 22), (0, 0, 2, 3)),
    ((1, 1, 70, 131), (0, 0, 4, 2)),
    ((1, 9, 16, 70), (0, 1, 2, 3)),
    ((1, 6, 12, 1), (0, 2, 1, 0)),
    ((1, 11, 1, 6), (0, 2, 3, 1)),
    ((3, 6, 7, 65), (1, 2, 0, 1)),
    ((5, 4, 3, 2), (4, 4, 4, 4)),
    ((17, 1, 1, 1), (2, 0, 0, 0)),
    ((2, 3, 4, 5), (0, 0, 0, 0)),
]


@pytest.mark.parametrize("axis", range(4))
@pytest.mark.parametrize("length", range(1, 34))
def test_lines_of_any_length_along_any_axis(length: int, axis: int) -> None:
    shape = [2, 2, 2, 3]
    shape[axis] = length
    levels = tuple(int(a == axis) for a in range(4))
    samples = noise(*shape)
    array = samples.copy()
    wavelet.forward(array, levels)
    assert np.allclose(array, analysed(samples, levels), atol=3e-6)
    wavelet.inverse(array, levels)
    assert np.abs(array - samples).max() < 1e-5


@pytest.mark.parametrize(("shape", "levels"), CASES)
def test_several_axes_and_levels(shape: tuple[int, ...], levels: tuple[int, ...]) -> None:
    samples = noise(*shape)
    array = samples.copy()
    wavelet.forward(array, levels)
    assert np.allclose(array, analysed(samples, levels), atol=1e-5)
    wavelet.inverse(array, levels)
    assert np.abs(array - samples).max() < 1e-5


def test_the_inverse_of_unit_impulses() -> None:
    shape, levels = (1, 3, 6, 7), (0, 1, 2, 2)
    for place in np.ndindex(shape):
        array = np.zeros(shape, np.float32)
        array[place] = 1
        expected = synthesised(array, levels)
        wavelet.inverse(array, levels)
        assert np.allclose(array, expected, atol=2e-6)


@pytest.mark.parametrize("first", range(5))
@pytest.mark.parametrize(("shape", "levels"), CASES)
def test_stopping_early_gives_the_low_part(
    shape: tuple[int, ...], levels: tuple[int, ...], first: int
) -> None:
    samples = noise(*shape)
    coefficients = analysed(samples, levels).astype(np.float32)
    fewer = tuple(min(first, times) for times in levels)
    box = tuple(slice(0, n) for n in wavelet.box_sizes(shape, levels, first))
    low = np.ascontiguousarray(coefficients[box])
    wavelet.inverse(low, levels, first)
    assert np.allclose(low, analysed(samples, fewer)[box], atol=1e-5)


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wavelet, "_WORTH_A_THREAD", 1)
    samples, levels = noise(3, 10, 33, 130), (1, 2, 3, 3)
    results = []
    for threads in (1, 2, 5):
        array = samples.copy()
        wavelet.forward(array, levels, threads=threads)
        coefficients = array.copy()
        wavelet.inverse(array, levels, threads=threads)
        results.append((coefficients, array))
    for other in results[1:]:
        assert np.array_equal(other, results[0])


def test_long_axes_are_done_in_narrower_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    samples, levels = noise(1, 2, 40, 100), (0, 0, 2, 0)
    expected = analysed(samples, levels)
    monkeypatch.setattr(wavelet, "_BLOCK_SAMPLES", 40 * 20)
    wavelet.forward(samples, levels)
    assert np.allclose(samples, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("length", [*range(2, 20), 33, 70])
def test_a_line_has_the_same_bits_wherever_it_is(length: int, dtype: str) -> None:
    for axis in range(4):
        for width in (1, 2, 7, 8, 37):
            shape = [1, 2, 3, width]
            shape[axis] = length
            levels = tuple(int(a == axis) for a in range(4))
            array = noise(*shape).astype(dtype)
            lines = np.moveaxis(array, axis, -1).reshape(-1, length).copy()
            for transform in (wavelet.forward, wavelet.inverse):
                transform(array, levels)
                for line in lines:
                    transform(line.reshape(1, 1, 1, -1), (0, 0, 0, 1))
                assert (np.moveaxis(array, axis, -1).reshape(-1, length) == lines).all()


def rounded_once(sample: Array, factor: float, total: Array) -> Array:
    return (sample.astype("f8") + np.float64(np.float32(factor)) * total).astype("f4")


def rounded_twice(sample: Array, factor: float, total: Array) -> Array:
    return sample + np.float32(factor) * total


@pytest.mark.parametrize("axis", [2, 3])
def test_only_products_and_their_sums_are_fused(axis: int) -> None:
    levels = tuple(int(a == axis) for a in range(4))
    lines = np.moveaxis(noise(1, 1, 64, 64)[0, 0], axis - 2, 0).copy()
    arrays = []
    for added in (rounded_once, rounded_twice):
        result = np.empty_like(lines)
        result[0::2] = lines[:32] * np.float32(1 / SCALE)
        result[1::2] = lines[32:] * np.float32(SCALE)
        before, after = np.abs(np.arange(-1, 63)), 63 - np.abs(np.arange(62, -2, -1))
        for parity, factor in ((0, -STEPS[3]), (1, -STEPS[2]), (0, -STEPS[1]), (1, -STEPS[0])):
            places = np.arange(parity, 64, 2)
            total = result[before[places]] + result[after[places]]
            result[places] = added(result[places], factor, total)
        arrays.append(result)
    actual = np.moveaxis(lines, 0, axis - 2).copy().reshape(1, 1, 64, 64)
    wavelet.inverse(actual, levels)
    moved = np.moveaxis(actual[0, 0], axis - 2, 0)
    assert any(np.array_equal(moved, expected) for expected in arrays)


@pytest.mark.parametrize("shape", [(3, 10, 33, 130), (1, 1, 64, 64), (2, 1, 17, 3)])
def test_axes_that_share_a_sweep_have_the_bits_of_single_ones(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    levels, results = (1, 2, 3, 3), []
    for most in (1 << 18, 0):
        monkeypatch.setattr(wavelet, "_PLANE_SAMPLES", most)
        array = noise(*shape)
        wavelet.forward(array, levels)
        coefficients = array.copy()
        wavelet.inverse(array, levels)
        results.append((coefficients, array))
    assert np.array_equal(results[0], results[1])


def test_halvings_leave_enough() -> None:
    for length in range(1, 200):
        for least in range(1, 10):
            levels = halvings(length, least)
            assert levels == 0 or halved(length, levels) >= least
            assert halved(length, levels) == 1 or halved(length, levels + 1) < least
    assert [halvings(n, 8) for n in (14, 15, 16, 29)] == [0, 1, 1, 2]


def test_arrays_that_cannot_be_done_in_place_are_refused() -> None:
    array = noise(2, 4, 4, 4)
    for bad in (array[..., ::2], array.astype(np.int16), array[0]):
        with pytest.raises(ValueError, match="4-D array of floats"):
            wavelet.forward(bad, (0, 1, 1, 1))
    with pytest.raises(ValueError, match="four counts"):
        wavelet.inverse(array, (1, 1))


def test_an_empty_array_is_left_alone() -> None:
    wavelet.forward(np.zeros((0, 4, 4, 4), np.float32), (1, 1, 1, 1))
