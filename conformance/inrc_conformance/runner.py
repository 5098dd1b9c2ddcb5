"""The conformance runner: `inrc-conformance run|list|compare|selftest`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .check import check_outputs, check_real, check_status, load
from .console import say
from .processes import Batch, Driver, OneShot
from .suite import DEFAULT_SUITE, SuiteCase, load_suite, select


@dataclass(frozen=True)
class Result:
    """What came out of one case; no problems means that it passed."""

    case: SuiteCase
    status: str
    problems: list[str]
    seconds: float


def judge(driver: Driver, one: SuiteCase) -> Result:
    """Run one case in a folder of its own."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="inrc-conformance-") as folder:
        outdir = Path(folder) / "out"
        outdir.mkdir()
        status = driver.decode(one.id, one.input.resolve(), outdir)
        problems = check_status(one, status)
        if not problems and status == "ok":
            problems = check_outputs(one, outdir)
    return Result(one, status, problems, time.monotonic() - started)


def run_cases(
    make_driver: Callable[[], Driver], cases: Sequence[SuiteCase], jobs: int
) -> list[Result]:
    """Run cases in `jobs` threads, each with a driver of its own."""
    local = threading.local()
    drivers: list[Driver] = []

    def work(one: SuiteCase) -> Result:
        driver: Driver | None = getattr(local, "driver", None)
        if driver is None:
            driver = local.driver = make_driver()
            drivers.append(driver)
        return judge(driver, one)

    try:
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            return list(pool.map(work, cases))
    finally:
        for driver in drivers:
            driver.close()


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
    failed = sum(1 for result in results if result.problems)
    report = {"passed": len(results) - failed, "failed": failed, "cases": entries}
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def write_junit(results: Sequence[Result], path: Path) -> None:
    """Write a report as JUnit XML."""
    failed = sum(1 for result in results if result.problems)
    root = ElementTree.Element(
        "testsuite", name="inrc-conformance", tests=str(len(results)), failures=str(failed)
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


def _chosen(options: argparse.Namespace) -> list[SuiteCase]:
    return select(load_suite(options.suite), options.run, options.skip)


def _run(options: argparse.Namespace) -> int:
    cases = _chosen(options)
    if not cases:
        say("no case is selected", error=True)
        return 2
    driver = OneShot if options.mode == "oneshot" else Batch
    results = run_cases(lambda: driver(options.decoder, options.timeout), cases, options.jobs)
    for result in results:
        for problem in result.problems:
            say(f"FAIL {result.case.id}: {problem}")
    failed = sum(1 for result in results if result.problems)
    say(f"{len(results) - failed} passed, {failed} failed")
    if options.json:
        write_json(results, options.json)
    if options.junit:
        write_junit(results, options.junit)
    return 1 if failed else 0


def _list(options: argparse.Namespace) -> int:
    cases = _chosen(options)
    for one in cases:
        say(f"{one.id}  [{' '.join(one.info['spec'])}]")
    return 0 if cases else 2


def _compare(options: argparse.Namespace) -> int:
    try:
        a, b = load(options.a), load(options.b)
    except (OSError, ValueError, EOFError) as error:
        say(str(error), error=True)
        return 1
    if a.shape != b.shape or a.dtype.kind != "f" or b.dtype.kind != "f":
        say(f"{a.dtype} {a.shape} cannot be compared with {b.dtype} {b.shape}")
        return 1
    difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
    if difference.size:
        mean = float(np.sqrt(np.mean(difference**2)))
        say(f"peak {float(difference.max()):.6g} rms {mean:.6g}")
    valid = np.ones(a.shape, dtype=np.bool_)
    problems = check_real(a, b.astype(np.float64), valid, options.peak, options.rms)
    for problem in problems:
        say(problem)
    return 1 if problems else 0


def _selftest(options: argparse.Namespace) -> int:
    from .mutants import selftest

    return selftest(load_suite(options.suite))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="inrc-conformance", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    choice = argparse.ArgumentParser(add_help=False)
    choice.add_argument("--suite", type=Path, default=DEFAULT_SUITE, metavar="DIR")
    choice.add_argument("--run", action="append", default=[], metavar="GLOB")
    choice.add_argument("--skip", action="append", default=[], metavar="GLOB")
    run = commands.add_parser("run", parents=[choice], help="test a decoder")
    run.add_argument("--decoder", required=True, metavar="CMD")
    run.add_argument("--mode", choices=("oneshot", "batch"), default="oneshot")
    run.add_argument("--timeout", type=float, default=60.0, metavar="S")
    run.add_argument("--jobs", type=int, default=1, metavar="N")
    run.add_argument("--json", type=Path, metavar="F")
    run.add_argument("--junit", type=Path, metavar="F")
    run.set_defaults(action=_run)
    listing = commands.add_parser("list", parents=[choice], help="list the cases")
    listing.set_defaults(action=_list)
    compare = commands.add_parser("compare", help="compare two arrays of floats")
    compare.add_argument("a", type=Path)
    compare.add_argument("b", type=Path)
    compare.add_argument("--peak", type=float, required=True)
    compare.add_argument("--rms", type=float, required=True)
    compare.set_defaults(action=_compare)
    test = commands.add_parser("selftest", help="see whether wrong decoders are caught")
    test.add_argument("--suite", type=Path, default=DEFAULT_SUITE, metavar="DIR")
    test.set_defaults(action=_selftest)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 passed, 1 failed, 2 nothing selected."""
    options = _parser().parse_args(arguments)
    if getattr(options, "jobs", 1) < 1:
        say("--jobs must be at least 1", error=True)
        return 2
    code: int = options.action(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
