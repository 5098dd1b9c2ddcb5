"""Reading `.inrc` files: nothing is decoded until a field is asked for values."""

from __future__ import annotations

import hashlib
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
from codec.container.sections import MAJOR, SectionReader
from codec.contracts import Evaluator, Floats, Integers
from codec.entropy.mask_section import CodedMask, decode_mask_section
from codec.entropy.verbatim import VerbatimValue, decode_verbatim
from codec.errors import CorruptError, InvalidInputError
from codec.limits import Limits
from codec.options import usable_threads
from codec.pipeline.blocks import Window, evaluate_blocks
from codec.pipeline.item_sections import decode_tensors_payload, restore_parameters
from codec.pipeline.normalise import denormalise, to_stored

Array = npt.NDArray[Any]
Selection = list[npt.NDArray[np.int64]]


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
            self.items = [
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
            for item in self.items
            for index, component in enumerate(item.header.components)
        }

    def _check_items(self) -> None:
        if len(self.items) != self.head.items:
            raise CorruptError(
                f"{len(self.items)} ITEM sections, HEAD says {self.head.items}", section="HEAD"
            )
        names = [component.name for item in self.items for component in item.header.components]
        if len(set(names)) != len(names):
            raise CorruptError("two fields have the same name", section="ITEM")
        self.limits.check("samples", sum(item.header.samples for item in self.items))
        self.limits.check("multiply_adds", sum(item.multiply_adds for item in self.items))
        self.limits.check("parameters", sum(item.largest_parameters for item in self.items))

    def _read_metadata(self) -> tuple[str, dict[int, Any]]:
        found = self.sections.of_type("mETa")
        if not found:
            return "", {}
        value = cbor.decode(self.sections.read(found[0]))
        if not isinstance(value, dict) or not isinstance(value.get(0), str):
            raise CorruptError("the metadata names no medium", section="mETa")
        metadata = value.get(1, {})
        if not isinstance(metadata, dict):
            raise CorruptError("the metadata is not a map", section="mETa")
        return value[0], metadata

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
        sections = self.sections.of_type("VERB")
        return decode_verbatim([self.sections.read(section) for section in sections])

    def mask(self, index: int) -> CodedMask:
        """The decoded MASK section of that index (kept for later)."""
        with self._lock:
            if index not in self._masks:
                sections = self.sections.of_type("MASK")
                if index >= len(sections):
                    raise CorruptError(f"mask {index} does not exist", section="ITEM")
                payload = self.sections.read(sections[index])
                self._masks[index] = decode_mask_section(payload, self.limits)
            return self._masks[index]

    @cached_property
    def _masks(self) -> dict[int, CodedMask]:
        return {}

    @cached_property
    def tensor_streams(self) -> dict[int, list[Integers]]:
        """Integers of every item's streams, from all TENS sections."""
        found: dict[int, list[Integers]] = {}
        for section in self.sections.of_type("TENS"):
            item, streams, _ = decode_tensors_payload(self.sections.read(section), self.limits)
            if item >= len(self.items):
                raise CorruptError(f"integers for item {item}, which does not exist", section="TENS")
            found.setdefault(item, []).extend(streams)
        return found

    def check_digest(self) -> None:
        """Decode all integers and compare them with the file's digest.

        Raises:
            CorruptError: they differ, so the file was written or decoded wrongly.
        """
        digest = hashlib.sha256()
        masks = 0
        for section in self.sections.sections:
            if section.type == "MASK":
                digest.update(self.mask(masks).integer_layer())
                masks += 1
            elif section.type == "TENS":
                payload = self.sections.read(section)
                for values in decode_tensors_payload(payload, self.limits)[1]:
                    digest.update(values.astype("<i4").tobytes())
        expected = self.sections.digest
        if digest.digest()[: len(expected)] != expected:
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
        self.multiply_adds = header.samples // count * self.architecture.multiply_adds(
            header.config, header.shape, count
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
        streams = self.file.tensor_streams.get(self.number, [])
        integers = np.concatenate(streams) if streams else np.zeros(0, np.int64)
        wanted = {index for _, index in self.header.tensor_masks}
        masks = [
            self.file.mask(index).mask if index in wanted else np.zeros((0,), np.bool_)
            for index in range(max(wanted, default=-1) + 1)
        ]
        return restore_parameters(self.header, self.specs, integers, masks)

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


class FieldView:
    """One field, seen as an array that decodes what is asked of it.

    Attributes:
        name, dims, shape, dtype: of the stored array.
        attrs: the variable's attributes, where the medium has them.
    """

    def __init__(self, item: DecodableItem, index: int) -> None:
        self._item = item
        self._index = index
        self._component = item.header.components[index]
        self.name = self._component.name
        self.dims = tuple(dim.name for dim in item.header.dims)
        self.shape = item.header.shape
        self.dtype = np.dtype(self._component.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of samples."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def item(self) -> DecodableItem:
        """The model behind the field."""
        return self._item

    @property
    def component(self) -> Component:
        """The field's entry in its model's header."""
        return self._component

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes by name: str, number, array or list of str."""
        from codec.media.attributes import variable_attributes

        return variable_attributes(self._item.file.medium, self._item.file.metadata, self.name)

    @property
    def coords(self) -> dict[str, Array]:
        """Coordinate variables of the field's dims, kept verbatim in the file."""
        from codec.media.attributes import coordinates

        return coordinates(self._item.file.verbatim, self.name, self.dims, self.shape)

    def __repr__(self) -> str:
        axes = ", ".join(
            f"{name}: {size}" if name else str(size)
            for name, size in zip(self.dims, self.shape, strict=True)
        )
        return f"<inrc field {self.name!r} ({axes}) {self.dtype}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        values = self[...]
        return values if dtype is None else values.astype(dtype)

    def __getitem__(self, index: Any) -> Array:
        """Stored values of a region; integers, slices with steps, `...`, per axis.

        Returns:
            An array of the field's dtype (a scalar array where every axis is an integer).

        Raises:
            IndexError: too many indices, or one out of range.
            FormatError: the file's streams are damaged or over the limits.
        """
        selection, kept = select(index, self.shape)
        return self.read(selection).reshape([len(selection[axis]) for axis in kept])

    def read(self, selection: Selection) -> Array:
        """Stored values at the outer product of sample indices, one array per axis."""
        out = np.empty([len(axis) for axis in selection], self.dtype)
        component = self._component

        def store(window: Window, normalised: Floats) -> None:
            real = denormalise(normalised[self._index], component.offset, component.scale)
            out[window] = to_stored(real, self.dtype)

        evaluate_blocks(self._item.evaluator, selection, self._item.file.threads, store)
        self._put_fill(out, selection)
        return out

    def _put_fill(self, out: Array, selection: Selection) -> None:
        coded = self._item.validity(self._component)
        if coded is None or coded.patterns is None or out.size == 0:
            return
        whole = all(len(axis) == size for axis, size in zip(selection, self.shape, strict=True))
        patterns = coded.patterns
        bits = out.view(patterns.values.dtype)
        if whole and all((np.diff(axis) == 1).all() for axis in selection):
            invalid = ~coded.mask
            bits[invalid] = patterns.fill(int(invalid.sum()))
            return
        invalid = ~coded.mask[np.ix_(*selection)]
        if patterns.indices is None:
            bits[invalid] = patterns.values[0]
            return
        numbers = np.cumsum(~coded.mask.ravel()) - 1
        flat = np.ravel_multi_index(np.ix_(*selection), self.shape)
        bits[invalid] = patterns.values[patterns.indices[numbers[flat[invalid]]]]

    def at(self, points: Any) -> npt.NDArray[np.float64]:
        """Values between the samples.

        Args:
            points: (n, ndim) real sample indices, 0 to size - 1 along each axis; positions outside
                are moved to the border.

        Returns:
            (n,) float64 in the unit of the stored values, not rounded to the stored dtype; NaN
            where the nearest sample is invalid.

        Raises:
            InvalidInputError: the points have another shape, or are not finite.
        """
        places = np.atleast_2d(np.asarray(points, np.float64))
        if places.ndim != 2 or places.shape[1] != self.ndim:
            raise InvalidInputError(f"{self.name}: points are (n, {self.ndim}), not {places.shape}")
        if not np.isfinite(places).all():
            raise InvalidInputError(f"{self.name}: a point is not finite")
        places = np.clip(places, 0, np.array(self.shape) - 1)
        component = self._component
        normalised = self._item.evaluator.at(places)[self._index]
        real = denormalise(normalised, component.offset, component.scale)
        coded = self._item.validity(component)
        if coded is not None:
            real[~coded.mask[tuple(np.rint(places).astype(np.int64).T)]] = np.nan
        return real


def select(index: Any, shape: Sequence[int]) -> tuple[Selection, list[int]]:
    """Sample indices per axis for a NumPy-style basic index, and the axes that remain.

    Raises:
        IndexError: too many indices, one out of range, or of a kind that is not supported.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    ellipses = [number for number, part in enumerate(parts) if part is Ellipsis]
    if len(ellipses) > 1:
        raise IndexError("an index has at most one '...'")
    if ellipses:
        missing = len(shape) - len(parts) + 1
        parts[ellipses[0] : ellipses[0] + 1] = [slice(None)] * missing
    if len(parts) > len(shape):
        raise IndexError(f"{len(parts)} indices for {len(shape)} axes")
    parts += [slice(None)] * (len(shape) - len(parts))
    selection, kept = [], []
    for axis, (part, size) in enumerate(zip(parts, shape, strict=True)):
        if isinstance(part, slice):
            selection.append(np.arange(*part.indices(size), dtype=np.int64))
            kept.append(axis)
            continue
        try:
            number = part.__index__()
        except AttributeError:
            raise IndexError(f"axis {axis}: only integers and slices, not {part!r}") from None
        if not -size <= number < size:
            raise IndexError(f"axis {axis}: {number} is out of range for {size} samples")
        selection.append(np.array([number % size], dtype=np.int64))
    return selection, kept
