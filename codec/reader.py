"""Reading `.inrc` files: nothing is decoded until a field is asked for values."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from codec.container import cbor
from codec.container.byte_sources import open_source
from codec.container.items import Component, Head, Item
from codec.container.section_index import DIGESTED_TYPES, file_digest, section_digest
from codec.container.sections import MAJOR, Section, SectionReader
from codec.container.tile_grid import TileGrid, grids_of
from codec.contracts import Evaluator, Floats, Integers, Mask, TensorSpec
from codec.decoded_cache import DecodedCache
from codec.entropy.mask_section import CodedMask, decode_mask_section
from codec.entropy.mixing.lattice import Lattice
from codec.entropy.verbatim import VerbatimValue, decode_verbatim
from codec.errors import CorruptError, InvalidOptionError, TruncatedError
from codec.field_view import FieldView, ItemView
from codec.limits import Limits
from codec.options import usable_threads
from codec.pipeline.item_sections import (
    Coefficients,
    ItemStreams,
    TensorSection,
    restore_parameters,
    section_item,
)
from codec.pipeline.residuals import ItemResiduals
from codec.tiled_view import TiledView

_log = logging.getLogger("inrc")

Array = npt.NDArray[Any]
# Without coefficients a level is a coarser grid of positions, however coarse.
MAX_LEVEL = 40
# Of a file with tiles, so much of what was decoded is kept.
_KEPT_BYTES = 1 << 28


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
        self._mask_samples: dict[int, int] = {}
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
            self.medium, self.metadata = self._read_metadata()
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

    def _read_metadata(self) -> tuple[str, dict[int, Any]]:
        found = self.sections.of_type("mETa")
        if not found:
            return "", {}
        stored = self.sections.read(found[0])
        try:
            value = cbor.decode(stored)
            if not isinstance(value, dict) or not isinstance(value.get(0), str):
                raise CorruptError("the metadata names no medium", section="mETa")
            if not isinstance(value.get(1, {}), dict):
                raise CorruptError("the metadata is not a map", section="mETa")
        except CorruptError as error:
            # An ancillary section: the fields do not depend on it.
            _log.warning("ignoring the metadata: %s", error)
            return "", {}
        return value[0], value.get(1, {})

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
        from codec.devices import choose_device

        return choose_device(self.device_option)

    @cached_property
    def verbatim(self) -> dict[str, VerbatimValue]:
        """Variables kept verbatim: path -> array, or list of texts."""
        payloads = []
        for section in self.sections.of_type("VERB"):
            payloads.append(self.sections.read(section))
            self.limits.check("verbatim_bytes", sum(map(len, payloads)), section="VERB")
        return decode_verbatim(payloads)

    def mask(self, index: int) -> CodedMask:
        """The decoded MASK section of that index (kept for later)."""
        sections = self.sections.of_type("MASK")
        if index >= len(sections):
            raise CorruptError(f"mask {index} does not exist", section="ITEM")

        def make() -> CodedMask:
            found = decode_mask_section(self.sections.read(sections[index]), self.limits)
            with self._lock:
                self._mask_samples[index] = found.mask.size
                samples = sum(self._mask_samples.values())
            self.limits.check("mask_samples", samples, section="MASK")
            self.note_digest(sections[index], section_digest([found.integer_layer()]))
            return found

        return self.decoded.get(("mask", index), make, lambda found: found.mask.nbytes)

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
        for kind in ("TENS", "RESD"):
            sections = self.sections.of_type(kind)
            for section, item in zip(sections, self.owners(kind), strict=True):
                found.setdefault((kind, item), []).append(section)
        return found

    def sections_of(self, item: int, section_type: str = "TENS") -> list[Section]:
        """The TENS or RESD sections of an item, in file order."""
        return self._sections_by_item.get((section_type, item), [])

    def tensor_streams(self, item: int) -> list[Integers | Coefficients]:
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

    def integer_digest(self) -> bytes:
        """SHA-256 of the digests of all sections of integers, in file order (END-2).

        What was not decoded yet is decoded now; of tiles, one at a time is held.
        """
        digested = [one for one in self.sections.sections if one.type in DIGESTED_TYPES]
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


class DecodableItem:
    """One model of a file; its evaluator is made when it is first needed."""

    def __init__(self, file: InrcFile, number: int, header: Item) -> None:
        from codec.registry import architecture_by_identifier

        self.file = file
        self.number = number
        self.header = header
        self.architecture = architecture_by_identifier(header.architecture, header.version)
        count = len(header.components)
        self.specs = self.architecture.tensors(header.config, header.shape, count)
        self.multiply_adds = (
            header.samples
            // count
            * self.architecture.multiply_adds(header.config, header.shape, count)
        )
        # Coefficients are as many as samples, and have the limit of these.
        self.largest_parameters = sum(
            int(np.prod(spec.shape, dtype=object)) for spec in self.specs if spec.lattice is None
        )
        self.integers = ItemIntegers(file, number, self.specs)

    @property
    def lattice(self) -> Lattice | None:
        """Of the item's coefficients, if it has any."""
        return self.specs[0].lattice if self.specs else None

    @property
    def is_tile(self) -> bool:
        """Whether the item is a part of a field (or says so, being all of it)."""
        return self.header.origin is not None

    @property
    def coded_integers(self) -> int:
        """How many integers its tensors and their masks ask for, without decoding them."""
        masks = dict(self.header.tensor_masks)
        counts = [int(np.prod(spec.shape, dtype=object)) for spec in self.specs]
        for index, mask in masks.items():
            if index < len(counts):
                kept = self._sparsity(mask)
                counts[index] = int(kept.sum()) * (counts[index] // kept.size)
        return sum(counts)

    @property
    def has_lattice(self) -> bool:
        """Whether the item's integers are coefficients, level by level."""
        return self.lattice is not None

    @property
    def deepest_level(self) -> int:
        """The coarsest level there is."""
        return MAX_LEVEL if self.lattice is None else self.lattice.depth

    def level_factors(self, level: int) -> tuple[int, ...]:
        """Per axis, how many samples apart those of a level are.

        Raises:
            InvalidOptionError: there is no such level.
        """
        deepest = self.deepest_level
        if not 0 <= level <= deepest:
            names = ", ".join(component.name for component in self.header.components)
            raise InvalidOptionError(f"{names}: level {level}; there are 0 to {deepest}")
        header = self.header
        return self.architecture.level_factors(
            header.config, header.shape, len(header.components), level
        )

    @property
    def evaluator(self) -> Evaluator:
        """The model at full resolution, decoded once."""
        return self.evaluator_at(0)

    def evaluator_at(self, level: int) -> Evaluator:
        """The model at a level, from no more sections than it needs (kept for later)."""

        def make() -> Evaluator:
            evaluator = self.architecture.evaluator(
                self.header.config,
                self.header.shape,
                len(self.header.components),
                self._parameters(level),
                self.file.device,
                level,
            )
            if self.is_tile or (level == 0 and self.has_lattice):
                # The samples are there now, and take as much memory.
                self.integers.release()
            return evaluator

        return self.file.decoded.get(
            ("item", self.number, level), make, lambda _: self.decoded_bytes(level)
        )

    def decoded_bytes(self, level: int) -> int:
        """About what the evaluator of a level takes: its samples, or its parameters."""
        values = self.largest_parameters
        if self.lattice is not None:
            values += self.lattice.count(level)
        return np.dtype(np.float32).itemsize * values

    @property
    def residuals(self) -> Array | None:
        """Integers (components, *shape) that are added to the samples in units of their steps."""
        if not self.header.residual_steps:
            return None
        if self.file.sections.truncated:
            _log.warning("residuals are left out: the promised bound does not hold")
            return None
        return self.file.decoded.get(
            ("residuals", self.number), self._decode_residuals, lambda found: found.nbytes
        )

    def _decode_residuals(self) -> Array:
        header = self.header
        decoder = ItemResiduals(header.shape, len(header.components), self.file.limits)
        parts = []
        for section in self.file.sections_of(self.number, "RESD"):
            parts.append(decoder.decode(self.file.sections.read(section)))
            self.file.note_digest(section, section_digest(parts[-1].integer_layer()))
        return decoder.joined(parts)

    def _parameters(self, level: int) -> list[Floats]:
        needed = None if self.lattice is None or level == 0 else self.lattice.count(level)
        integers = self.integers.first(needed)
        if self.file.sections.truncated:
            integers = self._completed(integers, needed)
        masks = {index: self._sparsity(index) for _, index in self.header.tensor_masks}
        return restore_parameters(
            self.header, self.specs, integers, masks, level if self.lattice is not None else 0
        )

    def _completed(
        self, integers: Integers | Coefficients, needed: int | None
    ) -> Integers | Coefficients:
        """Zeros for the coefficients that a file lacks because it was cut short."""
        names = ", ".join(component.name for component in self.header.components)
        if self.lattice is None:
            return integers
        if len(integers) < self.lattice.count(self.lattice.depth):
            raise TruncatedError(
                f"the file ends before the coarsest level of {names}", section="TENS"
            )
        rest = (self.lattice.size if needed is None else needed) - len(integers)
        if rest > 0:
            _log.warning("%s: %d of its coefficients are missing", names, rest)
            return np.concatenate([integers, np.zeros(rest, np.int32)])
        return integers

    def _sparsity(self, index: int) -> Mask:
        coded = self.file.mask(index)
        if coded.patterns is not None:
            raise CorruptError(f"mask {index} is not a sparsity mask", section="ITEM")
        return coded.mask

    def validity(self, component: Component) -> CodedMask | None:
        """The validity mask of a component, checked against the item, or None."""
        if component.mask is None:
            return None
        coded = self.file.mask(component.mask)
        size = np.dtype(component.dtype).itemsize
        if (
            coded.patterns is None
            or coded.mask.shape != self.header.shape
            or coded.patterns.values.itemsize != size
        ):
            raise CorruptError(f"mask {component.mask} does not fit its field", section="ITEM")
        return coded


class ItemIntegers:
    """The integers of an item, decoded section by section and no further than needed."""

    def __init__(self, file: InrcFile, number: int, specs: Sequence[TensorSpec]) -> None:
        self._file = file
        self._number = number
        self._specs = specs
        self._streams = ItemStreams(specs, file.limits)
        self._decoded: list[TensorSection] = []
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """Integers decoded so far."""
        return self._streams.count

    def all(self) -> list[TensorSection]:
        """Every section of the item."""
        self.first(None)
        return self._decoded

    def first(self, count: int | None) -> Integers | Coefficients:
        """The first `count` integers in coded order, or all of them; fewer if there are no more."""
        with self._lock:
            sections = self._file.sections_of(self._number)
            while len(self._decoded) < len(sections) and (
                count is None or self._streams.count < count
            ):
                section = sections[len(self._decoded)]
                decoded = self._streams.decode(self._file.sections.read(section))
                if decoded.item != self._number:
                    raise CorruptError("the index names another item", section="TENS")
                self._file.note_digest(section, section_digest(decoded.integer_layer()))
                self._decoded.append(decoded)
            streams: list[Integers | Coefficients] = []
            for done in self._decoded:
                streams += done.streams
            if not streams:
                return np.zeros(0, np.int64)
            joined = self._joined(streams)
        return joined if count is None else joined[:count]

    def _joined(self, streams: Sequence[Integers | Coefficients]) -> Array:
        """All integers in one array, of which the sections' streams then are parts."""
        if len(streams) == 1:
            return streams[0]
        joined: Array = np.concatenate(streams)
        at = 0
        for decoded in self._decoded:
            for number, values in enumerate(decoded.streams):
                decoded.streams[number] = joined[at : at + len(values)]
                at += len(values)
        return joined

    def release(self) -> None:
        """Forget the integers; they are decoded again if they are asked for."""
        with self._lock:
            self._decoded = []
            self._streams = ItemStreams(self._specs, self._file.limits)
