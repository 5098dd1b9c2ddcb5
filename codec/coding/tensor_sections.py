"""TENS and RESD sections as the integers of an item."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from codec.arrays import Int16Array, Int32Array, Int64Array
from codec.entropy.coder_numbers import OCTREE, STATIC_LATTICE
from codec.entropy.static.decoded_stream import DecodedStream
from codec.entropy.stream import StreamSummary, decode_stream_with_summary
from codec.errors import CorruptError
from codec.format.leb128 import decode_uleb
from codec.limits import Limits
from codec.plugin_api.models import TensorSpec

if TYPE_CHECKING:
    from codec.entropy.mixing.coder import LatticeDecoder
    from codec.entropy.static.lattice_decoder import StaticLattice

# Coefficients on their way to or from a file: as few bytes as hold them.
Coded = Int64Array | Int32Array | Int16Array
# Integers of a stream, or where they stand.
CodedStream = Coded | DecodedStream

# Integers that are put into one form for the digest at a time.
_PIECE = 1 << 20
# Largest number of streams of coder array in the TENS (or RESD) sections of an item: each stream
# has a memory of its own.
MOST_ARRAYS = 1024


@dataclass(frozen=True)
class TensorSection:
    """A decoded TENS section: its item, and each stream's integers and summary."""

    item: int
    streams: list[CodedStream]
    summaries: list[StreamSummary]

    def integer_layer(self) -> Iterator[memoryview]:
        """Bytes of this section that the digest of the file covers, in pieces."""
        return integer_layer(self.streams)


def integer_layer(streams: Iterable[CodedStream]) -> Iterator[memoryview]:
    """Integers as the digest takes them: int32, little-endian."""
    parts = (part for values in streams for part in _parts(values))
    for values in parts:
        for start in range(0, len(values), _PIECE):
            yield np.ascontiguousarray(values[start : start + _PIECE], "<i4").data


def _parts(values: CodedStream) -> Iterable[Coded]:
    return values.parts() if isinstance(values, DecodedStream) else (values,)


def section_item(payload: bytes) -> int:
    """The item that a TENS payload (or its beginning) belongs to."""
    return decode_uleb(payload)[0]


class ItemStreams:
    """Decodes the TENS (or RESD) sections of one item, in file order.

    Args:
        specs: tensors of the item.
        limits: bounds on what the file may ask for.
        section: type of the sections, for errors.
        threads: blocks of coefficients decoded at once.

    Attributes:
        count: integers decoded so far.
    """

    def __init__(
        self,
        specs: Sequence[TensorSpec],
        limits: Limits,
        section: str = "TENS",
        threads: int = 1,
    ) -> None:
        self._section = section
        self._lattice = specs[0].lattice if specs else None
        self._octree = specs[0].octree if specs else None
        self._most = sum(math.prod(spec.shape) for spec in specs)
        self._limits = limits
        self._threads = threads
        self._decoder: LatticeDecoder | None = None
        self._static: StaticLattice | None = None
        # Integers of the lattice that another coder held, until a static stream needs them.
        self._before: list[Coded] = []
        self._arrays = 0
        self.count = 0

    def decode(self, payload: bytes) -> TensorSection:
        """The next section of the item."""
        item, position = decode_uleb(payload)
        streams: list[CodedStream] = []
        summaries = []
        while position < len(payload):
            values, position, summary = decode_stream_with_summary(
                payload,
                position,
                self._limits,
                self._decode_segment,
                self._most - self.count,
            )
            self.count += len(values)
            self._count_arrays(summary)
            if isinstance(values, DecodedStream) or self._lattice is None:
                streams.append(values)
            elif self._static is not None:
                self._static.put(values)
                streams.append(values)
            else:
                self._before.append(_narrow(values))
                streams.append(self._before[-1])
            summaries.append(summary)
            if self._lattice is None:
                self._limits.check("parameters", self.count, section=self._section)
        return TensorSection(item, streams, summaries)

    @property
    def lattice_values(self) -> Int32Array | None:
        """All integers of the lattice in an array of its shape; None without a static stream."""
        if self._static is None or self.count < self._most:
            return None
        return self._static.values

    def _count_arrays(self, summary: StreamSummary) -> None:
        self._arrays += summary.coder == "array"
        if self._arrays > MOST_ARRAYS:
            raise CorruptError(
                f"more than {MOST_ARRAYS} streams of coder array", section=self._section
            )

    def _decode_segment(self, coder: int, count: int, data: bytes) -> Int32Array | DecodedStream:
        if coder == OCTREE:
            return self._decode_octree(count, data)
        if self._lattice is None:
            raise CorruptError("coefficients in an item without a lattice", section=self._section)
        if coder == STATIC_LATTICE:
            return self._decode_static(count, data)
        if self._decoder is None:
            from codec.entropy.mixing.coder import LatticeDecoder

            self._decoder = LatticeDecoder(self._lattice)
        if self._decoder.done != self.count:
            raise CorruptError(
                "coefficients do not follow those before them", section=self._section
            )
        return self._decoder.decode(count, data)

    def _decode_static(self, count: int, data: bytes) -> DecodedStream:
        if self._lattice is None:
            raise CorruptError("coefficients in an item without a lattice", section=self._section)
        if self._static is None:
            from codec.entropy.static.lattice_decoder import StaticLattice

            self._static = StaticLattice(self._lattice, self._threads)
            for values in self._before:
                self._static.put(values)
            self._before = []
        return self._static.decode(count, data)

    def _decode_octree(self, count: int, data: bytes) -> Int32Array:
        if self._octree is None:
            raise CorruptError("an octree in an item without one", section="TENS")
        if self.count or count != self._octree.count:
            raise CorruptError(
                "the stream of an octree does not hold all of its cells", section="TENS"
            )
        from codec.entropy.mixing.octree import decode_octree

        return decode_octree(self._octree, data)


def _narrow(values: Int64Array | Int32Array) -> Coded:
    """The same integers in 16 bits, if they fit: they wait until the lattice is complete."""
    least = np.iinfo(np.int16)
    if least.min < values.min(initial=0) and values.max(initial=0) <= least.max:
        return values.astype(np.int16)
    return values
