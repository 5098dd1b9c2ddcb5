"""What is counted of the inputs of one part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# Of what is wrong, so many examples are kept by name.
_EXAMPLES = 50


@dataclass
class Tally:
    """Counts of one part; they add up.

    Attributes:
        inputs: tried.
        rejected: by class of the error.
        accepted: read to the end without an error.
        wrong: of the accepted ones, those that should not have been; must stay empty.
        escaped: inputs that made something else than an `InrcError` leave the reader.
        remarks: worth a look, but no fault.
        written: files that were written of inputs, by suffix.
        judged: inputs that the reference decoder was asked about, by its agreement.
        seconds, bytes: of the input that took most, with its name; memory beyond that before it.
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
