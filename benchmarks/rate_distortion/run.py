"""Options of the rate-distortion benchmarks, and their run over the sources."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from peers import Peer, choose
from peers.peer import Kind
from reporting.machine import describe_machine
from reporting.sections import RESULTS_FOLDER, RESULTS_PAGE
from sources.source import Source, data_folder, load_all

from rate_distortion.curves import OURS, Point, Table
from rate_distortion.sweep import Bench, TimeIsUpError


def arguments(description: str, targets: Sequence[float]) -> argparse.ArgumentParser:
    """The options of both benchmarks."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("--effort", type=int, action="append", help="effort of inrc; repeatable; 0 if not given")
    add("--arch", default="pyramid", help="architecture of inrc")
    add("--threads", type=int, default=1, help="threads of inrc; peers have one")
    add("--device", default="cpu", help="device of inrc")
    add("--only", action="append", metavar="NAME", help="only this source; repeatable")
    add("--peers", type=_names, metavar="A,B", help='only these peers; "none" for none')
    add("--psnr", type=_numbers, default=list(targets), metavar="DB,DB", help="targets")
    add("--data", type=Path, help="folder of real data; INRC_DATA if not given")
    add(
        "--time-limit",
        type=float,
        default=math.inf,
        metavar="S",
        help="seconds after which nothing is started",
    )
    add("--resume", action="store_true", help="keep what is measured, measure what is missing")
    add("--report", action="store_true", help="measure nothing, write the report again")
    add("--out", type=Path, default=RESULTS_FOLDER, help="folder of the results")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text: str) -> list[float]:
    return sorted(float(part) for part in text.split(","))


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The command line, with lists where an option may be repeated."""
    options = parser.parse_args()
    options.effort = options.effort or [0]
    return options


def results_file(options: argparse.Namespace) -> Path:
    """RESULTS.md, or a file in the folder of --out so that trials leave the published one alone."""
    published = options.out.resolve() == RESULTS_FOLDER
    return RESULTS_PAGE if published else options.out / "RESULTS.md"


def run(
    kind: Kind,
    sources: Sequence[Source],
    options: argparse.Namespace,
    report: Callable[[list[Point], argparse.Namespace, dict[str, str]], None],
) -> int:
    """Measure, then report on all that is in the table; 1 if not all was measured."""
    path = options.out / f"{kind}s.csv"
    machine = describe_machine()
    peers = [] if options.report else choose(kind, options.peers)
    table = Table(path, _keeper(options, sources, peers))
    complete = True
    if not options.report:
        deadline = time.monotonic() + options.time_limit
        bench = Bench(kind, options, table, machine["CPU"], machine["date"], deadline)
        complete = _measure(bench, sources, peers)
    if not table.points:
        print("nothing was measured", file=sys.stderr)
        return 1
    # Points follow the order of the sources, whatever the order in which they were measured.
    order = {source.name: number for number, source in enumerate(sources)}
    known = [point for point in table.points if point.source in order]
    report(sorted(known, key=lambda point: order[point.source]), options, machine)
    return 0 if complete else 1


def _measure(bench: Bench, sources: Sequence[Source], peers: list[Peer]) -> bool:
    folder = data_folder(bench.options.data)
    try:
        for source, sample in load_all(sources, folder, bench.options.only):
            bench.measure(source.name, sample, peers)
    except TimeIsUpError:
        print("the time limit is over: --resume measures the rest", file=sys.stderr)
        return False
    if bench.failures:
        print(f"{bench.failures} failures: --resume tries them again", file=sys.stderr)
    return not bench.failures


def _keeper(
    options: argparse.Namespace, sources: Sequence[Source], peers: list[Peer]
) -> Callable[[Point], bool]:
    """Function that keeps a point; without --resume, those that are measured again are dropped."""
    names = set(options.only or [source.name for source in sources])
    codecs = {peer.name for peer in peers}
    codecs |= {f"{OURS} {options.arch} e{effort}" for effort in options.effort}

    def keep(point: Point) -> bool:
        again = point.source in names and point.codec in codecs
        return options.resume or options.report or not again

    return keep


def conditions(points: Sequence[Point], peers: Sequence[Peer]) -> list[str]:
    """Lines that name the machine, the peers' versions and settings, and the way of measuring."""
    measured = {point.codec for point in points}
    absent = [peer.name for peer in peers if peer.name not in measured]
    threads = sorted({str(point.threads) for point in points if point.is_ours})
    lines = [
        f"- measured on: {', '.join(sorted({point.machine for point in points}))}; "
        f"{', '.join(sorted({point.date for point in points}))}",
        "- a size is that of a written file (inrc) or of all coded bytes (peers); a PSNR is that "
        "of the decoded values (inrc: by a fresh process) rounded to the dtype of the source",
        "- seconds: one run in a warm process; peers in one thread and in memory, inrc from file "
        f"to file in {' or '.join(threads) or '-'} thread(s)",
    ]
    for peer in peers:
        if peer.name in measured:
            version = "not installed now" if peer.available() else peer.version()
            lines.append(f"- {peer.name}: {peer.how} ({version})")
    if absent:
        lines.append(f"- **not measured: {', '.join(absent)}**")
    return lines


def write_json(path: Path, document: object) -> None:
    """JSON of numbers, texts, lists and maps; what is not finite becomes null."""
    text = json.dumps(_finite(document), indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(element) for key, element in value.items()}
    if isinstance(value, list):
        return [_finite(element) for element in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def by_codec(points: Sequence[Point], source: str | None = None) -> dict[str, list[Point]]:
    """Codec -> its points, ours first, of one source or of all."""
    points_of_codec: dict[str, list[Point]] = {}
    for point in sorted(points, key=lambda point: not point.is_ours):
        if source is None or point.source == source:
            points_of_codec.setdefault(point.codec, []).append(point)
    return points_of_codec


def in_order(names: Sequence[str]) -> list[str]:
    """Without repetitions."""
    return list(dict.fromkeys(names))
