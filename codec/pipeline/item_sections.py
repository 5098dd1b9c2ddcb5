"""A model as sections, and sections as a model's integers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from codec.container.items import Component, Dim, Item, Quantisation
from codec.container.leb128 import decode_uleb, encode_uleb
from codec.contracts import Architecture, CodedTensor, Floats, Integers, Mask, Model, TensorSpec
from codec.entropy.mask_section import CodedMask, encode_mask_section
from codec.entropy.stream import StreamSummary, decode_stream_with_summary, encode_stream
from codec.errors import CorruptError, UnsupportedError
from codec.limits import Limits

# Framing of a section: type, attribute, length of up to three bytes, CRC.
SECTION_OVERHEAD = 12


@dataclass(frozen=True)
class ItemSections:
    """Payloads of the sections that an item adds to a file."""

    item: bytes
    masks: tuple[bytes, ...]
    tensors: bytes

    @property
    def file_bytes(self) -> int:
        """Bytes in the file, framing included (to within a byte or two per section)."""
        payloads = [self.item, *self.masks, *([self.tensors] if self.tensors else [])]
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
) -> ItemSections:
    """Code a model.

    Args:
        number: of the item in the file.
        first_mask: index that the item's first sparsity mask will have among the MASK sections.
        coder: "auto" or a coder's name.
    """
    masks: list[bytes] = []
    tensor_masks: list[tuple[int, int]] = []
    for index, tensor in enumerate(model.tensors):
        if tensor.mask is not None:
            tensor_masks.append((index, first_mask + len(masks)))
            masks.append(encode_mask_section(CodedMask(tensor.mask)))
    item = Item(
        tuple(components),
        tuple(dims),
        architecture.identifier,
        architecture.version,
        model.config,
        tuple(tensor.quantisation for tensor in model.tensors),
        tuple(tensor_masks),
    )
    tensors = b""
    if model.tensors:
        tensors = encode_uleb(number) + encode_uleb(0) + _encode_tensors(model.tensors, coder)
    return ItemSections(item.to_bytes(), tuple(masks), tensors)


def _encode_tensors(tensors: Sequence[CodedTensor], coder: str) -> bytes:
    """Large tensors get a stream each, with a segment per channel; small ones share one."""
    streams = []
    shared: list[Integers] = []
    for tensor in tensors:
        if tensor.values.ndim > 2:
            if shared:
                streams.append(encode_stream(shared, coder))
                shared = []
            streams.append(encode_stream(_channels(tensor), coder))
        else:
            shared.append(coded_entries(tensor.values, tensor.mask))
    if shared:
        streams.append(encode_stream(shared, coder))
    return b"".join(streams)


def _channels(tensor: CodedTensor) -> list[Integers]:
    if tensor.mask is not None and tensor.mask.ndim == tensor.values.ndim:
        return [channel[kept] for channel, kept in zip(tensor.values, tensor.mask, strict=True)]
    return [coded_entries(channel, tensor.mask) for channel in tensor.values]


def coded_entries(values: Integers, mask: Mask | None) -> Integers:
    """The entries that are coded, in C order."""
    if mask is None:
        return values.ravel()
    return values[np.broadcast_to(mask, values.shape)]


@dataclass(frozen=True)
class TensorSection:
    """A decoded TENS section: its item, and each stream's integers and summary."""

    item: int
    streams: list[Integers]
    summaries: list[StreamSummary]

    def integer_layer(self) -> bytes:
        """What the file's digest covers of this section."""
        return b"".join(values.astype("<i4").tobytes() for values in self.streams)


def decode_tensors_payload(payload: bytes, limits: Limits) -> TensorSection:
    """The section with this TENS payload."""
    item, position = decode_uleb(payload)
    tile, position = decode_uleb(payload, position)
    if tile:
        raise UnsupportedError(f"tile {tile}: tiles are unknown", section="TENS")
    streams, summaries = [], []
    total = 0
    while position < len(payload):
        values, position, summary = decode_stream_with_summary(payload, position, limits)
        total += len(values)
        limits.check("parameters", total, section="TENS")
        streams.append(values)
        summaries.append(summary)
    return TensorSection(item, streams, summaries)


def restore_parameters(
    item: Item,
    specs: Sequence[TensorSpec],
    integers: Integers,
    masks: Mapping[int, Mask],
) -> list[Floats]:
    """L2: the float32 tensors of an item from all its integers and its sparsity masks by index.

    Raises:
        CorruptError: numbers or shapes do not fit together.
    """
    if len(item.quantisation) != len(specs):
        raise CorruptError(
            f"{len(item.quantisation)} quantisation entries for {len(specs)} tensors",
            section="ITEM",
        )
    chosen = dict(item.tensor_masks)
    if any(index >= len(specs) for index in chosen):
        raise CorruptError("a mask for a tensor that does not exist", section="ITEM")
    tensors, position = [], 0
    for index, (spec, quantisation) in enumerate(zip(specs, item.quantisation, strict=True)):
        mask = None
        if index in chosen:
            mask = _tensor_mask(spec, chosen[index], masks[chosen[index]])
        count = math.prod(spec.shape) if mask is None else int(mask.sum())
        coded = integers[position : position + count]
        if len(coded) < count:
            raise CorruptError("fewer integers than the tensors need", section="TENS")
        position += count
        tensors.append(_restore(spec, coded, mask, quantisation))
    if position != len(integers):
        raise CorruptError("more integers than the tensors need", section="TENS")
    return tensors


def _tensor_mask(spec: TensorSpec, index: int, mask: Mask) -> Mask:
    if mask.shape not in (spec.shape, spec.shape[1:]):
        raise CorruptError(f"sparsity mask {index} does not fit its tensor", section="ITEM")
    return np.broadcast_to(mask, spec.shape)


def _restore(
    spec: TensorSpec, coded: Integers, mask: Mask | None, quantisation: Quantisation
) -> Floats:
    steps = quantisation.steps
    if len(steps) != (spec.shape[0] if quantisation.per_slice else 1):
        raise CorruptError(f"{len(steps)} steps for {spec.shape[0]} slices", section="ITEM")
    with np.errstate(over="ignore", under="ignore"):
        if mask is None:
            full = (coded - quantisation.zero).astype(np.float64).reshape(spec.shape)
        else:
            full = np.zeros(spec.shape, np.float64)
            full[mask] = coded - quantisation.zero
        scaled = full * np.array(steps).reshape(-1, *[1] * (len(spec.shape) - 1))
        tensor = np.asarray(scaled, dtype=np.float32)
    if not np.isfinite(tensor).all():
        raise CorruptError("a parameter is not finite", section="TENS")
    return tensor
