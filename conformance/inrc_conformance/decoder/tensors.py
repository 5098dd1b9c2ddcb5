"""L1: TENS payloads, and the place of their integers in the tensors (sections 5 and 6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .architectures import plan_item
from .architectures.plan import Plan
from .errors import Malformed
from .headers import Item
from .integer_sections import IntegerSection, counts
from .limits import Limits, require
from .masks import SPARSITY, VALIDITY, Mask
from .numbers import Int64Array, Reader
from .streams import MIXING, OCTREE, STATIC_LATTICE, Stream, read_stream


def read_tensors(payload: bytes, plans: Sequence[Plan], limits: Limits) -> IntegerSection:
    """Read a TENS payload (TENS-1)."""
    reader = Reader(payload)
    item = reader.uleb()
    if item >= len(plans):
        raise Malformed(f"TENS-1: there is no item {item}")
    streams: list[Stream] = []
    while reader.left:
        plan = plans[item]
        sizes = lattice_entries(plan), octree_entries(plan)
        streams.append(read_stream(reader, limits.tensor_entries, *sizes))
    return IntegerSection(item, tuple(streams), residual=False)


class Work:
    """Adds up the demands of the items of a file (LIM-1)."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.samples = self.multiply_adds = self.entries = 0

    def plan(self, item: Item) -> Plan:
        """Return the plan of an item whose demands are within the limits."""
        limits = self.limits
        self.samples += item.samples * len(item.components)
        require(self.samples, limits.samples, "output samples")
        plan = plan_item(item)
        self.multiply_adds += item.samples * plan.multiply_adds
        require(self.multiply_adds, limits.multiply_adds, "multiply-adds")
        for shape in plan.shapes:
            self.entries += product(shape)
        self.entries -= lattice_entries(plan)
        require(self.entries, limits.tensor_entries, "entries of tensors")
        _check_quantisation(item, plan)
        return plan


def lattice_entries(plan: Plan) -> int:
    """Return the size of the lattice of an item, if it has one."""
    return plan.lattice.entries if plan.lattice is not None else 0


def octree_entries(plan: Plan) -> int:
    """Return the number of integers of the octree of an item, if it has one."""
    return product(plan.shapes[0]) if plan.octree is not None else 0


def product(shape: tuple[int, ...]) -> int:
    """Return the number of entries of a shape."""
    entries = 1
    for size in shape:
        entries *= size
    return entries


def _check_quantisation(item: Item, plan: Plan) -> None:
    """Compare the quantisation entries with the tensors (ITEM-6, ITEM-7)."""
    if len(item.quantisation) != len(plan.shapes):
        raise Malformed("ITEM-6: not one quantisation entry per tensor")
    for entry, shape in zip(item.quantisation, plan.shapes, strict=True):
        if entry.per_slice and len(entry.steps) != shape[0]:
            raise Malformed("ITEM-7: not one step per index of the first axis")
    if any(tensor >= len(plan.shapes) for tensor in item.sparse):
        raise Malformed("ITEM-8: there is no such tensor")
    if plan.lattice is not None or plan.octree is not None:
        what = "a lattice" if plan.lattice is not None else "an octree"
        if not item.quantisation[0].is_plain:
            raise Malformed(f"STR-7: the quantisation of {what} is not step 1 with zero 0")
        if 0 in item.sparse:
            raise Malformed(f"STR-7: {what} with a mask")


def check_masks(item: Item, plan: Plan, masks: list[Mask]) -> None:
    """Compare the masks that an item names with its components and tensors (ITEM-4, ITEM-8)."""
    for component in item.components:
        if component.mask is None:
            continue
        mask = _mask(masks, component.mask, VALIDITY, "ITEM-4")
        if mask.shape != item.dims:
            raise Malformed("ITEM-4: the mask has another shape than the item")
        if mask.pattern_bytes != int(component.dtype[1]):
            raise Malformed("ITEM-4: the patterns have another size than the dtype")
    for tensor, number in item.sparse.items():
        mask = _mask(masks, number, SPARSITY, "ITEM-8")
        shape = plan.shapes[tensor]
        if mask.shape not in (shape, shape[1:]):
            raise Malformed("ITEM-8: the mask does not have the shape of its tensor")


def _mask(masks: list[Mask], number: int, purpose: int, rule: str) -> Mask:
    if number >= len(masks):
        raise Malformed(f"{rule}: there is no mask {number}")
    if masks[number].purpose != purpose:
        raise Malformed(f"{rule}: mask {number} has the other purpose")
    return masks[number]


def coded_mask(item: Item, tensor: int, masks: list[Mask]) -> npt.NDArray[np.bool_] | None:
    """Return the sparsity mask of a tensor, if it has one."""
    number = item.sparse.get(tensor)
    return None if number is None else masks[number].bits


def coded_counts(item: Item, plan: Plan, masks: list[Mask]) -> list[int]:
    """Return the number of coded entries of each tensor."""
    out: list[int] = []
    for tensor, shape in enumerate(plan.shapes):
        coded = coded_mask(item, tensor, masks)
        entries = product(shape)
        if coded is not None:
            entries = int(np.count_nonzero(coded)) * (entries // coded.size)
        out.append(entries)
    return out


def check_counts(sections: Sequence[IntegerSection], wanted: list[int], limits: Limits) -> None:
    """Compare the integers of the streams with those of the items (TENS-2).

    Those of coder 5 and 8 do not count as numbers of parameters (STR-6, STR-11).
    """
    streams = [stream for section in sections for stream in section.streams]
    lattices = (MIXING, STATIC_LATTICE)
    others = sum(stream.count for stream in streams if stream.coder not in lattices)
    require(others, limits.tensor_entries, "integers of all streams")
    if counts(sections, len(wanted)) != wanted:
        raise Malformed("TENS-2: not as many integers as the tensors ask for")


def check_octrees(sections: Sequence[IntegerSection], items: int) -> None:
    """Refuse streams of coder 6 that do not begin where the octree does (STR-8)."""
    position = [0] * items
    for section in sections:
        for stream in section.streams:
            if stream.coder == OCTREE and position[section.item]:
                raise Malformed("STR-8: a stream of coder 6 does not begin with the octree")
            position[section.item] += stream.count


def place(coded: Int64Array, item: Item, plan: Plan, masks: list[Mask]) -> list[Int64Array]:
    """Cut the coded integers of an item into its tensors; entries not coded are 0."""
    tensors: list[Int64Array] = []
    position = 0
    for tensor, count in enumerate(coded_counts(item, plan, masks)):
        part = coded[position : position + count]
        position += count
        shape = plan.shapes[tensor]
        if tensor == 0 and plan.lattice is not None:
            lattice = np.zeros(part.size, dtype=np.int64)
            lattice[plan.lattice.order()] = part
            part = lattice
        mask = coded_mask(item, tensor, masks)
        if mask is None:
            tensors.append(part.reshape(shape))
            continue
        full = np.zeros(shape, dtype=np.int64)
        full[np.broadcast_to(mask, shape)] = part
        tensors.append(full)
    return tensors
