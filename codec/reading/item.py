"""One model of an open file, decoded no further than it is asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import numpy as np

from codec.arrays import Array, BoolArray, Float32Array, Int32Array
from codec.coding.mask_section import CodedMask
from codec.coding.residual_section import ItemResiduals
from codec.coding.restore_parameters import restore_coefficients, restore_parameters
from codec.coding.tensor_sections import Coded, CodedStream, ItemStreams, TensorSection
from codec.entropy.lattice import Lattice
from codec.errors import CorruptError, InvalidOptionError, TruncatedError
from codec.format.headers import Component
from codec.format.section_index import section_digest
from codec.limits import within_memory
from codec.plugin_api.evaluator import Evaluator
from codec.plugin_api.models import TensorSpec
from codec.reading.streams import FileStreams

_log = logging.getLogger("inrc")

# Without coefficients a level is a coarser grid of positions, however coarse.
MAX_LEVEL = 40


class DecodableItem:
    """One model of a file; its evaluator is made when it is first needed.

    Attributes:
        streams: the sections of the file, and what its items share.
        number: number of the item in the file.
        header, architecture, specs, multiply_adds, largest_parameters: see `ItemDescription`.
        integers: the integers of its tensors.
    """

    def __init__(self, streams: FileStreams, number: int) -> None:
        self.streams = streams
        self.number = number
        description = streams.descriptions[number]
        self.header = description.header
        self.architecture = description.architecture
        self.specs = description.specs
        self.multiply_adds = description.multiply_adds
        self.largest_parameters = description.largest_parameters
        self.integers = ItemIntegers(streams, number, self.specs)

    @property
    def lattice(self) -> Lattice | None:
        """The lattice of the item's coefficients, if it has any."""
        return self.specs[0].lattice if self.specs else None

    @property
    def is_tile(self) -> bool:
        """Whether the item is a part of a field (or says so, being all of it)."""
        return self.header.origin is not None

    @property
    def coded_integers(self) -> int:
        """Number of integers that its tensors and their masks ask for; none is decoded."""
        masks = dict(self.header.tensor_masks)
        counts = [int(np.prod(spec.shape, dtype=object)) for spec in self.specs]
        for index, mask in masks.items():
            if index < len(counts):
                present = self.sparsity(mask)
                counts[index] = int(present.sum()) * (counts[index] // present.size)
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
        """The model at a level, from no more sections than it needs; it stays in the cache."""
        return self.streams.cache.get(
            ("item", self.number, level),
            lambda: self._make_evaluator(level),
            lambda _: self.decoded_bytes(level),
        )

    def evaluator_once(self, level: int) -> tuple[Evaluator, bool]:
        """The model at a level, not put into the cache; and whether it is the caller's alone."""
        cached: Evaluator | None = self.streams.cache.peek(("item", self.number, level))
        return (cached, False) if cached is not None else (self._make_evaluator(level), True)

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
                self.streams.device,
                level,
            )
        if self.is_tile or (level == 0 and self.has_lattice):
            # The samples are there now, and take as much memory.
            self.integers.release()
        return evaluator

    def decoded_bytes(self, level: int) -> int:
        """Bytes that the evaluator of a level takes, about: its samples, or its parameters."""
        values = self.largest_parameters
        if self.lattice is not None:
            values += self.lattice.count(level)
        return np.dtype(np.float32).itemsize * values

    @property
    def residuals(self) -> Array | None:
        """Integers (components, *shape) that are added to the samples in units of their steps."""
        if not self.header.residual_steps:
            return None
        if self.streams.sections.truncated:
            self.streams.warn_once("residuals are left out: the promised bound does not hold")
            return None
        return self.streams.cache.get(
            ("residuals", self.number), self._decode_residuals, lambda residuals: residuals.nbytes
        )

    @within_memory()
    def _decode_residuals(self) -> Array:
        header = self.header
        decoder = ItemResiduals(header.shape, len(header.components), self.streams.limits)
        parts = []
        for section in self.streams.sections_of(self.number, "RESD"):
            parts.append(decoder.decode(self.streams.sections.read(section)))
            self.streams.digests.add(section, section_digest(parts[-1].integer_layer()))
        return decoder.joined(parts)

    def parameters(self, level: int = 0) -> list[Float32Array]:
        """The tensors as they are decoded; with a lattice, those of a level."""
        needed = None if self.lattice is None or level == 0 else self.lattice.count(level)
        if needed is None and self.lattice is not None and len(self.specs) == 1:
            values = self.integers.taken_lattice()
            if values is not None:
                return [restore_coefficients(self.header, values)]
        integers = self.integers.first(needed)
        if self.streams.sections.truncated:
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
        missing = (self.lattice.size if needed is None else needed) - len(integers)
        if missing > 0:
            _log.warning("%s: %d of its coefficients are missing", names, missing)
            return np.concatenate([integers, np.zeros(missing, np.int32)])
        return integers

    def sparsity(self, index: int) -> BoolArray:
        """A sparsity mask of the file, checked to be one."""
        coded = self.streams.masks.decoded(index)
        if coded.patterns is not None:
            raise CorruptError(f"mask {index} is not a sparsity mask", section="ITEM")
        return coded.mask

    def validity(self, component: Component) -> CodedMask | None:
        """The validity mask of a component, checked against the item, or None."""
        if component.mask is None:
            return None
        coded = self.streams.masks.decoded(component.mask)
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

    def __init__(self, streams: FileStreams, number: int, specs: Sequence[TensorSpec]) -> None:
        self._streams = streams
        self._number = number
        self._specs = specs
        self._decoder = self._new_decoder()
        self._decoded: list[TensorSection] = []
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """Integers decoded so far."""
        return self._decoder.count

    def all(self) -> list[TensorSection]:
        """Every section of the item."""
        self.first(None)
        return self._decoded

    def first(self, count: int | None) -> Coded:
        """The first `count` integers in coded order, or all of them; fewer if there are no more."""
        with self._lock:
            self._decode_to(count)
            streams: list[CodedStream] = []
            for decoded in self._decoded:
                streams += decoded.streams
            if not streams:
                return np.zeros(0, np.int64)
            joined = self._joined(streams)
        return joined if count is None else joined[:count]

    def taken_lattice(self) -> Int32Array | None:
        """All integers in an array of the lattice's shape, which is the caller's; others None.

        What was decoded is given up: it is decoded again if it is asked for.
        """
        with self._lock:
            self._decode_to(None)
            values = self._decoder.lattice_values
            if values is not None:
                self._forget()
            return values

    def _decode_to(self, count: int | None) -> None:
        """Decode sections until there are `count` integers, or all."""
        sections = self._streams.sections_of(self._number)
        while len(self._decoded) < len(sections) and (count is None or self._decoder.count < count):
            section = sections[len(self._decoded)]
            decoded = self._decoder.decode(self._streams.sections.read(section))
            if decoded.item != self._number:
                raise CorruptError("the index names another item", section="TENS")
            self._streams.digests.add(section, section_digest(decoded.integer_layer()))
            self._decoded.append(decoded)

    def _forget(self) -> None:
        self._decoded = []
        self._decoder = self._new_decoder()

    def _new_decoder(self) -> ItemStreams:
        return ItemStreams(self._specs, self._streams.limits, threads=self._streams.threads)

    def _joined(self, streams: Sequence[CodedStream]) -> Array:
        """All integers in one array, of which the sections' streams then are parts."""
        if len(streams) == 1:
            return np.asarray(streams[0])
        joined: Array = np.concatenate([np.asarray(stream) for stream in streams])
        at = 0
        for decoded in self._decoded:
            for number, values in enumerate(decoded.streams):
                decoded.streams[number] = joined[at : at + len(values)]
                at += len(values)
        return joined

    def release(self) -> None:
        """Forget the integers; they are decoded again if they are asked for."""
        with self._lock:
            self._forget()
