"""The benchmark behind `make bench-main`: sizes, speed and memory against their targets.

    python benchmarks/bench_main.py [--only NAME ...] [--effort N] [--psnr DB]

Real volumes come from the folder that INRC_VOLUMES names; what needs one is skipped, loudly, where
there is none. Everything written to benchmarks/results/main.json and to the section "main" of
benchmarks/RESULTS.md was measured in this run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from main_figures import encoding, memory, sizes, speed
from main_figures.figure import THREADS, Encoded, Figure, to_table
from reporting.machine import describe_machine
from reporting.sections import RESULTS_FOLDER, RESULTS_PAGE, replace_section
from sources import main_volumes

PER_FILE: dict[str, Callable[[Encoded], list[Figure]]] = {
    "quality": sizes.quality,
    "overhead": sizes.overhead,
    "entropy": sizes.entropy,
    "size": sizes.against_floats,
}
ON_CUBE = ("encode", "decode", "threads")
NAMES = (*PER_FILE, *ON_CUBE, "memory")


def measure(options: argparse.Namespace, work: Path) -> Iterator[Figure]:
    """All figures asked for, each as soon as it is known."""
    wanted = set(options.only or NAMES)
    if "memory" in wanted:
        yield from memory.block_memory(work)
    source = main_volumes.folder()
    if source is None:
        left_out = ", ".join(name for name in NAMES if name in wanted - {"memory"})
        print(f"SKIPPED: {left_out}: no folder of volumes; set INRC_VOLUMES", file=sys.stderr)
        return
    yield from _on_cube(options, work, source, wanted)
    if wanted & PER_FILE.keys():
        for volume in main_volumes.VOLUMES:
            try:
                array = main_volumes.prepare(volume, source, work)
            except FileNotFoundError as error:
                print(f"SKIPPED: {volume.name}: {error}", file=sys.stderr)
                continue
            encoded = encoding.encode_watched(volume.name, array, options.effort, options.psnr)
            yield from _wanted(PER_FILE, encoded, wanted)


def _on_cube(
    options: argparse.Namespace, work: Path, source: Path, wanted: set[str]
) -> Iterator[Figure]:
    try:
        array = main_volumes.prepare(main_volumes.CUBE, source, work)
    except FileNotFoundError as error:
        print(f"SKIPPED: {main_volumes.CUBE.name}: {error}", file=sys.stderr)
        return
    if "threads" in wanted:
        yield from speed.threads_speedup(main_volumes.CUBE.name, array)
    if wanted <= {"threads", "memory"}:
        return
    encoded = encoding.encode(main_volumes.CUBE.name, array, options.effort, options.psnr)
    yield from _wanted(PER_FILE, encoded, wanted)
    if "encode" in wanted:
        yield from speed.encode_cost(encoded, options.effort)
    if "decode" in wanted:
        yield from speed.decode_speed(encoded)


def _wanted(
    functions: dict[str, Callable[[Encoded], list[Figure]]], encoded: Encoded, wanted: set[str]
) -> Iterator[Figure]:
    for name, function in functions.items():
        if name in wanted:
            yield from function(encoded)


def show(figure: Figure) -> None:
    """One line as soon as it is measured."""
    verdict = {True: "pass", False: "FAIL", None: ""}[figure.passed]
    target = "" if figure.target is None else f"{figure.sense} {figure.target:g}"
    print(
        f"{figure.volume:<14} {figure.what:<42} {figure.value:>10.4g} {figure.unit:<11}"
        f"{target:<10} {verdict:<5} {figure.note}",
        flush=True,
    )


def write(figures: list[Figure], options: argparse.Namespace) -> None:
    """Replace the results; only after a complete run, so that they all belong together."""
    machine = describe_machine()
    rows = [{**dataclasses.asdict(figure), "passed": figure.passed} for figure in figures]
    conditions = {"psnr": options.psnr, "effort": options.effort, "threads": THREADS}
    document = {"machine": machine, "conditions": conditions, "figures": rows}
    target = RESULTS_FOLDER / "main.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    volumes = (*main_volumes.VOLUMES, main_volumes.CUBE)
    kinds = [f"- {volume.name}: {volume.kind}" for volume in volumes]
    text = "\n".join(
        [
            "Made by `make bench-main`; do not edit.",
            "",
            *(f"- {name}: {value}" for name, value in machine.items()),
            f"- `inrc encode --psnr {options.psnr:g} --effort {options.effort}`, architecture "
            f"fvsrn, {THREADS} threads",
            *kinds,
            "",
            to_table(figures),
        ]
    )
    replace_section(RESULTS_PAGE, "main", text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", choices=NAMES, help="only this; repeatable")
    parser.add_argument("--effort", type=int, default=3, help="effort of every encode")
    parser.add_argument("--psnr", type=float, default=40.0, help="target of every encode, dB")
    return parser.parse_args()


def main() -> int:
    """Measure, print and write; 1 if a target was missed."""
    options = _arguments()
    figures = []
    with tempfile.TemporaryDirectory(prefix="inrc-bench-") as folder:
        for figure in measure(options, Path(folder)):
            show(figure)
            figures.append(figure)
    if options.only or {figure.name for figure in figures} != set(NAMES):
        print("not a complete run: the written results were left as they are")
    else:
        write(figures, options)
    missed = sum(figure.passed is False for figure in figures)
    print(f"{len(figures)} figures, {missed} targets missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
