"""Zstandard of the raw samples: the lossless compressor that everyone has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import zstandard

from codec.arrays import Array

from .peer import Kind, Setting

_LEVEL = 3


@dataclass(frozen=True)
class Zstd:
    """Level 3, which is the default of the command, in one frame; it keeps every bit.

    Attributes:
        threads: threads of the encoder; the decoder has one.
    """

    threads: int = 1
    name: str = "zstd"
    kind: Kind = "volume"
    how: str = "level 3 of the raw samples, lossless; the decoder has one thread"

    def available(self) -> str | None:
        return None

    def version(self) -> str:
        numbers = ".".join(map(str, zstandard.ZSTD_VERSION))
        return f"zstandard {zstandard.__version__}, zstd {numbers}"

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        yield Setting("level", _LEVEL)

    def encode(self, values: Array, setting: Setting) -> bytes:
        # In zstandard 0 means the calling thread; any other number starts workers.
        workers = self.threads if self.threads > 1 else 0
        compressor = zstandard.ZstdCompressor(level=int(setting.value), threads=workers)
        return compressor.compress(np.ascontiguousarray(values).data.cast("B"))

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        samples = zstandard.ZstdDecompressor().decompress(data)
        return np.frombuffer(samples, np.float32).reshape(shape)
