"""The benchmark behind `make bench-latency`: how long a small region of a large field takes.

    python benchmarks/bench_latency.py [--edge 512] [--psnr 50] [--tile 64x64x64] [--work FOLDER]

Makes the field of `bench-scale`, encodes it at effort 0 in tiles, and reads regions of 32^3 samples
at random places from the open file, each at a place of its own, so that no tile is in memory yet.
Processor seconds are of all threads; on a machine that others use they say more than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from bench_scale import make_cube
from reporting.machine import describe_machine
from reporting.sections import RESULTS_PAGE, replace_section

import codec
from codec.reading.contents import FileContents

REGION, REGIONS = 32, 40
TARGET_SECONDS = 0.1
HEADING = "Latency of a region"


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        source, target = Path(folder, "cube.npy"), Path(folder, "cube.inrc")
        make_cube(source, 4 * options.edge**3)
        tile = options.tile if options.tile == "auto" else _sizes(options.tile)
        codec.encode(source, target, psnr=options.psnr, effort=0, tile=tile, device="cpu")
        figures = {"edge": options.edge, "psnr": options.psnr, "region": REGION}
        figures |= measure(target) | {"machine": describe_machine()}
    figures["met"] = judged(figures)
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if options.write:
        replace_section(RESULTS_PAGE, HEADING, in_words(figures))
    return 1 if figures["met"] is False else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edge", type=int, default=512, help="edge of the cubic field [512]")
    parser.add_argument("--psnr", type=float, default=50.0, help="target in dB [50]")
    parser.add_argument("--tile", default="auto", help="sizes, or auto [auto]")
    parser.add_argument("--work", type=Path, help="folder for the field [the system's]")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--write", action="store_true", help="put the figures into RESULTS.md")
    return parser.parse_args()


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split("x")))


def measure(path: Path) -> dict[str, Any]:
    """All figures of one file."""
    with FileContents(path, device="cpu") as contents:
        (view,) = contents.fields.values()
        # Compilation and look-ups that happen once are no part of the latency of a region.
        view[:REGION, :REGION, :REGION]
        tile = contents.items[0].header.shape
    random = np.random.default_rng(5)
    clock, processor = [], []
    for _ in range(REGIONS):
        corner = random.integers(0, min(view.shape) - REGION, 3)
        index = tuple(slice(start, start + REGION) for start in corner.tolist())
        with codec.open(path, device="cpu") as file:
            (view,) = file.values()
            used, started = time.process_time(), time.perf_counter()
            view[index]
            clock.append(time.perf_counter() - started)
            processor.append(time.process_time() - used)
    return {
        "file_bytes": path.stat().st_size,
        "tile": list(tile),
        "median_seconds": float(np.median(clock)),
        "most_of_90_percent_seconds": float(np.quantile(clock, 0.9)),
        "median_processor_seconds": float(np.median(processor)),
        "load": os.getloadavg()[0],
    }


def judged(figures: dict[str, Any]) -> bool | None:
    """Whether the target is met; None where others used the machine more than we did."""
    met = figures["median_seconds"] < TARGET_SECONDS
    busy = figures["load"] > 2 * len(os.sched_getaffinity(0))
    return None if busy and not met else bool(met)


def in_words(figures: dict[str, Any]) -> str:
    """A section of RESULTS.md."""
    machine = figures["machine"]
    verdict = {True: "met", False: "**missed**", None: "not judged"}[figures["met"]]
    rows = [
        ("file", f"{figures['file_bytes']:,} bytes"),
        ("tiles", " x ".join(map(str, figures["tile"]))),
        ("median", f"{1000 * figures['median_seconds']:.0f} ms"),
        ("nine of ten within", f"{1000 * figures['most_of_90_percent_seconds']:.0f} ms"),
        ("median of all threads' time", f"{1000 * figures['median_processor_seconds']:.0f} ms"),
        ("target for the median", f"{1000 * TARGET_SECONDS:.0f} ms, {verdict}"),
        ("machine", f"{machine['CPU']}, {machine['cores']} cores, {machine['date']}"),
        ("load of the machine meanwhile", f"{figures['load']:.1f}"),
    ]
    head = (
        f"`make bench-latency`: a region of {REGION}^3 at a random place of a field of "
        f"{figures['edge']}^3 float32, smooth with noise, effort 0, {figures['psnr']:g} dB. The "
        "file is open; no tile of the region is in memory.\n\n"
        "| what | measured |\n|---|---|\n"
    )
    return head + "\n".join(f"| {name} | {value} |" for name, value in rows)


if __name__ == "__main__":
    sys.exit(main())
