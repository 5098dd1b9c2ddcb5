"""A suite on disk: finding its cases and choosing among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .schema import case_schema, problems

DEFAULT_SUITE = Path(__file__).resolve().parents[2] / "vectors" / "v1"
FOLDERS = {"ok": "valid", "malformed": "malformed", "unsupported": "unsupported", "limit": "limit"}
INVALID = "invalid"
"""Folder of files that break a rule whose breach no decoder has to refuse."""


class SuiteError(Exception):
    """A suite that is not one: the message names the file."""


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
        """The outcome: ok, malformed, unsupported or limit."""
        return str(self.info["expect"])

    @property
    def architectures(self) -> list[str]:
        """The architecture of each item, in file order; of a bad file, those that it names."""
        return list(self.info["architectures"])

    @property
    def input(self) -> Path:
        """The file to decode."""
        return self.folder / "input.inrc"


def load_suite(root: Path) -> list[SuiteCase]:
    """Return all cases of a suite, sorted by id; raises `SuiteError` for a bad `case.json`."""
    schema = case_schema()
    cases: list[SuiteCase] = []
    for path in root.rglob("case.json"):
        try:
            info = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SuiteError(f"{path}: {error}") from None
        faults = problems(info, schema) or _misplaced(info, path.parent.relative_to(root))
        if faults:
            raise SuiteError(f"{path}: {faults[0]}")
        cases.append(SuiteCase(path.parent, info))
    return sorted(cases, key=lambda case: case.id)


def _misplaced(info: dict[str, Any], folder: Path) -> list[str]:
    """Compare the folder of a case with its id and its outcome."""
    if folder.as_posix() != info["id"]:
        return [f"id {info['id']!r} is not the folder"]
    if folder.parts[0] not in (FOLDERS[info["expect"]], INVALID):
        return [f"a case that expects {info['expect']} lies in {folder.parts[0]}"]
    return []


def select(
    cases: Sequence[SuiteCase], run: Sequence[str] = (), skip: Sequence[str] = ()
) -> list[SuiteCase]:
    """Choose by globs on the id, in which `*` also matches `/`."""
    return [
        case
        for case in cases
        if (not run or any(fnmatchcase(case.id, glob) for glob in run))
        and not any(fnmatchcase(case.id, glob) for glob in skip)
    ]
