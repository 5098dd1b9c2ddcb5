"""Reports of a run, as JSON and as JUnit XML."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .suite import SuiteCase


@dataclass(frozen=True)
class Result:
    """Result of one case, which passed if there are no problems."""

    case: SuiteCase
    status: str
    problems: list[str]
    seconds: float


def failures(results: Sequence[Result]) -> int:
    """Return how many cases failed."""
    return sum(1 for result in results if result.problems)


def write_json(results: Sequence[Result], path: Path) -> None:
    """Write a report as JSON."""
    entries = [
        {
            "id": result.case.id,
            "spec": result.case.info["spec"],
            "expect": result.case.expect,
            "status": result.status,
            "passed": not result.problems,
            "problems": result.problems,
            "seconds": round(result.seconds, 3),
        }
        for result in results
    ]
    failed = failures(results)
    report = {"passed": len(results) - failed, "failed": failed, "cases": entries}
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def write_junit(results: Sequence[Result], path: Path) -> None:
    """Write a report as JUnit XML."""
    root = ElementTree.Element(
        "testsuite",
        name="inrc-conformance",
        tests=str(len(results)),
        failures=str(failures(results)),
    )
    for result in results:
        folder, _, name = result.case.id.rpartition("/")
        element = ElementTree.SubElement(
            root,
            "testcase",
            classname=folder.replace("/", "."),
            name=name,
            time=f"{result.seconds:.3f}",
        )
        if result.problems:
            failure = ElementTree.SubElement(element, "failure", message=result.problems[0])
            failure.text = "\n".join(result.problems)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
