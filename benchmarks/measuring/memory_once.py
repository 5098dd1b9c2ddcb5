"""Growth of memory while one file is encoded or decoded: run as a process of its own.

python benchmarks/measuring/memory_once.py encode SOURCE CODED ARCHITECTURE EFFORT THREADS PSNR
python benchmarks/measuring/memory_once.py decode CODED TARGET ARCHITECTURE EFFORT THREADS PSNR

A little volume is coded first, so that libraries and compiled code are no part of the growth. The
number of bytes is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import codec
from measuring.peak_memory import PeakMemory


def main() -> None:
    """Measure what the command line names."""
    action, architecture = sys.argv[1], sys.argv[4]
    source, target = map(Path, sys.argv[2:4])
    effort, threads, psnr = map(float, sys.argv[5:])

    def encode(path: Path, coded: Path) -> None:
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

    def decode(coded: Path, path: Path) -> None:
        codec.decode(coded, path, threads=int(threads), device="cpu", overwrite=True)

    little, coded_little = (target.with_name(f"little{suffix}") for suffix in (".npy", ".inrc"))
    np.save(little, np.random.default_rng(0).random((16, 16, 16), np.float32))
    encode(little, coded_little)
    decode(coded_little, little)
    memory = PeakMemory()
    memory.start()
    if action == "encode":
        encode(source, target)
    else:
        decode(source, target)
    print(memory.growth)


if __name__ == "__main__":
    main()
