"""Sections in their order: a whole file from coded items, masks and what is kept verbatim."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from codec.container import cbor
from codec.container.items import Head, Item
from codec.container.sections import SectionWriter
from codec.entropy.mask_section import CodedMask, decode_mask_section, encode_mask_section
from codec.entropy.verbatim import VerbatimValue, encode_verbatim
from codec.limits import Limits
from codec.media.dataset import Metadata
from codec.pipeline.item_sections import ItemSections, decode_tensors_payload

# Bytes of the digest at the end: enough to notice a wrong decoder, not meant to stop a forger.
DIGEST_BYTES = 8


@dataclass
class FileParts:
    """What a file is made of, in the making.

    Attributes:
        kind: "volume", "image" or "sdf".
        validity: payloads of the validity masks; they come first, so their indices are fixed.
        items: in file order.
        verbatim: payloads of the VERB sections.
        metadata: payload of the mETa section, empty for none.
    """

    kind: str = "volume"
    validity: list[bytes] = field(default_factory=list)
    items: list[ItemSections] = field(default_factory=list)
    verbatim: list[bytes] = field(default_factory=list)
    metadata: bytes = b""

    def add_validity(self, mask: CodedMask) -> int:
        """The index of this mask among the MASK sections; equal masks are stored once."""
        payload = encode_mask_section(mask)
        if payload not in self.validity:
            self.validity.append(payload)
        return self.validity.index(payload)

    def keep(self, medium: str, metadata: Metadata, verbatim: Mapping[str, VerbatimValue]) -> None:
        """Set what is not fitted."""
        self.verbatim = encode_verbatim(verbatim)
        self.metadata = cbor.encode({0: medium, 1: metadata} if metadata else {0: medium})

    @property
    def masks(self) -> int:
        """MASK sections so far."""
        return len(self.validity) + sum(len(item.masks) for item in self.items)

    def to_bytes(self, level: int) -> bytes:
        """The file."""
        stream = io.BytesIO()
        writer = SectionWriter(stream, level)
        writer.add("HEAD", Head(self.kind, len(self.items)).to_bytes())
        for item in self.items:
            writer.add("ITEM", item.item)
        digest = hashlib.sha256()
        masks = [*self.validity, *(mask for item in self.items for mask in item.masks)]
        for mask in masks:
            writer.add("MASK", mask)
            digest.update(decode_mask_section(mask, _TRUSTED).integer_layer())
        for item in self.items:
            if item.tensors:
                writer.add("TENS", item.tensors)
                for values in decode_tensors_payload(item.tensors, _TRUSTED)[1]:
                    digest.update(values.astype("<i4").tobytes())
        for payload in self.verbatim:
            writer.add("VERB", payload, compressible=True)
        if self.metadata:
            writer.add("mETa", self.metadata, compressible=True)
        writer.finish(digest.digest()[:DIGEST_BYTES])
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
