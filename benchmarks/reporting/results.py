"""How results are written down: the machine, Markdown tables, and sections of RESULTS.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import torch

import codec

if TYPE_CHECKING:
    from main_figures.figures import Figure


def describe_machine() -> dict[str, str]:
    """What a reader needs to judge the numbers."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "inrc": codec.__version__,
        "CPU": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "Python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    """The CPU's own name for itself, or its architecture."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    found = {}
    for key in ("model name", "cpu family", "model"):
        match = re.search(rf"^{key}\s*:\s*(.+)$", text, re.MULTILINE)
        found[key] = match[1] if match else "?"
    return f"{found['model name']} (family {found['cpu family']}, model {found['model']})"


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


def replace_section(path: Path, name: str, text: str) -> None:
    """Write `text` as the section `## name` of a Markdown file, in place of the one there is."""
    old = path.read_text(encoding="utf-8") if path.exists() else "# Measured results\n"
    section = f"## {name}\n\n{text.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(name)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(old):
        new = pattern.sub(lambda match: section + ("\n" if match.end() < len(old) else ""), old)
    else:
        new = old.rstrip() + "\n\n" + section
    path.write_text(new, encoding="utf-8")
