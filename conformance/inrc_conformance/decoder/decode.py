"""The whole way from bytes to values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from . import cbor
from .architectures.plan import Plan
from .errors import Limit, Malformed
from .headers import Item, check_names, parse_head, parse_item
from .lattice_model import LatticeModel
from .limits import DEFAULT_LIMITS, Limits
from .masks import Mask, parse_mask
from .numbers import Int64Array
from .result import Decoded, DecodedComponent, DecodedItem
from .sections import Budget, File, Section, parse_ends, parse_file
from .tensors import (
    Tensors,
    Work,
    check_counts,
    check_lattices,
    check_masks,
    coded_counts,
    coded_mask,
    decode_tensors,
    place,
    read_tensors,
)
from .values import parameters, put_patterns, real_values, stored_values
from .verbatim import Variable, parse_verbatim


@dataclass
class _Parts:
    """The parsed sections of a file, before any tensor is decoded."""

    kind: str = ""
    items: list[Item] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    tensors: list[Tensors] = field(default_factory=list)
    order: list[Mask | Tensors] = field(default_factory=list)
    digest: bytes = b""
    verbatim: dict[str, Variable] = field(default_factory=dict)
    medium: cbor.Value = None
    metadata: cbor.Value = None
    warnings: list[str] = field(default_factory=list)


def decode_bytes(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Decoded:
    """Decode a file; raises `Malformed`, `Unsupported` or `Limit` and nothing else."""
    try:
        file = parse_file(data, limits)
        parts = _parse(file, len(data), limits)
        return _finish(file, parts, limits)
    except MemoryError:
        raise Limit("the machine does not have enough memory") from None


def _parse(file: File, file_size: int, limits: Limits) -> _Parts:
    """Parse all payloads: first what the others refer to, then the rest."""
    budget = Budget(limits)
    parts = _Parts()
    by_type: dict[str, list[Section]] = {}
    for section in file.sections:
        by_type.setdefault(section.type, []).append(section)

    parts.digest = parse_ends(budget.payload(by_type["ENDS"][0]), file_size)
    head = cbor.parse(budget.payload(by_type["HEAD"][0]), limits.cbor_items)
    parts.kind, count = parse_head(head)
    if count != len(by_type.get("ITEM", [])):
        raise Malformed("HEAD-2: the number of ITEM sections is not the item count")
    work = Work(limits)
    for section in by_type.get("ITEM", []):
        item = parse_item(cbor.parse(budget.payload(section), limits.cbor_items))
        parts.items.append(item)
        parts.plans.append(work.plan(item))
    check_names(parts.items)
    _parse_integers(file, parts, budget, limits)
    for section in by_type.get("VERB", []):
        value = cbor.parse(budget.payload(section), limits.cbor_items)
        parse_verbatim(value, parts.verbatim)
    for section in by_type.get("mETa", []):
        _parse_metadata(section, parts, budget)
    return parts


def _parse_integers(file: File, parts: _Parts, budget: Budget, limits: Limits) -> None:
    """Parse MASK and TENS sections in file order."""
    mask_samples = 0
    for section in file.sections:
        if section.type == "MASK":
            mask = parse_mask(budget.payload(section), limits, mask_samples)
            mask_samples += mask.bits.size
            parts.masks.append(mask)
            parts.order.append(mask)
        elif section.type == "TENS":
            tensors = read_tensors(budget.payload(section), parts.plans, limits)
            parts.tensors.append(tensors)
            parts.order.append(tensors)


def _parse_metadata(section: Section, parts: _Parts, budget: Budget) -> None:
    """Parse mETa; an error in it is a warning (SEC-7)."""
    try:
        value = cbor.parse(budget.payload(section), budget.limits.cbor_items)
        meta = cbor.as_map(value, "mETa")
        if 0 not in meta or any(key not in (0, 1) for key in meta):
            raise Malformed("mETa: keys are 0 and 1")
        parts.medium, parts.metadata = meta[0], meta.get(1)
    except Malformed as error:
        parts.warnings.append(f"mETa: {error}")


def _finish(file: File, parts: _Parts, limits: Limits) -> Decoded:
    """Decode the integers, compare the digest, and evaluate the items."""
    wanted: list[int] = []
    for item, plan in zip(parts.items, parts.plans, strict=True):
        check_masks(item, plan, parts.masks)
        wanted.append(sum(coded_counts(item, plan, parts.masks)))
    check_counts(parts.tensors, wanted, limits)
    check_lattices(parts.tensors, parts.plans, limits)

    digest = hashlib.sha256()
    coded: list[list[Int64Array]] = [[np.zeros(0, np.int64)] for _ in parts.items]
    models = [LatticeModel(p.lattice) if p.lattice is not None else None for p in parts.plans]
    for part in parts.order:
        if isinstance(part, Mask):
            part.update_digest(digest)
        else:
            integers = decode_tensors(part, models[part.item])
            digest.update(integers.astype("<i4").tobytes())
            coded[part.item].append(integers)
    full = digest.digest()
    if full[: len(parts.digest)] != parts.digest:
        raise Malformed("END-3: the digest of the integer layer differs")

    items = [
        _evaluate(item, plan, np.concatenate(coded[number]), parts.masks)
        for number, (item, plan) in enumerate(zip(parts.items, parts.plans, strict=True))
    ]
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
        warnings=parts.warnings,
    )


def _evaluate(item: Item, plan: Plan, coded: Int64Array, masks: list[Mask]) -> DecodedItem:
    """Dequantise an item and evaluate all its samples."""
    integers = place(coded, item, plan, masks)
    tensors = [
        parameters(integers[tensor], coded_mask(item, tensor, masks), item.quantisation[tensor])
        for tensor in range(len(integers))
    ]
    with np.errstate(all="ignore"):
        normalised = plan.evaluate(tensors)
    components: list[DecodedComponent] = []
    for component, y in zip(item.components, normalised, strict=True):
        real = real_values(y, component)
        values = stored_values(real, component.dtype).reshape(item.dims)
        valid = np.ones(item.dims, dtype=np.bool_)
        if component.mask is not None:
            put_patterns(values, masks[component.mask])
            valid = masks[component.mask].bits
        components.append(
            DecodedComponent(
                name=component.name,
                shape=item.dims,
                dtype=component.dtype,
                normalised=y.reshape(item.dims),
                real=real.reshape(item.dims),
                values=values,
                valid=valid,
                scale=component.scale,
            )
        )
    return DecodedItem(item, integers, tensors, components)
