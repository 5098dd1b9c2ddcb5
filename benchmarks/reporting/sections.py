"""Sections of RESULTS.md and of other Markdown pages that a benchmark writes again."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS_PAGE = REPOSITORY / "benchmarks" / "RESULTS.md"
RESULTS_FOLDER = REPOSITORY / "benchmarks" / "results"


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
