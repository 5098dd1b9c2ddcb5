"""The mixing coder of inrc-1.md, section 7.4."""

from __future__ import annotations

import bisect
import itertools
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.entropy.lattice import Lattice, Segment
from codec.entropy.mixing import coder, state
from codec.entropy.mixing.coder import LatticeDecoder, encode_lattice, quantise_lattice
from codec.entropy.mixing.masks import decode_mixed_mask, encode_mixed_mask
from codec.entropy.mixing.tables import KNOTS, TABLES
from codec.errors import CorruptError, InvalidInputError
from tests.conftest import REPOSITORY, ROOTS
from tests.entropy.test_mixed_masks import ball

REGISTRY = json.loads((REPOSITORY / "format_spec" / "registry.json").read_text("utf-8"))
LARGEST = 1 << 27
ORACLE_LATTICE = Lattice((2, 3, 7, 6), (0, 1, 2, 2))
ORACLE_MASK = (3, 9, 8)


def decoded(lattice: Lattice, segments: list[Segment]) -> Any:
    decoder = LatticeDecoder(lattice)
    return np.concatenate([decoder.decode(part.count, part.data) for part in segments])


def assert_round_trip(lattice: Lattice, values: Any) -> list[Segment]:
    values = np.asarray(values, np.int32)
    segments = encode_lattice(lattice, values)
    assert sum(part.count for part in segments) == lattice.size
    assert np.array_equal(decoded(lattice, segments), values)
    return segments


def laplace(lattice: Lattice, scale: float, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    return np.rint(random.laplace(0, scale, lattice.size)).astype(np.int32)


def halvings(length: int) -> int:
    return (length - 1).bit_length()


@st.composite
def lattices(draw: st.DrawFn) -> Lattice:
    shape = tuple(draw(st.lists(st.integers(1, 9), min_size=4, max_size=4)))
    levels = tuple(draw(st.integers(0, halvings(length))) for length in shape)
    return Lattice(shape, levels)


@given(lattices(), st.integers(0, 2**32), st.sampled_from([0.05, 0.7, 6.0, 900.0, 3e7]))
@settings(max_examples=60, deadline=None)
def test_any_lattice_round_trips(lattice: Lattice, seed: int, scale: float) -> None:
    values = np.clip(laplace(lattice, scale, seed), -LARGEST, LARGEST)
    # The low band is predicted, and it is the difference that has this limit.
    values[: lattice.count(lattice.depth)] //= 64
    assert_round_trip(lattice, values)


@pytest.mark.parametrize(
    ("shape", "levels"),
    [
        ((1, 1, 1, 1), (0, 0, 0, 0)),
        ((1, 1, 1, 37), (0, 0, 0, 0)),
        ((1, 1, 1, 37), (0, 0, 0, 6)),
        ((37, 1, 1, 1), (6, 0, 0, 0)),
        ((1, 2, 1, 2), (0, 1, 0, 1)),
        ((1, 1, 33, 17), (0, 0, 5, 2)),
        ((3, 5, 7, 9), (2, 3, 3, 4)),
        ((5, 1, 12, 11), (0, 0, 2, 3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("scale", [0.1, 3.0, 1e4])
def test_shapes(shape: tuple[int, ...], levels: tuple[int, ...], scale: float) -> None:
    lattice = Lattice(shape, levels)
    assert_round_trip(lattice, laplace(lattice, scale))


@pytest.mark.parametrize("value", [0, 1, -1, 4, 5, 32767, 32768, LARGEST, -LARGEST])
def test_a_single_coefficient(value: int) -> None:
    lattice = Lattice((1, 1, 8, 8), (0, 0, 2, 2))
    for place in (0, 3, 4, lattice.size - 1):
        values = np.zeros(lattice.size, np.int32)
        values[place] = value
        assert_round_trip(lattice, values)


def test_the_largest_magnitudes_beside_each_other() -> None:
    lattice = Lattice((2, 2, 9, 9), (1, 1, 3, 3))
    random = np.random.default_rng(3)
    for low in (-LARGEST, LARGEST - 3):
        values = random.choice([low, LARGEST, 0, 1], lattice.size)
        values[:4] = 5
        assert_round_trip(lattice, values)


@pytest.mark.parametrize("place", [0, 4, 80])
def test_what_is_too_large_is_refused_and_saturated(place: int) -> None:
    lattice = Lattice((1, 1, 9, 9), (0, 0, 3, 3))
    values = np.zeros(lattice.size, np.int32)
    values[place] = LARGEST + 1
    with pytest.raises(InvalidInputError, match="too large"):
        encode_lattice(lattice, values)
    assert values[place] == LARGEST + 1
    array = np.zeros(lattice.shape, np.float32)
    lattice.scatter(-3.0 * values, array)
    chosen, segments = quantise_lattice(lattice, array, 1.0, 0.0)
    assert chosen[place] == -LARGEST
    assert np.array_equal(decoded(lattice, segments), chosen)


def test_nothing_costs_nearly_nothing() -> None:
    lattice = Lattice((1, 16, 32, 32), (0, 3, 4, 4))
    (segment,) = assert_round_trip(lattice, np.zeros(lattice.size, np.int32))
    # A chance of 1 - 1/65536 at best, after some dozens of zeros.
    assert len(segment.data) < 40


def test_coefficients_cost_about_their_entropy() -> None:
    lattice = Lattice((1, 24, 24, 24), (0, 3, 3, 3))
    values = laplace(lattice, 2.0)
    _, counts = np.unique(values, return_counts=True)
    share = counts / counts.sum()
    entropy = -(share * np.log2(share)).sum() * lattice.size / 8
    size = sum(len(part.data) for part in assert_round_trip(lattice, values))
    assert entropy < size < 1.12 * entropy


# Segments


def many_segments() -> tuple[Lattice, Any, list[Segment]]:
    lattice = Lattice((1, 1, 128, 128), (0, 0, 4, 4))
    values = laplace(lattice, 200.0)
    return lattice, values, encode_lattice(lattice, values)


def test_segments_are_cut_where_levels_end() -> None:
    lattice, values, segments = many_segments()
    ends = np.cumsum([part.count for part in segments]).tolist()
    assert len(segments) >= 3
    assert set(ends) <= {lattice.count(level) for level in range(lattice.depth + 1)}
    assert all(len(part.data) >= coder.SEGMENT_BYTES - 8 for part in segments[:-1])
    assert np.array_equal(decoded(lattice, segments), values)


def test_a_prefix_of_the_segments_is_enough_for_its_levels() -> None:
    lattice, values, segments = many_segments()
    for count in range(1, len(segments)):
        prefix = decoded(lattice, segments[:count])
        assert np.array_equal(prefix, values[: len(prefix)])


def test_what_was_learned_is_carried_into_the_next_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With fresh memory in the second segment its bytes say something else."""
    lattice, values, segments = many_segments()
    decoder = LatticeDecoder(lattice)
    first = decoder.decode(segments[0].count, segments[0].data)
    decoder._walk._memory = state.new_memory()
    second = decoder.decode(segments[1].count, segments[1].data)
    assert np.array_equal(first, values[: len(first)])
    assert not np.array_equal(second, values[len(first) : len(first) + len(second)])


def test_where_segments_are_cut_does_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    lattice, values, _ = many_segments()
    monkeypatch.setattr(coder, "SEGMENT_BYTES", 0)
    segments = encode_lattice(lattice, values)
    assert len(segments) == lattice.depth + 1
    assert np.array_equal(decoded(lattice, segments), values)


@pytest.mark.parametrize("wrong", [0, 1, 63, 65, 4096, 1 << 40])
def test_a_count_that_ends_inside_a_level_is_refused(wrong: int) -> None:
    lattice = Lattice((1, 1, 32, 32), (0, 0, 2, 2))
    assert wrong not in {64, 256, 1024}
    with pytest.raises(CorruptError, match="level"):
        LatticeDecoder(lattice).decode(wrong, b"")


def test_more_than_the_lattice_holds_is_refused() -> None:
    lattice = Lattice((1, 1, 32, 32), (0, 0, 2, 2))
    decoder = LatticeDecoder(lattice)
    decoder.decode(1024, b"abc")
    for count in (64, 192, 1024):
        with pytest.raises(CorruptError):
            decoder.decode(count, b"abc")


@given(lattices(), st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_bytes_are_coefficients_and_always_the_same(lattice: Lattice, data: bytes) -> None:
    first = LatticeDecoder(lattice).decode(lattice.size, data)
    again = LatticeDecoder(lattice).decode(lattice.size, data)
    assert first.shape == (lattice.size,)
    assert np.array_equal(first, again)
    # MIX-1: bytes past the end count as 0.
    assert np.array_equal(first, LatticeDecoder(lattice).decode(lattice.size, data + bytes(9)))


def test_bytes_that_ask_for_the_largest_magnitudes_are_decoded() -> None:
    lattice = Lattice((1, 4, 16, 16), (0, 1, 2, 2))
    for data in (b"", b"\xff" * 4000, bytes(4000), b"\x00\xff" * 2000):
        values = LatticeDecoder(lattice).decode(lattice.size, data)
        assert int(np.abs(values.astype(np.int64)).max()) <= 2 * LARGEST


# Quantising


def test_quantising_without_a_price_rounds_to_nearest() -> None:
    lattice = Lattice((1, 1, 31, 16), (0, 0, 2, 2))
    array = np.random.default_rng(5).normal(0, 7, lattice.shape).astype(np.float32)
    values, segments = quantise_lattice(lattice, array, 0.5, 0.0)
    expected = np.rint(lattice.gather(array) * np.float32(2)).astype(np.int32)
    assert np.array_equal(decoded(lattice, segments), values)
    low = lattice.count(lattice.depth)
    assert np.array_equal(values[low:], expected[low:])
    assert np.abs(values[:low] - expected[:low]).max() <= 1


def test_a_price_saves_bytes_and_keeps_what_was_quantised() -> None:
    lattice = Lattice((1, 8, 32, 32), (0, 2, 2, 2))
    array = np.random.default_rng(6).laplace(0, 0.6, lattice.shape).astype(np.float32)
    plain, exact = quantise_lattice(lattice, array, 1.0, 0.0)
    cheap, saved = quantise_lattice(lattice, array, 1.0, 0.15)
    assert np.array_equal(decoded(lattice, saved), cheap)
    assert sum(len(s.data) for s in saved) < 0.95 * sum(len(s.data) for s in exact)
    assert np.abs(cheap).sum() < np.abs(plain).sum()
    # Coding the chosen integers gives the bytes that were made while they were chosen.
    assert encode_lattice(lattice, cheap) == saved


def _haar(picture: Any, levels: int) -> Any:
    """Orthonormal Haar coefficients of a picture whose sides divide by 2^levels."""
    array = picture.astype(np.float32)
    size = len(array)
    for _ in range(levels):
        for _ in range(2):
            even, odd = array[:size:2, :size].copy(), array[1:size:2, :size].copy()
            array[:size, :size] = np.concatenate([even + odd, even - odd]) / np.sqrt(2)
            array = array.T.copy()
        size //= 2
    return array


def test_a_second_pass_trades_better() -> None:
    """What a choice does to the contexts after it is worth knowing."""
    camera = pytest.importorskip("skimage.data").camera()
    lattice = Lattice((1, 1, 512, 512), (0, 0, 4, 4))
    array, price = _haar(camera, 4).reshape(lattice.shape) / 30, 0.09
    costs = []
    for passes in (1, 2):
        values, segments = quantise_lattice(lattice, array, 1.0, price, passes)
        assert encode_lattice(lattice, values) == segments
        restored = np.empty_like(array)
        lattice.scatter(values, restored)
        bits = 8 * sum(len(segment.data) for segment in segments)
        costs.append(float(np.square(restored - array).sum()) + 0.13 * bits)
    assert costs[1] < 0.998 * costs[0]


# Boxes


@given(lattices())
@settings(max_examples=60, deadline=None)
def test_bands_tile_the_array_and_levels_are_its_low_boxes(lattice: Lattice) -> None:
    seen = np.zeros(lattice.shape, np.int64)
    for band in lattice.bands:
        seen[band.box] += 1
    assert (seen == 1).all()
    array = np.arange(lattice.size).reshape(lattice.shape)
    coded = lattice.gather(array)
    for level in range(lattice.depth + 1):
        box = tuple(slice(0, size) for size in lattice.low_shape(level))
        out = np.full(lattice.low_shape(level), -1)
        lattice.scatter(coded, out, level)
        assert np.array_equal(out, array[box])
        assert sorted(coded[: lattice.count(level)]) == sorted(array[box].ravel())


# Tables


def squash(logit: int) -> int:
    index, part = (logit + 2816) >> 6, (logit + 2816) % 64
    knots = REGISTRY["squash_knots"]
    return min(max((knots[index] * (64 - part) + knots[index + 1] * part + 32) >> 6, 1), 65535)


def level(value: int, bits: int, top: int) -> int:
    if value == 0:
        return 0
    octave = len(bin(value)) - 3
    return min(top, 1 + (octave << bits) + ((value << bits) >> octave) - (1 << bits))


def test_knots_are_those_of_the_registry_and_of_the_logistic_function() -> None:
    assert list(KNOTS) == REGISTRY["squash_knots"]
    exact = 65536 / (1 + np.exp(-np.arange(-2816, 2817, 64) / 256))
    assert list(KNOTS) == np.rint(exact).astype(int).tolist()


def test_squash_and_stretch_follow_the_text() -> None:
    expected = [squash(logit) for logit in range(-2815, 2816)]
    assert TABLES.squash.tolist() == expected
    assert expected == sorted(expected)
    stretch = [
        min(bisect.bisect_left(expected, 16 * index + 8) - 2815, 2815) for index in range(4096)
    ]
    assert TABLES.stretch.tolist() == stretch
    # There is no logit for the last of them.
    assert expected[-1] >= 16 * 4095 + 8 or stretch[-1] == 2815


def test_rates_and_levels_follow_the_text() -> None:
    assert TABLES.rate.tolist() == [131072 // (2 * count + 3) for count in range(101)]
    for table, bits, top in ((TABLES.fine, 2, 47), (TABLES.middle, 1, 23), (TABLES.rough, 0, 11)):
        assert table.tolist() == [level(value, bits, top) for value in range(16384)]


# The plain Python oracle

ORACLE = """
import sys
import numpy as np
from numba import config
from tests.entropy import test_mixing as here
assert bool(config.DISABLE_JIT) == (sys.argv[1] == "plain")
print(here.oracle_bytes())
"""


def oracle_bytes() -> str:
    """Everything that the kernels do, in one string: coding, quantising, decoding, masks."""
    lines = []
    sizes = (0.3, 4.0, 5000.0)
    for lattice, scale in itertools.product((ORACLE_LATTICE, Lattice((1,) * 4, (0,) * 4)), sizes):
        values = laplace(lattice, scale)
        segments = encode_lattice(lattice, values)
        assert np.array_equal(decoded(lattice, segments), values)
        lines += [part.data.hex() for part in segments]
    array = np.random.default_rng(1).laplace(0, 2, ORACLE_LATTICE.shape).astype(np.float32)
    for passes in (1, 2):
        chosen, segments = quantise_lattice(ORACLE_LATTICE, array, 0.7, 0.1, passes)
        lines += [str(chosen.tolist()), *(part.data.hex() for part in segments)]
    noise = bytes(np.random.default_rng(2).integers(0, 256, 400, np.uint8))
    lines.append(str(LatticeDecoder(ORACLE_LATTICE).decode(ORACLE_LATTICE.size, noise).tolist()))
    mask = ball(ORACLE_MASK) ^ (np.random.default_rng(4).random(ORACLE_MASK) < 0.05)
    lines.append(encode_mixed_mask(mask).hex())
    lines.append(str(decode_mixed_mask(noise, ORACLE_MASK).astype(int).ravel().tolist()))
    return "\n".join(lines)


def test_the_same_lines_as_plain_python_give_the_same_bytes() -> None:
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join(map(str, ROOTS)),
    }
    plain = subprocess.run(
        # Overflow of a NumPy scalar is a warning, and an error here.
        [sys.executable, "-W", "error", "-c", ORACLE, "plain"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr[-2000:]
    assert plain.stdout.strip() == oracle_bytes()
