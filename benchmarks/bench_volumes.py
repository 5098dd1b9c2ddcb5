"""The benchmark behind `make bench-volumes`: bytes at equal PSNR against the classical codecs.

    python benchmarks/bench_volumes.py [--effort N ...] [--only NAME ...] [--peers A,B] [--resume]

Every point is appended to benchmarks/results/volumes.csv as it is measured; the picture, the
summary and the section "volumes" of benchmarks/RESULTS.md are made from that table.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from peers import PEERS
from plots.rate_distortion import draw
from rate_distortion import compare_volumes, speeds
from rate_distortion.curves import Point
from rate_distortion.run import (
    arguments,
    conditions,
    in_order,
    parse,
    results_file,
    run,
    write_json,
)
from reporting.sections import replace_section
from sources.volumes import SOURCES

_TARGETS = (35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0)
_EXPLANATION = """\
Our bytes over those of the best peer at the PSNR that our file reached, below 1 where ours is
smaller; the peers' log-bytes are interpolated over their Pareto fronts. Means are geometric. The
PSNR asked for is at the top. \\* the best peer has no file of so low a PSNR and its smallest is
taken, which flatters us. \\^ our file is better than all of the peers', which are taken at the
target instead. \\! our file is below its target. Masked volumes: peers are given the invalid
samples filled in smoothly slice by slice, and are charged for the mask, one bit a sample through
LZMA."""


def write_report(points: list[Point], options: argparse.Namespace, machine: dict[str, str]) -> None:
    """The picture, the summary and the section of RESULTS.md."""
    draw(points, options.psnr, 1, "sample", options.out / "volumes.png")
    cells = compare_volumes.cells(points)
    ways = {
        way: [cell for cell in cells if cell.codec == way]
        for way in in_order([cell.codec for cell in cells])
    }
    about = conditions(points, [peer for peer in PEERS if peer.kind == "volume"])
    document = {
        "machine": machine,
        "conditions": about,
        "summary": {
            way: compare_volumes.summary(cells_of_way) for way, cells_of_way in ways.items()
        },
        "cells": [{**dataclasses.asdict(cell), "ratio": cell.ratio} for cell in cells],
    }
    write_json(options.out / "volumes.json", document)
    lines = ["Made by `make bench-volumes`; do not edit.", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += [*about, "", _EXPLANATION, ""]
    for way, cells_of_way in ways.items():
        lines += _section(way, cells_of_way)
    lines += ["### Speed", "", *speeds.table(points, min(options.psnr), max(options.psnr))]
    picture = (options.out / "volumes.png").relative_to(results_file(options).parent)
    lines += ["", f"![Rate-distortion curves of all volumes]({picture.as_posix()})"]
    replace_section(results_file(options), "volumes", "\n".join(lines))


def _section(way: str, cells: Sequence[compare_volumes.Cell]) -> list[str]:
    summary = compare_volumes.summary(cells)
    worst = max(cells, key=lambda cell: cell.ratio)
    against: dict[str, float] = summary["against"]
    line = (
        f"Geometric mean **{summary['mean']:.3f}** over {summary['cells']} cells, "
        f"{summary['mean_without_unreached']:.3f} over the {summary['cells_reached_by_peer']} that "
        f"the best peer reaches; worst {worst.ratio:.3f} ({worst.source} at {worst.target:g} dB, "
        f"{worst.peer}); {summary['targets_missed']} targets missed. Against each: "
        + ", ".join(f"{name} {ratio:.3f}" for name, ratio in against.items())
        + "."
    )
    print(f"{way}: {line}")
    return [f"### {way}", "", *compare_volumes.table(cells), "", line, ""]


def main() -> int:
    """Measure and report."""
    options = parse(arguments(str(__doc__).split("\n")[0], _TARGETS))
    return run("volume", SOURCES, options, write_report)


if __name__ == "__main__":
    sys.exit(main())
