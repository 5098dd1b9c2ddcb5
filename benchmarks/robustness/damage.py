"""Part 1: all prefixes, and all files with one bit flipped, of the valid vectors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from measuring.peak_memory import PeakMemory

from codec import Limits
from robustness.reading import Outcome, attempt, quietly
from robustness.tally import Tally
from robustness.vectors import Vector

_LIMITS = Limits.level(1)


@dataclass(frozen=True)
class Damage:
    """Cases of damage, one for each vector.

    Attributes:
        vectors: files to damage.
        kind: "prefixes" or "flips".
    """

    vectors: tuple[Vector, ...]
    kind: str
    # A case has up to 70,000 inputs, and the machine may be busy.
    patience: float = 3600.0

    def prepare(self) -> None:
        quietly()

    def try_case(self, number: int) -> Tally:
        """All inputs that come of one vector."""
        vector = self.vectors[number]
        tally, memory = Tally(), PeakMemory()
        with vector.priors():
            whole = attempt(vector.data, _LIMITS)
            memory.start()
            inputs = _prefixes if self.kind == "prefixes" else _flips
            for place, data in inputs(vector.data):
                outcome = attempt(data, _LIMITS, whole=False)
                if outcome.accepted:
                    outcome = attempt(data, _LIMITS)
                count(tally, f"{vector.name} at {place}", outcome)
                if outcome.accepted and self._is_wrong(outcome, whole):
                    tally.wrong.append(f"{vector.name} at {place}")
        tally.bytes = (memory.growth, vector.name)
        return tally

    def _is_wrong(self, outcome: Outcome, whole: Outcome) -> bool:
        """A cut file is never right; one with a flipped bit only if nothing decoded differs."""
        return self.kind == "prefixes" or outcome.digest != whole.digest


def count(tally: Tally, name: str, outcome: Outcome) -> None:
    """Count one input."""
    tally.inputs += 1
    tally.seconds = max(tally.seconds, (outcome.seconds, name))
    if outcome.escaped:
        tally.escaped.append(f"{name}: {outcome.escaped.strip().splitlines()[-1]}")
    elif outcome.error:
        tally.rejected[outcome.error] += 1
    else:
        tally.accepted += 1


def _prefixes(data: bytes) -> Iterator[tuple[str, bytes]]:
    for size in range(len(data)):
        yield f"byte {size}", data[:size]


def _flips(data: bytes) -> Iterator[tuple[str, bytes]]:
    damaged = bytearray(data)
    for bit in range(8 * len(data)):
        damaged[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit}", bytes(damaged)
        damaged[bit // 8] ^= 1 << bit % 8


def seconds_of(vectors: tuple[Vector, ...], kind: str) -> float:
    """About how long a part takes in one process, from a few of the smaller vectors."""
    part = Damage(vectors[:: max(1, len(vectors) // 12)][:12], kind)
    part.prepare()
    # Imports and compilation happen before the clock starts.
    part.try_case(0)
    started = time.perf_counter()
    inputs = sum(part.try_case(number).inputs for number in range(len(part.vectors)))
    each = (time.perf_counter() - started) / inputs
    return each * sum(len(vector.data) for vector in vectors) * (8 if kind == "flips" else 1)
