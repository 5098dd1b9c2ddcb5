"""Reading `.inrc` files: nothing is decoded until a field is asked for values."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from codec.coding.mask_section import CodedMask, decode_mask_section
from codec.coding.tensor_sections import Coded, section_item
from codec.coding.verbatim_section import VerbatimValue, decode_verbatim, within_limits
from codec.errors import CorruptError, TruncatedError
from codec.files.byte_sources import open_source
from codec.format.headers import Head, Item
from codec.format.provenance import Provenance
from codec.format.section_index import file_digest, section_digest
from codec.format.section_types import owned_types
from codec.format.sections import MAJOR, Section, SectionReader
from codec.format.tile_grid import TileGrid, grids_of
from codec.limits import Limits, within_memory
from codec.media.metadata_section import check_tree, decode_metadata
from codec.options.encode import usable_threads
from codec.reading.decoded_cache import DecodedCache
from codec.reading.field import FieldView, ItemView
from codec.reading.item import DecodableItem
from codec.reading.tiled_field import TiledView

_log = logging.getLogger("inrc")

# Of a file with tiles, so much of what was decoded is kept.
_KEPT_BYTES = 1 << 28
# Of masks that no item names, so many samples cost little.
_UNUSED_MASK_SAMPLES = 1 << 20


class InrcFile(Mapping[str, "FieldView"]):
    """An open file: a mapping from field names to `FieldView`s, in file order.

    Args:
        source: path, URL, or the bytes of a file.
        device: "cpu", "cuda" or "auto" (a GPU if torch finds one).
        threads: CPU threads for decoding, 0 for all.
        limits: what the file may ask for.
        allow_truncated: open what is left of a file that was cut short; coefficients that are
            missing count as 0, and there is no digest to check.

    Raises:
        InvalidInputError: the path cannot be read.
        FormatError: the headers are damaged, unknown or over the limits.
    """

    @within_memory()
    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        *,
        device: str = "auto",
        threads: int = 0,
        limits: Limits | None = None,
        allow_truncated: bool = False,
    ) -> None:
        self.limits = limits or Limits()
        self.threads = usable_threads(threads)
        self.device_option = device
        self._source = open_source(source)
        self._lock = threading.RLock()
        self._digests: dict[int, bytes] = {}
        self._counted_masks: set[int] = set()
        # Of all masks that were decoded, and of those among them that no item names.
        self._mask_samples = self._unused_mask_samples = 0
        self._warned: set[str] = set()
        try:
            self.sections = SectionReader(
                self._source,
                self.limits,
                allow_truncated=allow_truncated,
                from_end=self._source.far,
            )
            self.head = Head.from_bytes(self.sections.read(self.sections.of_type("HEAD")[0]))
            self.models = [
                DecodableItem(self, number, Item.from_bytes(self.sections.read(section)))
                for number, section in enumerate(self.sections.of_type("ITEM"))
            ]
            self.grids = self._check_items()
            found = self.sections.of_type("mETa")
            self._metadata = self.sections.read(found[0]) if found else None
        except BaseException:
            self._source.close()
            raise
        tiled = any(len(grid.numbers) > 1 for grid in self.grids)
        self.decoded = DecodedCache(_KEPT_BYTES if tiled else None)
        self._fields = {view.name: view for grid in self.grids for view in self._views(grid)}

    def _views(self, grid: TileGrid) -> Iterator[FieldView]:
        """The fields that one item, or a grid of tiles, holds."""
        items = [self.models[number] for number in grid.numbers]
        for index in range(len(items[0].header.components)):
            if len(items) == 1:
                yield ItemView(items[0], index)
            else:
                yield TiledView(grid, items, index)

    def _check_items(self) -> list[TileGrid]:
        if self.sections.truncated and len(self.models) < self.head.items:
            raise TruncatedError("the file ends before its last ITEM section", section="ITEM")
        if len(self.models) != self.head.items:
            raise CorruptError(
                f"{len(self.models)} ITEM sections, HEAD says {self.head.items}", section="HEAD"
            )
        self.limits.check("samples", sum(item.header.samples for item in self.models))
        self.limits.check("multiply_adds", sum(item.multiply_adds for item in self.models))
        self.limits.check("parameters", sum(item.largest_parameters for item in self.models))
        return grids_of([item.header for item in self.models])

    def check_metadata(self) -> tuple[str, dict[int, Any]]:
        """Medium and tree, if they keep the rules of the format; nothing where there are none.

        Raises:
            CorruptError: they do not.
        """
        if self._metadata is None:
            return "", {}
        medium, tree = decode_metadata(self._metadata)
        check_tree(medium, tree, {one.name: (one.shape, one.dtype) for one in self.values()})
        return medium, tree

    @cached_property
    def _usable_metadata(self) -> tuple[str, dict[int, Any]]:
        try:
            return self.check_metadata()
        except CorruptError as error:
            # An ancillary section: the fields do not depend on it.
            _log.warning("ignoring the metadata: %s", error)
            return "", {}

    @property
    def medium(self) -> str:
        """What kind of file the fields came from, "" if that is not known."""
        return self._usable_metadata[0]

    @property
    def metadata(self) -> dict[int, Any]:
        """What that file said besides its fields: the tree of its medium."""
        return self._usable_metadata[1]

    @cached_property
    def made(self) -> Provenance:
        """How the file was made, as far as it says so."""
        for section in self.sections.of_type("pROv"):
            try:
                return Provenance.from_bytes(self.sections.read(section))
            except CorruptError as error:
                # An ancillary section: the fields do not depend on it.
                _log.warning("ignoring %s", error)
                break
        return Provenance()

    def __getitem__(self, name: str) -> FieldView:
        try:
            return self._fields[name]
        except KeyError:
            known = ", ".join(self._fields) or "none"
            raise KeyError(f"no field {name!r}; there are: {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __enter__(self) -> InrcFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._source.close()

    @property
    def file_bytes(self) -> int:
        """Size of the file."""
        return self._source.size

    @property
    def format_version(self) -> str:
        """Major and minor version, "1.0" for example."""
        return f"{MAJOR}.{self.sections.minor}"

    @cached_property
    def device(self) -> str:
        """The device that decodes: "cpu" or "cuda"."""
        from codec.training.devices import choose_device

        return choose_device(self.device_option)

    def warn_once(self, message: str) -> None:
        """Log a warning about the file that each of its items would repeat."""
        with self._lock:
            known = message in self._warned
            self._warned.add(message)
        if not known:
            _log.warning("%s", message)

    @cached_property
    @within_memory()
    def verbatim(self) -> dict[str, VerbatimValue]:
        """Variables kept verbatim: path -> array, or list of texts."""
        payloads = map(self.sections.read, self.sections.of_type("VERB"))
        return decode_verbatim(within_limits(payloads, self.limits))

    @within_memory()
    def mask(self, index: int) -> CodedMask:
        """The decoded MASK section of that index (kept for later)."""
        sections = self.sections.of_type("MASK")
        if index >= len(sections):
            raise CorruptError(f"mask {index} does not exist", section="ITEM")

        def make() -> CodedMask:
            payload = self.sections.read(sections[index])
            fitting = self._mask_shapes.get(index, ())
            found = decode_mask_section(payload, self._mask_limits(index), fitting)
            self._count_mask(index, found.mask.size)
            self.note_digest(sections[index], section_digest([found.integer_layer()]))
            return found

        return self.decoded.get(("mask", index), make, lambda found: found.mask.nbytes)

    def _mask_limits(self, index: int) -> Limits:
        """Masks that no item names may together have no more samples than the file.

        Their bits are of use to the digest alone, and gigabytes of them fit into a few bytes.
        """
        if index in self._mask_shapes or index in self._counted_masks:
            return self.limits
        allowed = min(self.limits.max_mask_samples, max(self._samples, _UNUSED_MASK_SAMPLES))
        return replace(self.limits, max_mask_samples=max(0, allowed - self._unused_mask_samples))

    def _count_mask(self, index: int, samples: int) -> None:
        with self._lock:
            if index not in self._counted_masks:
                self._counted_masks.add(index)
                self._mask_samples += samples
                self._unused_mask_samples += 0 if index in self._mask_shapes else samples
        self.limits.check("mask_samples", self._mask_samples, section="MASK")

    @cached_property
    def _samples(self) -> int:
        return sum(model.header.samples for model in self.models)

    @cached_property
    def _mask_shapes(self) -> dict[int, set[tuple[int, ...]]]:
        """The shapes that the masks may have which items use."""
        found: dict[int, set[tuple[int, ...]]] = {}
        for model in self.models:
            for component in model.header.components:
                if component.mask is not None:
                    found.setdefault(component.mask, set()).add(model.header.shape)
            for tensor, mask in model.header.tensor_masks:
                if tensor < len(model.specs):
                    shape = model.specs[tensor].shape
                    found.setdefault(mask, set()).update((shape, shape[1:]))
        return found

    def owners(self, section_type: str) -> list[int]:
        """For each TENS or RESD section, in file order, the item that it belongs to."""
        sections = self.sections.of_type(section_type)
        listed = [entry.item for entry in self.sections.indexed(section_type)]
        owners = listed or [section_item(self.sections.peek(one, 9)) for one in sections]
        found = [item for item in owners if item is not None and item < len(self.models)]
        if len(found) < len(owners):
            raise CorruptError("integers for an item that does not exist", section=section_type)
        if section_type == "RESD" and not all(self.models[n].header.residual_steps for n in found):
            raise CorruptError("residuals for an item that has none", section=section_type)
        return found

    @cached_property
    def _sections_by_item(self) -> dict[tuple[str, int], list[Section]]:
        """The TENS and RESD sections of each item, in file order."""
        found: dict[tuple[str, int], list[Section]] = {}
        for kind in owned_types():
            sections = self.sections.of_type(kind)
            for section, item in zip(sections, self.owners(kind), strict=True):
                found.setdefault((kind, item), []).append(section)
        return found

    def sections_of(self, item: int, section_type: str = "TENS") -> list[Section]:
        """The TENS or RESD sections of an item, in file order."""
        return self._sections_by_item.get((section_type, item), [])

    def tensor_streams(self, item: int) -> list[Coded]:
        """Integers of an item's streams, in coded order."""
        with self._lock:
            return [
                values for section in self.models[item].integers.all() for values in section.streams
            ]

    def note_digest(self, section: Section, digest: bytes) -> None:
        """Remember the digest of a section that was decoded, for the digest of the file.

        Raises:
            CorruptError: the index has another digest for it.
        """
        expected = self._indexed_digests.get(section.start, digest)
        if digest != expected:
            raise CorruptError(
                "the decoded integers do not match the index",
                section=section.type,
                offset=section.start,
            )
        with self._lock:
            self._digests[section.start] = digest

    @cached_property
    def _indexed_digests(self) -> dict[int, bytes]:
        entries = zip(self.sections.sections, self.sections.index, strict=False)
        return {section.start: entry.digest for section, entry in entries if entry.digest}

    def section_digests(self) -> dict[int, bytes]:
        """Digests of the sections of integers by `Section.start`: from the index, or computed."""
        if not self.sections.index:
            self.check_digest()
            return dict(self._digests)
        return dict(self._indexed_digests)

    @within_memory()
    def integer_digest(self) -> bytes:
        """SHA-256 of the digests of all sections of integers, in file order (END-2).

        What was not decoded yet is decoded now; of tiles, one at a time is held.
        """
        digested = [one for one in self.sections.sections if one.row.digested]
        for number, section in enumerate(self.sections.of_type("MASK")):
            if section.start not in self._digests:
                self.mask(number)
        parameters = 0
        for (kind, number), sections in self._sections_by_item.items():
            if all(section.start in self._digests for section in sections):
                continue
            model = self.models[number]
            if kind == "RESD":
                _ = model.residuals
                continue
            model.integers.all()
            parameters += 0 if model.has_lattice else model.integers.count
            self.limits.check("parameters", parameters, section="TENS")
            if model.is_tile:
                model.integers.release()
        return file_digest(self._digests[section.start] for section in digested)

    def check_digest(self) -> None:
        """Decode all integers and compare them with the file's digest (a cut file has none).

        Raises:
            CorruptError: they differ, so the file was written or decoded wrongly.
        """
        if self.sections.truncated:
            return
        expected = self.sections.digest
        if self.integer_digest()[: len(expected)] != expected:
            raise CorruptError("the decoded integers do not match the digest", section="ENDS")
