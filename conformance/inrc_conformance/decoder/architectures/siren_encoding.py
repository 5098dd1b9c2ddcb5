"""The encodings of coordinates of architecture 7."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..cbor import Value, as_list, as_uint
from ..errors import Malformed, Unsupported
from .coordinate_networks import in_range
from .plan import Float64Array

MLP, NERF, POSITIONAL, GAUSS = range(4)
_LENGTHS = (1, 3, 3, 4)
_RULE = "SIREN-1"
_MEAN_OF_12 = 393210


@dataclass(frozen=True)
class Encoding:
    """Kind and numbers of an encoding of `axes` coordinates."""

    kind: int
    axes: int
    count: int = 0
    """L, the number of frequencies or rows."""
    thousandths: int = 0
    """s in thousandths."""
    seed: int = 0

    @property
    def size(self) -> int:
        """E, the length of the encoding."""
        d, n = self.axes, self.count
        return (d, d * (1 + 2 * n), 2 * d * n, 2 * n)[self.kind]

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the encoding itself."""
        return self.axes * self.count if self.kind == GAUSS else 0

    def of(self, p: Float64Array) -> Float64Array:
        """Return v of places given as (axes, positions)."""
        scale = self.thousandths / 1000
        if self.kind == MLP:
            return p
        if self.kind == GAUSS:
            u = scale * (gauss_matrix(self.seed, self.count, self.axes) @ p)
            return waves(2 * math.pi * u)
        frequencies = nerf(scale, self.count) if self.kind == NERF else octaves(scale, self.count)
        rows = waves(np.concatenate([f * p for f in frequencies]))
        return np.concatenate([p, rows]) if self.kind == NERF else rows


def nerf(scale: float, count: int) -> list[float]:
    """Return the angular frequencies of nerf."""
    return [scale**n * math.pi for n in range(count)]


def octaves(scale: float, count: int) -> list[float]:
    """Return the angular frequencies of positional."""
    return [2 * math.pi * scale ** (n / count) for n in range(count)]


def waves(phases: Float64Array) -> Float64Array:
    """Return for each row its sine, and then its cosine."""
    pairs = np.stack([np.sin(phases), np.cos(phases)], axis=1)
    return np.asarray(pairs.reshape(-1, phases.shape[1]), dtype=np.float64)


def gauss_matrix(seed: int, rows: int, columns: int) -> Float64Array:
    """Return the matrix B."""
    draws = _draws(seed)
    numbers = [sum(next(draws) for _ in range(12)) for _ in range(rows * columns)]
    centred = np.array(numbers, dtype=np.float64) - _MEAN_OF_12
    return centred.reshape(rows, columns) / 65536


def _draws(seed: int) -> Iterator[int]:
    """Return numbers of 16 bits."""
    x = seed
    while True:
        x = (6364136223846793005 * x + 1442695040888963407) % 2**64
        yield x >> 48


def read_encoding(value: Value, axes: int) -> Encoding:
    """Check key 2 (SIREN-1, SIREN-2)."""
    entries: Sequence[Value] = as_list(value, f"{_RULE}: encoding")
    if not entries:
        raise Malformed(f"{_RULE}: an empty encoding")
    kind = as_uint(entries[0], f"{_RULE}: the kind of encoding")
    if kind >= len(_LENGTHS):
        raise Unsupported(f"{_RULE}: encoding {kind}")
    if len(entries) != _LENGTHS[kind]:
        raise Malformed(f"{_RULE}: encoding {kind} with {len(entries)} entries")
    if kind == MLP:
        return Encoding(kind, axes)
    count = in_range(entries[1], 1, 1024, f"{_RULE}: L of the encoding")
    scale = in_range(entries[2], 1, 2**26, f"{_RULE}: s of the encoding")
    seed = in_range(entries[3], 0, 2**64 - 1, f"{_RULE}: seed") if kind == GAUSS else 0
    if kind == NERF and scale ** (count - 1) > 2**24 * 1000 ** (count - 1):
        raise Malformed("SIREN-2: a frequency above 2^24")
    return Encoding(kind, axes, count, scale, seed)
