"""Sections in their order: a whole file from coded items, masks and what is kept verbatim."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from codec.container import cbor
from codec.container.compression import compress
from codec.container.items import Head, Item
from codec.container.sections import SectionWriter
from codec.entropy.mask_section import CodedMask, decode_mask_section, encode_mask_section
from codec.entropy.verbatim import VerbatimValue, encode_verbatim
from codec.limits import Limits
from codec.media.dataset import Metadata
from codec.pipeline.item_sections import ItemSections, integer_layer

# Bytes of the digest at the end: enough to notice a wrong decoder, not meant to stop a forger.
DIGEST_BYTES = 8


@dataclass
class FileParts:
    """What a file is made of, in the making.

    Attributes:
        kind: "volume", "image" or "sdf".
        masks: payloads of the MASK sections, in the order they were added, which is their order in
            the file: the index that an item was coded with stays right whatever is added later.
        items: in file order.
        kept: (type, attribute, stored payload) of the sections that are not fitted.
    """

    kind: str = "volume"
    masks: list[bytes] = field(default_factory=list)
    items: list[ItemSections] = field(default_factory=list)
    kept: list[tuple[str, int, bytes]] = field(default_factory=list)

    def add_validity(self, mask: CodedMask) -> int:
        """The index of this mask among the MASK sections; equal masks are stored once."""
        payload = encode_mask_section(mask)
        if payload not in self.masks:
            self.masks.append(payload)
        return self.masks.index(payload)

    def add_item(self, sections: ItemSections) -> None:
        """Append an item, coded with `first_mask` = the number of masks so far."""
        self.items.append(sections)
        self.masks += sections.masks

    def keep(self, medium: str, metadata: Metadata, verbatim: Mapping[str, VerbatimValue]) -> None:
        """Set what is not fitted; it is compressed here, once."""
        described = cbor.encode({0: medium, 1: metadata} if metadata else {0: medium})
        payloads = [("VERB", payload) for payload in encode_verbatim(verbatim)]
        self.kept = [(name, *compress(data)) for name, data in [*payloads, ("mETa", described)]]

    def to_bytes(self, level: int) -> bytes:
        """The file."""
        digest = hashlib.sha256()
        for mask in self.masks:
            digest.update(decode_mask_section(mask, _TRUSTED).integer_layer())
        for item, position in self._tensor_order():
            for piece in integer_layer(item.integers[position]):
                digest.update(piece)
        for item in self.items:
            if item.residual_integers is not None:
                for piece in integer_layer([item.residual_integers]):
                    digest.update(piece)
        return self._write(level, digest.digest()[:DIGEST_BYTES])

    def _tensor_order(self) -> list[tuple[ItemSections, int]]:
        """(item, number of its section) of all TENS sections, coarse ones of all items first.

        A section's rank is its distance from the item's last, which is the finest.
        """
        found = [(item, at) for item in self.items for at in range(len(item.tensors))]
        return sorted(found, key=lambda entry: entry[1] - len(entry[0].tensors))

    @property
    def file_bytes(self) -> int:
        """Size of the file, without making its digest."""
        return len(self._write(1, bytes(DIGEST_BYTES)))

    def _write(self, level: int, digest: bytes) -> bytes:
        stream = io.BytesIO()
        writer = SectionWriter(stream, level)
        writer.add("HEAD", Head(self.kind, len(self.items)).to_bytes())
        for item in self.items:
            writer.add("ITEM", item.item)
        for mask in self.masks:
            writer.add("MASK", mask)
        # What every level needs comes before the coefficients, these from coarse to fine, so that a
        # file that was cut short still shows all fields.
        for name, attribute, stored in self.kept:
            writer.add(name, stored, attribute)
        for item, position in self._tensor_order():
            writer.add("TENS", item.tensors[position])
        for item in self.items:
            if item.residuals is not None:
                writer.add("RESD", item.residuals)
        writer.finish(digest)
        return stream.getvalue()


_TRUSTED = Limits.level(2)


def needed_level(items: Sequence[Item], multiply_adds: int, parameters: int) -> int:
    """The lowest conformance level that admits these items."""
    small = Limits.level(1)
    samples = sum(item.samples for item in items)
    fits = (
        samples <= small.max_samples
        and multiply_adds <= small.max_multiply_adds
        and parameters <= small.max_parameters
    )
    return 1 if fits else 2
