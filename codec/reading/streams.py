"""Streams of an open file, which its items and fields share, and how they are decoded."""

from __future__ import annotations

import logging
import threading
from functools import cached_property

from codec.coding.tensor_sections import section_item
from codec.errors import CorruptError, TruncatedError
from codec.files.byte_sources import ByteSource
from codec.format.headers import Head
from codec.format.section_types import owned_types
from codec.format.sections import MAJOR, Section, SectionReader
from codec.format.tile_grid import TileGrid, grids_of
from codec.limits import Limits
from codec.options.encode import usable_threads
from codec.reading.decoded_cache import DecodedCache
from codec.reading.digests import SectionDigests
from codec.reading.item_description import ItemDescription
from codec.reading.masks import FileMasks

_log = logging.getLogger("inrc")

# Bytes of what was decoded last that stay in memory, where a file has tiles.
_CACHE_BYTES = 1 << 28


class FileStreams:
    """Sections of one open file, its headers, and a cache of what was decoded.

    Args:
        source: the bytes of the file, which the caller closes.
        device: "cpu", "cuda" or "auto".
        threads: CPU threads, 0 for all.
        limits: bounds on what the file may ask for.
        allow_truncated: take the complete sections of a file that was cut short.

    Attributes:
        sections: reader of the sections.
        head: the decoded HEAD section.
        descriptions: one for each item, in file order.
        grids: the items, or tiles, of each group of fields.
        limits, threads: as given, 0 threads resolved.
        cache: models, masks and residuals that were decoded.
        digests: digests of the sections that were decoded.
        masks: the MASK sections.

    Raises:
        FormatError: the headers are damaged, unknown or over the limits.
    """

    def __init__(
        self,
        source: ByteSource,
        *,
        device: str,
        threads: int,
        limits: Limits,
        allow_truncated: bool,
    ) -> None:
        self.limits = limits
        self.threads = usable_threads(threads)
        self._device_option = device
        self._warned: set[str] = set()
        self._lock = threading.Lock()
        self.sections = SectionReader(
            source, limits, allow_truncated=allow_truncated, from_end=source.far
        )
        self.head = Head.from_bytes(self.sections.read(self.sections.of_type("HEAD")[0]))
        self.descriptions = tuple(
            ItemDescription.from_bytes(self.sections.read(section))
            for section in self.sections.of_type("ITEM")
        )
        self.grids = self._checked_grids()
        tiled = any(len(grid.numbers) > 1 for grid in self.grids)
        self.cache = DecodedCache(_CACHE_BYTES if tiled else None)
        self.digests = SectionDigests(self.sections)
        self.masks = FileMasks(self.sections, self.descriptions, limits, self.cache, self.digests)

    def _checked_grids(self) -> list[TileGrid]:
        items = self.descriptions
        if self.sections.truncated and len(items) < self.head.items:
            raise TruncatedError("the file ends before its last ITEM section", section="ITEM")
        if len(items) != self.head.items:
            raise CorruptError(
                f"{len(items)} ITEM sections, HEAD says {self.head.items}", section="HEAD"
            )
        self.limits.check("samples", sum(item.header.samples for item in items))
        self.limits.check("multiply_adds", sum(item.multiply_adds for item in items))
        self.limits.check("parameters", sum(item.largest_parameters for item in items))
        return grids_of([item.header for item in items])

    @property
    def format_version(self) -> str:
        """Major and minor version of the format, "1.0" for example."""
        return f"{MAJOR}.{self.sections.minor}"

    @cached_property
    def device(self) -> str:
        """The device that decodes: "cpu" or "cuda".

        Raises:
            InvalidOptionError, MissingDependencyError: see `codec.training.devices`.
        """
        from codec.training.devices import choose_device

        return choose_device(self._device_option)

    def warn_once(self, message: str) -> None:
        """Log a warning about the file that each of its items would repeat."""
        with self._lock:
            known = message in self._warned
            self._warned.add(message)
        if not known:
            _log.warning("%s", message)

    def items_of(self, section_type: str) -> list[int]:
        """Numbers of the items of the TENS or RESD sections, in file order.

        Raises:
            CorruptError: there is no such item, or it cannot have such a section.
        """
        sections = self.sections.of_type(section_type)
        listed = [entry.item for entry in self.sections.indexed(section_type)]
        numbers = listed or [section_item(self.sections.peek(part, 9)) for part in sections]
        items = [item for item in numbers if item is not None and item < len(self.descriptions)]
        if len(items) < len(numbers):
            raise CorruptError("integers for an item that does not exist", section=section_type)
        if section_type == "RESD" and not all(
            self.descriptions[item].header.residual_steps for item in items
        ):
            raise CorruptError("residuals for an item that has none", section=section_type)
        return items

    @cached_property
    def sections_by_item(self) -> dict[tuple[str, int], list[Section]]:
        """TENS and RESD sections in file order, by their type and the number of their item."""
        by_item: dict[tuple[str, int], list[Section]] = {}
        for section_type in owned_types():
            sections = self.sections.of_type(section_type)
            for section, item in zip(sections, self.items_of(section_type), strict=True):
                by_item.setdefault((section_type, item), []).append(section)
        return by_item

    def sections_of(self, item: int, section_type: str = "TENS") -> list[Section]:
        """The TENS or RESD sections of an item, in file order."""
        return self.sections_by_item.get((section_type, item), [])
