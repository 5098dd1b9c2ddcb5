"""Sections in their order: a whole file from coded items, masks and descriptions."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from codec.coding.described_sections import KeptSection, kept_sections
from codec.coding.item_sections import ItemSections
from codec.coding.mask_section import CodedMask, decode_mask_section, encode_mask_section
from codec.coding.tensor_sections import integer_layer
from codec.coding.verbatim_section import VerbatimValue
from codec.format.compression import NONE
from codec.format.headers import Head, Item
from codec.format.provenance import Provenance
from codec.format.section_index import section_digest
from codec.format.sections import SectionWriter
from codec.limits import Limits
from codec.media.dataset import Metadata

# Limits for payloads that were made here.
_TRUSTED = Limits.level(2)


@dataclass(frozen=True)
class IntegerSection:
    """Section of integers as it will be written.

    Attributes:
        type: "MASK", "TENS" or "RESD".
        stored: function that gives the stored payload, from memory or from a file.
        digest: digest of its integers.
        attribute: compression of the payload.
    """

    type: str
    stored: Callable[[], bytes]
    digest: bytes
    attribute: int = NONE


@dataclass
class FileParts:
    """Parts of a file that is being made.

    Attributes:
        kind: "volume", "image" or "sdf".
        masks: payloads of the MASK sections, in the order they were added, which is their order in
            the file: the index that an item was coded with stays right whatever is added later.
        items: sections of the items, in file order.
        described: sections that no model stands for.
    """

    kind: str = "volume"
    masks: list[bytes] = field(default_factory=list)
    items: list[ItemSections] = field(default_factory=list)
    described: list[KeptSection] = field(default_factory=list)

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

    def keep(
        self,
        medium: str,
        metadata: Metadata,
        verbatim: Mapping[str, VerbatimValue],
        made: Provenance | None = None,
    ) -> None:
        """Set the description of the input; it is compressed here, once."""
        self.described = kept_sections(medium, metadata, verbatim, made)

    def to_bytes(self, level: int) -> bytes:
        """The file."""
        masks = [
            IntegerSection("MASK", partial(bytes, mask), mask_digest(mask)) for mask in self.masks
        ]
        return self._write(level, masks, [tensor_sections(item) for item in self.items])

    @property
    def file_bytes(self) -> int:
        """Size of the file, without making its digests."""
        masks = [_undigested("MASK", mask) for mask in self.masks]
        tensors = [
            [_undigested(kind, payload) for kind, payload in item.payloads] for item in self.items
        ]
        return len(self._write(1, masks, tensors))

    def _write(
        self,
        level: int,
        masks: Sequence[IntegerSection],
        tensors: Sequence[Sequence[IntegerSection]],
    ) -> bytes:
        stream = io.BytesIO()
        items = [item.item for item in self.items]
        write_sections(stream, level, self.kind, items, masks, self.described, tensors)
        return stream.getvalue()


def mask_digest(payload: bytes) -> bytes:
    """The digest of the MASK section with this payload."""
    return section_digest([decode_mask_section(payload, _TRUSTED).integer_layer()])


def tensor_sections(item: ItemSections) -> list[IntegerSection]:
    """The TENS and RESD sections of an item that is held in memory."""
    layers = list(item.integers)
    if item.residual_integers is not None:
        layers.append((item.residual_integers,))
    return [
        IntegerSection(kind, partial(bytes, payload), section_digest(integer_layer(integers)))
        for (kind, payload), integers in zip(item.payloads, layers, strict=True)
    ]


def _undigested(name: str, payload: bytes) -> IntegerSection:
    """A section to measure: its digest is not true, but as hard to compress as a true one."""
    return IntegerSection(name, partial(bytes, payload), section_digest([payload]))


def write_sections(
    stream: BinaryIO,
    level: int,
    kind: str,
    items: Sequence[bytes],
    masks: Sequence[IntegerSection],
    described: Sequence[KeptSection],
    tensors: Sequence[Sequence[IntegerSection]],
) -> int:
    """Write a whole file, strictly forward, holding one section at a time.

    Sections that every level needs come before the coefficients, and these come from coarse to
    fine, so that a file that was cut short still shows all fields.

    Args:
        items: payloads of the ITEM sections.
        masks: masks in the order that items count them.
        described: sections that no model stands for.
        tensors: sections of each item, from coarse to fine, residuals last.

    Returns:
        The length of the file.
    """
    writer = SectionWriter(stream, level)
    writer.add("HEAD", Head(kind, len(items)).to_bytes())
    for item in items:
        writer.add("ITEM", item)
    for mask in masks:
        writer.add("MASK", mask.stored(), mask.attribute, digest=mask.digest)
    for name, attribute, stored in described:
        writer.add(name, stored, attribute)
    for number, section in _coarse_first(tensors):
        writer.add(
            section.type, section.stored(), section.attribute, digest=section.digest, item=number
        )
    return writer.finish()


def _coarse_first(
    tensors: Sequence[Sequence[IntegerSection]],
) -> list[tuple[int, IntegerSection]]:
    """Pairs (item, section), coarse sections of all items first, residuals last.

    The rank of a section is its distance from the finest of its item, which residuals may follow.
    """
    ranked = []
    for number, sections in enumerate(tensors):
        levels = sum(section.type == "TENS" for section in sections)
        ranked += [(rank - levels, number, section) for rank, section in enumerate(sections)]
    ranked.sort(key=lambda entry: entry[0])
    return [(number, section) for _, number, section in ranked]


def needed_level(
    items: Sequence[Item], multiply_adds: int, parameters: int, sections: int = 0
) -> int:
    """The lowest conformance level that admits these items, in a file of so many sections."""
    small = Limits.level(1)
    samples = sum(item.samples for item in items)
    fits = (
        samples <= small.max_samples
        and multiply_adds <= small.max_multiply_adds
        and parameters <= small.max_parameters
        and sections <= small.max_sections
    )
    return 1 if fits else 2
