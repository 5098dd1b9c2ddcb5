"""The benchmark behind `make bench-plugins`: research systems, and their sources' own storage.

    python benchmarks/bench_plugins.py [--data FOLDER] [--only NAME ...] [--systems NAME ...]
                                       [--steps N] [--part storage|architectures|curves] [--report]

Two volumes, two photographs and a mesh of a folder of data (--data, or INRC_DATA). Three parts:

- *storage*: each system is fitted once, with the same number of steps and parameters in 14 bits,
  which costs nothing that can be measured. The same fitted parameters are then stored as the source
  does, and by `inrc transcode` at the PSNR that the source's scheme leaves (0.05 dB less at most):
  rounded and coded alone, or finetuned under their rounding against what they decode to, for half
  as many steps, whichever is smaller. The field that was fitted is not looked at again.
- *architectures*: every architecture at the same number of bytes and steps, beside `pyramid`.
- *curves*: every architecture at several sizes, for the first volume; written to
  docs/plugins/curves.md.

Sizes are those of written files, PSNRs those of values decoded in another process. The sources'
schemes have no usable file; their sizes and PSNRs are computed from the numbers that they would
restore. For the mesh, a PSNR is that of distances at the nodes of the file's own grid, cut off
where the file cuts them off.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from research_systems import report, tables
from research_systems.architectures import ARCHITECTURES, FOR_MESHES, architecture_row
from research_systems.inputs import Input, inputs
from research_systems.storage import storage_row
from research_systems.systems import SYSTEMS
from sources.source import data_folder

_TABLE_BYTES = 10_000
_CURVE_INPUT, _CURVE_BYTES = "carotid", (3000, 6000, 12000, 24000)


def main() -> int:
    """Measure the parts that were asked for, row by row, then write the reports."""
    options = _options()
    folder = data_folder(options.data)
    if folder is None:
        print("bench-plugins: no data; name a folder with --data or INRC_DATA", file=sys.stderr)
        return 1
    if not options.report:
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            for source in inputs(folder, work):
                if not options.only or source.name in options.only:
                    _measure(source, work, options)
    report.write_section()
    report.write_curves()
    return 0


def _measure(source: Input, work: Path, options: argparse.Namespace) -> None:
    steps = options.steps
    if options.part in (None, "storage"):
        for system in SYSTEMS:
            if not options.systems or any(name in system.name for name in options.systems):
                tables.put_row(tables.STORAGE, storage_row(system, source, work, steps))
    if options.part in (None, "architectures"):
        for name in (*ARCHITECTURES, *([FOR_MESHES] if source.kind == "mesh" else [])):
            if not options.systems or name in options.systems:
                row = architecture_row(name, source, work, steps, _TABLE_BYTES)
                tables.put_row(tables.ARCHITECTURES, row)
    if options.part in (None, "curves") and source.name == _CURVE_INPUT:
        for name in ARCHITECTURES:
            for size in _CURVE_BYTES:
                row = architecture_row(name, source, work, steps, size)
                tables.put_row(tables.CURVES, {"architecture": name, "asked": size, **row})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with volumes, kodak and meshes")
    parser.add_argument("--only", nargs="*", help="inputs by name")
    parser.add_argument("--systems", nargs="*", help="systems or architectures by name")
    parser.add_argument("--steps", type=int, default=300, help="steps of every fit [300]")
    parser.add_argument("--part", choices=("storage", "architectures", "curves"))
    parser.add_argument("--report", action="store_true", help="write RESULTS.md from the CSV files")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
