"""Progress of nested stages as one number that never falls."""

from __future__ import annotations

from dataclasses import dataclass

from codec.measuring.metrics import peak_signal_to_noise
from codec.plugin_api.tasks import FitReport


@dataclass(frozen=True)
class StageProgress:
    """The part of a fit from `start` to `end`, as shares of the whole."""

    report: FitReport
    start: float = 0.0
    end: float = 1.0

    def part(self, start: float, end: float) -> StageProgress:
        """A part of this part."""
        width = self.end - self.start
        return StageProgress(self.report, self.start + start * width, self.start + end * width)

    def stage(self, name: str) -> StageReport:
        """The callback of one stage that fills this part."""
        return StageReport(self, name)


@dataclass(frozen=True)
class StageReport:
    """Called with the share of the stage that is done, and the loss."""

    part: StageProgress
    name: str

    def __call__(self, fraction: float, loss: float) -> None:
        done = self.part.start + fraction * (self.part.end - self.part.start)
        self.part.report(self.name, done, loss, peak_signal_to_noise(loss))
