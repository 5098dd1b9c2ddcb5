"""Part 5: `codec.repair` and `allow_truncated` on damaged files, mutants and cut files."""

from __future__ import annotations

import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from measuring.peak_memory import PeakMemory

import codec
from codec.errors import InrcError
from codec.reading.contents import FileContents
from codec.reports import RepairReport
from robustness.accidents import accident
from robustness.container import take_apart
from robustness.mutations import mutant
from robustness.promises import Content, broken
from robustness.reading import SMALL, quietly
from robustness.tally import Tally
from robustness.vectors import Vector

# Kinds of cases: their numbers decide.
DAMAGED, MUTANTS, CUT = KINDS = ("damaged", "mutants", "cut")
WITHOUT_LOSS, WITH_LOSS, UNSEEN = (
    "repaired without loss",
    "repaired with loss",
    "of these seen by no check",
)
READ = "read as far as it goes"


@dataclass(frozen=True)
class Repairs:
    """Cases of damaged files; the number of a case and the seed make it.

    Attributes:
        vectors: files to damage.
        kind: one of `KINDS`.
        seed: seed of all choices.
    """

    vectors: tuple[Vector, ...]
    kind: str
    seed: int = 1
    patience: float = 600.0

    def prepare(self) -> None:
        quietly()
        # Imports and compilation happen before anything is counted.
        for vector in self.vectors[:: max(1, len(self.vectors) // 40)]:
            with vector.priors(), codec.open(vector.data, device="cpu", threads=1) as file:
                file.check_digest()

    def make(self, number: int) -> tuple[Vector, str, bytes]:
        """The vector, what happens to it, and the file that comes of it."""
        random = Random(f"{self.seed}:{self.kind}:{number}")  # noqa: S311 (not for secrets)
        vector = random.choice(self.vectors)
        if self.kind == DAMAGED:
            return vector, *accident(random, vector.data)
        if self.kind == CUT:
            size = random.randrange(len(vector.data))
            return vector, f"cut at {size}", vector.data[:size]
        with vector.priors():
            changed = mutant(random, take_apart(vector.data)).digested()
        return vector, "changed", changed.to_bytes()

    def try_case(self, number: int) -> Tally:
        """One file."""
        vector, words, data = self.make(number)
        tally, memory = Tally(inputs=1), PeakMemory()
        name = f"{self.kind} {number} ({vector.name}, {words})"
        attempt = _read_what_is_left if self.kind == CUT else _repair
        with vector.priors():
            # The content before the damage is read before the clock starts.
            before = None if self.kind == MUTANTS else content_of(vector)
            memory.start()
            started = time.process_time()
            try:
                complaints = attempt(data, before, tally)
            except InrcError as error:
                tally.rejected[type(error).__name__] += 1
                complaints = []
            except Exception:  # noqa: BLE001 (what is looked for)
                tally.escaped.append(f"{name}: {traceback.format_exc().splitlines()[-1]}")
                complaints = []
        tally.seconds = (time.process_time() - started, name)
        tally.bytes = (memory.growth, name)
        tally.wrong += [f"{name}: {complaint}" for complaint in complaints[:3]]
        return tally


@lru_cache(maxsize=64)
def content_of(vector: Vector) -> Content:
    """Contents of a vector; its priors must be at hand."""
    return Content.of(vector.data)


def repaired(data: bytes, look: Callable[[RepairReport], list[str]]) -> list[str]:
    """Repair a file in a folder of its own; what is wrong with it, and with what stays there.

    Raises:
        InrcError: it cannot be repaired.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "damaged.inrc", Path(folder) / "new" / "repaired.inrc"
        target.parent.mkdir()
        source.write_bytes(data)
        try:
            report = codec.repair(source, target, limits=SMALL)
        except InrcError:
            if left := [path.name for path in target.parent.iterdir()]:
                return [f"refused, and left {left}"]
            raise
        wrong = look(report)
        if source.read_bytes() != data or [*target.parent.iterdir()] != [target]:
            wrong.append("other files were left, or the source was changed")
        return wrong


def _repair(data: bytes, before: Content | None, tally: Tally) -> list[str]:
    return repaired(data, lambda report: _judged(report, data, before, tally))


def _judged(report: RepairReport, data: bytes, before: Content | None, tally: Tally) -> list[str]:
    try:
        codec.verify(report.path, device="cpu", threads=1)
    except InrcError as error:
        return [f"what was written does not verify: {error}"]
    tally.accepted += 1
    tally.judged[WITH_LOSS if report.losses else WITHOUT_LOSS] += 1
    if before is None:
        return []
    if _verifies(data):
        # Two ITEM sections that changed places, for example, are another legal file.
        tally.judged[UNSEEN] += 1
        return []
    return list(broken(before, Content.of(report.path.read_bytes()), report.losses))


def _verifies(data: bytes) -> bool:
    try:
        with FileContents(data, device="cpu", threads=1) as file:
            file.streams.sections.check_all()
            file.check_digest()
    except InrcError:
        return False
    return True


def _read_what_is_left(data: bytes, before: Content | None, tally: Tally) -> list[str]:
    """Complaints about what is read of a cut file."""
    wrong = []
    fields = {} if before is None else before.fields
    with codec.open(data, device="cpu", threads=1, allow_truncated=True, limits=SMALL) as file:
        for name, view in file.items():
            values = view[...]
            if _is_finite(fields[name].values) and not _is_finite(values):
                wrong.append(f"{name!r} is not finite any more")
        dict(file.verbatim)
    tally.accepted += 1
    tally.judged[READ] += 1
    return wrong


def _is_finite(values: Any) -> bool:
    return bool(np.isfinite(values).all())
