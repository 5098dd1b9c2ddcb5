"""Integers of a static stream, in the array of their lattice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from codec.arrays import Array, Int32Array
from codec.entropy.lattice import Band


@dataclass(frozen=True)
class DecodedStream:
    """Integers of a static stream, which stand in the array of their lattice.

    Attributes:
        values: int32 of the lattice's shape.
        bands: those that the stream holds, in coding order.
    """

    values: Int32Array
    bands: Sequence[Band]

    def __len__(self) -> int:
        return sum(band.size for band in self.bands)

    def parts(self) -> Iterator[Int32Array]:
        """The integers in coding order, band by band."""
        for band in self.bands:
            yield self.values[band.box].reshape(-1)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """All integers in coding order, a copy."""
        if copy is False:
            raise ValueError("integers of a lattice are gathered, which copies them")
        return np.concatenate(list(self.parts())).astype(dtype or np.int32, copy=False)
