"""Losses, learning rates and error-driven batches do what a recipe says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from codec.arrays import Float32Array, Float64Array
from codec.files import fit_journal
from codec.files.fit_journal import FitJournal, no_journal
from codec.files.journal import Journal
from codec.training.batches import AxisSampler, Shard
from codec.training.recipe import Recipe
from codec.training.resampling import (
    ErrorDrivenSampler,
    ErrorMap,
    inclusion_chances,
    systematic_draw,
)
from codec.training.trainer import Trainer

SHAPE = (24, 20)


def sampler(values: Float32Array, points: int = 60) -> AxisSampler:
    return AxisSampler(values[None], None, points, "cpu")


def error_in_a_corner(shard: Shard) -> Float64Array:
    """1 where both indices are below 6, 0.2 in the rest of these rows, else nearly nothing."""
    rows, columns = (index.numpy() for index in shard.indices)
    error = np.full((len(rows), len(columns)), 1e-4)
    error[rows < 6] = 0.2
    error[np.ix_(rows < 6, columns < 6)] = 1.0
    return error.ravel()


def corner_map(field: AxisSampler) -> ErrorMap:
    return ErrorMap.measured(field, error_in_a_corner, np.random.default_rng(0))


def test_a_map_has_the_largest_error_as_1_and_a_floor_of_1_percent() -> None:
    field = sampler(np.zeros(SHAPE, np.float32))
    wanted = corner_map(field).at([np.arange(size) for size in SHAPE])
    expected = np.full(SHAPE, 0.01)
    expected[:6], expected[:6, :6] = 0.2, 1.0
    assert wanted == pytest.approx(expected)


def test_a_map_of_a_long_field_has_coarse_cells() -> None:
    field = sampler(np.zeros((1000, 3), np.float32))
    errors = ErrorMap.measured(
        field, lambda shard: np.ones(shard.target.shape[1]), np.random.default_rng(0)
    )
    assert errors.wanted.shape == (128, 3)
    assert errors.wanted == pytest.approx(1.0)


def test_expected_weights_are_those_of_the_source() -> None:
    """A sample counts, over many batches, in proportion to the share that is wanted of it."""
    field = sampler(np.zeros(SHAPE, np.float32))
    errors = corner_map(field)
    driven, random = ErrorDrivenSampler(field, errors), np.random.default_rng(1)
    total = np.zeros(SHAPE)
    draws = 3000
    for _ in range(draws):
        shard = driven.draw(random)
        assert shard.weight is not None
        total[np.ix_(*(index.numpy() for index in shard.indices))] += shard.weight.numpy().reshape(
            [len(index) for index in shard.indices]
        )
    wanted = errors.at([np.arange(size) for size in SHAPE])
    expected = wanted / wanted.mean() * (np.prod(field.counts) / np.prod(SHAPE))
    for part in (np.s_[:6, :6], np.s_[:6, 6:], np.s_[6:, :6], np.s_[6:, 6:]):
        assert total[part].mean() / draws == pytest.approx(expected[part].mean(), rel=0.03)


def test_batches_see_more_of_where_the_error_is() -> None:
    field = sampler(np.zeros(SHAPE, np.float32))
    driven, random = ErrorDrivenSampler(field, corner_map(field)), np.random.default_rng(1)
    rows = np.concatenate([driven.draw(random).indices[0].numpy() for _ in range(200)])
    assert (rows < 6).mean() > 0.5


def test_chances_are_in_proportion_and_at_most_1() -> None:
    assert inclusion_chances(np.array([1.0, 2.0, 3.0, 4.0]), 2) == pytest.approx(
        [0.2, 0.4, 0.6, 0.8]
    )
    found = inclusion_chances(np.array([1.0, 1.0, 98.0]), 2)
    assert found == pytest.approx([0.5, 0.5, 1.0])
    assert inclusion_chances(np.array([0.1, 0.9]), 2) == pytest.approx([1.0, 1.0])


def test_every_index_is_drawn_with_its_chance() -> None:
    chances = inclusion_chances(np.array([1.0, 2.0, 3.0, 40.0, 4.0]), 3)
    random = np.random.default_rng(0)
    counts = np.zeros(5)
    for _ in range(4000):
        drawn = systematic_draw(chances, random)
        assert len(drawn) == 3
        counts[drawn] += 1
    assert counts / 4000 == pytest.approx(chances, abs=0.03)


def constant_network(
    tensors: Mapping[str, torch.Tensor], indices: Sequence[torch.Tensor]
) -> torch.Tensor:
    return tensors["level"] * torch.ones(1, int(np.prod([len(index) for index in indices])))


def fitted_constant(recipe: Recipe) -> float:
    """A fifth of the field is 1, the rest 0."""
    values = np.zeros(SHAPE, np.float32)
    values.ravel()[::5] = 1
    trainer = Trainer(constant_network, sampler(values, 10**4), seed=0, threads=1)
    tensors = {"level": torch.full((1,), 0.5)}
    trainer.run(tensors, 150, {"level": 0.02}, recipe=recipe)
    return float(tensors["level"])


def test_squares_find_the_mean_and_absolute_errors_the_median() -> None:
    assert fitted_constant(Recipe()) == pytest.approx(0.2, abs=0.01)
    assert fitted_constant(Recipe(loss="l1")) == pytest.approx(0.0, abs=0.01)


def test_resampling_moves_the_fit_to_where_the_error_is() -> None:
    """Every sample's error is that of its cell here, as there is a cell for each."""
    assert fitted_constant(Recipe(resample=10)) > 0.3


def test_rates_fall_in_steps_or_along_a_cosine() -> None:
    steps = Recipe(rate_steps=100, rate_factor=0.2)
    assert [steps.rate_share(step, 400, 0.01) for step in (50, 99, 100, 250)] == pytest.approx(
        [1, 1, 0.2, 0.04]
    )
    assert Recipe().rate_share(200, 400, 0.01) == pytest.approx(0.505)
    assert Recipe().rate_share(0, 400, 0.01) == pytest.approx(0.05)


def test_resampled_training_does_not_depend_on_threads() -> None:
    values = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    found = []
    for threads in (1, 2):
        trainer = Trainer(constant_network, sampler(values), seed=0, threads=threads)
        tensors = {"level": torch.zeros(1)}
        trainer.run(tensors, 30, {"level": 0.01}, recipe=Recipe(resample=5))
        found.append(float(tensors["level"]))
    assert found[0] == found[1] > 0


class _Stop(Exception):  # noqa: N818 - stands in for an interrupt
    pass


def test_resampled_training_goes_on_with_the_map_it_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between two maps of the error, it ends as it would have ended."""
    monkeypatch.setattr(fit_journal, "_INTERVAL", 0.0)
    values = np.random.default_rng(0).random(SHAPE).astype(np.float32)

    def fitted(journal: FitJournal, last: int = 30) -> float:
        trainer = Trainer(constant_network, sampler(values), 0, 1, journal)
        tensors = {"level": torch.zeros(1)}

        def report(fraction: float, loss: float) -> None:
            if round(30 * fraction) > last:
                raise _Stop

        trainer.run(tensors, 30, {"level": 0.01}, recipe=Recipe(resample=10), report=report)
        return float(tensors["level"])

    with closing(Journal(tmp_path / "a", {})) as records, pytest.raises(_Stop):
        fitted(FitJournal(records), last=13)
    with closing(Journal(tmp_path / "a", {})) as records:
        assert fitted(FitJournal(records)) == fitted(no_journal())
