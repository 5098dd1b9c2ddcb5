"""Growth of memory while one file is encoded and decoded: run as a process of its own.

python benchmarks/measuring/memory_once.py SOURCE FOLDER ARCHITECTURE EFFORT THREADS PSNR

A little volume is coded first, so that libraries and compiled code are no part of the growth. It
prints two numbers, the bytes to encode and those to decode.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import codec
from measuring.peak_memory import PeakMemory


def main() -> None:
    """Measure what the command line names."""
    source, folder = map(Path, sys.argv[1:3])
    architecture, effort, threads, psnr = sys.argv[3], *map(float, sys.argv[4:])
    little = folder / "little.npy"
    np.save(little, np.random.default_rng(0).random((16, 16, 16), np.float32))
    memory = PeakMemory()
    growths: list[int] = []
    for path in (little, source):
        coded, back = folder / "memory.inrc", folder / f"memory{path.suffix}"
        memory.start()
        codec.encode(
            path,
            coded,
            psnr=psnr,
            effort=int(effort),
            arch=architecture,
            threads=int(threads),
            device="cpu",
            overwrite=True,
        )
        growths = [memory.growth]
        memory.start()
        codec.decode(coded, back, threads=int(threads), device="cpu", overwrite=True)
        growths.append(memory.growth)
    print(*growths)


if __name__ == "__main__":
    main()
