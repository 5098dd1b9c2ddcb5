"""Figures: measured numbers, with their targets, as rows of a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring.processes import Finished

MIB = 1 << 20
THREADS = 2


@dataclass(frozen=True)
class Figure:
    """Measured number, and what it should be.

    Attributes:
        name: subject, as `--only` takes it.
        volume: what it was measured on.
        what: the quantity.
        value: measured number.
        unit: unit of `value`.
        sense: "<" or ">=": how `value` should relate to `target`.
        target: the bound, or None where the number is only for information.
        note: how it was measured, or what else was seen.
    """

    name: str
    volume: str
    what: str
    value: float
    unit: str
    sense: str = ""
    target: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        return self.value < self.target if self.sense == "<" else self.value >= self.target


@dataclass(frozen=True)
class Encoded:
    """A volume encoded, with what the command cost and reported.

    `floats` are the fitted parameters as float16 before any was pruned or quantised, where known.
    """

    volume: str
    source: Path
    path: Path
    cost: Finished
    report: dict[str, Any]
    floats: bytes = b""


def to_table(figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    lines = [
        "| volume | quantity | measured | target | | how |",
        "|---|---|---:|---:|---|---|",
    ]
    for figure in figures:
        target = "" if figure.target is None else f"{figure.sense} {figure.target:g}"
        verdict = {True: "pass", False: "**fail**", None: ""}[figure.passed]
        lines.append(
            f"| {figure.volume} | {figure.what} | {figure.value:.4g} {figure.unit}".rstrip()
            + f" | {target} | {verdict} | {figure.note} |"
        )
    return "\n".join(lines)
