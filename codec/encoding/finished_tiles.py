"""Finished tiles of one run, and the ranges of its fields, in the run's journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from functools import partial

from codec.coding.normalise import FieldRange
from codec.coding.write_file import IntegerSection
from codec.encoding.encode_tile import EncodedTile
from codec.files.journal import RANGES, TILE, Journal, Record
from codec.format import cbor
from codec.measuring.quality import Deviation


class FinishedTiles:
    """The finished tiles of one run, whose sections are read from its journal.

    Args:
        journal: of the run.

    Attributes:
        by_number: the tiles, by the number of their item.
        ranges: of the fields, by name; empty before they are known.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.by_number: dict[int, EncodedTile] = {}
        self.ranges: Mapping[str, FieldRange] = {}
        for record in journal.records(RANGES):
            ranges = cbor.decode(record.header)
            self.ranges = {name: FieldRange(*values) for name, values in ranges.items()}
        for record in journal.records(TILE):
            self._take(record)

    def add_ranges(self, ranges: Mapping[str, FieldRange]) -> None:
        """Keep the ranges of the fields, which took a pass over all samples."""
        values = {
            name: [span.low, span.high, span.offset, span.scale, span.half_range]
            for name, span in ranges.items()
        }
        self._journal.append(RANGES, cbor.encode(values))
        self.ranges = ranges

    def add(self, number: int, tile: EncodedTile) -> None:
        """Keep a finished tile."""
        payloads = [section.stored() for section in (*tile.masks, *tile.integers)]
        sizes = iter(map(len, payloads))
        header = [
            number,
            tile.item,
            [[section.type, section.digest, next(sizes)] for section in tile.masks],
            [[section.type, section.digest, next(sizes)] for section in tile.integers],
            tile.multiply_adds,
            tile.parameters,
            [list(astuple(part)) for part in tile.deviations],
        ]
        self._take(self._journal.append(TILE, cbor.encode(header), payloads))

    def _take(self, record: Record) -> None:
        number, item, masks, integers, multiply_adds, parameters, deviations = cbor.decode(
            record.header
        )
        sections, offset = [], 0
        for kind, digest, length in (*masks, *integers):
            stored = partial(self._journal.read, record, offset, length)
            sections.append(IntegerSection(kind, stored, digest))
            offset += length
        self.by_number[number] = EncodedTile(
            item,
            tuple(sections[: len(masks)]),
            tuple(sections[len(masks) :]),
            multiply_adds,
            parameters,
            tuple(Deviation(*values) for values in deviations),
        )
