"""One model of an open file, decoded no further than it is asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from codec.arrays import Array, BoolArray, Float32Array
from codec.coding.mask_section import CodedMask
from codec.coding.residual_section import ItemResiduals
from codec.coding.restore_parameters import restore_parameters
from codec.coding.tensor_sections import Coded, ItemStreams, TensorSection
from codec.entropy.mixing.lattice import Lattice
from codec.errors import CorruptError, InvalidOptionError, TruncatedError
from codec.format.headers import Component, Item
from codec.format.section_index import section_digest
from codec.limits import within_memory
from codec.plugin_api.architecture import Evaluator, TensorSpec

if TYPE_CHECKING:
    from codec.reading.open_file import InrcFile

_log = logging.getLogger("inrc")

# Without coefficients a level is a coarser grid of positions, however coarse.
MAX_LEVEL = 40


class DecodableItem:
    """One model of a file; its evaluator is made when it is first needed."""

    def __init__(self, file: InrcFile, number: int, header: Item) -> None:
        from codec.plugin_api.registry import architecture_by_identifier

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
                kept = self.sparsity(mask)
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

        return self.file.decoded.get(
            ("item", self.number, level),
            lambda: self._make_evaluator(level),
            lambda _: self.decoded_bytes(level),
        )

    def evaluator_once(self, level: int) -> tuple[Evaluator, bool]:
        """As `evaluator_at`, but not kept; and whether it is the caller's alone."""
        kept: Evaluator | None = self.file.decoded.peek(("item", self.number, level))
        return (kept, False) if kept is not None else (self._make_evaluator(level), True)

    @within_memory()
    def _make_evaluator(self, level: int) -> Evaluator:
        parameters = self.parameters(level)
        # A file may ask for values that are not finite; VAL-2 says what they count as.
        with np.errstate(over="ignore", invalid="ignore"):
            evaluator = self.architecture.evaluator(
                self.header.config,
                self.header.shape,
                len(self.header.components),
                parameters,
                self.file.device,
                level,
            )
        if self.is_tile or (level == 0 and self.has_lattice):
            # The samples are there now, and take as much memory.
            self.integers.release()
        return evaluator

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
            self.file.warn_once("residuals are left out: the promised bound does not hold")
            return None
        return self.file.decoded.get(
            ("residuals", self.number), self._decode_residuals, lambda found: found.nbytes
        )

    @within_memory()
    def _decode_residuals(self) -> Array:
        header = self.header
        decoder = ItemResiduals(header.shape, len(header.components), self.file.limits)
        parts = []
        for section in self.file.sections_of(self.number, "RESD"):
            parts.append(decoder.decode(self.file.sections.read(section)))
            self.file.note_digest(section, section_digest(parts[-1].integer_layer()))
        return decoder.joined(parts)

    def parameters(self, level: int = 0) -> list[Float32Array]:
        """The tensors as they are decoded; with a lattice, those of a level."""
        needed = None if self.lattice is None or level == 0 else self.lattice.count(level)
        integers = self.integers.first(needed)
        if self.file.sections.truncated:
            integers = self._completed(integers, needed)
        masks = {index: self.sparsity(index) for _, index in self.header.tensor_masks}
        return restore_parameters(
            self.header, self.specs, integers, masks, level if self.lattice is not None else 0
        )

    def _completed(self, integers: Coded, needed: int | None) -> Coded:
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

    def sparsity(self, index: int) -> BoolArray:
        """A sparsity mask of the file, checked to be one."""
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

    def first(self, count: int | None) -> Coded:
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
            streams: list[Coded] = []
            for done in self._decoded:
                streams += done.streams
            if not streams:
                return np.zeros(0, np.int64)
            joined = self._joined(streams)
        return joined if count is None else joined[:count]

    def _joined(self, streams: Sequence[Coded]) -> Array:
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
