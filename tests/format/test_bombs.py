"""Small files that ask for much are refused before anything is allocated or computed."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from robustness.bombs import BYTES, SECONDS, Bomb, bombs
from robustness.reading import attempt

import codec
from codec import Limits
from codec.errors import InrcError, LimitError, MemoryLimitError
from tests.building import coded_mask, constant_file, fvsrn_file

# Processors differ; the benchmark measures what a refusal takes.
PATIENCE = 10


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported() -> None:
    mask = coded_mask(np.arange(30).reshape(6, 5) % 7 != 0, np.zeros(5, "f4"))
    assert attempt(fvsrn_file((6, 5), sparse=True, mask=mask), Limits()).accepted


@pytest.mark.parametrize("bomb", list(bombs()), ids=lambda bomb: bomb.name)
def test_a_bomb_is_refused_at_once(bomb: Bomb) -> None:
    data = bomb.make()
    seconds = min(attempt(data, bomb.limits).seconds for _ in range(3))
    tracemalloc.start()
    try:
        found = attempt(data, bomb.limits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.escaped == ""
    assert found.error in bomb.errors
    assert seconds < PATIENCE * SECONDS
    assert peak < BYTES


def test_the_bombs_are_of_every_architecture() -> None:
    names = " ".join(bomb.name for bomb in bombs())
    for plugin in codec.plugins():
        if plugin.kind == "architecture" and plugin.name != "constant":
            assert f"{plugin.name}: " in names


def test_too_little_memory_is_a_limit_and_an_error_of_ours() -> None:
    """An array of 2^50 bytes is more than any machine has."""
    data = constant_file((1 << 47,), dtype="f8")
    limits = Limits(max_samples=1 << 50)
    with codec.open(data, limits=limits, device="cpu") as file:
        with pytest.raises(LimitError, match="not enough memory") as caught:
            file["v0"][...]
        assert isinstance(caught.value, InrcError)
        # Who tries again with less, as tiles do, still sees what it is.
        assert isinstance(caught.value, MemoryError)
        assert isinstance(caught.value, MemoryLimitError)
        assert file["v0"][:3].tolist() == [2.5] * 3
