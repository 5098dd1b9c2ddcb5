"""Counts of the inputs of a part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# Number of examples that are named, of everything that is wrong.
_EXAMPLES = 50


@dataclass
class Tally:
    """Counts of a part; they add up.

    Attributes:
        inputs: number of inputs tried.
        rejected: number of inputs refused, by class of the error.
        accepted: number of inputs read to the end without an error.
        wrong: accepted inputs that should have been refused; it must stay empty.
        escaped: inputs that made something else than an `InrcError` leave the reader.
        remarks: observations that are no fault.
        written: number of files written, by suffix.
        judged: number of inputs that the reference decoder judged, by its agreement.
        seconds, bytes: time and additional memory of the input that took most, with its name.
    """

    inputs: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    wrong: list[str] = field(default_factory=list)
    escaped: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    written: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    seconds: tuple[float, str] = (0.0, "")
    bytes: tuple[int, str] = (0, "")

    def add(self, other: Tally) -> None:
        """Count what `other` counted, too."""
        self.inputs += other.inputs
        self.rejected += other.rejected
        self.accepted += other.accepted
        self.wrong += other.wrong[: _EXAMPLES - len(self.wrong)]
        self.escaped += other.escaped[: _EXAMPLES - len(self.escaped)]
        self.remarks += other.remarks[: _EXAMPLES - len(self.remarks)]
        self.written += other.written
        self.judged += other.judged
        self.seconds = max(self.seconds, other.seconds)
        self.bytes = max(self.bytes, other.bytes)

    @property
    def clean(self) -> bool:
        """Whether nothing happened that must not."""
        return not (self.wrong or self.escaped)
