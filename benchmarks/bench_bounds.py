"""The benchmark behind `make bench-bounds`: bytes at the same verified error bound.

    python benchmarks/bench_bounds.py [--effort N ...] [--only NAME ...] [--rel X,X] [--resume]

Bounds are shares of the range. A peer is called with the bound and with looser ones, as ZFP and
SPERR stay below what they are asked for; its smallest file counts whose decoded samples all keep
the bound. Masked volumes: peers are given the invalid samples filled in and are charged for the
mask, as in bench_volumes. Every row goes to benchmarks/results/bounds.csv as it is measured.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from measuring.round_trip import Inrc, round_trip
from peers import Peer, choose
from peers.peer import Setting, value_range
from plots.bounds import draw
from rate_distortion.curves import OURS
from rate_distortion.masked import filled, mask_bytes
from rate_distortion.run import arguments, parse, results_file
from reporting.machine import describe_machine
from reporting.sections import replace_section
from sources.source import Sample, data_folder, load_all
from sources.volumes import SOURCES

from codec.arrays import Array, Float32Array

_BOUNDS = (1e-2, 1e-3, 1e-4, 1e-5)
# Modes that take an absolute bound, by the name of the peer.
_MODES = {"SZ3": "abs", "ZFP": "tolerance", "SPERR": "pwe"}
_LOOSER = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0)


@dataclass(frozen=True)
class Row:
    """One file: its bytes, and the greatest error of its decoded samples over the range."""

    source: str
    codec: str
    bound: float
    bytes: int
    reached: float
    encode_s: float
    decode_s: float


class Rows:
    """The table on disk, to which rows are appended as they come."""

    def __init__(self, path: Path, resume: bool) -> None:
        self._path = path
        self.rows: list[Row] = []
        if resume and path.exists():
            with path.open(newline="") as file:
                for entry in csv.DictReader(file):
                    numbers = [float(entry[field.name]) for field in fields(Row)[4:]]
                    self.rows.append(
                        Row(
                            entry["source"],
                            entry["codec"],
                            float(entry["bound"]),
                            int(entry["bytes"]),
                            *numbers,
                        )
                    )
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="") as file:
                csv.writer(file).writerow(field.name for field in fields(Row))

    def has(self, source: str, codec: str, bound: float) -> bool:
        """Whether this was measured before."""
        return any((r.source, r.codec, r.bound) == (source, codec, bound) for r in self.rows)

    def add(self, row: Row) -> None:
        """Keep a row."""
        self.rows.append(row)
        with self._path.open("a", newline="") as file:
            csv.writer(file).writerow(getattr(row, field.name) for field in fields(Row))
        print(f"{row.source:16} {row.codec:20} {row.bound:g} {row.bytes:>12,} B", flush=True)


def smallest_of_peer(
    peer: Peer, values: Float32Array, valid: Array | None, bound: float
) -> Row | None:
    """The peer's smallest file that keeps an absolute bound; None if none does."""
    layouts = ("whole", "fold-t") if values.ndim == 4 else ("whole",)
    if values.ndim == 4 and peer.name == "SPERR":
        layouts = ("fold-t", "fold-z")
    best: Row | None = None
    for layout in layouts:
        for factor in _LOOSER:
            setting = Setting(_MODES[peer.name], bound * factor, layout)
            data = peer.encode(values, setting)
            decoded = peer.decode(data, values.shape, setting)
            error = np.abs(decoded.astype(np.float64) - values)
            worst = float(error.max() if valid is None else error[valid].max())
            if worst > bound:
                continue
            if best is None or len(data) < best.bytes:
                best = Row("", peer.name, 0.0, len(data), worst, math.nan, math.nan)
    return best


def measure(options: argparse.Namespace, table: Rows) -> int:
    """All that is missing in the table; the number of files that break their bound."""
    broken = 0
    peers = [peer for peer in choose("volume", options.peers) if peer.name in _MODES]
    ways = [
        Inrc(options.arch, effort, options.threads, options.device) for effort in options.effort
    ]
    for source, sample in load_all(SOURCES, data_folder(options.data), options.only):
        chosen = sample.values if sample.valid is None else sample.values[sample.valid]
        extent = value_range(chosen.astype(np.float64))
        for bound in options.rel:
            for way in ways:
                if table.has(source.name, way.name, bound):
                    continue
                row = _ours(way, sample, bound, extent)
                broken += row.reached > bound
                table.add(_named(row, source.name, bound))
            for peer in peers:
                if not table.has(source.name, peer.name, bound):
                    row_or_none = _peer_row(peer, sample, bound * extent)
                    if row_or_none is not None:
                        table.add(_named(row_or_none, source.name, bound, extent))
    return broken


def _named(row: Row, source: str, bound: float, extent: float = 1.0) -> Row:
    reached = row.reached / extent
    return Row(source, row.codec, bound, row.bytes, reached, row.encode_s, row.decode_s)


def _peer_row(peer: Peer, sample: Sample, bound: float) -> Row | None:
    values = sample.values.astype(np.float32)
    if sample.valid is not None:
        values = filled(values, sample.valid)
    row = smallest_of_peer(peer, values, sample.valid, bound)
    if row is None or sample.valid is None:
        return row
    size = row.bytes + mask_bytes(sample.valid)
    return Row(row.source, row.codec, row.bound, size, row.reached, row.encode_s, row.decode_s)


def _ours(way: Inrc, sample: Sample, bound: float, extent: float) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        trip = round_trip(way, sample, False, {"rel_error": bound}, Path(folder))
    error = np.abs(trip.decoded.astype(np.float64) - sample.values)
    worst = float(error.max() if sample.valid is None else error[sample.valid].max())
    # Differences of stored values are exact in float64, but their share of the range is rounded.
    reached = worst / extent if worst > bound * extent * (1 + 1e-12) else min(worst / extent, bound)
    return Row("", way.name, bound, trip.bytes, reached, trip.encode_s, trip.decode_s)


def cells(table: Rows) -> Iterator[tuple[str, str, float, float, str]]:
    """(source, our name, bound, our bytes over the best peer's, that peer)."""
    for row in table.rows:
        if row.codec in _MODES:
            continue
        rivals = [
            other
            for other in table.rows
            if other.codec in _MODES and (other.source, other.bound) == (row.source, row.bound)
        ]
        if rivals:
            best = min(rivals, key=lambda rival: rival.bytes)
            yield row.source, row.codec, row.bound, row.bytes / best.bytes, best.codec


def report(options: argparse.Namespace, table: Rows) -> None:
    """The section "bounds" of RESULTS.md."""
    all_cells = list(cells(table))
    lines = ["Made by `make bench-bounds`; do not edit.", ""]
    lines += [f"- {name}: {value}" for name, value in describe_machine().items()]
    lines += [
        "- our bytes over those of the best of SZ3, ZFP and SPERR whose decoded samples all keep "
        "the same bound; means are geometric",
        "",
    ]
    for way in dict.fromkeys(cell[1] for cell in all_cells):
        cells_of_way = [cell for cell in all_cells if cell[1] == way]
        bounds = sorted({cell[2] for cell in cells_of_way}, reverse=True)
        lines += [f"### {way}", "", "| volume | " + " | ".join(f"{b:g}" for b in bounds) + " |"]
        lines.append("|---" * (len(bounds) + 1) + "|")
        for source in dict.fromkeys(cell[0] for cell in cells_of_way):
            by_bound = {c[2]: f"{c[3]:.3f} {c[4]}" for c in cells_of_way if c[0] == source}
            lines.append(f"| {source} | " + " | ".join(by_bound.get(b, "-") for b in bounds) + " |")
        means = [
            f"**{statistics.geometric_mean([c[3] for c in cells_of_way if c[2] == b]):.3f}**"
            for b in bounds
        ]
        whole = statistics.geometric_mean([cell[3] for cell in cells_of_way])
        lines += [f"| geometric mean | {' | '.join(means)} |", ""]
        broken = sum(row.reached > row.bound for row in table.rows if row.codec == way)
        lines += [f"Over all **{whole:.3f}**; {broken} files break their bound.", ""]
        print(f"{way}: {whole:.3f} over {len(cells_of_way)} cells, {broken} broken")
    picture = options.out / "bounds.png"
    draw(table.rows, OURS, picture)
    shown = picture.relative_to(results_file(options).parent).as_posix()
    lines.append(f"![Bytes against the error bound, per volume]({shown})")
    replace_section(results_file(options), "bounds", "\n".join(lines))


def main() -> int:
    """Measure and report."""
    parser = arguments(str(__doc__).split("\n")[0], ())
    parser.add_argument(
        "--rel",
        type=lambda text: [float(part) for part in text.split(",")],
        default=list(_BOUNDS),
        metavar="X,X",
        help="bounds as shares of the range",
    )
    options = parse(parser)
    table = Rows(options.out / "bounds.csv", options.resume or options.report)
    broken = 0 if options.report else measure(options, table)
    report(options, table)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
