"""Integers of a lattice, stream by stream, in the order in which they are coded."""

from __future__ import annotations

import numpy as np

from codec.arrays import Array
from codec.entropy.lattice import Lattice
from codec.entropy.static.decoded_stream import DecodedStream
from codec.entropy.static.decoder import StaticDecoder
from codec.errors import CorruptError


class StaticLattice:
    """Decoder of the static streams of a lattice, among streams of other coders.

    Args:
        lattice: what is decoded.
        threads: blocks decoded at once.

    Attributes:
        values: int32 of the lattice's shape; what is not decoded yet is 0.
    """

    def __init__(self, lattice: Lattice, threads: int = 1) -> None:
        self._lattice = lattice
        self.values = np.zeros(lattice.shape, np.int32)
        self._decoder = StaticDecoder(lattice, self.values, threads)
        self._count = 0

    def put(self, integers: Array) -> None:
        """The next integers, which another coder held; too many are left to the caller."""
        at = 0
        for band in self._lattice.bands:
            first, last = max(self._count - at, 0), self._count + len(integers) - at
            if first < band.size and last > 0:
                flat = self.values[band.box].reshape(-1)
                last = min(last, band.size)
                flat[first:last] = integers[at + first - self._count : at + last - self._count]
                self.values[band.box] = flat.reshape(band.shape)
            at += band.size
        self._count += len(integers)

    def decode(self, count: int, data: bytes) -> DecodedStream:
        """The next `count` integers, from a static stream.

        Raises:
            CorruptError: the stream breaks the specification.
        """
        if count > self._lattice.size - self._count:
            raise CorruptError("a stream holds more coefficients than there are", section="TENS")
        bands = self._decoder.decode(self._count, count, data)
        self._count += count
        return DecodedStream(self.values, bands)
