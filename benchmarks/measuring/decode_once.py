"""Decode one file: run as a process of its own, so that nothing of the encoder can help.

python benchmarks/measuring/decode_once.py SOURCE TARGET THREADS DEVICE
"""

from __future__ import annotations

import sys

import codec

if __name__ == "__main__":
    source, target, threads, device = sys.argv[1:]
    codec.decode(source, target, threads=int(threads), device=device, overwrite=True)
