"""The whole way from bytes to values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from . import cbor
from .architectures.plan import Plan
from .blending import blended, overlaps
from .errors import Limit, Malformed
from .headers import Component, Item, parse_head, parse_item
from .index import DIGEST_SIZE, Indexed, check_index, check_offset
from .integer_sections import (
    IntegerSection,
    Models,
    check_arrays,
    check_lattices,
    decode_integers,
)
from .lattice import Lattice
from .lattice_model import LatticeModel
from .limits import DEFAULT_LIMITS, Limits, require
from .masks import Mask, parse_mask
from .metadata import fault, is_known, parse_metadata
from .numbers import Int64Array
from .octree import listed_tree
from .provenance import Provenance, parse_provenance
from .residuals import ResidualReader, check_residual_counts, corrected, residual_lattice
from .result import Decoded, DecodedComponent, DecodedItem
from .sections import Budget, File, Section, parse_ends, parse_file
from .static_model import StaticModel
from .streams import ARRAYS, MIXING, OCTREE, STATIC_LATTICE
from .tensors import (
    Work,
    check_counts,
    check_masks,
    check_octrees,
    coded_counts,
    coded_mask,
    octree_entries,
    place,
    read_tensors,
)
from .tiles import check_names, check_tiles, fields_of
from .trees import Held
from .values import Float64Array, parameters, put_patterns, real_values, stored_values
from .verbatim import Variable, parse_verbatim


@dataclass
class _Parts:
    """The parsed sections of a file, before any tensor is decoded."""

    kind: str = ""
    items: list[Item] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    order: list[Mask | IntegerSection] = field(default_factory=list)
    digest: bytes = b""
    index: bytes | None = None
    verbatim: dict[str, Variable] = field(default_factory=dict)
    medium: str | None = None
    metadata: cbor.Value = None
    state: str | None = None
    provenance: Provenance | None = None
    warnings: list[str] = field(default_factory=list)

    def sections(self, residual: bool) -> list[IntegerSection]:
        """All RESD, or all TENS, in file order."""
        return [
            part
            for part in self.order
            if isinstance(part, IntegerSection) and part.residual == residual
        ]

    def lattices(self, residual: bool) -> list[Lattice | None]:
        """Lattice of the residuals, or of the first tensor, of each item."""
        if residual:
            return [residual_lattice(item) for item in self.items]
        return [plan.lattice for plan in self.plans]


@dataclass
class _Integers:
    """L1: the integers of each item in coded order, and the digest of each section."""

    tensors: list[Int64Array]
    residuals: list[Int64Array]
    digests: list[Indexed]

    def digest(self) -> bytes:
        """The digest of all sections (END-2), all 32 bytes of it."""
        return hashlib.sha256(b"".join(entry.digest for entry in self.digests)).digest()


def decode_bytes(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Decoded:
    """Decode a file; raises `Malformed`, `Unsupported` or `Limit` and nothing else."""
    try:
        file = parse_file(data, limits)
        parts = _parse(file, len(data), limits)
        return _finish(file, parts, limits)
    except MemoryError:
        raise Limit("the machine does not have enough memory") from None


def _parse(file: File, file_size: int, limits: Limits) -> _Parts:
    """Parse all payloads: first those that others refer to."""
    budget = Budget(limits)
    parts = _Parts()
    by_type: dict[str, list[Section]] = {}
    for section in file.sections:
        by_type.setdefault(section.type, []).append(section)

    ends = parse_ends(budget.payload(by_type["ENDS"][0]), file_size)
    parts.digest = ends.digest
    index = by_type.get("tIDX", [None])[0]
    check_offset(index, ends.index)
    parts.index = None if index is None else budget.payload(index)
    head = cbor.parse(budget.payload(by_type["HEAD"][0]), limits.cbor_items)
    parts.kind, count = parse_head(head)
    if count != len(by_type.get("ITEM", [])):
        raise Malformed("HEAD-2: the number of ITEM sections is not the item count")
    work = Work(limits)
    for section in by_type.get("ITEM", []):
        item = parse_item(cbor.parse(budget.payload(section), limits.cbor_items))
        parts.items.append(item)
        parts.plans.append(work.plan(item))
    fields = fields_of(parts.items)
    check_names(fields)
    check_tiles(fields)
    _parse_integers(file, parts, budget, limits)
    for section in by_type.get("VERB", []):
        value = cbor.parse(budget.payload(section), limits.cbor_items)
        parse_verbatim(value, parts.verbatim)
    for section in by_type.get("mETa", []):
        _parse_metadata(section, parts, budget)
    for section in by_type.get("pROv", [])[:1]:
        try:
            parts.provenance = parse_provenance(budget.payload(section), limits.cbor_items)
        except Malformed as error:
            parts.warnings.append(f"pROv: {error}")
    return parts


def _parse_integers(file: File, parts: _Parts, budget: Budget, limits: Limits) -> None:
    """Parse MASK, TENS and RESD sections in file order."""
    mask_samples = 0
    residuals = ResidualReader(parts.items)
    for section in file.sections:
        if section.type == "MASK":
            mask = parse_mask(budget.payload(section), limits, mask_samples)
            mask_samples += mask.bits.size
            parts.masks.append(mask)
            parts.order.append(mask)
        elif section.type == "TENS":
            parts.order.append(read_tensors(budget.payload(section), parts.plans, limits))
        elif section.type == "RESD":
            parts.order.append(residuals.read(budget.payload(section)))


def _parse_metadata(section: Section, parts: _Parts, budget: Budget) -> None:
    """Parse mETa; an error in it is a warning (SEC-7)."""
    try:
        payload = budget.payload(section)
        parts.medium, parts.metadata = parse_metadata(payload, budget.limits.cbor_items)
        held = Held(parts.items, parts.masks, parts.verbatim)
        wrong = fault(parts.medium, parts.metadata, held)
        parts.state = None if not is_known(parts.medium) else "corrupt" if wrong else "sound"
    except Malformed as error:
        wrong, parts.state = str(error), "corrupt"
    if wrong:
        parts.warnings.append(f"mETa: {wrong}")


def _finish(file: File, parts: _Parts, limits: Limits) -> Decoded:
    """Decode the integers, compare the digests, and evaluate the items."""
    _check_integers(parts, limits)
    integers = _decode_integers(parts)
    full = integers.digest()
    if full[: len(parts.digest)] != parts.digest:
        raise Malformed("END-3: the digest of the integer layer differs")
    if parts.index is not None:
        check_index(parts.index, file.sections[:-2], integers.digests)

    items = [
        _evaluate(item, plan, integers.tensors[number], integers.residuals[number], parts.masks)
        for number, (item, plan) in enumerate(zip(parts.items, parts.plans, strict=True))
    ]
    for tiles in fields_of(parts.items):
        if overlaps(tiles):
            name = tiles[0].components[0].name
            blended([item for item in items if item.components[0].name == name], parts.masks)
    return Decoded(
        kind=parts.kind,
        minor=file.minor,
        level=file.level,
        digest=full,
        items=items,
        masks=parts.masks,
        verbatim=parts.verbatim,
        medium=parts.medium,
        metadata=parts.metadata,
        state=parts.state,
        provenance=parts.provenance,
        warnings=parts.warnings,
    )


def _check_integers(parts: _Parts, limits: Limits) -> None:
    """Check masks and the numbers of integers before any of those is decoded."""
    wanted: list[int] = []
    for item, plan in zip(parts.items, parts.plans, strict=True):
        check_masks(item, plan, parts.masks)
        wanted.append(sum(coded_counts(item, plan, parts.masks)))
    check_counts(parts.sections(residual=False), wanted, limits)
    check_octrees(parts.sections(residual=False), len(parts.items))
    check_residual_counts(parts.sections(residual=True), parts.items)
    for residual in (False, True):
        check_arrays(parts.sections(residual), len(parts.items))
    mixed = [
        check_lattices(parts.sections(residual), parts.lattices(residual))
        for residual in (False, True)
    ]
    others = [
        stream.count
        for section in (*parts.sections(residual=False), *parts.sections(residual=True))
        for stream in section.streams
        if stream.coder in (OCTREE, *ARRAYS)
    ]
    require(sum(mixed) + sum(others), limits.mixed, "integers coded by mixing")


def _decode_integers(parts: _Parts) -> _Integers:
    """Decode all TENS and RESD sections in file order."""
    empty = np.zeros(0, np.int64)
    coded = {residual: [[empty] for _ in parts.items] for residual in (False, True)}
    models = {residual: _models(parts, residual) for residual in (False, True)}
    digests: list[Indexed] = []
    for part in parts.order:
        if isinstance(part, Mask):
            digests.append(Indexed(section_digest(part.layer()), None))
            continue
        integers = decode_integers(part, models[part.residual][part.item])
        coded[part.residual][part.item].append(integers)
        digests.append(Indexed(section_digest(integers.astype("<i4").tobytes()), part.item))
    tensors, residuals = (
        [np.concatenate(pieces) for pieces in coded[residual]] for residual in (False, True)
    )
    for plan, integers in zip(parts.plans, tensors, strict=True):
        if plan.octree is not None:
            listed_tree(plan.octree, integers[: octree_entries(plan)])
    return _Integers(tensors, residuals, digests)


def _models(parts: _Parts, residual: bool) -> list[Models]:
    """Return what decodes the tensors, or the residuals, of each item."""
    sections = parts.sections(residual)
    mixed, static = (
        {section.item for section in sections if section.has(coder)}
        for coder in (MIXING, STATIC_LATTICE)
    )
    models: list[Models] = []
    for item, lattice in enumerate(parts.lattices(residual)):
        models.append(
            Models(
                LatticeModel(lattice) if lattice is not None and item in mixed else None,
                StaticModel(lattice) if lattice is not None and item in static else None,
                None if residual else parts.plans[item].octree,
            )
        )
    return models


def section_digest(layer: bytes) -> bytes:
    """Return the digest of a section (section 3)."""
    return hashlib.sha256(layer).digest()[:DIGEST_SIZE]


def _evaluate(
    item: Item, plan: Plan, coded: Int64Array, residuals: Int64Array, masks: list[Mask]
) -> DecodedItem:
    """Dequantise an item and evaluate all its samples."""
    integers = place(coded, item, plan, masks)
    tensors = [
        parameters(integers[tensor], coded_mask(item, tensor, masks), item.quantisation[tensor])
        for tensor in range(len(integers))
    ]
    with np.errstate(all="ignore"):
        normalised = plan.evaluate(tensors)
    steps = item.residual_steps or (0.0,) * len(item.components)
    corrections: Int64Array | None = None
    if item.residual_steps is not None:
        corrections = residuals.reshape(len(item.components), item.samples)
    components: list[DecodedComponent] = []
    for number, (component, y) in enumerate(zip(item.components, normalised, strict=True)):
        real = real_values(y, component)
        if corrections is not None:
            real = corrected(real, steps[number], corrections[number])
        components.append(_component(item, component, y, real, masks))
    return DecodedItem(item, integers, tensors, corrections, components, plan.border(tensors))


def _component(
    item: Item, component: Component, y: Float64Array, real: Float64Array, masks: list[Mask]
) -> DecodedComponent:
    """Store the values of a component and put the patterns of invalid samples in their place."""
    values = stored_values(real, component.dtype).reshape(item.dims)
    valid = np.ones(item.dims, dtype=np.bool_)
    if component.mask is not None:
        put_patterns(values, masks[component.mask])
        valid = masks[component.mask].bits
    return DecodedComponent(
        name=component.name,
        shape=item.dims,
        dtype=component.dtype,
        normalised=y.reshape(item.dims),
        real=real.reshape(item.dims),
        values=values,
        valid=valid,
        scale=component.scale,
    )
