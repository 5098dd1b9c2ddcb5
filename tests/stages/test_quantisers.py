"""Quantisers choose the levels they say, and learn what plain rounding does not know."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from codec.coding.restore_parameters import restore_parameters
from codec.format.headers import Item, Quantisation
from codec.plugin_api import registry
from codec.plugin_api.models import TensorSpec
from codec.plugin_api.stages import Quantiser
from inrc_plugins.quantisers.adaround import beta_at, rectified_sigmoid, start_of
from inrc_plugins.quantisers.kmeans import codebook
from inrc_plugins.quantisers.lloyd import centres_of
from inrc_plugins.quantisers.qat import laplace_bits, soft_round

NAMES = registry.names("quantiser")


def quantiser(name: str, **settings: Any) -> Quantiser:
    return registry.quantiser(
        name, tuple((f"quantise.{key}", str(value)) for key, value in settings.items())
    )


def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    shapes = {"grid": (3, 9, 10), "first": (8, 6), "middle": (8, 8), "last": (4, 8), "bias": (8,)}
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def found_for(
    one: Quantiser, coarseness: float = 0.05, kept: dict[str, torch.Tensor] | None = None
) -> dict[str, Quantisation]:
    given = tensors()
    sensitivity = {name: torch.full_like(tensor, 4.0) for name, tensor in given.items()}
    return one.steps(given, sensitivity, coarseness, kept or {})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bits", [0, 4])
def test_training_sees_what_will_be_decoded(name: str, bits: int) -> None:
    one = quantiser(name, bits=bits)
    found = found_for(one)
    for key, tensor in tensors().items():
        integers = one.quantise(tensor, found[key])
        header = Item((), (), 1, 1, {}, (found[key],))
        spec = TensorSpec(key, tuple(tensor.shape))
        (decoded,) = restore_parameters(header, [spec], integers.ravel(), {})
        seen = one.straight_through(tensor, found[key])
        np.testing.assert_allclose(seen.numpy(), decoded, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_go_straight_through(name: str) -> None:
    one = quantiser(name)
    found = found_for(one)
    grid = tensors()["grid"].requires_grad_(True)
    (3 * one.straight_through(grid, found["grid"])).sum().backward()
    assert grid.grad is not None
    assert (grid.grad == 3).all()


def test_a_bit_costs_the_same_everywhere() -> None:
    """Steps go with one over the root of the curvature, of what is coded alone."""
    given = {"a": torch.ones(2, 4), "b": torch.ones(2, 4)}
    sensitivity = {"a": torch.full((2, 4), 4.0), "b": torch.tensor([[1.0] * 4, [1e6] * 4])}
    kept = {"b": torch.tensor([[True] * 4, [False] * 4])}
    found = quantiser("uniform").steps(given, sensitivity, 0.5, kept)
    assert [found[name].steps[0] for name in "ab"] == pytest.approx([0.25, 0.5], rel=1e-3)


def test_channels_have_their_own_steps_and_vectors_one() -> None:
    given = {"grid": torch.ones(2, 4), "bias": torch.ones(3)}
    sensitivity = {"grid": torch.tensor([[1.0] * 4, [16.0] * 4]), "bias": torch.ones(3)}
    found = quantiser("uniform", per="channel").steps(given, sensitivity, 0.5, {})
    assert found["grid"].per_slice
    assert found["grid"].steps == pytest.approx((0.5, 0.125), rel=1e-3)
    assert not found["bias"].per_slice


@pytest.mark.parametrize("name", ["uniform", "adaround", "qat"])
@pytest.mark.parametrize("bits", [2, 3, 8])
def test_a_number_of_bits_is_a_number_of_levels(name: str, bits: int) -> None:
    one = quantiser(name, bits=bits)
    assert not one.adjustable
    found = found_for(one)
    assert found == found_for(one, coarseness=7.0)
    integers = one.quantise(100 * tensors()["grid"], found["grid"])
    assert (integers.min(), integers.max()) == (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def test_an_outlier_is_clipped_where_that_errs_less() -> None:
    values = torch.linspace(-1, 1, 999)
    with_outlier = torch.cat([values, torch.tensor([3.0])])
    one = quantiser("uniform", bits=4)
    step = {}
    for name, tensor in (("plain", values), ("outlier", with_outlier)):
        found = one.steps({"t": tensor}, {"t": torch.ones_like(tensor)}, 1.0, {})["t"]
        step[name] = found.steps[0]
        restored = one.straight_through(tensor, found)
        widest = Quantisation((float(tensor.abs().max()) / 8,))
        naive = one.straight_through(tensor, widest)
        assert (restored - tensor).square().sum() <= 1.0001 * (naive - tensor).square().sum()
    assert step["outlier"] < 0.6 * 3 / 8


def test_beyond_the_levels_there_is_no_gradient() -> None:
    one = quantiser("uniform", bits=2)
    tensor = torch.tensor([-5.0, 0.2, 5.0], requires_grad=True)
    one.straight_through(tensor, Quantisation((1.0,))).sum().backward()
    assert tensor.grad is not None
    assert tensor.grad.tolist() == [0, 1, 0]


def best_error(values: np.ndarray, count: int) -> float:
    """The least squared error of `count` centres, by trying all cuts of the sorted values."""
    ordered = np.sort(values)
    return min(
        sum(float(np.square(part - part.mean()).sum()) for part in np.split(ordered, cuts))
        for cuts in itertools.combinations(range(1, len(ordered)), count - 1)
    )


@pytest.mark.parametrize("seed", range(4))
def test_k_means_is_near_the_best_there_is(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = np.concatenate([random.normal(size=40), 4 + 0.1 * random.normal(size=20)])
    centres = centres_of(values, 3)
    error = np.square(values[:, None] - centres).min(axis=1).sum()
    assert len(centres) == 3
    assert error <= 1.1 * best_error(values, 3)


def test_centres_are_the_means_of_what_is_nearest_to_them() -> None:
    values = np.random.default_rng(0).laplace(size=4000)
    centres = centres_of(values, 16)
    nearest = np.abs(values[:, None] - centres).argmin(axis=1)
    means = [values[nearest == number].mean() for number in range(len(centres))]
    np.testing.assert_allclose(centres, means, atol=0.02)
    step = np.ptp(values) / 15
    uniform = np.square(values - np.rint(values / step) * step).sum()
    assert np.square(values - centres[nearest]).sum() < 0.5 * uniform


def test_few_distinct_values_are_their_own_centres() -> None:
    assert centres_of(np.array([2.0, -1.0, 2.0]), 8).tolist() == [-1.0, 2.0]
    assert centres_of(np.zeros(0), 8).tolist() == [0.0]


def test_a_codebook_holds_its_centres_to_16_bits_around_0() -> None:
    centres = np.array([-0.9, -0.01, 0.02, 1.3])
    found = codebook(centres)
    np.testing.assert_allclose(found.centres(), centres, atol=1.3 / 60000)
    assert found.first == -1


def test_kmeans_has_codebooks_of_its_bits_for_what_is_large_enough() -> None:
    found = found_for(quantiser("kmeans", bits=3))
    assert len(found["grid"].codebook) == 8
    assert len(found["last"].codebook) == 8
    assert not found["bias"].codebook
    found = found_for(quantiser("kmeans", bits=3, middle_only="yes"))
    assert [name for name in found if found[name].codebook] == ["first", "middle"]


def test_kmeans_leaves_out_what_is_pruned() -> None:
    kept = {"grid": torch.zeros((3, 9, 10), dtype=torch.bool)}
    kept["grid"][:, 0] = True
    found = found_for(quantiser("kmeans", bits=2), kept=kept)["grid"]
    values = tensors()["grid"][:, 0]
    assert found.centres().max() <= values.max()
    assert len(found.codebook) == 4


def test_finer_steps_have_more_centres() -> None:
    counts = [len(found_for(quantiser("kmeans"), c)["grid"].codebook) for c in (4.0, 0.6, 0.3)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_the_rectified_sigmoid_starts_at_the_fractional_part() -> None:
    fractions = torch.linspace(0.001, 0.999, 99)
    torch.testing.assert_close(rectified_sigmoid(start_of(fractions)), fractions)
    at = torch.tensor([-9.0, 0.0, 9.0])
    assert rectified_sigmoid(at).tolist() == pytest.approx([0.0, 0.5, 1.0])


def test_beta_falls_along_a_cosine() -> None:
    assert [beta_at(t) for t in (0.0, 0.5, 1.0)] == pytest.approx([20.0, 11.0, 2.0])


def learned_rounding(
    weights: torch.Tensor, inputs: torch.Tensor, bit_price: float, steps: int = 300
) -> torch.Tensor:
    """Rounding of `weights` to whole numbers that keeps `weights @ inputs`."""
    one = quantiser("adaround", retrain=0)
    (phase,) = one.phases(steps)
    found = {"w": Quantisation((1.0,))}
    state = phase.attach({"w": weights}, found, {}, bit_price, steps)
    leaves = state.parameters()
    for leaf in leaves:
        leaf.requires_grad_(True)
    optimiser = torch.optim.Adam(leaves, lr=state.rate)
    for _ in range(steps):
        missing = (state.apply("w", weights) - weights) @ inputs
        loss = missing.square().mean()
        optimiser.zero_grad()
        (loss + state.penalty()).backward()
        optimiser.step()
        state.advance(float(loss.detach()))
    with torch.no_grad():
        return state.settled("w", weights)


def test_learned_rounding_beats_the_nearest_where_inputs_are_correlated() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn((12, 400), generator=generator) + 3 * torch.randn(
        (1, 400), generator=generator
    )
    weights = 3 * torch.randn((6, 12), generator=generator)

    def error(rounded: torch.Tensor) -> float:
        return float(((rounded - weights) @ inputs).square().mean())

    nearest = error(weights.round())
    learned = learned_rounding(weights, inputs, 2 * math.log(2) * nearest / weights.numel())
    assert torch.equal(learned, learned.round())
    assert (learned - weights).abs().max() < 1
    assert error(learned) < 0.5 * nearest


def test_the_regulariser_decides_every_rounding_after_a_warm_start() -> None:
    weights = torch.tensor([[0.3, 0.6]])
    one = quantiser("adaround", regulariser=2.0)
    state = one.phases(10)[0].attach({"w": weights}, {"w": Quantisation((1.0,))}, {}, 0.0, 10)
    assert float(state.penalty()) == 0
    for _ in range(2):
        state.advance(0.0)
    h = rectified_sigmoid(start_of(weights))
    expected = 2.0 * float((1 - (2 * h - 1).abs() ** 20).sum())
    assert float(state.penalty()) == pytest.approx(expected)


def test_vectors_are_rounded_to_the_nearest() -> None:
    one = quantiser("adaround")
    bias = torch.tensor([0.3, 0.6])
    state = one.phases(4)[0].attach({"b": bias}, {"b": Quantisation((1.0,))}, {}, 0.0, 4)
    assert state.parameters() == []
    assert state.apply("b", bias).tolist() == [0, 1]
    assert torch.equal(state.settled("b", bias), bias)


def exact_bits(values: Sequence[float], scale: float) -> float:
    def below(x: float) -> float:
        return 0.5 * math.exp(x / scale) if x < 0 else 1 - 0.5 * math.exp(-x / scale)

    return -sum(math.log2(below(v + 0.5) - below(v - 0.5)) for v in values)


def test_bits_are_those_of_a_discrete_laplace_distribution() -> None:
    values = [0, 1, -1, 3, 0, -2, 0]
    found = laplace_bits(torch.tensor(values, dtype=torch.float64), None)
    assert float(found) == pytest.approx(exact_bits(values, 1.0))
    kept = torch.tensor([True, True, True, True, False, False, False])
    found = laplace_bits(torch.tensor(values, dtype=torch.float64), kept)
    assert float(found) == pytest.approx(exact_bits(values[:4], 1.25))


def test_slices_of_a_grid_have_their_own_scale() -> None:
    grid = torch.tensor([[[1.0, -1.0]], [[9.0, -7.0]]], dtype=torch.float64)
    expected = exact_bits([1, -1], 1.0) + exact_bits([9, -7], 8.0)
    assert float(laplace_bits(grid, None)) == pytest.approx(expected)


def test_slices_like_those_before_take_the_bits_of_their_differences() -> None:
    grid = torch.tensor([[[8.0, -8.0]], [[9.0, 1.0]]], dtype=torch.float64)
    # Of the second slice, 9 follows 8, and 1 follows the mean of 9 and -8.
    expected = exact_bits([8, -8], 8.0) + exact_bits([1, 0.5], 0.75)
    assert float(laplace_bits(grid, None)) == pytest.approx(expected)
    alone = exact_bits([8, -8], 8.0) + exact_bits([9, 1], 5.0)
    pruned = laplace_bits(grid, torch.ones_like(grid, dtype=torch.bool))
    assert float(pruned) == pytest.approx(alone)


def test_gradients_of_bits_are_those_of_finite_differences() -> None:
    values = torch.tensor([0.1, -0.3, 0.8, 2.4, -40.0, 0.45], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda one: laplace_bits(one, None), values.requires_grad_(True), atol=1e-5
    )


def test_soft_rounding_keeps_whole_numbers_and_sharpens() -> None:
    whole = torch.tensor([-2.0, 0.0, 3.0])
    between = torch.tensor([0.3])
    for sharpness in (0.5, 8.0):
        torch.testing.assert_close(soft_round(whole, sharpness), whole)
    assert float(soft_round(between, 0.01)) == pytest.approx(0.3, abs=1e-3)
    assert float(soft_round(between, 30.0)) == pytest.approx(0.0, abs=5e-3)


@pytest.mark.parametrize("relaxation", ["noise", "soft"])
def test_the_rate_pulls_integers_to_0_and_the_last_steps_are_hard(relaxation: str) -> None:
    one = quantiser("qat", relaxation=relaxation)
    (phase,) = one.phases(10)
    grid = tensors()["grid"].requires_grad_(True)
    found = {"grid": Quantisation((0.25,))}
    state = phase.attach({"grid": grid}, found, {}, 1e-3, 10)
    assert not torch.equal(
        state.apply("grid", grid).detach(), one.straight_through(grid, found["grid"]).detach()
    )
    state.penalty().backward()
    assert grid.grad is not None
    assert float((grid.grad * grid.detach()).sum()) > 0
    for _ in range(5):
        state.advance(0.0)
    assert torch.equal(state.apply("grid", grid), one.straight_through(grid, found["grid"]))
    assert float(state.penalty().detach()) > 0


def test_without_a_rate_there_is_no_penalty() -> None:
    (phase,) = quantiser("qat", rate=0).phases(4)
    grid = tensors()["grid"]
    state = phase.attach({"grid": grid}, {"grid": Quantisation((0.25,))}, {}, 1e-3, 4)
    state.apply("grid", grid)
    assert float(state.penalty()) == 0
