"""A model as sections, and sections as a model's integers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from codec.arrays import BoolArray, Float32Array, Int16Array, Int32Array, Int64Array
from codec.coding.mask_section import CodedMask, encode_mask_section
from codec.entropy.mixing.lattice import Lattice
from codec.entropy.stream import (
    OCTREE,
    StreamSummary,
    decode_stream_with_summary,
    encode_segment,
    encode_stream,
)
from codec.errors import CorruptError
from codec.format.headers import Component, Dim, Item, Quantisation
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.limits import Limits
from codec.plugin_api.architecture import Architecture, CodedTensor, Model, TensorSpec

if TYPE_CHECKING:
    from codec.entropy.mixing.coder import LatticeDecoder
    from codec.entropy.mixing.octree import Octree

# Of coefficients on their way to a file: as few bytes as hold them.
Coded = Int64Array | Int32Array | Int16Array

# Integers that are put into one form for the digest at a time.
_PIECE = 1 << 20
# Streams of coder array in the TENS (or RESD) sections of an item: each has a memory of its own.
MOST_ARRAYS = 1024
# Framing of a section: type, attribute, length of up to three bytes, CRC.
SECTION_OVERHEAD = 12


@dataclass(frozen=True)
class ItemSections:
    """Payloads of the sections that an item adds to a file.

    Attributes:
        item, masks: of its ITEM and MASK sections.
        tensors: of its TENS sections, from coarse to fine.
        residuals: of its RESD section, if it has one.
        integers: for each of the TENS sections its integers in coded order, for the digest.
        residual_integers: the same of the RESD section.
    """

    item: bytes
    masks: tuple[bytes, ...]
    tensors: tuple[bytes, ...]
    integers: tuple[tuple[Coded, ...], ...] = ()
    residuals: bytes | None = None
    residual_integers: Int32Array | None = None

    @property
    def payloads(self) -> list[tuple[str, bytes]]:
        """Type and payload of its sections of integers but masks, residuals last."""
        found = [("TENS", payload) for payload in self.tensors]
        if self.residuals is not None:
            found.append(("RESD", self.residuals))
        return found

    @property
    def file_bytes(self) -> int:
        """Bytes in the file, framing included (to within a byte or two per section)."""
        payloads = [self.item, *self.masks, *(payload for _, payload in self.payloads)]
        return sum(map(len, payloads)) + SECTION_OVERHEAD * len(payloads)


def encode_item(
    number: int,
    architecture: Architecture,
    model: Model,
    components: Sequence[Component],
    dims: Sequence[Dim],
    *,
    first_mask: int,
    coder: str,
    bounds: tuple[float, ...] = (),
    residual_steps: tuple[float, ...] = (),
) -> ItemSections:
    """Code a model.

    Args:
        number: of the item in the file.
        first_mask: index that the item's first sparsity mask will have among the MASK sections.
        coder: "auto" or a coder's name.
        bounds: that are promised, per component.
        residual_steps: per component, if there will be residuals.
    """
    item, masks = model_header(architecture, model, components, dims, first_mask)
    item = replace(item, bounds=bounds, residual_steps=residual_steps)
    specs = architecture.tensors(model.config, item.shape, len(components))
    lattice = specs[0].lattice if specs else None
    pieces: list[tuple[bytes, tuple[Coded, ...]]] = []
    dense = model.tensors
    if lattice is not None:
        pieces, dense = _lattice_streams(lattice, model.tensors[0], coder), model.tensors[1:]
    octree = specs[0].octree if specs else None
    if octree is not None:
        pieces, dense = [_octree_stream(octree, model.tensors[0], coder)], model.tensors[1:]
    if dense:
        coded = tuple(coded_entries(tensor.values, tensor.mask) for tensor in dense)
        pieces.append((_encode_tensors(dense, coder), coded))
    address = encode_uleb(number)
    return ItemSections(
        item.to_bytes(),
        tuple(_sparsity_section(mask.shape, np.packbits(mask).tobytes()) for mask in masks),
        tuple(address + streams for streams, _ in pieces),
        tuple(integers for _, integers in pieces),
    )


@lru_cache(maxsize=16)
def _sparsity_section(shape: tuple[int, ...], packed: bytes) -> bytes:
    """A search for steps codes the same mask again and again, which took longer than the rest."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=math.prod(shape))
    return encode_mask_section(CodedMask(bits.astype(np.bool_).reshape(shape)))


def model_header(
    architecture: Architecture,
    model: Model,
    components: Sequence[Component],
    dims: Sequence[Dim],
    first_mask: int,
) -> tuple[Item, list[BoolArray]]:
    """What ITEM says of a model, and its sparsity masks; tensors that have the same share it."""
    masks: list[BoolArray] = []
    tensor_masks: list[tuple[int, int]] = []
    for index, tensor in enumerate(model.tensors):
        if tensor.mask is not None:
            alike = [np.array_equal(mask, tensor.mask) for mask in masks]
            number = alike.index(True) if any(alike) else len(masks)
            if number == len(masks):
                masks.append(tensor.mask)
            tensor_masks.append((index, first_mask + number))
    item = Item(
        tuple(components),
        tuple(dims),
        architecture.identifier,
        architecture.version,
        model.config,
        tuple(tensor.quantisation for tensor in model.tensors),
        tuple(tensor_masks),
    )
    return item, masks


def _lattice_streams(
    lattice: Lattice, tensor: CodedTensor, coder: str
) -> list[tuple[bytes, tuple[Coded, ...]]]:
    """One section's streams per segment; another coder than "auto" gives one segment a level."""
    values = tensor.values
    pieces: list[tuple[bytes, tuple[Coded, ...]]] = []
    if coder == "auto":
        segments = tensor.segments
        if segments is None:
            from codec.entropy.mixing.coder import encode_lattice

            segments = tuple(encode_lattice(lattice, values.astype(np.int32)))
        streams = [(segment.count, encode_segment(segment)) for segment in segments]
    else:
        ends = [lattice.count(level) for level in range(lattice.depth, -1, -1)]
        parts = zip([0, *ends], ends, strict=False)
        streams = [
            (end - start, encode_stream([values[start:end].astype(np.int64)], coder))
            for start, end in parts
        ]
    at = 0
    for count, stream in streams:
        pieces.append((stream, (values[at : at + count],)))
        at += count
    return pieces


def _octree_stream(
    octree: Octree, tensor: CodedTensor, coder: str
) -> tuple[bytes, tuple[Coded, ...]]:
    """The one stream of an octree."""
    if coder != "auto":
        return encode_stream([tensor.values.astype(np.int64)], coder), (tensor.values,)
    segments = tensor.segments
    if segments is None:
        from codec.entropy.mixing.octree import encode_octree

        segments = (encode_octree(octree, tensor.values.astype(np.int32)),)
    return encode_segment(segments[0], OCTREE), (tensor.values,)


def _encode_tensors(tensors: Sequence[CodedTensor], coder: str) -> bytes:
    """Large tensors get a stream each, with a segment per channel; small ones share one."""
    streams = []
    shared: list[Int64Array] = []
    for tensor in tensors:
        if tensor.values.ndim > 2:
            if shared:
                streams.append(encode_stream(shared, coder))
                shared = []
            shape = tensor.values.shape if tensor.mask is None else ()
            streams.append(encode_stream(_channels(tensor), coder, shape))
        else:
            shared.append(coded_entries(tensor.values, tensor.mask))
    if shared:
        streams.append(encode_stream(shared, coder))
    return b"".join(streams)


def _channels(tensor: CodedTensor) -> list[Int64Array]:
    if tensor.mask is not None and tensor.mask.ndim == tensor.values.ndim:
        return [channel[kept] for channel, kept in zip(tensor.values, tensor.mask, strict=True)]
    return [coded_entries(channel, tensor.mask) for channel in tensor.values]


def coded_entries(values: Coded, mask: BoolArray | None) -> Int64Array:
    """The entries that are coded, in C order, int64."""
    chosen = values.ravel() if mask is None else values[np.broadcast_to(mask, values.shape)]
    return chosen.astype(np.int64, copy=False)


@dataclass(frozen=True)
class TensorSection:
    """A decoded TENS section: its item, and each stream's integers and summary."""

    item: int
    streams: list[Coded]
    summaries: list[StreamSummary]

    def integer_layer(self) -> Iterator[memoryview]:
        """What the file's digest covers of this section, in pieces."""
        return integer_layer(self.streams)


def integer_layer(streams: Iterable[Coded]) -> Iterator[memoryview]:
    """Integers as the digest takes them: int32, little-endian."""
    for values in streams:
        for start in range(0, len(values), _PIECE):
            yield np.ascontiguousarray(values[start : start + _PIECE], "<i4").data


def section_item(payload: bytes) -> int:
    """The item that a TENS payload (or its beginning) belongs to."""
    return decode_uleb(payload)[0]


class ItemStreams:
    """Decodes the TENS (or RESD) sections of one item, in file order.

    Args:
        specs: the item's tensors.
        limits: what the file may ask for.
        section: type of the sections, for errors.

    Attributes:
        count: integers decoded so far.
    """

    def __init__(self, specs: Sequence[TensorSpec], limits: Limits, section: str = "TENS") -> None:
        self._section = section
        self._lattice = specs[0].lattice if specs else None
        self._octree = specs[0].octree if specs else None
        self._most = sum(math.prod(spec.shape) for spec in specs)
        self._limits = limits
        self._decoder: LatticeDecoder | None = None
        self._arrays = 0
        self.count = 0

    def decode(self, payload: bytes) -> TensorSection:
        """The next section of the item."""
        item, position = decode_uleb(payload)
        streams: list[Coded] = []
        summaries = []
        while position < len(payload):
            values, position, summary = decode_stream_with_summary(
                payload,
                position,
                self._limits,
                self._decode_segment,
                self._most - self.count,
            )
            self.count += len(values)
            self._count_arrays(summary)
            streams.append(values if self._lattice is None else _narrow(values))
            summaries.append(summary)
            if self._lattice is None:
                self._limits.check("parameters", self.count, section=self._section)
        return TensorSection(item, streams, summaries)

    def _count_arrays(self, summary: StreamSummary) -> None:
        self._arrays += summary.coder == "array"
        if self._arrays > MOST_ARRAYS:
            raise CorruptError(
                f"more than {MOST_ARRAYS} streams of coder array", section=self._section
            )

    def _decode_segment(self, coder: int, count: int, data: bytes) -> Int32Array:
        if coder == OCTREE:
            return self._decode_octree(count, data)
        if self._lattice is None:
            raise CorruptError("coefficients of an item that has none", section=self._section)
        if self._decoder is None:
            from codec.entropy.mixing.coder import LatticeDecoder

            self._decoder = LatticeDecoder(self._lattice)
        if self._decoder.done != self.count:
            raise CorruptError(
                "coefficients do not follow those before them", section=self._section
            )
        return self._decoder.decode(count, data)

    def _decode_octree(self, count: int, data: bytes) -> Int32Array:
        if self._octree is None:
            raise CorruptError("an octree of an item that has none", section="TENS")
        if self.count or count != self._octree.count:
            raise CorruptError("the stream of an octree is not all of it", section="TENS")
        from codec.entropy.mixing.octree import decode_octree

        return decode_octree(self._octree, data)


def _narrow(values: Int64Array | Int32Array) -> Coded:
    """The same in 16 bits, if they fit: they wait for the rest of the lattice."""
    least = np.iinfo(np.int16)
    if least.min < values.min(initial=0) and values.max(initial=0) <= least.max:
        return values.astype(np.int16)
    return values


def restore_parameters(
    item: Item,
    specs: Sequence[TensorSpec],
    integers: Coded,
    masks: Mapping[int, BoolArray],
    level: int = 0,
) -> list[Float32Array]:
    """L2: the float32 tensors of an item from all its integers and its sparsity masks by index.

    With a `level` above 0, only that of the lattice, from the integers of this and coarser levels.

    Raises:
        CorruptError: numbers or shapes do not fit together.
    """
    if len(item.quantisation) != len(specs):
        raise CorruptError(
            f"{len(item.quantisation)} quantisation entries for {len(specs)} tensors",
            section="ITEM",
        )
    chosen = dict(item.tensor_masks)
    if any(index >= len(specs) or _is_whole(specs[index]) for index in chosen):
        raise CorruptError("a mask for a tensor that cannot have one", section="ITEM")
    tensors, position = [], 0
    for index, (spec, quantisation) in enumerate(zip(specs, item.quantisation, strict=True)):
        mask = None
        if index in chosen:
            mask = _tensor_mask(spec, chosen[index], masks[chosen[index]])
        count = math.prod(spec.shape) if mask is None else int(mask.sum())
        if spec.lattice is not None:
            count = spec.lattice.count(level)
        coded = integers[position : position + count]
        if len(coded) < count:
            raise CorruptError("fewer integers than the tensors need", section="TENS")
        position += count
        if spec.lattice is not None:
            tensors.append(_restore_lattice(spec.lattice, coded, quantisation, level))
            if level:
                break
        else:
            if _is_whole(spec) and quantisation != Quantisation((1.0,)):
                raise CorruptError(f"the step of {spec.name} is not 1", section="ITEM")
            tensors.append(_restore(spec, coded, mask, quantisation))
    if position != len(integers):
        raise CorruptError("more integers than the tensors need", section="TENS")
    return tensors


def _is_whole(spec: TensorSpec) -> bool:
    """Whether a tensor's parameters are its integers, and so has no mask."""
    return spec.lattice is not None or spec.octree is not None or spec.integral


def _restore_lattice(
    lattice: Lattice, coded: Coded, quantisation: Quantisation, level: int
) -> Float32Array:
    """The coefficients of levels >= `level` in their boxes, band by band to save memory."""
    if quantisation != Quantisation((1.0,)):
        raise CorruptError("the step of coefficients is not 1", section="ITEM")
    array = np.empty(lattice.low_shape(level), np.float32)
    lattice.scatter(coded, array, level)
    return array


def _tensor_mask(spec: TensorSpec, index: int, mask: BoolArray) -> BoolArray:
    if mask.shape not in (spec.shape, spec.shape[1:]):
        raise CorruptError(f"sparsity mask {index} does not fit its tensor", section="ITEM")
    return np.broadcast_to(mask, spec.shape)


def _restore(
    spec: TensorSpec, coded: Coded, mask: BoolArray | None, quantisation: Quantisation
) -> Float32Array:
    steps = quantisation.steps
    if len(steps) != (spec.shape[0] if quantisation.per_slice else 1):
        raise CorruptError(f"{len(steps)} steps for {spec.shape[0]} slices", section="ITEM")
    units = _units(coded, quantisation)
    with np.errstate(over="ignore", under="ignore"):
        if mask is None:
            full = units.astype(np.float64).reshape(spec.shape)
        else:
            full = np.zeros(spec.shape, np.float64)
            full[mask] = units
        scaled = full * np.array(steps).reshape(-1, *[1] * (len(spec.shape) - 1))
        tensor = np.asarray(scaled, dtype=np.float32)
    if not np.isfinite(tensor).all():
        raise CorruptError("a parameter is not finite", section="TENS")
    return tensor


def _units(coded: Coded, quantisation: Quantisation) -> Coded:
    """Coded entries in units of their steps."""
    if not quantisation.codebook:
        return coded - quantisation.zero
    indices = coded.astype(np.int64) - quantisation.first
    entries = np.array(quantisation.codebook, np.int64)
    if len(indices) and not 0 <= indices.min() <= indices.max() < len(entries):
        raise CorruptError("an integer that its codebook does not have", section="TENS")
    return entries[indices]
