"""A suite on disk: finding its cases and choosing among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

DEFAULT_SUITE = Path(__file__).resolve().parent.parent / "vectors" / "v1"


@dataclass(frozen=True)
class SuiteCase:
    """One folder of a suite with its `case.json`."""

    folder: Path
    info: dict[str, Any]

    @property
    def id(self) -> str:
        """The id, which is also the folder's path inside the suite."""
        return str(self.info["id"])

    @property
    def expect(self) -> str:
        """ok, malformed, unsupported or limit."""
        return str(self.info["expect"])

    @property
    def input(self) -> Path:
        """The file to decode."""
        return self.folder / "input.inrc"


def load_suite(root: Path) -> list[SuiteCase]:
    """Return all cases of a suite, sorted by id."""
    cases = [
        SuiteCase(path.parent, json.loads(path.read_text(encoding="utf-8")))
        for path in root.rglob("case.json")
    ]
    return sorted(cases, key=lambda one: one.id)


def select(
    cases: Sequence[SuiteCase], run: Sequence[str] = (), skip: Sequence[str] = ()
) -> list[SuiteCase]:
    """Choose by globs on the id, in which `*` also matches `/`."""
    return [
        one
        for one in cases
        if (not run or any(fnmatchcase(one.id, glob) for glob in run))
        and not any(fnmatchcase(one.id, glob) for glob in skip)
    ]
