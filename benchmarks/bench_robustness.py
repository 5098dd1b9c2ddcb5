"""The benchmark behind `make bench-robustness`: damaged and hostile files, counted.

    python benchmarks/bench_robustness.py [--only flips,mutants] [--mutants 100000] [--seed 1]

Damages the conformance vectors and reads what comes of it by all calls that a reader of foreign
files has. Only an `InrcError` may leave them. Writes its figures into docs/reliability.md; the exit
code is 1 where something happened that must not. Every case is made from its number and the seed:
`--show N` writes mutant N to a file and says what reading it comes to; with `--only written`, what
decoding it to files does.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from reporting.machine import describe_machine
from reporting.prose import wrapped
from reporting.sections import REPOSITORY, replace_section
from robustness import report
from robustness.bombing import refusals
from robustness.damage import Damage, seconds_of
from robustness.mutants import Mutants
from robustness.reading import SMALL, attempt, quietly
from robustness.repairs import KINDS, Repairs
from robustness.vectors import Vector, valid_vectors
from robustness.workers import run
from robustness.written import Written, decoded
from robustness.written_sources import sources

PARTS = ("prefixes", "flips", "mutants", "bombs", "written", "repairs")
DOCUMENT = REPOSITORY / "docs" / "reliability.md"


def main() -> int:
    options = _options()
    vectors = tuple(valid_vectors())
    if options.show is not None and options.only == ["written"]:
        return _show_written(Written(sources(), options.seed), options.show)
    if options.show is not None:
        return _show(Mutants(vectors, options.seed), options.show)
    clean = True
    for part in options.only:
        started = time.monotonic()
        if part == "bombs":
            refused = refusals()
            heading, text = report.BOMBS, report.of_bombs(refused)
            clean &= all(refusal.right for refusal in refused)
        elif part == "repairs":
            heading, text, well = _repairs(vectors, options)
            clean &= well
        else:
            heading, text, well = _counted(part, vectors, options)
            clean &= well
        seconds = time.monotonic() - started
        command = " ".join(["python benchmarks/bench_robustness.py", *sys.argv[1:]])
        text = wrapped(text + report.footer(command, seconds, describe_machine()))
        print(text, flush=True)
        if options.write:
            replace_section(DOCUMENT, heading, text)
    return 0 if clean else 1


def _counted(
    part: str, vectors: Sequence[Vector], options: argparse.Namespace
) -> tuple[str, str, bool]:
    """Heading and text of a part that counts, and whether all went well."""
    deadline = time.monotonic() + 60 * options.minutes
    if part == "written":
        files = sources()
        numbers = range(options.start, options.start + options.written)
        tally = run(Written(files, options.seed), numbers, options.jobs, deadline)
        return report.WRITTEN, report.of_written(tally, len(files)), tally.clean
    if part == "mutants":
        mutants = Mutants(tuple(vectors), options.seed, options.judge_every)
        numbers = range(options.start, options.start + options.mutants)
        tally = run(mutants, numbers, options.jobs, deadline)
        text = report.of_mutants(tally, len(vectors), options.mutants, options.judge_every)
        return report.MUTANTS, text, tally.clean
    chosen = tuple(vectors[:: options.stride])
    if options.estimate:
        print(f"{part}: about {seconds_of(chosen, part):.0f} s in one process")
    # The order is random, so that a lack of time affects all topics alike.
    order = Random(0).sample(range(len(chosen)), len(chosen))  # noqa: S311 (not for secrets)
    tally = run(Damage(chosen, part), order, options.jobs, deadline)
    expected = sum(len(vector.data) for vector in chosen) * (8 if part == "flips" else 1)
    text = report.of_damage(part, tally, len(chosen), len(vectors), expected)
    return report.HEADINGS[part], text, tally.clean


def _repairs(vectors: Sequence[Vector], options: argparse.Namespace) -> tuple[str, str, bool]:
    """Heading, text and verdict of the repairs; each kind of damage has a third of the time."""
    chosen = tuple(vectors[:: options.stride])
    tallies = {}
    for kind in KINDS:
        deadline = time.monotonic() + 20 * options.minutes
        part = Repairs(chosen, kind, options.seed)
        tallies[kind] = run(part, range(options.cases), options.jobs, deadline)
    text = report.of_repairs(tallies, len(chosen), len(vectors))
    return report.REPAIRS, text, all(tally.clean for tally in tallies.values())


def _show(mutants: Mutants, number: int) -> int:
    quietly()
    vector, data, _ = mutants.make(number)
    path = Path(f"mutant-{number}.inrc")
    path.write_bytes(data)
    with vector.priors():
        outcome = attempt(data, SMALL)
    print(f"{path} ({vector.name}): {outcome.error or 'read'} {outcome.message}{outcome.escaped}")
    return 0


def _show_written(part: Written, number: int) -> int:
    part.prepare()
    source, data, decodings = part.make(number)
    path = Path(f"written-{number}.inrc")
    path.write_bytes(data)
    for suffix, options in decodings:
        outcome = decoded(path, path.with_suffix(suffix), options)
        told = f"{outcome.error or 'written'} {outcome.message}{outcome.escaped}"
        print(f"{path} ({source.name}) as {suffix} {options}: {told}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(PARTS), help="parts [all]")
    parser.add_argument("--mutants", type=int, default=100_000, help="number of mutants [100000]")
    parser.add_argument("--written", type=int, default=4000, help="number of files to write [4000]")
    parser.add_argument(
        "--cases", type=int, default=5000, help="cases of each kind of repairs [5000]"
    )
    parser.add_argument("--start", type=int, default=0, help="number of the first mutant [0]")
    parser.add_argument("--seed", type=int, default=1, help="seed of mutants and repairs [1]")
    parser.add_argument(
        "--judge-every", type=int, default=10, help="N: one in N refused goes to the reference [10]"
    )
    parser.add_argument("--stride", type=int, default=1, help="N: take one vector in N [1]")
    parser.add_argument("--jobs", type=int, default=1, choices=(1, 2), help="processes [1]")
    parser.add_argument("--minutes", type=float, default=600, help="time of each part [600]")
    parser.add_argument("--estimate", action="store_true", help="say before how long it takes")
    parser.add_argument("--show", type=int, metavar="N", help="write mutant N instead")
    parser.add_argument("--write", action="store_true", help="put the figures into the document")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(PARTS):
        parser.error(f"no part {min(unknown)!r}; there are: {', '.join(PARTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
