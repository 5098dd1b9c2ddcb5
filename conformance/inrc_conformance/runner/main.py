"""The conformance runner: `inrc-conformance run|list|copy|compare|selftest`."""

from __future__ import annotations

import argparse
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..console import say
from .check import check_real, load
from .judging import run_cases
from .processes import Batch, OneShot
from .reports import Result, failures, write_json, write_junit
from .scope import Scope, scope_of
from .suite import DEFAULT_SUITE, SuiteCase, SuiteError, load_suite, select

_REPORTS: tuple[tuple[str, Callable[[Sequence[Result], Path], None]], ...] = (
    ("json", write_json),
    ("junit", write_junit),
)


class UsageError(Exception):
    """A command that cannot be carried out; the message says why."""


def _chosen(options: argparse.Namespace) -> list[SuiteCase]:
    cases = select(load_suite(options.suite), options.run, options.skip)
    if not cases:
        raise UsageError(f"no case of {options.suite} is selected")
    return cases


def _check_command(command: str) -> None:
    """Refuse before the first case a command that is no program."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--decoder: {error}") from None
    if not words or shutil.which(words[0]) is None:
        raise UsageError(f"--decoder: there is no program {words[0] if words else ''!r}")


def _scope(options: argparse.Namespace) -> Scope:
    try:
        return scope_of(options.architectures)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _run(options: argparse.Namespace) -> int:
    scope = _scope(options)
    _check_command(options.decoder)
    cases = _chosen(options)
    for name, _ in _REPORTS:
        path: Path | None = getattr(options, name)
        if path is not None and not path.resolve().parent.is_dir():
            raise UsageError(f"--{name}: there is no folder {path.resolve().parent}")
    driver = OneShot if options.mode == "oneshot" else Batch
    results = run_cases(
        lambda: driver(options.decoder, options.timeout), cases, options.jobs, scope
    )
    for result in results:
        for problem in result.problems:
            say(f"FAIL {result.case.id}: {problem}")
    failed = failures(results)
    say(f"{len(results) - failed} passed, {failed} failed")
    for name, write in _REPORTS:
        if getattr(options, name) is not None:
            write(results, getattr(options, name))
    return 1 if failed else 0


def _list(options: argparse.Namespace) -> int:
    for case in _chosen(options):
        say(f"{case.id}  [{' '.join(case.info['spec'])}]")
    return 0


def _copy(options: argparse.Namespace) -> int:
    """Copy the folders of cases, so that the copy is a suite of its own."""
    cases = _chosen(options)
    root: Path = options.destination
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} is there already, and not an empty folder")
    for case in cases:
        shutil.copytree(case.folder, root / case.id)
    say(f"{len(cases)} cases copied to {root}")
    return 0


def _compare(options: argparse.Namespace) -> int:
    try:
        a, b = load(options.a), load(options.b)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(str(error)) from None
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
    from .selftest import chosen_mutants, selftest

    mutants = chosen_mutants(options.run, options.quick)
    if not mutants:
        raise UsageError("no wrong decoder is selected")
    cases = load_suite(options.suite)
    if not cases:
        raise UsageError(f"there are no cases in {options.suite}")
    return selftest(cases, mutants, whole=not options.run and not options.quick)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="inrc-conformance", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    suite = argparse.ArgumentParser(add_help=False)
    suite.add_argument("--suite", type=Path, default=DEFAULT_SUITE, metavar="DIR")
    choice = argparse.ArgumentParser(add_help=False, parents=[suite])
    choice.add_argument("--run", action="append", default=[], metavar="GLOB")
    choice.add_argument("--skip", action="append", default=[], metavar="GLOB")
    run = commands.add_parser("run", parents=[choice], help="test a decoder")
    run.add_argument("--decoder", required=True, metavar="CMD")
    run.add_argument("--mode", choices=("oneshot", "batch"), default="oneshot")
    run.add_argument("--architectures", metavar="NAME,...", help="those that the decoder has")
    run.add_argument("--timeout", type=_positive(float), default=60.0, metavar="S")
    run.add_argument("--jobs", type=_positive(int), default=1, metavar="N")
    run.add_argument("--json", type=Path, metavar="F")
    run.add_argument("--junit", type=Path, metavar="F")
    run.set_defaults(action=_run)
    listing = commands.add_parser("list", parents=[choice], help="list the cases")
    listing.set_defaults(action=_list)
    copy = commands.add_parser("copy", parents=[choice], help="copy cases into a new suite")
    copy.add_argument("destination", type=Path, metavar="DEST")
    copy.set_defaults(action=_copy)
    compare = commands.add_parser("compare", help="compare two arrays of floats")
    compare.add_argument("a", type=Path)
    compare.add_argument("b", type=Path)
    compare.add_argument("--peak", type=float, required=True)
    compare.add_argument("--rms", type=float, required=True)
    compare.set_defaults(action=_compare)
    test = commands.add_parser(
        "selftest", parents=[suite], help="see whether wrong decoders are caught"
    )
    test.add_argument(
        "--run", action="append", default=[], metavar="GLOB", help="names of wrong decoders"
    )
    test.add_argument("--quick", action="store_true", help="only the ten that README.md lists")
    test.set_defaults(action=_selftest)
    return parser


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    """Return a reader of numbers greater than 0 for the command line."""

    def read(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise ValueError(text)
        return value

    read.__name__ = "positive number"
    return read


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 passed, 1 failed, 2 nothing selected or a command that makes no sense."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.action(options)
    except (UsageError, SuiteError, OSError) as error:
        say(str(error), error=True)
        return 2
    return code
