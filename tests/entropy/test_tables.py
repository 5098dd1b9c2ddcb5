"""Frequency tables are whole numbers that every machine computes alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.entropy.laplace_constants import ROWS
from codec.entropy.tables import (
    LAPLACE_CLASSES,
    TOTAL,
    best_laplace_class,
    check_counts,
    laplace_frequencies,
    normalise_counts,
)
from codec.errors import CorruptError
from inrc_conformance.decoder import tables as reference

COUNTS = st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=60).filter(any)


@given(COUNTS)
def test_tab_2_counts_become_the_table_of_the_text(counts: list[int]) -> None:
    total = sum(counts)
    expected = [1 + count * (TOTAL - len(counts)) // total for count in counts]
    expected[counts.index(max(counts))] += TOTAL - sum(expected)
    counted = normalise_counts(np.array(counts, np.int64))
    assert counted.tolist() == expected
    assert int(counted.sum()) == TOTAL
    assert int(counted.min()) >= 1


def test_the_largest_tables_are_normalised_without_overflow() -> None:
    """65536 counts just below 2^32."""
    counts = np.full(65536, 2**32 - 1, np.int64)
    check_counts(counts)
    assert normalise_counts(counts).tolist() == [256] * 65536
    spike = np.zeros(65536, np.int64)
    spike[7] = 2**32 - 1
    assert int(normalise_counts(spike).sum()) == TOTAL


@pytest.mark.parametrize(
    "counts", [[1], [], [0, 0], [1, 2**32], [0] * 65537], ids=["1", "0", "none", "2^32", "65537"]
)
def test_tab_1_other_counts_are_refused(counts: list[int]) -> None:
    with pytest.raises(CorruptError):
        check_counts(np.array(counts, np.int64))


@pytest.mark.parametrize("number", range(LAPLACE_CLASSES))
def test_lap_2_laplace_tables_are_those_of_the_text(number: int) -> None:
    _, half, tail, ratio = ROWS[number]
    mass = [tail >> 2]
    for _ in range(half):
        mass.append(mass[-1] * ratio >> 32)
    wing = [(mass[i - 1] - mass[i]) >> 1 for i in range(1, half + 1)]
    weights = [*reversed(wing), 2**30 - mass[0], *wing, mass[-1]]
    expected = [1 + (weight * (TOTAL - len(weights)) >> 30) for weight in weights]
    expected[half] += TOTAL - sum(expected)
    assert laplace_frequencies(number).tolist() == expected


@pytest.mark.parametrize("number", range(LAPLACE_CLASSES))
def test_laplace_tables_are_whole_positive_and_symmetric(number: int) -> None:
    table = laplace_frequencies(number)
    half = ROWS[number][1]
    assert len(table) == 2 * half + 2
    assert int(table.sum()) == TOTAL
    assert int(table.min()) >= 1
    assert table[:half].tolist() == table[half + 1 : 2 * half + 1][::-1].tolist()
    assert (np.diff(table[half:-1]) <= 0).all()
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 1


@pytest.mark.parametrize("number", range(LAPLACE_CLASSES))
def test_the_reference_decoder_makes_the_same_tables(number: int) -> None:
    names = [name for name in dir(reference) if "laplace" in name.lower()]
    makers = [getattr(reference, name) for name in names if callable(getattr(reference, name))]
    made = [maker(number) for maker in makers]
    assert any(
        np.array_equal(np.asarray(getattr(table, "frequencies", table)).ravel(),
                       laplace_frequencies(number))
        for table in made
    )  # fmt: skip


@pytest.mark.parametrize("number", range(0, LAPLACE_CLASSES, 7))
def test_laplace_tables_resemble_their_distribution(number: int) -> None:
    shift, half, _, _ = ROWS[number]
    scale = 2.0 ** ((number - 12) / 3) / 2**shift
    edges = np.arange(-half, half + 2) - 0.5
    cumulated = np.where(edges < 0, np.exp(edges / scale) / 2, 1 - np.exp(-edges / scale) / 2)
    expected = np.diff(cumulated)
    shares = laplace_frequencies(number)[:-1] / TOTAL
    assert shares == pytest.approx(expected, abs=len(shares) / TOTAL * 2)


@pytest.mark.parametrize("scale", [0.05, 0.3, 1.0, 5.0, 100.0, 1e5])
def test_the_class_chosen_is_about_the_cheapest(scale: float) -> None:
    from codec.entropy.stream import encode_stream

    values = np.rint(np.random.default_rng(0).laplace(0, scale, 4000)).astype(np.int64)
    chosen = best_laplace_class(values)
    size = len(encode_stream([values], "ans"))
    ideal = 4000 / 8 * (np.log2(2 * np.e * max(scale, 0.2)) + 0.3) + 30
    assert 0 <= chosen < LAPLACE_CLASSES
    assert size < ideal
