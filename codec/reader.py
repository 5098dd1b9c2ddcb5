"""Reading `.inrc` files: nothing is decoded until a field is asked for values."""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from codec.container import cbor
from codec.container.byte_sources import BytesSource, FileSource
from codec.container.items import Component, Head, Item
from codec.container.sections import MAJOR, SectionReader
from codec.contracts import Evaluator, Floats, Integers, Mask
from codec.entropy.mask_section import CodedMask, decode_mask_section
from codec.entropy.verbatim import VerbatimValue, decode_verbatim
from codec.errors import CorruptError
from codec.field_view import FieldView
from codec.limits import Limits
from codec.options import usable_threads
from codec.pipeline.item_sections import (
    TensorSection,
    decode_tensors_payload,
    restore_parameters,
)

_log = logging.getLogger("inrc")

Array = npt.NDArray[Any]


class InrcFile(Mapping[str, "FieldView"]):
    """An open file: a mapping from field names to `FieldView`s, in file order.

    Args:
        source: path, or the bytes of a file.
        device: "cpu", "cuda" or "auto" (a GPU if torch finds one).
        threads: CPU threads for decoding, 0 for all.
        limits: what the file may ask for.

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
    ) -> None:
        self.limits = limits or Limits()
        self.threads = usable_threads(threads)
        self.device_option = device
        self._source = BytesSource(source) if isinstance(source, bytes) else FileSource(source)
        self._lock = threading.RLock()
        try:
            self.sections = SectionReader(self._source, self.limits)
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
    def tensor_sections(self) -> list[TensorSection]:
        """All TENS sections in file order, decoded once."""
        found = []
        total = 0
        for section in self.sections.of_type("TENS"):
            decoded = decode_tensors_payload(self.sections.read(section), self.limits)
            total += sum(map(len, decoded.streams))
            self.limits.check("parameters", total, section="TENS")
            if decoded.item >= len(self.models):
                raise CorruptError(
                    f"integers for item {decoded.item}, which does not exist", section="TENS"
                )
            found.append(decoded)
        return found

    def tensor_streams(self, item: int) -> list[Integers]:
        """Integers of an item's streams, in coded order."""
        return [
            values
            for section in self.tensor_sections
            if section.item == item
            for values in section.streams
        ]

    def integer_digest(self) -> bytes:
        """SHA-256 of all decoded integers, masks and tensors, in file order (END-2)."""
        digest = hashlib.sha256()
        masks, tensors = itertools.count(), iter(self.tensor_sections)
        for section in self.sections.sections:
            if section.type == "MASK":
                digest.update(self.mask(next(masks)).integer_layer())
            elif section.type == "TENS":
                digest.update(next(tensors).integer_layer())
        return digest.digest()

    def check_digest(self) -> None:
        """Decode all integers and compare them with the file's digest.

        Raises:
            CorruptError: they differ, so the file was written or decoded wrongly.
        """
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
        self.largest_parameters = sum(int(np.prod(spec.shape, dtype=object)) for spec in self.specs)
        self._lock = threading.Lock()
        self._evaluator: Evaluator | None = None

    @property
    def evaluator(self) -> Evaluator:
        """The model, decoded once."""
        with self._lock:
            if self._evaluator is None:
                self._evaluator = self.architecture.evaluator(
                    self.header.config,
                    self.header.shape,
                    len(self.header.components),
                    self._parameters(),
                    self.file.device,
                )
            return self._evaluator

    def _parameters(self) -> list[Floats]:
        streams = self.file.tensor_streams(self.number)
        integers = np.concatenate(streams) if streams else np.zeros(0, np.int64)
        masks = {index: self._sparsity(index) for _, index in self.header.tensor_masks}
        return restore_parameters(self.header, self.specs, integers, masks)

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
