"""Residuals: RESD sections, and their sums with the samples (sections 6.1 and 10)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .errors import Malformed
from .headers import Item
from .integer_sections import IntegerSection, counts
from .lattice import AXES, Lattice
from .numbers import Int64Array, Reader
from .streams import Stream, read_stream
from .values import Float64Array


def residuals_of(item: Item) -> int:
    """Return the number of residuals of an item: none without key 7."""
    return item.samples * len(item.components) if item.residual_steps is not None else 0


def residual_lattice(item: Item) -> Lattice | None:
    """Return the lattice whose coding order residuals have; none without key 7."""
    if item.residual_steps is None:
        return None
    components = len(item.components)
    lengths = [*([components] if components > 1 else []), *(n for n in item.dims if n > 1)]
    while len(lengths) > AXES:
        lengths[:2] = [lengths[0] * lengths[1]]
    a, b, c, d = [1] * (AXES - len(lengths)) + lengths
    return Lattice((a, b, c, d), (0, 0, 0, 0))


class ResidualReader:
    """Reads RESD payloads in file order and counts the residuals left for each item (RESD-2)."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._left = [residuals_of(item) for item in items]

    def read(self, payload: bytes) -> IntegerSection:
        """Read one payload (RESD-1)."""
        reader = Reader(payload)
        item = reader.uleb()
        if item >= len(self._items):
            raise Malformed(f"RESD-1: there is no item {item}")
        if self._items[item].residual_steps is None:
            raise Malformed(f"RESD-1: item {item} has no residuals")
        streams: list[Stream] = []
        while reader.left:
            left = self._left[item]
            _check_count(reader, left)
            streams.append(read_stream(reader, left, left))
            self._left[item] -= streams[-1].count
        return IntegerSection(item, tuple(streams), residual=True)


def _check_count(reader: Reader, left: int) -> None:
    """Check the count of the next stream, whatever its coder."""
    ahead = Reader(reader.data, reader.position)
    ahead.u8()
    if ahead.uleb() > left:
        raise Malformed("RESD-2: a stream holds more residuals than are left")


def check_residual_counts(sections: Sequence[IntegerSection], items: Sequence[Item]) -> None:
    """Compare the integers of the streams with the samples of the items (RESD-1)."""
    if counts(sections, len(items)) != [residuals_of(item) for item in items]:
        raise Malformed("RESD-1: not one residual per sample")


def corrected(x: Float64Array, step: float, residuals: Int64Array) -> Float64Array:
    """Return x + step * r (VAL-7); a sum of opposite infinities counts as x."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = x + step * residuals.astype(np.float64)
    return np.asarray(np.where(np.isnan(total), x, total), dtype=np.float64)
