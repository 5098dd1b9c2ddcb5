"""Transcoding: the models of a file coded, or pruned and quantised, anew, without their field.

Everything else (coordinates, metadata, validity masks, residuals) is copied as it is.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from codec.arrays import BoolArray
from codec.coding.described_sections import copied_sections
from codec.coding.item_sections import ItemSections, encode_item
from codec.coding.tensor_sections import Coded
from codec.coding.write_file import FileParts, IntegerSection, mask_section, tensor_sections
from codec.errors import CorruptError, InvalidInputError, VerificationError
from codec.files.atomic import atomic_path, check_writable
from codec.format.headers import Component, Item
from codec.format.section_types import Copier
from codec.format.sections import Section
from codec.options.encode import EncodeOptions, Goal, usable_threads
from codec.plugin_api.models import CodedTensor, Model, TensorSpec
from codec.reading.contents import FileContents, reopened
from codec.reading.item import DecodableItem
from codec.recoding.requantise import Requantiser, changed
from codec.reports import FieldQuality, TranscodeReport


def transcode_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: EncodeOptions,
    *,
    stages: bool,
    overwrite: bool,
) -> TranscodeReport:
    """See `codec.transcode`.

    Args:
        stages: whether to prune and quantise anew, as the options say; if not, only the coder of
            the options counts.
    """
    threads = usable_threads(options.threads)
    started = time.perf_counter()
    final = check_writable(target, overwrite=overwrite)
    with reopened(source, threads) as file:
        if final.exists() and os.path.exists(source) and os.path.samefile(source, final):
            raise InvalidInputError(f"{target}: is the input itself; name another file")
        file.check_digest()
        before = file.file_bytes
        digest = [] if stages else _integers(file)
        again = Requantiser(file, options, threads) if stages else None
        with atomic_path(target, overwrite=overwrite) as temporary:
            with temporary.open("wb") as stream:
                _Transcoder(file, options.coder, again).write(stream)
            with reopened(temporary) as new:
                new.check_digest()
                if not stages and _integers(new) != digest:
                    raise VerificationError(
                        f"{target}: does not decode to the same integers; not written"
                    )
                qualities = changed(file, new) if stages else ()
    return TranscodeReport(
        path=Path(target),
        source_bytes=before,
        file_bytes=final.stat().st_size,
        seconds=time.perf_counter() - started,
        qualities=qualities,
        shortfall=_shortfall(final, qualities, options.goal),
    )


def _integers(file: FileContents) -> list[bytes]:
    """The digest of all integers of each item."""
    digests = []
    for item in file.items:
        digest = hashlib.sha256()
        for section in item.integers.all():
            for piece in section.integer_layer():
                digest.update(piece)
        digests.append(digest.digest())
        if item.is_tile:
            item.integers.release()
    return digests


class _Transcoder:
    """Puts a new file together from an open one."""

    def __init__(self, file: FileContents, coder: str, again: Requantiser | None) -> None:
        self._file = file
        self._again = again
        self._coder = coder
        self._digests = file.section_digests()
        copies = copied_sections(file.streams.sections, Copier.TRANSCODE)
        self._parts = FileParts(file.streams.head.kind, copies)

    def write(self, stream: BinaryIO) -> None:
        """Write the new file."""
        validity = self._validity_masks()
        for item in self._file.items:
            self._add(item, validity)
        self._parts.write(stream)

    def _copied(self, section: Section) -> IntegerSection:
        stored = partial(self._file.streams.sections.stored, section)
        digest = self._digests[section.start]
        return IntegerSection(section.type, stored, digest, section.attribute)

    def _validity_masks(self) -> dict[int, int]:
        """Copy the masks that components name; old index to new."""
        sections = self._file.streams.sections.of_type("MASK")
        components = [entry for item in self._file.items for entry in item.header.components]
        used = sorted({entry.mask for entry in components if entry.mask is not None})
        for index in used:
            self._parts.append_mask(self._copied(sections[index]))
        return {old: new for new, old in enumerate(used)}

    def _add(self, item: DecodableItem, validity: dict[int, int]) -> None:
        header = item.header
        components = [_moved(component, validity) for component in header.components]
        sections = self._coded(item, components)
        for mask in sections.masks:
            self._parts.append_mask(mask_section(mask))
        residuals = self._file.streams.sections_of(item.number, "RESD")
        described = Item.from_bytes(sections.item)
        self._parts.add_coded(
            replace(described, origin=header.origin, overlap=header.overlap).to_bytes(),
            [*tensor_sections(sections), *map(self._copied, residuals)],
            # Pruning can only lower these two.
            item.multiply_adds,
            item.largest_parameters,
        )
        if item.is_tile:
            item.integers.release()

    def _coded(self, item: DecodableItem, components: Sequence[Component]) -> ItemSections:
        first_mask = len(self._parts.masks)
        if self._again is not None and self._again.takes(item):
            return self._again.coded(item, components, first_mask)
        return encode_item(
            item.number,
            item.architecture,
            coded_model(item),
            components,
            item.header.dims,
            first_mask=first_mask,
            coder=self._coder,
            bounds=item.header.bounds,
            residual_steps=item.header.residual_steps,
        )


def _shortfall(path: Path, qualities: Sequence[FieldQuality], goal: Goal) -> str:
    """Words for how the goal was missed; "" if it was not."""
    lowest = min((quality.psnr for quality in qualities), default=math.inf)
    if goal.psnr is not None and lowest < goal.psnr:
        return f"{path}: reached {lowest:.2f} dB of {goal.psnr:g} dB; the file is kept"
    size = path.stat().st_size
    if goal.bytes is not None and size > goal.bytes:
        return f"{path}: {size} bytes of {goal.bytes} asked for; the file is kept"
    return ""


def _moved(component: Component, validity: dict[int, int]) -> Component:
    return (
        component if component.mask is None else replace(component, mask=validity[component.mask])
    )


def coded_model(item: DecodableItem) -> Model:
    """The model of an item as it was before it was coded."""
    header = item.header
    integers = item.integers.first(None)
    masks = dict(header.tensor_masks)
    tensors, at = [], 0
    for index, (spec, quantisation) in enumerate(zip(item.specs, header.quantisation, strict=True)):
        mask = item.sparsity(masks[index]) if index in masks else None
        values, at = _values(spec, integers, at, mask)
        tensors.append(CodedTensor(values, quantisation, mask))
    if at != len(integers):
        raise CorruptError("more integers than the tensors need", section="TENS")
    return Model(dict(header.config), tuple(tensors))


def _values(
    spec: TensorSpec, integers: Coded, at: int, mask: BoolArray | None
) -> tuple[Coded, int]:
    if spec.lattice is not None or spec.octree is not None:
        count = math.prod(spec.shape) if spec.lattice is None else spec.lattice.size
        return integers[at : at + count], at + count
    if mask is None:
        count = math.prod(spec.shape)
        return integers[at : at + count].astype(np.int64).reshape(spec.shape), at + count
    full = np.zeros(spec.shape, np.int64)
    coded = np.broadcast_to(mask, spec.shape)
    count = int(coded.sum())
    full[coded] = integers[at : at + count]
    return full, at + count
