"""Exactness (L1) of the context layer: the sums behind a coded bit do not depend on their order.

A decoder may add in any order, on any device, in floating point where that is exact:

(a) The neighbourhood sum (step 1 of a band in inrc-1.md, section 7.4) adds at most 20 integers,
    each a magnitude of at most 32767 times 4, 2 or 1. Every partial sum is an integer below 2^24,
    which float32 holds exactly, so float32, float64 and integers agree in every order.
(b) The sums of features times trust (G), of squared features (H) and of weights times stretched
    chances (the mixed bit) are integers below 2^53, so float64 and integers agree in every order.
    They reach far beyond 2^24 (one weight of 2^20 times a logit of 2000 does), so float32 rounds,
    and how depends on the order: it must not be used there. Nor may even float64 for E, the energy
    of the low band's differences, which reaches 2^56.

The sums are taken from coding a small lattice with the plain Python version of the kernels.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codec.entropy.mixing import coder, masks, state
from codec.entropy.mixing.tables import REACH, TABLES
from tests.conftest import ROOTS

EXACT32, EXACT64 = 1 << 24, 1 << 53
# Clamps of section 7.4.
MAGNITUDE, FINE, TRUST, WEIGHT, LOGIT, DIFFERENCE, GAIN = (
    32767, 47, 1 << 20, 1 << 20, 2815, 1 << 26, 1 << 20,
)  # fmt: skip
ORDERS = 8

RECORDER = """
import sys
import numpy as np
from codec.entropy.mixing import coder, kernels, magnitudes
from codec.entropy.lattice import Lattice

sums = {name: [] for name in ("near", "near_weights", "a", "features", "trust", "g", "h",
                              "stretched", "weights", "chance")}
estimate_level, set_contexts = kernels.estimate_level, kernels.set_contexts
mixed_chance = magnitudes.mixed_chance

def padded(values):
    return [*values, *[0] * 24][:24]

def recording_level(scratch, cell, taps, around, fine):
    estimate = estimate_level(scratch, cell, taps, around, fine)
    for name, values in (("features", scratch.features), ("trust", scratch.trust)):
        sums[name].append(padded(values))
    sums["g"].append(estimate.level)
    sums["h"].append(estimate.energy)
    return estimate

def recording_contexts(mixer, cells, cell, taps, band, around, *others):
    sums["near"].append(padded(abs(int(cells[cell + step])) for step in taps.steps))
    sums["near_weights"].append(padded(taps.weights))
    sums["a"].append(around.near)
    return set_contexts(mixer, cells, cell, taps, band, around, *others)

def recording_chance(mixer, inputs, offset, row, guess, tables):
    chance = mixed_chance(mixer, inputs, offset, row, guess, tables)
    sums["stretched"].append(list(mixer.logits))
    sums["weights"].append(list(mixer.weights[row]))
    sums["chance"].append(chance)
    return chance

kernels.estimate_level, kernels.set_contexts = recording_level, recording_contexts
magnitudes.mixed_chance = recording_chance

lattice = Lattice((3, 4, 6, 5), (1, 1, 2, 2))
random = np.random.default_rng(0)
for scale in (0.8, 30.0, 1e6):
    values = np.rint(random.laplace(0, scale, lattice.size)).astype(np.int32)
    coder.encode_lattice(lattice, values)
np.savez(sys.argv[1], **{name: np.array(values, np.int64) for name, values in sums.items()})
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Per coded coefficient or bit: factors of its sums, and what the kernels made of them."""
    target = tmp_path_factory.mktemp("contexts") / "sums.npz"
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join(map(str, ROOTS)),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RECORDER, str(target)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(Path(target)) as sums:
        return dict(sums)


def orders(terms: int) -> list[Any]:
    random = np.random.default_rng(1)
    return [np.arange(terms), *(random.permutation(terms) for _ in range(ORDERS))]


def summed(first: Any, second: Any, order: Any, dtype: Any) -> Any:
    """Sums of products along the last axis, one term after the other, all of it in `dtype`."""
    total = np.zeros(first.shape[:-1], dtype)
    for index in order:
        total = total + first[..., index].astype(dtype) * second[..., index].astype(dtype)
    assert total.dtype == dtype
    return total


def assert_exact(first: Any, second: Any, dtypes: tuple[Any, ...]) -> Any:
    exact = [sum(a * b for a, b in zip(*pair, strict=True)) for pair in zip(
        first.tolist(), second.tolist(), strict=True)]  # fmt: skip
    for order in orders(first.shape[-1]):
        for dtype in dtypes:
            total = summed(first, second, order, dtype)
            assert np.array_equal(total.astype(np.int64), exact)
    return np.array(exact)


def widest() -> state.Taps:
    return coder._taps((3, 3, 3, 3))


def test_neighbourhood_sums_are_exact_in_float32_in_any_order(recorded: dict[str, Any]) -> None:
    near, weights = recorded["near"], recorded["near_weights"]
    exact = assert_exact(near, weights, (np.float32, np.float64, np.int32, np.int64))
    # These are the sums that the kernel used, and some are as large as they get.
    norms = (1 << 20) // np.maximum(weights.sum(1), 1)
    assert np.array_equal((exact * norms) >> 16, recorded["a"])
    assert near.max() == MAGNITUDE
    assert len(near) > 500


def test_no_neighbourhood_sum_reaches_2_to_the_24() -> None:
    """The widest neighbourhood is that of four axes: 4 + 12 + 4 taps."""
    weights = widest().weights
    assert sorted(weights.tolist()) == [1] * 4 + [2] * 12 + [4] * 4
    assert state.MAGNITUDE_LIMIT == MAGNITUDE
    assert MAGNITUDE * int(weights.sum()) < EXACT32
    worst = np.full((1, len(weights)), MAGNITUDE)
    assert_exact(worst, weights[None], (np.float32, np.float64))


def test_feature_sums_are_exact_in_float64_in_any_order(recorded: dict[str, Any]) -> None:
    features, trust = recorded["features"], recorded["trust"]
    dtypes = (np.float64, np.int64)
    assert np.array_equal(assert_exact(features, trust, dtypes), recorded["g"])
    assert np.array_equal(assert_exact(features, features, dtypes), recorded["h"])
    assert features.min() >= 0
    assert features.max() <= FINE
    assert np.abs(trust).max() <= TRUST


def test_mixing_sums_are_exact_in_float64_in_any_order(recorded: dict[str, Any]) -> None:
    stretched, weights = recorded["stretched"], recorded["weights"]
    exact = assert_exact(stretched, weights, (np.float64, np.int64))
    logits = np.clip(exact >> 16, -REACH, REACH)
    assert np.array_equal(TABLES.squash[logits + REACH], recorded["chance"])
    assert np.abs(stretched).max() <= LOGIT
    assert np.abs(weights).max() <= WEIGHT
    assert len(weights) > 2000


def test_no_feature_or_mixing_sum_reaches_2_to_the_53() -> None:
    terms = len(widest().weights) + 3
    assert int(TABLES.fine.max()) == FINE
    assert int(np.abs(TABLES.stretch).max()) <= LOGIT == REACH
    largest = (
        terms * FINE * TRUST,
        terms * FINE * FINE,
        max(state.INPUTS, masks.INPUTS) * LOGIT * WEIGHT,
        (terms - 3) * GAIN * DIFFERENCE,
    )
    assert all(bound < EXACT64 for bound in largest)
    worst = np.full((1, terms), FINE), np.full((1, terms), TRUST)
    assert_exact(*worst, (np.float64, np.int64))


def test_what_the_docstring_says_is_not_exact_is_not() -> None:
    """Within the clamps of (b), float32 gives other sums, and not the same in every order."""
    random = np.random.default_rng(7)
    for terms, highest, clamp in ((23, FINE, TRUST), (state.INPUTS, LOGIT, WEIGHT)):
        factors = random.integers(0, highest, (50, terms)), random.integers(-clamp, clamp, terms)
        exact = summed(*factors, range(terms), np.int64)
        rounded = [summed(*factors, order, np.float32) for order in orders(terms)]
        assert not any(np.array_equal(sums.astype(np.int64), exact) for sums in rounded)
        assert any(not np.array_equal(sums, rounded[0]) for sums in rounded)
    assert len(widest().weights) * DIFFERENCE**2 > EXACT64
