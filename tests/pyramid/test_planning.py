"""The choice of what is done along each axis."""

from __future__ import annotations

import numpy as np
import pytest

from codec.arrays import Float32Array
from inrc_plugins.architectures.pyramid.config import COSINE, LEARNED
from inrc_plugins.architectures.pyramid.efforts import effort
from inrc_plugins.architectures.pyramid.planning import (
    _options,
    central_part,
    choose_plan,
    joint_plan,
    part_plan,
    trial,
    trial_cost,
)

PLAIN, JOINT = (0, 0, 0), (3, 3, 3)
# An effort with the mixing coder, which learns how to predict samples.
MIXED = effort(4)


def ball(size: int = 40) -> Float32Array:
    """A thing with sharp edges and some noise, in integers, as a scanner sees it."""
    places = np.mgrid[:size, :size, :size].astype(np.float32) / size - 0.5
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 2, places.shape[1:])
    field = np.where(np.square(places).sum(0) < 0.3, 40 + noise, 0)
    return np.rint(field).astype(np.float32) / 40


def waves(size: int = 40) -> Float32Array:
    x, y, z = np.mgrid[:size, :size, :size].astype(np.float32) / size
    noise = np.random.default_rng(3).normal(0, 0.02, x.shape)
    return (np.sin(9 * x + 5 * y) * np.cos(7 * z) + noise).astype(np.float32)


def test_a_smooth_field_gets_the_joint_wavelet() -> None:
    assert choose_plan(waves(), 1, 0.1, effort(0), 1)[1:] == JOINT[1:]


def test_prediction_is_compared_at_the_same_error() -> None:
    field, step = ball(), 0.3
    assert choose_plan(field, 1, step, MIXED, 1) == PLAIN
    # At its own best step it is smaller and not worse, though not at the step of the wavelet.
    costs = [trial_cost(field, plan, step, field.size, MIXED) for plan in (PLAIN, JOINT)]
    assert costs[0] > costs[1]
    bits, error = trial(field, JOINT, step, field.size, MIXED)
    steps = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
    plain = [trial(field, PLAIN, its_step, field.size, MIXED) for its_step in steps]
    assert any(its_bits < bits and its_error < error for its_bits, its_error in plain)


def test_bases_are_tried_along_axes_of_which_the_part_holds_all() -> None:
    """A cosine that fits 32 samples in the middle of an axis need not fit the axis."""
    lengths = (200, 180, 160)
    for axis in range(3):
        cut = set(_options(lengths, axis, 1, effort(3), uncut=False))
        whole = set(_options(lengths, axis, 1, effort(3), uncut=True))
        assert COSINE in whole
        assert COSINE not in cut
        assert cut | {COSINE} == whole
    short = set(_options((40, 180, 160), 0, 1, effort(3), uncut=False))
    assert LEARNED not in short


def test_a_plan_for_the_middle_alone_is_not_taken() -> None:
    """Waves in the middle, a step outside: what suits the part costs bytes everywhere else."""
    field = np.zeros((96, 160, 160), np.float32)
    places = np.mgrid[:96, :160, :160]
    field += np.where(((places[1] // 5) + (places[2] // 7)) % 3 == 0, 1.0, 0.0)
    middle = np.cos(np.pi * (2 * places[1] + 1) * 9 / 320)
    field[:, 64:96, 64:96] = middle[:, 64:96, 64:96]
    plan = choose_plan(field, 1, 0.1, effort(3), 1)
    larger = central_part(field, 1 << 21)
    costs = [
        trial_cost(larger, part_plan(chosen, larger.shape), 0.1, field.size, effort(3))
        for chosen in (plan, joint_plan(field.shape, 1))
    ]
    assert costs[0] <= costs[1]


def test_prediction_is_chosen_for_spikes() -> None:
    """Lone integers on zeros: a wavelet smears them."""
    rng = np.random.default_rng(5)
    spikes = np.where(rng.random((40, 40, 40)) < 0.01, rng.integers(1, 9, (40, 40, 40)), 0)
    assert choose_plan(spikes.astype(np.float32), 1, 0.3, effort(0), 1) == PLAIN


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(threads: int) -> None:
    field = waves(24)
    assert choose_plan(field, 1, 0.1, effort(1), threads) == choose_plan(
        field, 1, 0.1, effort(1), 2
    )
