"""The static coder of lattices: what it writes is read back, by each of its decoders."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.arrays import Int32Array
from codec.entropy.coder_numbers import STATIC_LATTICE
from codec.entropy.lattice import Lattice, Segment
from codec.entropy.static import decoder as decoding
from codec.entropy.static.alphabet import MOST_MAGNITUDE, TABLES, TAP_COUNTS, TAPS, WEIGHTS
from codec.entropy.static.constants import CHANCES, INITIAL_WEIGHTS
from codec.entropy.static.decoder import StaticDecoder
from codec.entropy.static.differences import chosen_axes
from codec.entropy.static.encoder import Choice, StaticEncoder
from codec.entropy.static.tables import tables_for
from codec.errors import CorruptError, InvalidInputError
from tests.conftest import REPOSITORY

QUICK = settings(max_examples=60, deadline=None)


def coded(lattice: Lattice, values: Int32Array, **options: Any) -> list[Segment]:
    return StaticEncoder(lattice, values.copy(), **options).segments()


def decoded(lattice: Lattice, segments: list[Segment], threads: int = 1) -> Int32Array:
    values = np.full(lattice.shape, -7, np.int32)
    decoder = StaticDecoder(lattice, values, threads)
    at = 0
    for segment in segments:
        assert segment.coder == STATIC_LATTICE
        decoder.decode(at, segment.count, segment.data)
        at += segment.count
    return values


def sparse(shape: tuple[int, ...], scale: float, seed: int = 0) -> Int32Array:
    """Laplace integers, large where a smooth field is."""
    random = np.random.default_rng(seed)
    envelope = np.ones(shape)
    for axis, size in enumerate(shape):
        wave = np.abs(np.sin(np.linspace(0, 7, size) + random.normal()))
        envelope *= wave.reshape([-1 if other == axis else 1 for other in range(4)])
    return (
        np.rint(random.laplace(0, scale, shape) * envelope).clip(-(2**26), 2**26).astype(np.int32)
    )


def halvings(length: int) -> int:
    return max(length - 1, 0).bit_length()


@st.composite
def lattices(draw: st.DrawFn) -> Lattice:
    lengths = st.one_of(st.integers(1, 9), st.integers(1, 80))
    shape = [1, *draw(st.lists(lengths, min_size=3, max_size=3))]
    if draw(st.booleans()):
        shape[0] = draw(st.integers(1, 5))
    return Lattice(tuple(shape), tuple(draw(st.integers(0, halvings(size))) for size in shape))


@QUICK
@given(lattices(), st.integers(0, 2**32), st.sampled_from([0.02, 0.4, 3.0, 900.0, 3e7]))
def test_integers_are_read_back(lattice: Lattice, seed: int, scale: float) -> None:
    values = sparse(lattice.shape, scale, seed)
    segments = coded(lattice, values)
    assert sum(segment.count for segment in segments) == lattice.size
    assert np.array_equal(decoded(lattice, segments), values)


@pytest.mark.parametrize("scale", [0.3, 4.0, 500.0, 2e6])
def test_vector_instructions_and_the_plain_loop_read_the_same(
    scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not decoding.has_avx2():
        pytest.skip("this processor has no AVX2")
    lattice = Lattice((2, 40, 70, 133), (0, 3, 3, 4))
    values = sparse(lattice.shape, scale)
    segments = coded(lattice, values)
    assert np.array_equal(decoded(lattice, segments), values)
    monkeypatch.setattr(decoding, "has_avx2", lambda: False)
    assert np.array_equal(decoded(lattice, segments), values)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_change_nothing(threads: int) -> None:
    lattice = Lattice((1, 150, 70, 140), (0, 4, 3, 4))
    values = sparse(lattice.shape, 2.0)
    segments = coded(lattice, values)
    assert coded(lattice, values, threads=threads) == segments
    assert np.array_equal(decoded(lattice, segments, threads), values)


def test_nearly_all_damage_is_found() -> None:
    """Nothing but `CorruptError` comes of any bit that flips."""
    lattice = Lattice((1, 9, 20, 40), (0, 2, 3, 3))
    values = sparse(lattice.shape, 2.0)
    (segment,) = coded(lattice, values)
    random = np.random.default_rng(1)
    refused = 0
    for bit in random.integers(0, 8 * len(segment.data), 400):
        damaged = bytearray(segment.data)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            decoded(lattice, [Segment(segment.count, bytes(damaged), STATIC_LATTICE)])
        except CorruptError:
            refused += 1
    # A bit may belong to a table that no symbol uses, or leave all states as they must be.
    assert refused > 300


@pytest.mark.parametrize("cut", [0, 1, 7, -1, -5])
def test_a_stream_cut_short_is_refused(cut: int) -> None:
    lattice = Lattice((1, 1, 30, 40), (0, 0, 3, 3))
    (segment,) = coded(lattice, sparse(lattice.shape, 3.0))
    with pytest.raises(CorruptError):
        decoded(lattice, [Segment(segment.count, segment.data[:cut], STATIC_LATTICE)])


def test_a_stream_ends_with_a_level() -> None:
    lattice = Lattice((1, 1, 30, 40), (0, 0, 3, 3))
    (segment,) = coded(lattice, sparse(lattice.shape, 3.0))
    with pytest.raises(CorruptError, match="level"):
        decoded(lattice, [Segment(segment.count - 1, segment.data, STATIC_LATTICE)])


@pytest.mark.parametrize("value", [MOST_MAGNITUDE, -MOST_MAGNITUDE])
def test_magnitudes_that_have_no_token_are_refused(value: int) -> None:
    lattice = Lattice((1, 1, 2, 8), (0, 0, 0, 2))
    values = np.zeros(lattice.shape, np.int32)
    values[..., -1] = value
    with pytest.raises(InvalidInputError, match="larger steps"):
        coded(lattice, values)
    values[..., -1] = value - 1 if value > 0 else value + 1
    assert np.array_equal(decoded(lattice, coded(lattice, values)), values)


def test_samples_of_a_ramp_are_coded_as_differences() -> None:
    lattice = Lattice((1, 40, 40, 40), (0,) * 4)
    ramp = np.indices(lattice.shape).sum(0).astype(np.int32) * 1000
    noise = np.random.default_rng(0).integers(-500, 500, lattice.shape).astype(np.int32)
    assert sum(len(segment.data) for segment in coded(lattice, ramp)) < 1000
    assert np.array_equal(decoded(lattice, coded(lattice, ramp)), ramp)
    # Differences of noise are larger than itself.
    edges = (3, 6, 6, 6)
    assert chosen_axes(noise, edges, MOST_MAGNITUDE) == (False,) * 4
    assert chosen_axes(ramp, edges, MOST_MAGNITUDE) == (False, True, True, True)


def test_differences_that_are_too_large_are_not_taken() -> None:
    lattice = Lattice((1, 6, 6, 6), (0,) * 4)
    signs = (-1) ** np.indices(lattice.shape).sum(0)
    values = (signs * (2**26)).astype(np.int32)
    assert np.array_equal(decoded(lattice, coded(lattice, values)), values)


@pytest.mark.parametrize("price", [0.05, 0.1])
def test_choices_lower_what_they_are_made_by(price: float) -> None:
    """Squared error and price of the bytes: less than what rounding to nearest has."""
    lattice = Lattice((1, 40, 50, 64), (0, 3, 3, 4))
    random = np.random.default_rng(2)
    envelope = np.abs(sparse(lattice.shape, 3.0, 5)) / 3
    coefficients = (random.laplace(0, 1, lattice.shape) * (0.2 + envelope)).astype(np.float32)

    def total(values: Int32Array, segments: list[Segment]) -> float:
        bits = 8 * sum(len(segment.data) for segment in segments)
        return float(np.square(coefficients - values).sum()) + price * bits

    nearest = np.rint(coefficients).astype(np.int32)
    chosen = nearest.copy()
    choice = Choice(coefficients, 1.0, price)
    segments = StaticEncoder(lattice, chosen, choice=choice).segments()
    found = decoded(lattice, segments)
    assert total(found, segments) < 0.99 * total(nearest, coded(lattice, nearest))
    assert (np.abs(found) <= np.abs(nearest)).all()


@QUICK
@given(st.integers(0, 2**32), st.floats(0.01, 30))
def test_tables_have_their_sum_and_fit_their_counts(seed: int, mean: float) -> None:
    random = np.random.default_rng(seed)
    counts = np.zeros((TABLES, 64), np.int64)
    counts[:31, :40] = random.poisson(mean * 0.7 ** np.arange(40), (31, 40))
    counts[31:, :2] = random.poisson(mean, (TABLES - 31, 2))
    frequencies = tables_for(counts).frequencies()
    assert (frequencies.sum(axis=1) == 4096).all()
    assert (frequencies[counts > 0] > 0).all()
    used = counts.sum(axis=1) > 200
    with np.errstate(divide="ignore", invalid="ignore"):
        ideal = -np.where(counts > 0, counts * np.log2(counts / counts.sum(1, keepdims=True)), 0)
        spent = np.where(counts > 0, counts * (12 - np.log2(frequencies)), 0)
    assert (spent.sum(1)[used] < 1.02 * ideal.sum(1)[used] + 20).all()


def test_numbers_are_those_of_the_registry() -> None:
    registry = json.loads((REPOSITORY / "format_spec" / "registry.json").read_text())
    assert registry["static_chances"] == CHANCES.tolist()
    assert registry["static_weights"] == INITIAL_WEIGHTS.tolist()
    assert registry["coders"]["static"] == STATIC_LATTICE


def test_contexts_stay_within_16_bits() -> None:
    """The bound of STA-2 and what parents, siblings and the constant add at most."""
    weight = int(INITIAL_WEIGHTS[:TAPS] @ TAP_COUNTS)
    assert weight <= 178
    most = 127 * 178 + 63 + (63 * 255 >> 3) + (63 * 1023 >> 3)
    assert most <= 32767 < 127 * 179 + 63 + (63 * 255 >> 3) + (63 * 1023 >> 3)
    assert 127 * 258 <= 32767 < 127 * 259
    assert len(INITIAL_WEIGHTS) == WEIGHTS + TAPS
    assert math.log2(MOST_MAGNITUDE) == 27
