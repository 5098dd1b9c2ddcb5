"""Models of a damaged file that can still be decoded, and headers for those that cannot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from codec.coding.mask_section import (
    CodedMask,
    FillPatterns,
    decode_mask_section,
    encode_mask_section,
)
from codec.coding.residual_section import ItemResiduals
from codec.coding.restore_parameters import restore_parameters
from codec.coding.tensor_sections import Coded, ItemStreams, section_item
from codec.coding.write_file import IntegerSection
from codec.errors import CorruptError, LimitError, TruncatedError
from codec.format.headers import Component, Item
from codec.format.section_index import file_digest, section_digest
from codec.format.section_types import owned_types
from codec.format.sections import HEADER_BYTES
from codec.format.tile_grid import Box
from codec.limits import Limits
from codec.plugin_api.architecture import Architecture
from codec.plugin_api.models import TensorSpec
from codec.plugin_api.registry import architecture_by_identifier
from codec.salvage.numbering import numbered
from codec.salvage.scan import DamagedFile, Piece

# Number of the architecture of fields without a valid sample.
_CONSTANT = 0
# Samples of a mask that costs little.
_SMALL_MASK = 1 << 16


@dataclass(frozen=True)
class SavedItem:
    """A model that is whole.

    Attributes:
        header: header of the item, without bounds and residual steps if the residuals are lost.
        integers: sections of the item, from coarse to fine, residuals last; their payloads name
            the number that the item had in the damaged file.
        multiply_adds, parameters: for the limits.
        bounded: whether the bounds that the damaged file promised still hold.
    """

    header: Item
    integers: tuple[IntegerSection, ...]
    multiply_adds: int
    parameters: int
    bounded: bool


class SavedItems:
    """The models of a damaged file.

    Args:
        file: sections of the file.
        total: number of items that the file had, None if unknown.
        limits: bounds on what the file may ask for.

    Attributes:
        headers: headers of the items by number, as far as the numbers are known.
        saved: items that are whole, by number.
        masks: masks that are whole, by number.
        total: number of items.

    Raises:
        UnsupportedError, LimitError: an intact section needs something that there is not.
    """

    def __init__(self, file: DamagedFile, total: int | None, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self.headers = {
            number: Item.from_bytes(file.read(piece))
            for number, piece in numbered(file.pieces, "ITEM", total).items()
        }
        listed = sum(piece.type == "ITEM" for piece in file.pieces)
        self.total = (
            max([listed, *(number + 1 for number in self.headers)]) if total is None else total
        )
        limits.check("samples", sum(header.samples for header in self.headers.values()))
        self._models = {number: _model(header) for number, header in self.headers.items()}
        models = self._models.values()
        limits.check("multiply_adds", sum(model.multiply_adds for model in models))
        limits.check("parameters", sum(model.parameters for model in models))
        # Digests of the sections of integers that were decoded, by the offset of each.
        self._digests: dict[int, bytes] = {}
        self.masks = self._decoded_masks()
        self._owned = {name: self._by_owner(name) for name in owned_types()}
        self.saved: dict[int, SavedItem] = {}
        for number, header in self.headers.items():
            item = self._saved(number, header)
            if item is not None:
                self.saved[number] = item
        self._check_places()

    def _decoded_masks(self) -> dict[int, CodedMask]:
        """The masks that items name."""
        fitting = self._mask_shapes()
        known = sum(piece.type == "MASK" for piece in self._file.pieces)
        total = max(fitting, default=-1) + 1 if len(self.headers) == self.total else None
        if total is not None and known > total:
            # No item names some of the masks, and the last of these cannot be told from others.
            total = None
        try:
            pieces = numbered(self._file.pieces, "MASK", total)
        except CorruptError:
            # One is missing without a trace, and nobody knows which.
            return {}
        masks: dict[int, CodedMask] = {}
        for number in sorted(pieces.keys() & fitting.keys()):
            coded = self._decoded_mask(pieces[number], fitting[number])
            if coded is not None:
                masks[number] = coded
                samples = sum(known.mask.size for known in masks.values())
                self._limits.check("mask_samples", samples)
        return masks

    def _mask_shapes(self) -> dict[int, set[tuple[int, ...]]]:
        """The shapes that each mask may have, by number of the mask."""
        shapes: dict[int, set[tuple[int, ...]]] = {}
        for number, header in self.headers.items():
            for component in header.components:
                if component.mask is not None:
                    shapes.setdefault(component.mask, set()).add(header.shape)
            specs = self._models[number].specs
            for tensor, mask in header.tensor_masks:
                fitting = shapes.setdefault(mask, set())
                if tensor < len(specs):
                    fitting.update((specs[tensor].shape, specs[tensor].shape[1:]))
        return shapes

    def _decoded_mask(self, piece: Piece, fitting: set[tuple[int, ...]]) -> CodedMask | None:
        try:
            coded = decode_mask_section(self._file.read(piece), self._limits, fitting)
            self._note(piece, [coded.integer_layer()])
        except (CorruptError, TruncatedError):
            return None
        return coded

    def _note(self, piece: Piece, layer: Iterable[bytes | memoryview]) -> bytes:
        """Remember the digest of a section, and return it.

        Raises:
            CorruptError: the index has another digest, so the section stood elsewhere.
        """
        digest = section_digest(layer)
        if piece.digest and piece.digest != digest:
            raise CorruptError(
                "the decoded integers do not match the index",
                section=piece.type,
                offset=piece.start,
            )
        self._digests[piece.start] = digest
        return digest

    def _check_places(self) -> None:
        """Check by the digest that all sections of integers are there, in their order.

        Sections that changed places, a missing section and a repeated one leave no other trace.

        Raises:
            CorruptError: the sections are not what was written, though no byte is missing.
        """
        damage = [
            piece
            for piece in self._file.damage
            if piece.digested or (not piece.type and piece.end > HEADER_BYTES)
        ]
        expected = self._file.digest
        known = len(self.headers) == self.total
        if self._file.indexed or damage or expected is None or not known:
            return
        pieces = [piece for piece in self._file.pieces if piece.digested]
        self._digest_unused(piece for piece in pieces if piece.start not in self._digests)
        decoded = all(piece.start in self._digests for piece in pieces)
        if decoded and file_digest(self._digests[piece.start] for piece in pieces).startswith(
            expected
        ):
            return
        if decoded and self._file.whole:
            raise CorruptError(
                "the sections of integers are not those that were written, or not in their order"
            )
        self.saved = {
            number: item for number, item in self.saved.items() if not self._depends(number)
        }

    def _digest_unused(self, pieces: Iterable[Piece]) -> None:
        """Decode masks that no item needs, for their digest, if they are not large for the file."""
        samples = sum(header.samples for header in self.headers.values())
        fair = replace(self._limits, max_mask_samples=max(samples, _SMALL_MASK))
        for piece in pieces:
            if piece.type == "MASK":
                with suppress(CorruptError, TruncatedError, LimitError):
                    coded = decode_mask_section(self._file.read(piece), fair)
                    self._note(piece, [coded.integer_layer()])

    def _depends(self, number: int) -> bool:
        """Whether an item changes if sections of integers change places, or a section is gone.

        All such sections but masks name their item, and an item takes no other number of integers.
        """
        if _masks_of(self.headers[number]):
            return True
        several = any(len(owned.get(number, ())) > 1 for owned in self._owned.values())
        return several and self._file.whole

    def _by_owner(self, name: str) -> dict[int, list[Piece]]:
        """The intact sections of a type by the number of their item."""
        pieces: dict[int, list[Piece]] = {}
        for piece in self._file.intact(name):
            pieces.setdefault(section_item(self._file.read(piece)), []).append(piece)
        return pieces

    def _saved(self, number: int, header: Item) -> SavedItem | None:
        """The item, or None if a part of it is missing."""
        model = self._models[number]
        if not all(self._fits(header, component) for component in header.components):
            return None
        try:
            integers = self._integers(number, header, model)
        except (CorruptError, TruncatedError):
            return None
        residuals = self._residuals(number, header)
        bounded = residuals is not None
        if residuals is None:
            header, residuals = replace(header, bounds=(), residual_steps=()), []
        sections = (*integers, *residuals)
        return SavedItem(header, sections, model.multiply_adds, model.parameters, bounded)

    def _fits(self, header: Item, component: Component) -> bool:
        """Whether the validity mask of a component, if it has one, is there."""
        if component.mask is None:
            return True
        coded = self.masks.get(component.mask)
        return (
            coded is not None
            and coded.patterns is not None
            and coded.mask.shape == header.shape
            and coded.patterns.values.itemsize == np.dtype(component.dtype).itemsize
        )

    def _integers(self, number: int, header: Item, model: _Model) -> list[IntegerSection]:
        streams = ItemStreams(model.specs, self._limits)
        sections: list[IntegerSection] = []
        parts: list[Coded] = []
        for piece in self._owned["TENS"].get(number, []):
            payload = self._file.read(piece)
            decoded = streams.decode(payload)
            parts += [np.asarray(stream) for stream in decoded.streams]
            digest = self._note(piece, decoded.integer_layer())
            sections.append(IntegerSection("TENS", partial(self._file.read, piece), digest))
        sparse = {index for _, index in header.tensor_masks}
        coded = {index: self.masks[index] for index in sparse if index in self.masks}
        if len(coded) < len(sparse) or any(mask.patterns is not None for mask in coded.values()):
            raise CorruptError("a sparsity mask is missing", section="MASK")
        integers: Coded = np.zeros(0, np.int64)
        if parts:
            integers = parts[0] if len(parts) == 1 else np.concatenate(parts, dtype=np.int64)
        masks = {index: mask.mask for index, mask in coded.items()}
        parameters = restore_parameters(header, model.specs, integers, masks)
        # Some architectures find only now that what they are made of does not fit together.
        with np.errstate(over="ignore", invalid="ignore"):
            model.architecture.evaluator(
                header.config, header.shape, len(header.components), parameters, "cpu", 0
            )
        return sections

    def _residuals(self, number: int, header: Item) -> list[IntegerSection] | None:
        """The residual sections; None if some are missing."""
        if not header.residual_steps:
            return []
        decoder = ItemResiduals(header.shape, len(header.components), self._limits)
        sections, parts = [], []
        try:
            for piece in self._owned["RESD"].get(number, []):
                parts.append(decoder.decode(self._file.read(piece)))
                digest = self._note(piece, parts[-1].integer_layer())
                sections.append(IntegerSection("RESD", partial(self._file.read, piece), digest))
            decoder.joined(parts)
        except (CorruptError, TruncatedError):
            return None
        return sections


@dataclass(frozen=True)
class _Model:
    """An item by its architecture: tensors and costs."""

    architecture: Architecture
    specs: tuple[TensorSpec, ...]
    multiply_adds: int
    parameters: int


def _model(header: Item) -> _Model:
    architecture = architecture_by_identifier(header.architecture, header.version)
    form = header.config, header.shape, len(header.components)
    specs = tuple(architecture.tensors(*form))
    return _Model(
        architecture,
        specs,
        math.prod(header.shape) * architecture.multiply_adds(*form),
        # Coefficients are as many as samples, and have the limit of these.
        sum(math.prod(spec.shape) for spec in specs if spec.lattice is None),
    )


def _masks_of(header: Item) -> list[int]:
    validity = [entry.mask for entry in header.components if entry.mask is not None]
    return validity + [index for _, index in header.tensor_masks]


def lost_header(header: Item) -> Item:
    """The header that stands for an item that is lost: a constant without a valid sample.

    A bound is about valid samples, so it still holds for all that is left of the field.
    """
    return replace(
        header,
        components=tuple(
            replace(component, offset=0.0, scale=0.0, mask=None) for component in header.components
        ),
        architecture=_CONSTANT,
        version=1,
        config={},
        quantisation=(),
        tensor_masks=(),
        residual_steps=(),
    )


def without_samples(
    coded: CodedMask | None,
    shape: tuple[int, ...],
    boxes: Sequence[Box],
    fill: npt.NDArray[np.generic],
) -> bytes:
    """The payload of a validity mask in which the samples in some boxes are invalid too.

    Args:
        coded: the mask so far, None if all samples are valid.
        fill: stored value of those samples, an array of one.
    """
    valid = np.ones(shape, np.bool_) if coded is None else coded.mask.copy()
    pattern = fill.view(f"u{fill.itemsize}")
    values, indices = pattern, None
    for box in boxes:
        valid[box] = False
    if coded is not None and coded.patterns is not None:
        old = coded.patterns
        values = old.values if pattern[0] in old.values else np.append(old.values, pattern)
        if len(values) > 1:
            chosen = np.full(shape, np.flatnonzero(values == pattern[0])[0], np.int64)
            chosen[~coded.mask] = 0 if old.indices is None else old.indices
            indices = chosen[~valid]
    return encode_mask_section(CodedMask(valid, FillPatterns(values, indices)))


def patterns_of(items: SavedItems) -> Mapping[str, npt.NDArray[np.unsignedinteger]]:
    """The first pattern of the invalid samples of each field that has a whole mask."""
    patterns: dict[str, npt.NDArray[np.unsignedinteger]] = {}
    for item in items.saved.values():
        for component in item.header.components:
            coded = None if component.mask is None else items.masks[component.mask]
            if coded is not None and coded.patterns is not None:
                patterns.setdefault(component.name, coded.patterns.values[:1])
    return patterns
