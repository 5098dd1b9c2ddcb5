"""A model as the sections that it adds to a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from codec.arrays import BoolArray, Int32Array, Int64Array
from codec.coding.mask_section import CodedMask, encode_mask_section
from codec.coding.tensor_sections import Coded
from codec.entropy.lattice import Lattice
from codec.entropy.stream import encode_segment, encode_stream
from codec.format.headers import Component, Dim, Item
from codec.format.leb128 import encode_uleb
from codec.plugin_api.architecture import Architecture
from codec.plugin_api.models import CodedTensor, Model, TensorSpec

if TYPE_CHECKING:
    from codec.entropy.mixing.octree import Octree

# Framing of a section: type, attribute, length of up to three bytes, CRC.
SECTION_OVERHEAD = 12
# Coded streams of a section, and the integers in them.
_Streams = tuple[bytes, tuple[Coded, ...]]


@dataclass(frozen=True)
class ItemSections:
    """Payloads of the sections that an item adds to a file.

    Attributes:
        item, masks: payloads of the ITEM and MASK sections.
        tensors: payloads of the TENS sections, from coarse to fine.
        residuals: payload of the RESD section, if there is one.
        integers: for each TENS section its integers in coded order, for the digest.
        residual_integers: integers of the RESD section.
    """

    item: bytes
    masks: tuple[bytes, ...]
    tensors: tuple[bytes, ...]
    integers: tuple[tuple[Coded, ...], ...] = ()
    residuals: bytes | None = None
    residual_integers: Int32Array | None = None

    @property
    def payloads(self) -> list[tuple[str, bytes]]:
        """Type and payload of each section of integers but masks, residuals last."""
        sections = [("TENS", payload) for payload in self.tensors]
        if self.residuals is not None:
            sections.append(("RESD", self.residuals))
        return sections

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
        number: the number of the item in the file.
        first_mask: index that the item's first sparsity mask will have among the MASK sections.
        coder: "auto" or a coder's name.
        bounds: largest error that is promised, per component.
        residual_steps: quantisation step of the residuals per component, if there will be any.
    """
    item, masks = model_header(architecture, model, components, dims, first_mask)
    item = replace(item, bounds=bounds, residual_steps=residual_steps)
    specs = architecture.tensors(model.config, item.shape, len(components))
    pieces = _tensor_streams(specs, model.tensors, coder)
    address = encode_uleb(number)
    return ItemSections(
        item.to_bytes(),
        tuple(_sparsity_section(mask.shape, np.packbits(mask).tobytes()) for mask in masks),
        tuple(address + streams for streams, _ in pieces),
        tuple(integers for _, integers in pieces),
    )


def _tensor_streams(
    specs: Sequence[TensorSpec], tensors: Sequence[CodedTensor], coder: str
) -> list[_Streams]:
    """The streams of each TENS section: a lattice or an octree first, then all dense tensors."""
    lattice = specs[0].lattice if specs else None
    octree = specs[0].octree if specs else None
    pieces: list[_Streams] = []
    dense = tensors
    if lattice is not None:
        pieces, dense = _lattice_streams(lattice, tensors[0], coder), tensors[1:]
    if octree is not None:
        pieces, dense = [_octree_stream(octree, tensors[0], coder)], tensors[1:]
    if dense:
        coded = tuple(coded_entries(tensor.values, tensor.mask) for tensor in dense)
        pieces.append((_encode_tensors(dense, coder), coded))
    return pieces


@lru_cache(maxsize=16)
def _sparsity_section(shape: tuple[int, ...], packed: bytes) -> bytes:
    """Payload of a sparsity mask; a search for steps codes the same mask again and again."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=math.prod(shape))
    return encode_mask_section(CodedMask(bits.astype(np.bool_).reshape(shape)))


def model_header(
    architecture: Architecture,
    model: Model,
    components: Sequence[Component],
    dims: Sequence[Dim],
    first_mask: int,
) -> tuple[Item, list[BoolArray]]:
    """The header of a model, and its sparsity masks; tensors with equal masks share one."""
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


def _lattice_streams(lattice: Lattice, tensor: CodedTensor, coder: str) -> list[_Streams]:
    """The streams of each section of a lattice: one section per segment.

    Another coder than "auto" gives one segment a level.
    """
    values = tensor.values if tensor.values.ndim == 1 else lattice.gather(tensor.values)
    pieces: list[_Streams] = []
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


def _octree_stream(octree: Octree, tensor: CodedTensor, coder: str) -> _Streams:
    """The one stream of an octree."""
    if coder != "auto":
        return encode_stream([tensor.values.astype(np.int64)], coder), (tensor.values,)
    segments = tensor.segments
    if segments is None:
        from codec.entropy.mixing.octree import encode_octree

        segments = (encode_octree(octree, tensor.values.astype(np.int32)),)
    return encode_segment(segments[0]), (tensor.values,)


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
        return [channel[mask] for channel, mask in zip(tensor.values, tensor.mask, strict=True)]
    return [coded_entries(channel, tensor.mask) for channel in tensor.values]


def coded_entries(values: Coded, mask: BoolArray | None) -> Int64Array:
    """The entries that are coded, in C order, int64."""
    chosen = values.ravel() if mask is None else values[np.broadcast_to(mask, values.shape)]
    return chosen.astype(np.int64, copy=False)
