"""Float32 tensors of an item from its integers, steps and sparsity masks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from codec.arrays import BoolArray, Float32Array, Int32Array
from codec.coding.tensor_sections import Coded
from codec.entropy.lattice import Lattice
from codec.errors import CorruptError
from codec.format.headers import Item, Quantisation
from codec.plugin_api.models import TensorSpec


def restore_parameters(
    item: Item,
    specs: Sequence[TensorSpec],
    integers: Coded,
    masks: Mapping[int, BoolArray],
    level: int = 0,
) -> list[Float32Array]:
    """The float32 tensors of an item (layer L2).

    Args:
        item: header of the item.
        specs: its tensors, as the architecture lists them.
        integers: all of its integers in coded order; with a `level` above 0, those of this and
            coarser levels.
        masks: sparsity masks by their index among the MASK sections.
        level: level of the lattice that is restored; above 0, no other tensor is.

    Raises:
        CorruptError: numbers or shapes do not fit together.
    """
    if len(item.quantisation) != len(specs):
        raise CorruptError(
            f"{len(item.quantisation)} quantisation entries for {len(specs)} tensors",
            section="ITEM",
        )
    mask_indices = dict(item.tensor_masks)
    if any(tensor >= len(specs) or _is_whole(specs[tensor]) for tensor in mask_indices):
        raise CorruptError("a mask for a tensor that cannot have one", section="ITEM")
    tensors, position = [], 0
    for index, (spec, quantisation) in enumerate(zip(specs, item.quantisation, strict=True)):
        mask = None
        if index in mask_indices:
            mask = _tensor_mask(spec, mask_indices[index], masks[mask_indices[index]])
        count = math.prod(spec.shape) if mask is None else int(mask.sum())
        if spec.lattice is not None:
            count = spec.lattice.count(level)
        coded = integers[position : position + count]
        if len(coded) < count:
            raise CorruptError("fewer integers than the tensors need", section="TENS")
        position += count
        if spec.lattice is None:
            tensors.append(_restore(spec, coded, mask, quantisation))
            continue
        tensors.append(_restore_lattice(spec.lattice, coded, quantisation, level))
        if level:
            break
    if position != len(integers):
        raise CorruptError("more integers than the tensors need", section="TENS")
    return tensors


def restore_coefficients(item: Item, values: Int32Array) -> Float32Array:
    """The coefficients of an item whose one tensor is a lattice.

    Args:
        item: header of the item.
        values: all of its integers, in the shape of the lattice; overwritten.

    Raises:
        CorruptError: the step of the item is not 1, or it has masks.
    """
    if item.tensor_masks or item.quantisation != (Quantisation((1.0,)),):
        raise CorruptError("coefficients with a mask, or a step that is not 1", section="ITEM")
    coefficients = values.view(np.float32)
    np.copyto(coefficients, values, casting="unsafe")
    return coefficients


def _is_whole(spec: TensorSpec) -> bool:
    """Whether the parameters of a tensor are its integers: such a tensor has no mask."""
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
    if _is_whole(spec) and quantisation != Quantisation((1.0,)):
        raise CorruptError(f"the step of {spec.name} is not 1", section="ITEM")
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
