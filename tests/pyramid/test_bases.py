"""Orthonormal bases along one axis, and the bytes of a learned one."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from codec.arrays import Float32Array
from codec.errors import CorruptError
from inrc_plugins.architectures.pyramid import bases
from inrc_plugins.architectures.pyramid.bases import Factor


def mixed(shape: tuple[int, ...], axis: int) -> Float32Array:
    """Noise in two directions of the space of lines along an axis, and little in the others."""
    rng = np.random.default_rng(1)
    n = shape[axis]
    rest = tuple(length for a, length in enumerate(shape) if a != axis)
    directions = np.linalg.qr(rng.normal(size=(n, n)))[0] * ([30, 10] + [0.1] * (n - 2))
    lines = directions @ rng.normal(size=(n, int(np.prod(rest))))
    return np.ascontiguousarray(np.moveaxis(lines.reshape(n, *rest), 0, axis), np.float32)


@pytest.mark.parametrize("n", [1, 2, 5, 64, 1000])
def test_the_cosines(n: int) -> None:
    matrix = bases.dct_matrix(n)
    assert matrix.dtype == np.float64
    assert np.allclose(matrix @ matrix.T, np.eye(n), atol=1e-12)
    for k in {0, n // 2, n - 1}:
        row = [np.cos(np.pi * (2 * i + 1) * k / (2 * n)) for i in range(n)]
        assert np.allclose(matrix[k], np.array(row) / np.linalg.norm(row), atol=1e-9)


@pytest.mark.parametrize("axis", range(4))
def test_a_matrix_along_an_axis(axis: int) -> None:
    array = np.random.default_rng(axis).normal(size=(3, 4, 5, 6)).astype(np.float32)
    matrix = np.random.default_rng(9).normal(size=(7, array.shape[axis]))
    expected = np.moveaxis(np.tensordot(matrix, array.astype(np.float64), (1, axis)), 0, axis)
    for given in (array, np.asfortranarray(array)):
        result = bases.apply(matrix, given, axis)
        assert result.dtype == np.float32
        assert result.flags.c_contiguous
        assert np.allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 40, 16, 5000), (1, 200000, 16, 1), (16, 1, 1, 200000)])
def test_a_matrix_needs_little_memory(shape: tuple[int, ...]) -> None:
    array = np.ones(shape, np.float32)
    tracemalloc.start()
    try:
        result = bases.apply(np.eye(16), array, shape.index(16))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - result.nbytes < 1 << 23
    assert np.array_equal(result, array)


@pytest.mark.parametrize("axis", range(4))
def test_a_learned_basis_compacts(axis: int) -> None:
    shape = [3, 4, 5, 6]
    shape[axis] = 12
    array = mixed(tuple(shape), axis)
    factor = bases.fit_klt(array, axis, 0.5)
    assert factor.values.shape == (12, 12)
    assert np.allclose(np.linalg.norm(factor.matrix, axis=0), 1, atol=0.1)
    assert factor.bits[0] > factor.bits[1] > factor.bits[2] == factor.bits[-1] == 4
    coefficients = bases.apply(np.linalg.inv(factor.matrix), array, axis)
    energy = np.square(np.moveaxis(coefficients, axis, 0).reshape(12, -1)).sum(1)
    assert energy[0] > energy[1] > 100 * energy[2:].sum()
    again = bases.apply(factor.matrix, coefficients, axis)
    assert np.allclose(again, array, atol=1e-4)


def test_the_lines_are_summed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    array = mixed((1, 16, 30, 40), 1)
    whole = bases.fit_klt(array, 1, 0.5)
    monkeypatch.setattr(bases, "_CHUNK", 16 * 7)
    pieces = bases.fit_klt(array, 1, 0.5)
    assert np.array_equal(pieces.bits, whole.bits)
    assert np.abs(pieces.values - whole.values).max() <= 1


@pytest.mark.parametrize(("condition", "least"), [(1.5, 5), (0, 15)])
def test_a_basis_is_refined_until_it_can_be_inverted_well(
    monkeypatch: pytest.MonkeyPatch, condition: float, least: int
) -> None:
    array = mixed((1, 200, 20, 20), 1)
    assert bases.fit_klt(array, 1, 1e4).bits.max() == 4
    monkeypatch.setattr(bases, "_CONDITION", condition)
    factor = bases.fit_klt(array, 1, 1e4)
    assert factor.bits.min() == least
    assert np.linalg.cond(factor.matrix) < 1.5


def test_a_basis_learned_from_some_lines_is_about_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    array = mixed((1, 16, 30, 40), 1)
    whole = bases.fit_klt(array, 1, 0.5).matrix
    monkeypatch.setattr(bases, "_MOST_SAMPLES", 16 * 300)
    monkeypatch.setattr(bases, "_CHUNK", 16 * 7)
    part = bases.fit_klt(array, 1, 0.5).matrix
    assert not np.array_equal(part, whole)
    assert abs(part[:, 0] @ whole[:, 0]) > 0.99


@pytest.mark.parametrize("n", [1, 3, 24])
def test_a_learned_basis_of_nothing_can_be_inverted(n: int) -> None:
    factor = bases.fit_klt(np.zeros((1, n, 2, 2), np.float32), 1, 1.0)
    assert np.linalg.cond(factor.matrix) < 4


def test_a_column_of_one_sample_fits_in_fifteen_bits() -> None:
    array = np.zeros((1, 3, 1, 4), np.float32)
    array[0, 1] = 1e6
    factor = bases.fit_klt(array, 1, 1.0)
    assert factor.bits[0] == 15
    again = bases.unpack(bases.pack(factor, 3), 3)
    assert np.array_equal(again.values, factor.values)


def slowly_packed(factor: Factor, rank: int) -> bytes:
    """The layout, written as text."""
    text = f"{rank:016b}"
    for k in range(rank):
        column = [int(value) for value in factor.values[:, k]]
        need = max(1, max(abs(value) for value in column).bit_length())
        text += f"{int(factor.bits[k]):04b}{need:04b}"
        text += "".join(f"{int(value < 0)}{abs(value):0{need}b}" for value in column)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


@pytest.mark.parametrize("n", [1, 2, 5, 31])
@pytest.mark.parametrize("rank", [0, 1, 2, 5])
def test_the_bytes(n: int, rank: int) -> None:
    rng = np.random.default_rng(n)
    sizes = 2 ** rng.integers(0, 15, n)
    factor = Factor(rng.integers(-sizes, sizes + 1, (n, n)), rng.integers(0, 16, n))
    rank = min(rank, n)
    data = bases.pack(factor, rank)
    assert data == slowly_packed(factor, rank)
    again = bases.unpack(data, n)
    assert np.array_equal(again.values, factor.values[:, :rank])
    assert np.array_equal(again.bits, factor.bits[:rank])
    expected = factor.values[:, :rank] / 2.0 ** factor.bits[:rank]
    assert np.array_equal(again.matrix, expected)


def bits(text: str) -> bytes:
    text = text.replace(" ", "")
    assert len(text) % 8 == 0
    return int(text, 2).to_bytes(len(text) // 8, "big")


RANK_1 = "0000000000000001"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too early"),
        (b"\0", "too early"),
        (bits(RANK_1), "too early"),
        (bits(RANK_1 + "0100 0011 0 101 0 001")[:-1], "too early"),
        (bits("0000000000000011") + bytes(20), "rank 3"),
        (bits(RANK_1 + "0100 0000 0 0 000000"), "without bits"),
        (bits(RANK_1 + "0100 0001 0 1 1 0 0000"), "negative zero"),
        (bits(RANK_1 + "0100 0001 0 1 1 1 0100"), "not zero"),
        (bits(RANK_1 + "0100 0001 0 1 1 1 0000") + b"\0", "followed"),
        (bytes(3), "followed"),
    ],
)
def test_other_bytes_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(CorruptError, match=message):
        bases.unpack(data, 2)


def test_the_sound_neighbour_of_the_refused() -> None:
    factor = bases.unpack(bits(RANK_1 + "0100 0001 0 1 1 1 0000"), 2)
    assert factor.values.tolist() == [[1], [-1]]
    assert factor.matrix.tolist() == [[1 / 16], [-1 / 16]]


@pytest.mark.parametrize("n", [3, 6])
def test_every_truncation_is_refused(n: int) -> None:
    learned = bases.pack(bases.fit_klt(mixed((1, n, 5, 5), 1), 1, 0.01), n - 1)
    ends_after_one_bit = bases.pack(Factor(np.full((3, 1), -3), np.array([4])), 1)
    for data, rows in ((learned, n), (ends_after_one_bit, 3)):
        for size in range(len(data)):
            with pytest.raises(CorruptError):
                bases.unpack(data[:size], rows)


def test_longest_axis() -> None:
    assert bases.unpack(bytes(2), 4096).values.shape == (4096, 0)
    for n in (0, 4097):
        with pytest.raises(CorruptError):
            bases.unpack(bytes(2), n)
        with pytest.raises(ValueError, match="learned basis"):
            bases.fit_klt(np.zeros((1, n, 1, 1), np.float32), 1, 1.0)
