"""The benchmark behind `make bench-lossless`: integers kept exactly, against zstd and PNG.

    python benchmarks/bench_lossless.py [--effort N] [--only NAME ...]

Volumes of integers are compared with zstd -19 of their raw samples, photographs with PNG at its
`optimize` setting and with zstd as well. Every file is decoded by a fresh process and compared.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zstandard
from measuring.round_trip import Inrc, round_trip
from PIL import Image
from reporting.machine import describe_machine
from reporting.sections import RESULTS_PAGE, replace_section
from sources.images import SOURCES as IMAGES
from sources.source import Sample, data_folder, load_all
from sources.volumes import SOURCES as VOLUMES


def samples(options: argparse.Namespace) -> Iterator[tuple[str, Sample, bool]]:
    """Name, sample, and whether it is an image."""
    folder = data_folder(options.data)
    for sources, is_image in ((IMAGES, True), (VOLUMES, False)):
        names = {source.name for source in sources}
        only = [name for name in options.only or () if name in names]
        if options.only and not only:
            continue
        for source, sample in load_all(sources, folder, only or None):
            if sample.values.dtype.kind in "iu" and sample.valid is None:
                yield source.name, sample, is_image


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--effort", type=int, default=0)
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    way = Inrc("pyramid", options.effort, 2, "cpu")
    lines = ["Made by `make bench-lossless`; do not edit.", ""]
    lines += [f"- {name}: {value}" for name, value in describe_machine().items()]
    lines += ["", f"| file | {way.name} | of PNG | of zstd -19 |", "|---|---:|---:|---:|"]
    against: dict[str, list[float]] = {"PNG": [], "zstd": []}
    for name, sample, is_image in samples(options):
        with tempfile.TemporaryDirectory() as work:
            trip = round_trip(way, sample, is_image, {"max_error": 0}, Path(work))
        if not np.array_equal(trip.decoded, sample.values):
            print(f"{name}: not lossless", file=sys.stderr)
            return 1
        raw = zstandard.ZstdCompressor(level=19).compress(sample.values.tobytes())
        ratios = {"zstd": trip.bytes / len(raw)}
        if is_image:
            stream = io.BytesIO()
            Image.fromarray(sample.values).save(stream, "PNG", optimize=True)
            ratios["PNG"] = trip.bytes / len(stream.getvalue())
        for key, ratio in ratios.items():
            against[key].append(ratio)
        shown = [f"{ratios[key]:.3f}" if key in ratios else "-" for key in ("PNG", "zstd")]
        lines.append(f"| {name} | {trip.bytes:,} B | {' | '.join(shown)} |")
        print(lines[-1], flush=True)
    means = [
        f"**{statistics.geometric_mean(ratios):.3f}**" if ratios else "-"
        for ratios in against.values()
    ]
    lines.append(f"| geometric mean | | {' | '.join(means)} |")
    print(lines[-1])
    replace_section(RESULTS_PAGE, "lossless", "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
