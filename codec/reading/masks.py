"""Masks of an open file, decoded when they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from codec.coding.mask_section import CodedMask, decode_mask_section
from codec.errors import CorruptError
from codec.format.section_index import section_digest
from codec.format.sections import SectionReader
from codec.limits import Limits, within_memory
from codec.reading.decoded_cache import DecodedCache
from codec.reading.digests import SectionDigests
from codec.reading.item_description import ItemDescription

# Decoding so many samples of masks that no item names costs little.
_UNUSED_MASK_SAMPLES = 1 << 20


class FileMasks:
    """MASK sections of a file; safe to use from several threads.

    Args:
        descriptions: all items of the file, which say what the masks are for.
        cache: keeps decoded masks.
        digests: receives the digest of each mask that is decoded.
    """

    def __init__(
        self,
        sections: SectionReader,
        descriptions: Sequence[ItemDescription],
        limits: Limits,
        cache: DecodedCache,
        digests: SectionDigests,
    ) -> None:
        self._sections = sections
        self._descriptions = descriptions
        self._limits = limits
        self._cache = cache
        self._digests = digests
        self._lock = threading.Lock()
        self._counted: set[int] = set()
        # Samples of all masks that were decoded, and of those among them that no item names.
        self._samples = self._unused_samples = 0

    @within_memory()
    def decoded(self, index: int) -> CodedMask:
        """The MASK section with that index.

        Raises:
            CorruptError: there is no such section, or it breaks a rule of the format.
            LimitError: the masks have more samples than the reader allows.
        """
        sections = self._sections.of_type("MASK")
        if index >= len(sections):
            raise CorruptError(f"mask {index} does not exist", section="ITEM")

        def decode() -> CodedMask:
            payload = self._sections.read(sections[index])
            coded = decode_mask_section(
                payload, self._limits_of(index), self._shapes.get(index, ())
            )
            self._count(index, coded.mask.size)
            self._digests.add(sections[index], section_digest([coded.integer_layer()]))
            return coded

        return self._cache.get(("mask", index), decode, lambda coded: coded.mask.nbytes)

    def _limits_of(self, index: int) -> Limits:
        """Masks that no item names may together have no more samples than the file.

        Their bits are of use to the digest alone, and gigabytes of them fit into a few bytes.
        """
        if index in self._shapes or index in self._counted:
            return self._limits
        allowed = min(self._limits.max_mask_samples, max(self._file_samples, _UNUSED_MASK_SAMPLES))
        return replace(self._limits, max_mask_samples=max(0, allowed - self._unused_samples))

    def _count(self, index: int, samples: int) -> None:
        with self._lock:
            if index not in self._counted:
                self._counted.add(index)
                self._samples += samples
                self._unused_samples += 0 if index in self._shapes else samples
        self._limits.check("mask_samples", self._samples, section="MASK")

    @cached_property
    def _file_samples(self) -> int:
        return sum(description.header.samples for description in self._descriptions)

    @cached_property
    def _shapes(self) -> dict[int, set[tuple[int, ...]]]:
        """The shapes that each mask which items name may have."""
        shapes: dict[int, set[tuple[int, ...]]] = {}
        for description in self._descriptions:
            header, specs = description.header, description.specs
            for component in header.components:
                if component.mask is not None:
                    shapes.setdefault(component.mask, set()).add(header.shape)
            for tensor, mask in header.tensor_masks:
                if tensor < len(specs):
                    shape = specs[tensor].shape
                    shapes.setdefault(mask, set()).update((shape, shape[1:]))
        return shapes
