"""Sections in their order: a whole file from coded items, masks and descriptions of the input."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    """A section of integers as it will be written.

    Attributes:
        type: "MASK", "TENS" or "RESD".
        stored: gives the stored payload, from memory or from a file.
        digest: SHA-256 of its integers, shortened.
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
        described: sections that no model stands for.
        items: payloads of the ITEM sections, in file order.
        masks: in the order they were added, which is their order in the file: the number that an
            item was coded with stays right whatever is added later.
        integers: for each item its TENS and RESD sections, from coarse to fine.
        multiply_adds: to evaluate every sample of the file once.
        parameters: entries of all tensors but coefficients.
    """

    kind: str = "volume"
    described: Sequence[KeptSection] = ()
    items: list[bytes] = field(default_factory=list)
    masks: list[IntegerSection] = field(default_factory=list)
    integers: list[list[IntegerSection]] = field(default_factory=list)
    multiply_adds: int = 0
    parameters: int = 0
    _mask_numbers: dict[bytes, int] = field(default_factory=dict)

    def add_validity(self, mask: CodedMask) -> int:
        """The number of a mask among those of the file; equal masks are stored once."""
        payload = encode_mask_section(mask)
        return self._numbered(payload, lambda: mask_section(payload))

    def add_mask(self, section: IntegerSection) -> int:
        """The number of a coded mask among those of the file; equal masks are stored once."""
        return self._numbered(section.stored(), lambda: section)

    def _numbered(self, payload: bytes, make: Callable[[], IntegerSection]) -> int:
        """The number of the mask with a payload, whose section is made if there is none yet."""
        content = hashlib.sha256(payload).digest()
        if content not in self._mask_numbers:
            self._mask_numbers[content] = len(self.masks)
            self.masks.append(make())
        return self._mask_numbers[content]

    def append_mask(self, section: IntegerSection) -> int:
        """Append a mask, whatever masks there are; returns its number."""
        number = len(self.masks)
        self.masks.append(section)
        if section.attribute == NONE:
            self._mask_numbers.setdefault(hashlib.sha256(section.stored()).digest(), number)
        return number

    def add_item(self, sections: ItemSections, multiply_adds: int = 0, parameters: int = 0) -> None:
        """Append an item, coded with `first_mask` = the number of masks so far."""
        for mask in sections.masks:
            self.append_mask(mask_section(mask))
        integers = tensor_sections(sections)
        self.add_coded(sections.item, integers, multiply_adds, parameters)

    def add_coded(
        self,
        item: bytes,
        integers: Sequence[IntegerSection],
        multiply_adds: int,
        parameters: int,
    ) -> None:
        """Append an item whose masks are there, and whose sections name its number."""
        self.items.append(item)
        self.integers.append(list(integers))
        self.multiply_adds += multiply_adds
        self.parameters += parameters

    def describe(
        self,
        medium: str,
        metadata: Metadata,
        verbatim: Mapping[str, VerbatimValue],
        made: Provenance | None = None,
    ) -> None:
        """Set the description of the input; it is compressed here, once."""
        self.described = kept_sections(medium, metadata, verbatim, made)

    def to_bytes(self, level: int | None = None) -> bytes:
        """The file."""
        stream = io.BytesIO()
        self.write(stream, level)
        return stream.getvalue()

    def write(self, stream: BinaryIO, level: int | None = None) -> int:
        """Write the whole file, strictly forward, holding one section at a time.

        What every level of detail needs comes before the coefficients, these from coarse to fine,
        so that a file that was cut short still shows all fields.

        Args:
            level: conformance level; the lowest that admits the file if None.

        Returns:
            The length of the file.
        """
        writer = SectionWriter(stream, self._needed_level() if level is None else level)
        writer.add("HEAD", Head(self.kind, len(self.items)).to_bytes())
        for item in self.items:
            writer.add("ITEM", item)
        for mask in self.masks:
            writer.add("MASK", mask.stored(), mask.attribute, digest=mask.digest)
        for name, attribute, stored in self.described:
            writer.add(name, stored, attribute)
        for number, section in _coarse_first(self.integers):
            payload = section.stored()
            writer.add(section.type, payload, section.attribute, digest=section.digest, item=number)
        return writer.finish()

    @property
    def file_bytes(self) -> int:
        """Size of the file, without its true digests."""
        masks = [_undigested(mask) for mask in self.masks]
        integers = [[_undigested(section) for section in sections] for sections in self.integers]
        return replace(self, masks=masks, integers=integers).write(io.BytesIO(), 1)

    def _needed_level(self) -> int:
        """The lowest conformance level that admits the file."""
        small = Limits.level(1)
        samples = sum(Item.from_bytes(item).samples for item in self.items)
        # Besides these there are HEAD, the index and ENDS.
        sections = 3 + len(self.items) + len(self.masks) + len(self.described)
        sections += sum(map(len, self.integers))
        fits = (
            samples <= small.max_samples
            and self.multiply_adds <= small.max_multiply_adds
            and self.parameters <= small.max_parameters
            and sections <= small.max_sections
        )
        return 1 if fits else 2


def mask_section(payload: bytes) -> IntegerSection:
    """The MASK section with this payload."""
    layer = decode_mask_section(payload, _TRUSTED).integer_layer()
    return IntegerSection("MASK", partial(bytes, payload), section_digest([layer]))


def tensor_sections(item: ItemSections) -> list[IntegerSection]:
    """The TENS and RESD sections of an item that is held in memory."""
    layers = list(item.integers)
    if item.residual_integers is not None:
        layers.append((item.residual_integers,))
    return [
        IntegerSection(kind, partial(bytes, payload), section_digest(integer_layer(integers)))
        for (kind, payload), integers in zip(item.payloads, layers, strict=True)
    ]


def _undigested(section: IntegerSection) -> IntegerSection:
    """Bytes for measuring alone: the digest is not true, but as hard to compress as a true one."""
    return replace(section, digest=section_digest([section.stored()]))


def _coarse_first(
    tensors: Sequence[Sequence[IntegerSection]],
) -> list[tuple[int, IntegerSection]]:
    """(item, section), coarse ones of all items first, residuals last.

    A section's rank is its distance from the item's finest, be there residuals after that or not.
    """
    ranked = []
    for number, sections in enumerate(tensors):
        levels = sum(section.type == "TENS" for section in sections)
        ranked += [(rank - levels, number, section) for rank, section in enumerate(sections)]
    return [(number, section) for _, number, section in sorted(ranked, key=lambda entry: entry[0])]
