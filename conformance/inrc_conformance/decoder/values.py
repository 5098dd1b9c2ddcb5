"""L2 to L4: parameters, and values of the stored dtypes (sections 5 and 10)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import Malformed
from .headers import Component, Quantisation
from .masks import Mask
from .numbers import Int64Array

Float64Array = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
Stored = npt.NDArray[Any]


def parameters(
    integers: Int64Array, coded: npt.NDArray[np.bool_] | None, quantisation: Quantisation
) -> Float32Array:
    """Return the float32 tensor of an integer tensor; all of it is finite (ITEM-9, ITEM-13)."""
    steps = np.array(quantisation.steps, dtype=np.float64)
    if quantisation.per_slice:
        steps = steps.reshape(-1, *([1] * (integers.ndim - 1)))
    if quantisation.codebook is None:
        factors = integers - quantisation.zero
    else:
        factors = book_entries(integers, coded, quantisation.codebook, quantisation.zero)
    with np.errstate(over="ignore"):
        result = (factors.astype(np.float64) * steps).astype(np.float32)
    if coded is not None:
        result[~np.broadcast_to(coded, integers.shape)] = 0
    check_finite(result)
    return result


def book_entries(
    integers: Int64Array,
    coded: npt.NDArray[np.bool_] | None,
    codebook: tuple[int, ...],
    first: int,
) -> Int64Array:
    """Return the entries of a codebook (ITEM-13); those of integers that are not coded are any."""
    places = integers - first
    if coded is not None:
        places = np.where(np.broadcast_to(coded, integers.shape), places, 0)
    if places.size and not 0 <= places.min() <= places.max() < len(codebook):
        raise Malformed("ITEM-13: an integer without an entry in the codebook")
    return np.array(codebook, dtype=np.int64)[places]


def check_finite(tensor: Float32Array) -> None:
    """Refuse parameters that overflowed (ITEM-9)."""
    if not np.isfinite(tensor).all():
        raise Malformed("ITEM-9: a parameter is not finite")


def real_values(y: Float64Array, component: Component) -> Float64Array:
    """Return x (VAL-2); where y is not a number, it counts as -1."""
    if component.scale == 0:
        return np.full(y.shape, component.offset, dtype=np.float64)
    with np.errstate(over="ignore"):
        clipped = np.fmin(np.fmax(y, -1.0), 1.0)
        return np.asarray(component.offset + component.scale * clipped, dtype=np.float64)


def stored_values(x: Float64Array, dtype: str) -> Stored:
    """Round x and clip it to the range of a dtype (VAL-3)."""
    target = np.dtype("<" + dtype)
    if target.kind == "f":
        with np.errstate(over="ignore"):
            rounded = x.astype(target)
        info = np.finfo(target)
        return np.asarray(np.clip(rounded, info.min, info.max), dtype=target)
    bounds = np.iinfo(target)
    return np.asarray(np.clip(np.rint(x), bounds.min, bounds.max), dtype=target)


def put_patterns(values: Stored, mask: Mask) -> None:
    """Write the bit patterns of invalid samples (VAL-4)."""
    bits = values.view(f"<u{values.dtype.itemsize}")
    bits[~mask.bits] = mask.invalid_patterns().astype(bits.dtype)
