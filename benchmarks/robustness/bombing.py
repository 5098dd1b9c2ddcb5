"""Part 3: files that ask for much, each in a fresh process and under tracemalloc."""

from __future__ import annotations

import resource
import tracemalloc
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from codec import Limits
from robustness.bombs import BYTES, SECONDS, Bomb, bombs
from robustness.reading import Outcome, attempt, quietly
from robustness.vectors import valid_vectors

# Vectors are read first, one in this many: imports and compiled code are no part of a refusal.
_WARMING = 40


@dataclass(frozen=True)
class Refusal:
    """Cost of refusing a bomb.

    Attributes:
        bomb: file that was refused.
        file_bytes: size of the file.
        outcome: outcome of reading it.
        traced: bytes that Python and NumPy allocated at most.
        resident: bytes by which the peak of a fresh process grew.
    """

    bomb: Bomb
    file_bytes: int
    outcome: Outcome
    traced: int
    resident: int

    @property
    def right(self) -> bool:
        """Whether it was refused by the right error, fast and with little memory."""
        return (
            self.outcome.error in self.bomb.errors
            and self.outcome.seconds < SECONDS
            and max(self.traced, self.resident) < BYTES
        )


def refusals() -> list[Refusal]:
    """Refusals of all bombs."""
    quietly()
    for vector in valid_vectors()[::_WARMING]:
        with vector.priors():
            attempt(vector.data, Limits.level(1))
    return [Refusal(bomb, *_in_a_child(bomb)) for bomb in bombs()]


def _in_a_child(bomb: Bomb) -> tuple[int, Outcome, int, int]:
    """A forked child starts with the parent's memory and a high-water mark of its own."""
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    data = bomb.make()
    child: Any = context.Process(target=_measure, args=(bomb, data, there), daemon=True)
    child.start()
    figures: tuple[Outcome, int, int] = here.recv()
    child.join()
    return (len(data), *figures)


def _measure(bomb: Bomb, data: bytes, pipe: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # The shortest of three times is that of the work itself, where others use the machine as well.
    outcomes = [attempt(data, bomb.limits) for _ in range(3)]
    outcome = min(outcomes, key=lambda outcome: outcome.seconds)
    resident = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    tracemalloc.start()
    attempt(data, bomb.limits)
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    pipe.send((outcome, traced, resident))
