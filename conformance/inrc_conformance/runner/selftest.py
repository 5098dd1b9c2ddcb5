"""Self-test of the suite: it has to catch deliberately wrong decoders."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..console import say
from ..mutants.basic import BASIC
from ..mutants.catalogue import MUTANTS
from ..mutants.mutant import Mutant
from .judging import judge
from .reports import Result
from .suite import SuiteCase, select

_ENOUGH = 4
"""Cases that catch a mutant, after which no others are tried."""
_SOUND = Mutant("reference decoder")


def chosen_mutants(run: Sequence[str], quick: bool) -> list[Mutant]:
    """Choose by globs on the name; `quick` keeps the ten that README.md lists."""
    return [
        mutant
        for mutant in (BASIC if quick else MUTANTS)
        if not run or any(fnmatchcase(mutant.name, glob) for glob in run)
    ]


def caught(mutant: Mutant, cases: Sequence[SuiteCase]) -> tuple[list[Result], int]:
    """Return the first results that catch a mutant and the number of cases tried.

    No results mean that all cases were tried.
    """
    failed: list[Result] = []
    tried = 0
    for some in (select(cases, run=[mutant.first]), select(cases, skip=[mutant.first])):
        for case in some:
            result = judge(mutant, case)
            tried += 1
            if result.problems:
                failed.append(result)
            if len(failed) == _ENOUGH:
                return failed, tried
        if failed:
            break
    return failed, tried


def selftest(cases: Sequence[SuiteCase], mutants: Sequence[Mutant], whole: bool) -> int:
    """Return 0 when each mutant fails something that the reference decoder passes.

    As a `whole` the reference decoder has to pass all cases, else those that catch a mutant.
    """
    wrong = 0
    if whole:
        failed = [case.id for case in cases if judge(_SOUND, case).problems]
        say(f"{_SOUND.name}: {len(failed)} of {len(cases)} cases failed")
        wrong += len(failed)
    missed = 0
    for mutant in mutants:
        failures, tried = caught(mutant, cases)
        if not whole:
            failures = [result for result in failures if not judge(_SOUND, result.case).problems]
        missed += not failures
        example = f", e.g. {failures[0].case.id}: {failures[0].problems[0]}" if failures else ""
        verdict = "caught" if failures else "MISSED"
        say(f"{verdict}: {mutant.name} ({len(failures)} of {tried} cases tried{example})")
    say(f"{len(mutants) - missed} caught, {missed} missed")
    return 1 if wrong or missed else 0
