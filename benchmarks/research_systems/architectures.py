"""Architectures of this project, all at the same number of bytes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from measuring.round_trip import DECODER

import codec
from research_systems.decoded_values import THREADS
from research_systems.inputs import Input

ARCHITECTURES = ("pyramid", "fvsrn", "neurcomp", "amgsrn", "miner", "siren", "hashgrid")
FOR_MESHES = "shell"
_WITHOUT_STEPS = ("pyramid", FOR_MESHES)
_SUFFIXES = {"volume": ".npy", "image": ".png", "mesh": ".ply"}


def architecture_row(name: str, source: Input, work: Path, steps: int, size: int) -> dict[str, Any]:
    """Row of the table of architectures, for a file of at most `size` bytes."""
    target = work / "table.inrc"
    report = codec.encode(
        source.path,
        target,
        bytes=size,
        arch=name,
        settings={} if name in _WITHOUT_STEPS else {"fit.steps": steps},
        threads=THREADS,
        overwrite=True,
    )
    started = time.perf_counter()
    back = work / f"back{_SUFFIXES[source.kind]}"
    subprocess.run([sys.executable, DECODER, target, back, str(THREADS), "cpu"], check=True)
    seconds = time.perf_counter() - started
    row = {
        "architecture": name,
        "data": source.name,
        "steps": 0 if name in _WITHOUT_STEPS else steps,
        "bytes": target.stat().st_size,
        "psnr": round(min(quality.psnr for quality in report.qualities), 2),
        "encode_seconds": round(report.seconds, 1),
        "decode_seconds": round(seconds, 2),
    }
    print(row, flush=True)
    return row
