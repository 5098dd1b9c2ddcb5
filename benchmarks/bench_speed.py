"""The benchmark behind `make bench-speed`: speed and memory next to the classical codecs.

    python benchmarks/bench_speed.py [--efforts N,N] [--only CASE ...] [--peers A,B] [--quick]

Every number of threads is a part of its own in a fresh process, where inrc and all peers run in
turns. A run of all cases and peers is written to benchmarks/results/speed.json and to the section
"speed" of benchmarks/RESULTS.md; other runs are printed, and written where --out says.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measuring.round_trip import Inrc
from rate_distortion.run import results_file, write_json
from reporting.machine import describe_machine
from reporting.prose import wrapped
from reporting.sections import RESULTS_FOLDER, replace_section
from sources.source import data_folder
from speed.cases import CASES, QUICK, SMALL_CASES, choose_cases, load
from speed.contenders import about, choose_peers, limited
from speed.part import Plan, measure
from speed.rows import Row
from speed.tables import EXPLANATION, tables


def arguments() -> argparse.ArgumentParser:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    add = parser.add_argument
    names = ", ".join(case.name for case in (*CASES, *SMALL_CASES))
    add("--efforts", type=_integers, metavar="N,N", help="efforts of inrc; 0,3,5 if not given")
    add("--arch", default="pyramid", help="architecture of inrc")
    add("--only", action="append", metavar="CASE", help=f"only this case; repeatable: {names}")
    add("--peers", type=_names, metavar="A,B", help='only these peers; "none" for none')
    add("--psnr", type=_numbers, metavar="DB,DB", help="targets; 45,60 if not given")
    add("--repeats", type=int, help="alternating runs, whose medians count; 5 if not given")
    add("--threads", type=_integers, metavar="N,N", help="a part for each; 1,2 if not given")
    add("--quick", action="store_true", help="one small made field, effort 0, 45 dB, one repeat")
    add("--data", type=Path, help="folder of real data; INRC_DATA if not given")
    add("--out", type=Path, help="folder of the results")
    add("--part", type=Path, help=argparse.SUPPRESS)
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _integers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def parse(given: Sequence[str]) -> argparse.Namespace:
    """The command line with its defaults, which --quick changes; what is given stays."""
    options = arguments().parse_args(given)
    quick = options.quick
    options.partial = quick or options.only is not None or options.peers is not None
    options.only = options.only or ([QUICK.name] if quick else None)
    options.efforts = options.efforts or ([0] if quick else [0, 3, 5])
    options.psnr = options.psnr or ([45.0] if quick else [45.0, 60.0])
    options.threads = options.threads or ([1] if quick else [1, 2])
    options.repeats = options.repeats or (1 if quick else 5)
    return options


def measure_part(options: argparse.Namespace) -> None:
    """Measure with the one number of threads that is named, and write rows and notes to --part."""
    (threads,) = options.threads
    peers = choose_peers(threads, options.peers)
    ways = [Inrc(options.arch, effort, threads, "cpu") for effort in options.efforts]
    plan = Plan(ways, options.psnr, options.repeats, peers)
    rows: list[Row] = []
    for field in load(choose_cases(options.only), data_folder(options.data)):
        shown: tuple[str, float, int] | None = None
        for row in measure(plan, field):
            rows.append(row)
            if row.cell != shown:
                print(f"measured: {row.case}, {row.target_db:g} dB, threads: {threads}", flush=True)
            shown = row.cell
    document = {
        "peers": about(peers) + limited(peers, threads),
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    options.part.write_text(json.dumps(document), encoding="utf-8")


def run_part(given: Sequence[str], threads: int) -> dict[str, Any]:
    """Measure with a number of threads in a fresh process.

    Raises:
        CalledProcessError: the process failed.
    """
    with tempfile.TemporaryDirectory(prefix="inrc-speed-") as folder:
        path = Path(folder, "part.json")
        command = [sys.executable, __file__, *given, "--threads", str(threads), "--part", str(path)]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)})
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def notes(parts: Sequence[dict[str, Any]]) -> list[str]:
    """Notes of all parts on their peers, without repetitions."""
    return list(dict.fromkeys(note for part in parts for note in part["peers"]))


def head(machine: dict[str, str], parts: Sequence[dict[str, Any]], repeats: int) -> list[str]:
    """Lines on the machine and on the peers."""
    loads = [row["load"] for part in parts for row in part["rows"]]
    lines = [f"- {name}: {value}" for name, value in machine.items()]
    lines.append(f"- load of the machine meanwhile: {min(loads):.1f} to {max(loads):.1f}")
    lines.append(f"- runs in turns: {repeats}")
    return lines + [f"- {note}" for note in notes(parts)]


def main(given: Sequence[str]) -> int:
    """Measure and report."""
    options = parse(given)
    if options.part:
        measure_part(options)
        return 0
    choose_cases(options.only)
    machine = describe_machine()
    parts = [run_part(given, threads) for threads in options.threads]
    rows = [Row(**entry) for part in parts for entry in part["rows"]]
    lines = [*head(machine, parts, options.repeats), "", EXPLANATION, "", *tables(rows)]
    print("\n".join(lines))
    if options.partial and options.out is None:
        print("not all was measured: the published results stay", file=sys.stderr)
        return 0
    options.out = options.out or RESULTS_FOLDER
    options.out.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": machine,
        "peers": notes(parts),
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    write_json(options.out / "speed.json", document)
    text = "\n".join(["Made by `make bench-speed`; do not edit.", "", *lines])
    replace_section(results_file(options), "speed", wrapped(text))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
