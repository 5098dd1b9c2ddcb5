"""Pruners of entries keep to their sources' equations and to the sparsity they are asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from codec.plugin_api import registry
from codec.plugin_api.stages import EntryPruner, PruningState, PruningTask
from inrc_plugins.pruners.gates import best_gates
from inrc_plugins.pruners.magnitude import sparsity_at
from inrc_plugins.pruners.smallify import SignTracker
from inrc_plugins.pruners.variational import _equilibrium, _kl_slope, divergence

ENTRY_PRUNERS = [
    name for name in registry.names("pruner") if isinstance(registry.pruner(name), EntryPruner)
]


def task(*, price: float = 0.02, steps: int = 40, shareable: bool = True) -> PruningTask:
    generator = torch.Generator().manual_seed(1)
    grid = torch.randn((3, 5, 4), generator=generator)
    matrix = torch.randn((6, 7), generator=generator)
    tensors = {"grid": grid, "matrix": matrix}
    importance = {name: 0.05 * tensor.square() for name, tensor in tensors.items()}
    return PruningTask(
        tensors, importance, price, frozenset(["grid"] if shareable else []), steps, 0
    )


def attached(name: str, given: PruningTask, **settings: Any) -> PruningState:
    texts = tuple((f"prune.{key}", str(value)) for key, value in settings.items())
    pruner = registry.pruner(name, texts)
    assert isinstance(pruner, EntryPruner)
    return pruner.attach(given)


def train(state: PruningState, given: PruningTask, steps: int = 12) -> None:
    """Train the gates alone: what is missing of a tensor costs what its importance says."""
    targets = {name: state.fold(name, tensor).clone() for name, tensor in given.tensors.items()}
    weights = {name: given.importance[name] / targets[name].square() for name in given.importance}
    leaves = state.parameters()
    for leaf in leaves:
        leaf.requires_grad_(True)
    optimiser = torch.optim.Adam(leaves, lr=0.05) if leaves else None
    for _ in range(steps):
        loss = torch.zeros(())
        for name, tensor in given.tensors.items():
            missing = state.apply(name, tensor) - targets[name]
            loss = loss + (weights[name] * missing.square()).sum()
        if optimiser is not None:
            optimiser.zero_grad()
            (loss + state.penalty()).backward()
            optimiser.step()
        state.advance(float(loss.detach()))
    for leaf in leaves:
        leaf.requires_grad_(False)


@pytest.mark.parametrize("name", ENTRY_PRUNERS)
@pytest.mark.parametrize("sparsity", [0.25, 0.5, 0.9])
def test_a_sparsity_asked_for_is_the_one_that_comes(name: str, sparsity: float) -> None:
    given = task()
    state = attached(name, given, sparsity=sparsity, shared="yes")
    train(state, given)
    masks = state.masks()
    assert masks["grid"].shape == (5, 4)
    assert masks["matrix"].shape == (6, 7)
    zeros = (~masks["grid"]).sum() * 3 + (~masks["matrix"]).sum()
    # Magnitudes are judged tensor by tensor, so that each is off by half a gate.
    assert zeros == pytest.approx(sparsity * (60 + 42), abs=3)


@pytest.mark.parametrize("name", ENTRY_PRUNERS)
def test_gates_are_of_single_entries_where_a_sparsity_is_asked_for_or_no_grid_is(name: str) -> None:
    for given, settings, shape in (
        (task(), {"shared": "no"}, (3, 5, 4)),
        (task(shareable=False), {}, (3, 5, 4)),
        (task(), {"sparsity": 0.3}, (3, 5, 4)),
        (task(), {}, (5, 4)),
    ):
        assert attached(name, given, **settings).masks()["grid"].shape == shape


@pytest.mark.parametrize("name", ENTRY_PRUNERS)
def test_what_is_worth_its_price_stays_and_what_is_not_goes(name: str) -> None:
    """Half of the grid matters a thousand times more than the price, half a thousand times less."""
    given = task(price=1e-3, steps=200)
    important = torch.zeros(5, 4)
    important[:, :2] = 1.0
    for tensor in given.tensors.values():
        tensor.fill_(1.0)
    given.importance["grid"].copy_(important + (1 - important) * 1e-6)
    given.importance["matrix"].fill_(1.0)
    state = attached(name, given)
    train(state, given, steps=200)
    masks = state.masks()
    assert masks["grid"][:, :2].all()
    assert not masks["grid"][:, 2:].any()
    assert masks["matrix"].all()


def test_the_lowest_scores_go_first_over_all_tensors() -> None:
    scores = {"a": np.array([5.0, 1.0]), "b": np.array([[0.0, 3.0]])}
    ties = {"a": np.zeros(2), "b": np.zeros((1, 2))}
    found = best_gates(scores, ties, {"a": 4, "b": 1}, 0.5)
    assert found["b"].tolist() == [[False, True]]
    assert found["a"].tolist() == [True, False]


def test_the_cubic_schedule_is_that_of_zhu_and_gupta() -> None:
    assert [sparsity_at(t, 0.8) for t in (0.0, 0.5, 1.0)] == pytest.approx([0.0, 0.7, 0.8])


def test_magnitudes_grow_sparse_on_the_schedule_and_entries_may_come_back() -> None:
    given = task(steps=8)
    state = attached("magnitude", given, sparsity=0.5, ramp=1.0, shared="no", score="magnitude")
    counts = []
    for _ in range(8):
        state.advance(0.0)
        counts.append(int((state.apply("grid", torch.ones(3, 5, 4)) == 0).sum()))
    expected = [round(60 * sparsity_at((step + 1) / 8, 0.5)) for step in range(8)]
    assert counts == pytest.approx(expected, abs=1)
    gone = ~state.masks()["grid"]
    given.tensors["grid"][torch.from_numpy(gone)] += 100
    assert state.masks()["grid"][gone].all()


def test_the_sign_tracker_follows_its_equations() -> None:
    signs = [1, -1, -1, 1, 0, 1]
    tracker = SignTracker(torch.tensor([0.3]), 0.25)
    mean, variance = 1.0, 0.0
    for sign in signs:
        tracker.follow(torch.tensor([0.5 * sign]))
        difference = sign - mean
        mean += 0.25 * difference
        variance = 0.75 * (variance + 0.25 * difference**2)
        assert float(tracker.variance) == pytest.approx(variance)


def test_a_sign_that_never_changes_has_no_variance_and_one_that_always_does_nearly_1() -> None:
    tracker = SignTracker(torch.ones(2), 0.025)
    for step in range(400):
        tracker.follow(torch.tensor([1.0, (-1.0) ** step]))
    assert float(tracker.variance[0]) == 0
    assert 0.9 < float(tracker.variance[1]) < 1


def test_smallify_starts_with_the_function_it_was_given_and_folds_its_gates() -> None:
    for start in ("one", "normal"):
        given = task()
        before = given.tensors["grid"].clone()
        state = attached("smallify", given, start=start)
        torch.testing.assert_close(state.apply("grid", given.tensors["grid"]), before)
        state.parameters()[0].mul_(0.5)
        torch.testing.assert_close(state.fold("grid", given.tensors["grid"]), 0.5 * before)


def test_penalties_of_the_sources_are_those_of_the_sources() -> None:
    given = task()
    squares = float(sum(tensor.square().sum() for tensor in given.tensors.values()))
    state = attached("smallify", given, gates=0.5, weight=0.1)
    assert float(state.penalty()) == pytest.approx(0.5 * (20 + 42) + 0.1 * squares)
    state = attached("binary-mask", given, penalty="source", gates=0.5, weight=0.1)
    assert float(state.penalty()) == pytest.approx(0.5 * (20 + 42) + 0.1 * squares)
    state = attached(
        "variational", given, noise="static", log_sigma=-1, kl=3, weight=2, samples=100, start=0.5
    )
    one = float(divergence(torch.tensor(0.0)))
    expected = 2 * math.exp(-2) / 100 * (3 * one * (20 + 42) + 2 * squares)
    assert float(state.penalty()) == pytest.approx(expected, rel=1e-5)


def test_the_mask_is_hard_and_its_gradient_soft() -> None:
    given = task()
    state = attached("binary-mask", given, penalty="source")
    logits = state.parameters()[0]
    logits[0, 0] = -2.0
    logits.requires_grad_(True)
    tensor = given.tensors["grid"]
    gated = state.apply("grid", tensor)
    assert not gated[:, 0, 0].any()
    torch.testing.assert_close(gated[:, 1:], tensor[:, 1:])
    gated.sum().backward()
    soft = torch.sigmoid(logits.detach())
    torch.testing.assert_close(logits.grad, tensor.sum(dim=0) * soft * (1 - soft))
    assert torch.equal(state.fold("grid", tensor), tensor), "what stays is not scaled"


def test_the_divergence_has_the_sources_constants_and_its_slope() -> None:
    at = torch.tensor([-3.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    value = divergence(at)
    k1, k2, k3 = 0.63576, 1.87320, 1.48695
    for ln, found in zip(at.tolist(), value.tolist(), strict=True):
        sigmoid = 1 / (1 + math.exp(-(k2 + k3 * ln)))
        assert found == pytest.approx(k1 - k1 * sigmoid + 0.5 * math.log1p(math.exp(-ln)))
    value.sum().backward()
    assert at.grad is not None
    assert [_kl_slope(ln) for ln in at.tolist()] == pytest.approx(at.grad.tolist())


def test_gates_start_where_noise_and_divergence_balance() -> None:
    weight = 0.01
    importance = torch.tensor([1e-4, 1e-2, 1.0])
    start = _equilibrium(importance, weight).tolist()
    assert start == sorted(start, reverse=True)
    for ln, worth in zip(start, importance.tolist(), strict=True):
        assert worth * math.exp(ln) == pytest.approx(-weight * _kl_slope(ln), rel=0.15)


def test_the_weight_of_the_divergence_grows_to_30() -> None:
    state = attached("variational", task(), noise="static", kl=20, ramp=0.5, start=0.5, weight=0)
    before = float(state.penalty())
    state.advance(0.0)
    assert float(state.penalty()) == pytest.approx(1.5 * before)
    state.advance(0.0)
    assert float(state.penalty()) == pytest.approx(1.5 * before)


def test_dynamic_noise_is_the_present_error() -> None:
    state = attached("variational", task(), noise="dynamic", ramp=0, start=0.5, weight=0)
    state.advance(1e-3)
    before = float(state.penalty())
    state.advance(2e-3)
    assert float(state.penalty()) == pytest.approx(2 * before)
