"""Requirements of the format text: their ids, and sentences that require something without one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

DEFINITION = re.compile(r"\[([A-Z]{2,}-[0-9]+)\]")
_WORD = re.compile(r"\b(MUST|SHALL|REQUIRED)\b|\bis malformed\b|\bare malformed\b|\*unsupported\*")
_CONVENTION = re.compile(
    r"MUST[^.]* used as in\s+RFC 2119|^- Outcomes of a decoder|^- Unknown critical"
)
"""Paragraphs that say what the words mean, or that repeat what a requirement says."""
_NEW_BLOCK = re.compile(r"^\s*([-*] |[0-9]+\. |#|\|)")


@dataclass(frozen=True)
class Nameless:
    """A paragraph or an entry of a list that requires something and has no id."""

    page: str
    line: int
    text: str


def pages(spec: Path) -> list[Path]:
    """Return all pages of the text."""
    return sorted(spec.rglob("*.md"))


def ids(spec: Path) -> list[str]:
    """Return the ids in square brackets of all pages."""
    return in_order({i for page in pages(spec) for i in DEFINITION.findall(_read(page))})


def in_order(names: Iterable[str]) -> list[str]:
    """Sort ids by their letters, then by their number."""
    return sorted(names, key=lambda name: (name.split("-")[0], int(name.split("-")[-1])))


def defined_twice(spec: Path) -> list[str]:
    """Return the ids that stand in square brackets more than once."""
    names = [i for page in pages(spec) for i in DEFINITION.findall(_read(page))]
    return in_order({name for name in names if names.count(name) > 1})


def nameless(spec: Path) -> list[Nameless]:
    """Return the paragraphs that require something and have no id."""
    return [
        Nameless(page.relative_to(spec).as_posix(), line, " ".join(text.split()))
        for page in pages(spec)
        for line, text in _blocks(_read(page))
        if _WORD.search(text) and not DEFINITION.search(text) and not _CONVENTION.search(text)
    ]


def _read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Cut a page into paragraphs, entries of lists and rows of tables, each with its first line."""
    block: list[str] = []
    start = 1
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if block and (not line.strip() or _NEW_BLOCK.match(line)):
            yield start, "\n".join(block)
            block = []
        if line.strip():
            start = start if block else number
            block.append(line)
