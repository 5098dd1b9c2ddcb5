"""TTHRESH, a command that has to be built from its source: on the PATH, or where TTHRESH says."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codec.arrays import Array

from .peer import Kind, Setting, span

# It measures PSNR against half the range.
_HALF_RANGE_DB = 6.0206


@dataclass(frozen=True)
class Tthresh:
    """PSNR-bounded, axes as they are; times include its reading and writing of files.

    Attributes:
        threads: OMP_NUM_THREADS of the command.
    """

    threads: int = 1
    name: str = "TTHRESH"
    kind: Kind = "volume"
    how: str = "PSNR every 3 dB; 4-D whole; file, times with file I/O"

    def available(self) -> str | None:
        return None if _binary() else "no command tthresh on the PATH, and TTHRESH names none"

    def version(self) -> str:
        return "tthresh (states no version)"

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        for psnr in span(targets, below=15, above=9, step=3):
            yield Setting("psnr", psnr)

    def encode(self, values: Array, setting: Setting) -> bytes:
        with tempfile.TemporaryDirectory(prefix="tthresh-") as folder:
            raw, coded = Path(folder, "in.raw"), Path(folder, "coded")
            values.tofile(raw)
            # Its first size is that of the axis that changes fastest.
            sizes = [str(size) for size in reversed(values.shape)]
            quality = f"{setting.value - _HALF_RANGE_DB:.4f}"
            self._run("-i", raw, "-t", "float", "-s", *sizes, "-p", quality, "-c", coded)
            return coded.read_bytes()

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        with tempfile.TemporaryDirectory(prefix="tthresh-") as folder:
            coded, raw = Path(folder, "coded"), Path(folder, "out.raw")
            coded.write_bytes(data)
            self._run("-c", coded, "-o", raw)
            return np.fromfile(raw, np.float32).reshape(shape)

    def _run(self, *arguments: str | Path) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads)}
        command = [str(_binary()), *arguments]
        subprocess.run(command, check=True, capture_output=True, env=environment)


def _binary() -> str | None:
    return shutil.which(os.environ.get("TTHRESH", "tthresh"))
