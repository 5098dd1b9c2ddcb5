"""The latent grid of architecture 1, as it is or from its wavelet coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from ..cbor import Value, as_list
from ..errors import Malformed, Unsupported
from .coordinate_networks import in_range
from .plan import Float32Array, Float64Array
from .transforms import CDF97, Filters, synthesis

FILTERS = {1: CDF97, 2: Filters(-0.5, 0.25, 0.0, 0.0, 1.4142135623730951)}


@dataclass(frozen=True)
class Grid:
    """Size of the grid, its features, and its wavelet, if it has one."""

    size: tuple[int, ...]
    features: int
    levels: int = 0
    wavelet: int = 0

    def box(self, level: int) -> tuple[int, ...]:
        """Return B of a level."""
        return tuple(-(-size // 2**level) for size in self.size)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the tensors of the grid."""
        if not self.wavelet:
            return [(self.features, *self.size)]
        sizes = [prod(self.box(level)) for level in range(self.levels + 1)]
        details = [sizes[level - 1] - sizes[level] for level in range(self.levels, 0, -1)]
        return [(self.features, count) for count in (sizes[-1], *details)]

    def nodes(self, tensors: Sequence[Float32Array]) -> Float64Array:
        """Return the features at all nodes, as (features, nodes)."""
        if not self.wavelet:
            return tensors[0].astype(np.float64).reshape(self.features, -1)
        x = tensors[0].astype(np.float64).reshape(self.features, *self.box(self.levels))
        for level, details in zip(range(self.levels, 0, -1), tensors[1:], strict=True):
            x = joined(x, details.astype(np.float64), self.box(level - 1))
            for axis in range(1, x.ndim):
                if x.shape[axis] > 1:
                    x = synthesis(x, axis, FILTERS[self.wavelet])
        return x.reshape(self.features, -1)


def joined(low: Float64Array, details: Float64Array, size: tuple[int, ...]) -> Float64Array:
    """Put the boxes of a level together."""
    out = np.empty((low.shape[0], *size), dtype=np.float64)
    start = 0
    for e in product((0, 1), repeat=len(size)):
        halves = [-(-b // 2) for b in size]
        box = tuple(
            slice(h, b) if odd else slice(0, h) for odd, h, b in zip(e, halves, size, strict=True)
        )
        place = out[(slice(None), *box)]
        if not any(e):
            place[...] = low
            continue
        count = prod(place.shape[1:])
        place[...] = details[:, start : start + count].reshape(place.shape)
        start += count
    return out


def read_wavelet(value: Value, size: tuple[int, ...], features: int) -> Grid:
    """Check key 5 (FVSRN-1, FVSRN-2)."""
    entries = as_list(value, "FVSRN-1: wavelet")
    if len(entries) != 2:
        raise Malformed("FVSRN-1: wavelet does not have two entries")
    wavelet = in_range(entries[0], 1, 255, "FVSRN-1: W of the wavelet")
    levels = in_range(entries[1], 1, 16, "FVSRN-1: levels of the wavelet")
    if 2 ** (levels - 1) >= max(size):
        raise Malformed("FVSRN-2: more levels than the grid can have")
    if wavelet not in FILTERS:
        raise Unsupported(f"FVSRN-2: wavelet {wavelet}")
    return Grid(size, features, levels, wavelet)
