"""Part 2: mutants with right CRCs and digests, a sample of them judged by the reference decoder."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from measuring.peak_memory import PeakMemory

from robustness.container import take_apart
from robustness.damage import count
from robustness.judging import DISAGREE, OTHER_VALUES, judge
from robustness.mutations import mutant
from robustness.reading import SMALL, Outcome, attempt, quietly
from robustness.tally import Tally
from robustness.vectors import Vector


@dataclass(frozen=True)
class Mutants:
    """Cases of mutants; the number of a case and the seed make it.

    Attributes:
        vectors: files to change.
        seed: seed of all choices.
        judged_every: number N; the reference decoder is given what was read, and one in N of the
            files refused; 0 for none at all.
    """

    vectors: tuple[Vector, ...]
    seed: int = 1
    judged_every: int = 10
    patience: float = 600.0

    def prepare(self) -> None:
        quietly()

    def make(self, number: int) -> tuple[Vector, bytes, bool]:
        """The vector it is made from, the mutant, and whether its digests are known."""
        random = Random(f"{self.seed}:{number}")  # noqa: S311 (not for secrets)
        vector = random.choice(self.vectors)
        with vector.priors():
            changed = mutant(random, take_apart(vector.data)).digested()
            return vector, changed.to_bytes(), changed.complete

    def try_case(self, number: int) -> Tally:
        """One mutant."""
        tally, memory = Tally(), PeakMemory()
        vector, data, complete = self.make(number)
        name = f"mutant {number} of {vector.name}"
        with vector.priors():
            memory.start()
            outcome = attempt(data, SMALL)
            tally.bytes = (memory.growth, name)
            count(tally, name, outcome)
            if not outcome.escaped and self._judged(number, outcome):
                verdict, words = judge(data, outcome, digests_known=complete)
                tally.judged[verdict] += 1
                if verdict == DISAGREE:
                    tally.wrong.append(f"{name}: {words}")
                elif verdict == OTHER_VALUES:
                    tally.remarks.append(f"{name}: {words}")
        return tally

    def _judged(self, number: int, outcome: Outcome) -> bool:
        every = self.judged_every
        return every > 0 and (outcome.accepted or number % every == 0)
