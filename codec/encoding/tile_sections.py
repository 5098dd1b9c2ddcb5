"""A file from tiles in a journal, or in another file, of which one section at a time is read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from codec.coding.described_sections import KeptSection
from codec.coding.write_file import IntegerSection, needed_level, write_sections
from codec.encoding.encoded_tile import placed_item
from codec.encoding.tile_journal import StoredTile, TileJournal
from codec.format.compression import NONE
from codec.format.headers import Item


@dataclass
class PlacedItems:
    """The items of a file in the making, in file order, and what belongs to them.

    Attributes:
        headers: of the items.
        masks: of the file; equal ones are stored once.
        integers: for each item its sections, from coarse to fine.
        multiply_adds, parameters: for the limits.
    """

    headers: list[Item] = field(default_factory=list)
    masks: list[IntegerSection] = field(default_factory=list)
    integers: list[list[IntegerSection]] = field(default_factory=list)
    multiply_adds: int = 0
    parameters: int = 0
    _known_masks: dict[bytes, int] = field(default_factory=dict)

    def add_tile(
        self,
        tile: StoredTile,
        journal: TileJournal,
        origin: Sequence[int] | None,
        overlap: tuple[tuple[int, int], ...] = (),
    ) -> None:
        """Append a finished tile; without an origin it is a field that is not cut."""
        masks = [self.add_mask(journal, section) for section in tile.masks]
        self.integers.append(journal.integers_of(tile, len(self.headers)))
        self.headers.append(placed_item(tile.item, masks, origin, overlap))
        self.multiply_adds += tile.multiply_adds
        self.parameters += tile.parameters

    def add_copies(self, masks: Sequence[IntegerSection]) -> None:
        """Take over all masks of another file, in their order, before anything is added."""
        for number, mask in enumerate(masks):
            self.masks.append(mask)
            if mask.attribute == NONE:
                self._known_masks.setdefault(hashlib.sha256(mask.stored()).digest(), number)

    def add_item(
        self,
        header: Item,
        integers: Sequence[IntegerSection],
        multiply_adds: int,
        parameters: int,
    ) -> None:
        """Append an item of another file, whose number must be the same there."""
        self.headers.append(header)
        self.integers.append(list(integers))
        self.multiply_adds += multiply_adds
        self.parameters += parameters

    def add_mask(self, journal: TileJournal, section: tuple[str, bytes, int, int]) -> int:
        """The number of a mask of the journal among those of the file."""
        kind, digest, offset, length = section
        stored = partial(journal.read, offset, length)
        content = hashlib.sha256(stored()).digest()
        if content not in self._known_masks:
            self._known_masks[content] = len(self.masks)
            self.masks.append(IntegerSection(kind, stored, digest))
        return self._known_masks[content]

    def write(self, stream: BinaryIO, kind: str, kept: Sequence[KeptSection]) -> None:
        """Write the whole file, strictly forward."""
        # Besides these there are HEAD, the index and ENDS.
        sections = 3 + len(self.headers) + len(self.masks) + len(kept)
        sections += sum(map(len, self.integers))
        level = needed_level(self.headers, self.multiply_adds, self.parameters, sections)
        items = [header.to_bytes() for header in self.headers]
        write_sections(stream, level, kind, items, self.masks, kept, self.integers)
