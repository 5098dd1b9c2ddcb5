"""The benchmark behind `make bench-scale`: a field larger than memory should be, tile by tile.

    python benchmarks/bench_scale.py [--gib 4] [--work FOLDER] [--psnr 50] [--json FILE]

Makes a float32 cube on disk, encodes it at effort 0 while watching the memory, encodes it again and
kills that run half-way (SIGKILL), takes it up, compares both files, and decodes a region of 64^3
samples while counting the bytes that are read. Fails where a promise is broken.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring.processes import INRC, Finished, run_inrc
from reporting.machine import describe_machine

import codec
from codec.files.byte_sources import FileSource

MOST_MEMORY = 2 << 30
MOST_OF_THE_FILE = 0.05
REGION = 64


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        work = Path(folder)
        source = work / "cube.npy"
        size = make_cube(source, int(options.gib * 2**30))
        print(f"{size}^3 float32, {source.stat().st_size / 2**30:.2f} GiB", flush=True)
        figures = {"size": size, "psnr": options.psnr, "machine": describe_machine()}
        figures |= measure(source, work, options.psnr)
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    failed = [
        promise
        for promise, is_met in (
            ("memory", figures["peak_bytes"] < MOST_MEMORY),
            ("resumed file", figures["resumed_is_identical"]),
            ("region", figures["region_share"] <= MOST_OF_THE_FILE),
        )
        if not is_met
    ]
    if failed:
        print(f"BROKEN: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gib", type=float, default=4.0, help="size of the field [4]")
    parser.add_argument("--work", type=Path, help="folder for some 5/4 of that [the system's]")
    parser.add_argument("--psnr", type=float, default=50.0, help="target in dB [50]")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def make_cube(path: Path, size_bytes: int) -> int:
    """A smooth field with structure on all scales and noise, written slab by slab; its edge."""
    edge = round((size_bytes / 4) ** (1 / 3))
    cube = np.lib.format.open_memmap(path, "w+", np.float32, (edge,) * 3)
    random = np.random.default_rng(7)
    axis = np.arange(edge, dtype=np.float32)
    waves = [(random.uniform(0.004, 0.3, 3), random.uniform(0, 6.3, 3)) for _ in range(6)]
    for start in range(0, edge, 16):
        slab = random.normal(0, 0.02, (min(16, edge - start), edge, edge)).astype(np.float32)
        for rates, phases in waves:
            x, y, z = (np.sin(axis * r + p) for r, p in zip(rates, phases, strict=True))
            part = x[start : start + len(slab), None, None] * y[:, None] * z
            slab += part.astype(np.float32) / np.float32(1 + 10 * rates.max())
        cube[start : start + len(slab)] = slab
    cube.flush()
    return edge


def measure(source: Path, work: Path, psnr: float) -> dict[str, float | bool | int]:
    """All figures of one field."""
    whole, resumed = work / "whole.inrc", work / "resumed.inrc"
    arguments = ["--effort", "0", "--psnr", str(psnr), "--quiet"]
    first = _checked(run_inrc("encode", source, "-o", whole, *arguments))
    journal = work / ".resumed.inrc.inrc-journal"
    half = whole.stat().st_size // 2
    _kill_at(journal, half, "encode", source, "-o", resumed, *arguments)
    journal_bytes = journal.stat().st_size if journal.exists() else 0
    second = _checked(run_inrc("encode", source, "-o", resumed, *arguments))
    read, seconds = _region_bytes(whole)
    return {
        "file_bytes": whole.stat().st_size,
        "seconds": first.seconds,
        "peak_bytes": first.peak_bytes,
        "anonymous_bytes": first.anonymous_bytes,
        "journal_bytes_at_the_kill": journal_bytes,
        "seconds_after_the_kill": second.seconds,
        "resumed_is_identical": filecmp.cmp(whole, resumed, shallow=False),
        "region_bytes_read": read,
        "region_share": read / whole.stat().st_size,
        "region_seconds": seconds,
    }


def _checked(finished: Finished) -> Finished:
    if finished.code:
        raise SystemExit(f"inrc failed with exit code {finished.code}: {finished.errors.strip()}")
    return finished


def _kill_at(journal: Path, size: int, *arguments: str | Path) -> None:
    """Run `inrc`, and kill it once its journal has so many bytes."""
    process = subprocess.Popen([INRC, *arguments])
    while process.poll() is None and not (journal.exists() and journal.stat().st_size >= size):
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise SystemExit("the run ended before it could be killed; use a larger field")


class CountingSource(FileSource):
    """Counts the bytes that are read."""

    read = 0

    def read_at(self, offset: int, size: int) -> bytes:
        data = super().read_at(offset, size)
        type(self).read += len(data)
        return data


def _region_bytes(path: Path) -> tuple[int, float]:
    """Bytes read, and seconds, for a region in the middle of the field."""
    import codec.files.byte_sources as sources

    original = sources.FileSource
    sources.FileSource = CountingSource  # type: ignore[misc]
    try:
        started = time.perf_counter()
        with codec.open(path, device="cpu") as file:
            (view,) = file.values()
            middle = slice(view.shape[0] // 2, view.shape[0] // 2 + REGION)
            values = view[middle, middle, middle]
    finally:
        sources.FileSource = original  # type: ignore[misc]
    if values.shape != (REGION,) * 3:
        raise SystemExit(f"the region has shape {values.shape}")
    return CountingSource.read, time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
