"""Which requirements of the format text have a vector.

`python -m inrc_conformance.coverage --spec ../format_spec` lists the ids without one. It exits
with 1 when `LIMITATIONS.md` does not name one of them, or a vector names an id that is not there.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .console import say
from .suite import DEFAULT_SUITE, SuiteCase, load_suite

LIMITATIONS = Path(__file__).resolve().parent.parent / "LIMITATIONS.md"
_DEFINITION = re.compile(r"\[([A-Z]{2,}-[0-9]+)\]")
_MENTION = re.compile(r"\b[A-Z]{2,}-[0-9]+\b")
_NOT_OF_THE_FORMAT = ("META-",)


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


def spec_ids(spec: Path) -> list[str]:
    """Return the ids in square brackets of all pages of the text, but for those of media."""
    return _sorted(name for name in _all_ids(spec) if not name.startswith(_NOT_OF_THE_FORMAT))


def _all_ids(spec: Path) -> set[str]:
    """Return the ids in square brackets of all pages; vectors of media need not be there."""
    found: set[str] = set()
    for page in spec.rglob("*.md"):
        found.update(_DEFINITION.findall(page.read_text(encoding="utf-8")))
    return found


def explained_ids(limitations: Path) -> set[str]:
    """Return the ids that the section on ids without a vector names."""
    _, _, section = limitations.read_text(encoding="utf-8").partition("## Ids without a vector")
    names = (_MENTION.match(line.removeprefix("- ")) for line in section.splitlines())
    return {name.group() for name in names if name}


def coverage(spec: Path, cases: Iterable[SuiteCase], limitations: Path = LIMITATIONS) -> Coverage:
    """Compare the ids of the text, those of the vectors and those of the limitations."""
    vectors = dict.fromkeys(spec_ids(spec), 0)
    unknown: set[str] = set()
    known = _all_ids(spec)
    for one in cases:
        for name in one.info["spec"]:
            if name in vectors:
                vectors[name] += 1
            elif name not in known:
                unknown.add(name)
    uncovered = {name for name, number in vectors.items() if not number}
    explained = explained_ids(limitations)
    return Coverage(
        vectors, _sorted(unknown), _sorted(uncovered - explained), _sorted(explained - uncovered)
    )


def _sorted(names: Iterable[str]) -> list[str]:
    """Sort ids by their letters, then by their number."""
    return sorted(names, key=lambda name: (name.split("-")[0], int(name.split("-")[-1])))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the ids without a vector and what else is wrong."""
    parser = argparse.ArgumentParser(prog="inrc-coverage", description=__doc__)
    parser.add_argument("--spec", type=Path, required=True, metavar="DIR")
    parser.add_argument("--suite", type=Path, default=DEFAULT_SUITE, metavar="DIR")
    options = parser.parse_args(arguments)
    found = coverage(options.spec, load_suite(options.suite))
    for name in found.uncovered:
        reason = "not explained" if name in found.unexplained else "see LIMITATIONS.md"
        say(f"{name}: no vector ({reason})")
    for name in found.unknown:
        say(f"{name}: named by a vector, but not in the text")
    for name in found.obsolete:
        say(f"{name}: LIMITATIONS.md says that it has no vector")
    number = len(found.vectors)
    say(f"{number - len(found.uncovered)} of {number} requirements have a vector")
    return 1 if not number or found.unknown or found.unexplained or found.obsolete else 0


if __name__ == "__main__":
    sys.exit(main())
