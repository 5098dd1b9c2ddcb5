"""The benchmark behind `make bench-first-second`: how long commands on small files take.

    python benchmarks/bench_first_second.py [--edges 32,64] [--effort 0] [--psnr 45] [--runs 3]

Every command is a process of its own on one thread. Cold runs start with an empty folder for
compiled loops; of warm ones the fastest of several is given. Processor seconds are of all threads
of a command; on a machine that others use they say more than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from reporting.machine import describe_machine


@dataclass(frozen=True)
class Timing:
    """Seconds that a command took."""

    command: str
    cache: str
    wall: float
    cpu: float


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        timings = []
        for timing in measure(Path(folder), options):
            timings.append(timing)
            print(f"{timing.command:24} {timing.cache:5} {timing.wall:7.2f} {timing.cpu:7.2f}")
    if options.json:
        figures = {
            "effort": options.effort,
            "psnr": options.psnr,
            "seconds": [asdict(timing) for timing in timings],
            "machine": describe_machine(),
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edges", default="32,64", help="edges of the cubic fields [32,64]")
    parser.add_argument("--effort", type=int, default=0, help="effort of encoding [0]")
    parser.add_argument("--psnr", type=float, default=45.0, help="target in dB [45]")
    parser.add_argument("--runs", type=int, default=3, help="warm runs of each command [3]")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def measure(folder: Path, options: argparse.Namespace) -> Iterator[Timing]:
    """Timings of all commands, in files of this folder."""
    edges = [int(edge) for edge in options.edges.split(",")]
    print(f"{'command':24} {'cache':5} {'wall s':>7} {'CPU s':>7}")
    cache = folder / "cold-encode"
    for edge in edges:
        np.save(folder / f"{edge}.npy", make_field(edge))
        encode = _encode(folder, edge, options)
        if edge == edges[0]:
            yield run(f"encode {edge}^3", "cold", encode, cache)
        yield best(options.runs, f"encode {edge}^3", encode, cache)
    for edge in edges:
        decode = _inrc("decode", folder / f"{edge}.inrc", "-o", folder / "back.npy", "--force")
        if edge == edges[0]:
            yield run(f"decode {edge}^3", "cold", decode, folder / "cold-decode")
        yield best(options.runs, f"decode {edge}^3", decode, cache)
    yield best(options.runs, "info", _inrc("info", folder / f"{edges[0]}.inrc"), cache)
    yield best(options.runs, "--help", _inrc("--help"), cache)
    yield best(options.runs, "import codec", [sys.executable, "-c", "import codec"], cache)


def make_field(edge: int) -> np.ndarray:
    """Smooth waves with a little noise, float32, always the same."""
    z, y, x = np.meshgrid(*[np.linspace(0, 1, edge)] * 3, indexing="ij")
    waves = np.sin(9 * x + 4 * y) * np.cos(7 * z) + 0.5 * np.sin(23 * x * y + 11 * z)
    noise = np.random.default_rng(1).standard_normal(waves.shape)
    return (waves + 0.01 * noise).astype(np.float32)


def _encode(folder: Path, edge: int, options: argparse.Namespace) -> list[str]:
    goal = ("--psnr", options.psnr, "--effort", options.effort)
    files = (folder / f"{edge}.npy", "-o", folder / f"{edge}.inrc")
    return _inrc("encode", *files, *goal, "--force")


def _inrc(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "inrc", *map(str, arguments)]


def best(runs: int, name: str, command: list[str], cache: Path) -> Timing:
    """The run with the least processor time, after one that fills the caches."""
    run(name, "warm", command, cache)
    return min((run(name, "warm", command, cache) for _ in range(runs)), key=lambda t: t.cpu)


def run(name: str, state: str, command: list[str], cache: Path) -> Timing:
    """Run a command with this folder for compiled loops.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(cache),
        "OMP_NUM_THREADS": "1",
        "INRC_THREADS": "1",
    }
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Timing(name, state, round(wall, 3), round(cpu, 3))


if __name__ == "__main__":
    sys.exit(main())
