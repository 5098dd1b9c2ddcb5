"""Generation of the vectors and `SHA256SUMS`: `python -m inrc_conformance.vectors [OUTDIR]`."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections import Counter
from pathlib import Path

from ..console import say
from ..runner.suite import DEFAULT_SUITE
from .cases import all_cases
from .write import SUBFOLDERS, SUMS, sums, write_case


def main(arguments: list[str] | None = None) -> int:
    """Generate all vectors into an empty or old suite folder."""
    parser = argparse.ArgumentParser(prog="inrc-vectors", description=__doc__)
    parser.add_argument("outdir", type=Path, nargs="?", default=DEFAULT_SUITE)
    options = parser.parse_args(arguments)
    for name in SUBFOLDERS:
        shutil.rmtree(options.outdir / name, ignore_errors=True)
    cases = all_cases()
    for case in cases:
        write_case(case, options.outdir)
    (options.outdir / SUMS).write_text(sums(options.outdir), encoding="ascii")
    counts = Counter(case.id.split("/")[0] for case in cases)
    say(", ".join(f"{number} {name}" for name, number in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
