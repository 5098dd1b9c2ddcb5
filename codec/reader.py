"""Reading `.inrc` files: nothing is decoded until a field is asked for values."""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from codec.container import cbor
from codec.container.byte_sources import BytesSource, FileSource
from codec.container.items import Component, Head, Item
from codec.container.sections import MAJOR, Section, SectionReader
from codec.contracts import Evaluator, Floats, Integers, Mask, TensorSpec
from codec.entropy.mask_section import CodedMask, decode_mask_section
from codec.entropy.mixing.lattice import Lattice
from codec.entropy.verbatim import VerbatimValue, decode_verbatim
from codec.errors import CorruptError, InvalidOptionError, TruncatedError
from codec.field_view import FieldView
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

_log = logging.getLogger("inrc")

Array = npt.NDArray[Any]
# Without coefficients a level is a coarser grid of positions, however coarse.
MAX_LEVEL = 40


class InrcFile(Mapping[str, "FieldView"]):
    """An open file: a mapping from field names to `FieldView`s, in file order.

    Args:
        source: path, or the bytes of a file.
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
        self._source = BytesSource(source) if isinstance(source, bytes) else FileSource(source)
        self._lock = threading.RLock()
        try:
            self.sections = SectionReader(
                self._source, self.limits, allow_truncated=allow_truncated
            )
            self.head = Head.from_bytes(self.sections.read(self.sections.of_type("HEAD")[0]))
            self.models = [
                DecodableItem(self, number, Item.from_bytes(self.sections.read(section)))
                for number, section in enumerate(self.sections.of_type("ITEM"))
            ]
            self._check_items()
            self.medium, self.metadata = self._read_metadata()
        except BaseException:
            self._source.close()
            raise
        self._fields = {
            component.name: FieldView(item, index)
            for item in self.models
            for index, component in enumerate(item.header.components)
        }

    def _check_items(self) -> None:
        if self.sections.truncated and len(self.models) < self.head.items:
            raise TruncatedError("the file ends before its last ITEM section", section="ITEM")
        if len(self.models) != self.head.items:
            raise CorruptError(
                f"{len(self.models)} ITEM sections, HEAD says {self.head.items}", section="HEAD"
            )
        self.limits.check("samples", sum(item.header.samples for item in self.models))
        self.limits.check("multiply_adds", sum(item.multiply_adds for item in self.models))
        self.limits.check("parameters", sum(item.largest_parameters for item in self.models))
        names = [component.name for item in self.models for component in item.header.components]
        if len(set(names)) != len(names):
            raise CorruptError("two fields have the same name", section="ITEM")

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
        with self._lock:
            if index not in self._masks:
                sections = self.sections.of_type("MASK")
                if index >= len(sections):
                    raise CorruptError(f"mask {index} does not exist", section="ITEM")
                payload = self.sections.read(sections[index])
                self._masks[index] = decode_mask_section(payload, self.limits)
                samples = sum(coded.mask.size for coded in self._masks.values())
                self.limits.check("mask_samples", samples, section="MASK")
            return self._masks[index]

    @cached_property
    def _masks(self) -> dict[int, CodedMask]:
        return {}

    @cached_property
    def _tensor_owners(self) -> list[tuple[Section, int]]:
        """All TENS sections in file order, and the item that each belongs to."""
        found = []
        for section in self.sections.of_type("TENS"):
            item = section_item(self.sections.peek(section, 9))
            if item >= len(self.models):
                raise CorruptError(
                    f"integers for item {item}, which does not exist", section="TENS"
                )
            found.append((section, item))
        return found

    @property
    def tensor_sections(self) -> list[TensorSection]:
        """All TENS sections in file order, decoded once."""
        with self._lock:
            rest = {item.number: iter(item.integers.all()) for item in self.models}
            found = [next(rest[item]) for _, item in self._tensor_owners]
            total = sum(item.integers.count for item in self.models if not item.has_lattice)
            self.limits.check("parameters", total, section="TENS")
            return found

    @property
    def residual_sections(self) -> list[TensorSection]:
        """All RESD sections in file order, decoded."""
        rest = {item.number: iter(item.residual_parts) for item in self.models}
        return [next(rest[item]) for _, item in self._residual_owners]

    @cached_property
    def _residual_owners(self) -> list[tuple[Section, int]]:
        """All RESD sections in file order, and the item that each belongs to."""
        found = []
        for section in self.sections.of_type("RESD"):
            item = section_item(self.sections.peek(section, 9))
            if item >= len(self.models) or not self.models[item].header.residual_steps:
                raise CorruptError(f"residuals for item {item}, which has none", section="RESD")
            found.append((section, item))
        return found

    def residuals_of(self, item: int) -> list[Section]:
        """The RESD sections of an item, in file order."""
        return [section for section, owner in self._residual_owners if owner == item]

    def sections_of(self, item: int) -> list[Section]:
        """The TENS sections of an item, in file order."""
        return [section for section, owner in self._tensor_owners if owner == item]

    def tensor_streams(self, item: int) -> list[Integers | Coefficients]:
        """Integers of an item's streams, in coded order."""
        with self._lock:
            return [
                values for section in self.models[item].integers.all() for values in section.streams
            ]

    def integer_digest(self) -> bytes:
        """SHA-256 of all decoded integers, masks and tensors, in file order (END-2)."""
        digest = hashlib.sha256()
        masks, tensors = itertools.count(), iter(self.tensor_sections)
        residuals = iter(self.residual_sections)
        for section in self.sections.sections:
            if section.type == "MASK":
                digest.update(self.mask(next(masks)).integer_layer())
            elif section.type == "TENS":
                for piece in next(tensors).integer_layer():
                    digest.update(piece)
            elif section.type == "RESD":
                for piece in next(residuals).integer_layer():
                    digest.update(piece)
        return digest.digest()

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
        self._lock = threading.Lock()
        self._evaluators: dict[int, Evaluator] = {}

    @property
    def lattice(self) -> Lattice | None:
        """Of the item's coefficients, if it has any."""
        return self.specs[0].lattice if self.specs else None

    @property
    def has_lattice(self) -> bool:
        """Whether the item's integers are coefficients, level by level."""
        return self.lattice is not None

    def level_factors(self, level: int) -> tuple[int, ...]:
        """Per axis, how many samples apart those of a level are.

        Raises:
            InvalidOptionError: there is no such level.
        """
        deepest = MAX_LEVEL if self.lattice is None else self.lattice.depth
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
        """The model at a level, from no more sections than it needs."""
        with self._lock:
            if level not in self._evaluators:
                self._evaluators[level] = self.architecture.evaluator(
                    self.header.config,
                    self.header.shape,
                    len(self.header.components),
                    self._parameters(level),
                    self.file.device,
                    level,
                )
                if level == 0 and self.has_lattice:
                    # The samples are there now, and take as much memory.
                    self.integers.release()
            return self._evaluators[level]

    @cached_property
    def residual_parts(self) -> list[TensorSection]:
        """The item's RESD sections, decoded."""
        return [
            self._residual_decoder.decode(self.file.sections.read(section))
            for section in self.file.residuals_of(self.number)
        ]

    @cached_property
    def _residual_decoder(self) -> ItemResiduals:
        header = self.header
        return ItemResiduals(header.shape, len(header.components), self.file.limits)

    @cached_property
    def residuals(self) -> Array | None:
        """Integers (components, *shape) that are added to the samples in units of their steps."""
        if not self.header.residual_steps:
            return None
        with self._lock:
            return self._residual_decoder.joined(self.residual_parts)

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
                payload = self._file.sections.read(sections[len(self._decoded)])
                self._decoded.append(self._streams.decode(payload))
            streams: list[Integers | Coefficients] = []
            for section in self._decoded:
                streams += section.streams
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
        for section in self._decoded:
            for number, values in enumerate(section.streams):
                section.streams[number] = joined[at : at + len(values)]
                at += len(values)
        return joined

    def release(self) -> None:
        """Forget the integers; they are decoded again if they are asked for."""
        with self._lock:
            self._decoded = []
            self._streams = ItemStreams(self._specs, self._file.limits)
