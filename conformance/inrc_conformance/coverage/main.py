"""Coverage of the requirements of the format text by vectors.

`python -m inrc_conformance.coverage` lists the ids without one. It exits with 1 when
`LIMITATIONS.md` does not name one of them, a vector names an id that is not there, a sentence that
requires something has no id, or `COVERAGE.md` is stale (`--write` makes it).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..console import say
from ..runner.suite import DEFAULT_SUITE, SuiteCase, load_suite
from .page import COVERAGE, counted, page, unexplained
from .requirements import ids, in_order, nameless

LIMITATIONS = Path(__file__).resolve().parents[2] / "LIMITATIONS.md"
SPEC = LIMITATIONS.parent.parent / "format_spec"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_MENTION = re.compile(r"\b[A-Z]{2,}-[0-9]+\b")


@dataclass(frozen=True)
class Coverage:
    """Ids of the text with the number of their vectors, and what is wrong with them."""

    vectors: dict[str, int]
    unknown: list[str]
    """Ids that vectors name and the text lacks."""
    unexplained: list[str]
    """Ids without a vector that the limitations do not name."""
    obsolete: list[str]
    """Ids that the limitations name although they have vectors, or that do not exist."""

    @property
    def uncovered(self) -> list[str]:
        """Ids of the text without a vector."""
        return [name for name, number in self.vectors.items() if not number]


def explained_ids(limitations: Path) -> set[str]:
    """Return the ids that the section on ids without a vector names."""
    _, _, section = limitations.read_text(encoding="utf-8").partition("## Ids without a vector")
    names = (_MENTION.match(line.removeprefix("- ")) for line in section.splitlines())
    return {name.group() for name in names if name}


def named_tests(limitations: Path) -> list[tuple[str, str]]:
    """Return path and name of each test that the limitations name."""
    return _TEST.findall(limitations.read_text(encoding="utf-8"))


def coverage(spec: Path, cases: Iterable[SuiteCase], limitations: Path = LIMITATIONS) -> Coverage:
    """Compare the ids of the text, those of the vectors and those of the limitations."""
    vectors = dict.fromkeys(ids(spec), 0)
    unknown: set[str] = set()
    for case in cases:
        for name in case.info["spec"]:
            if name in vectors:
                vectors[name] += 1
            else:
                unknown.add(name)
    uncovered = {name for name, number in vectors.items() if not number}
    explained = explained_ids(limitations)
    return Coverage(
        vectors, in_order(unknown), in_order(uncovered - explained), in_order(explained - uncovered)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the gaps of the coverage; return 1 when one of them is not explained."""
    parser = argparse.ArgumentParser(prog="inrc-coverage", description=__doc__)
    parser.add_argument("--spec", type=Path, default=SPEC, metavar="DIR")
    parser.add_argument("--suite", type=Path, default=DEFAULT_SUITE, metavar="DIR")
    parser.add_argument("--write", action="store_true", help="write COVERAGE.md")
    options = parser.parse_args(arguments)
    cases = load_suite(options.suite)
    result = coverage(options.spec, cases)
    lines = [f"{name}: named by a vector, but not in the text" for name in result.unknown]
    lines += [f"{name}: no vector, and not explained" for name in result.unexplained]
    lines += [f"{name}: LIMITATIONS.md says that it has no vector" for name in result.obsolete]
    for paragraph in nameless(options.spec):
        place = f"{paragraph.page}:{paragraph.line}"
        lines.append(f"{place}: no id: {paragraph.text[:80]}")
    counts = counted(cases)
    lines += unexplained(counts)
    text = page(cases, counts, result.vectors)
    if options.write:
        COVERAGE.write_text(text, encoding="utf-8")
    elif not COVERAGE.exists() or COVERAGE.read_text(encoding="utf-8") != text:
        lines.append("COVERAGE.md is stale; python -m inrc_conformance.coverage --write")
    for line in lines:
        say(line)
    for name in result.uncovered:
        say(f"{name}: no vector (see LIMITATIONS.md)")
    number = len(result.vectors)
    say(f"{number - len(result.uncovered)} of {number} requirements have a vector")
    return 1 if lines or not number else 0
