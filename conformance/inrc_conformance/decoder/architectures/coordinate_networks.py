"""Parts of all networks over coordinates: checks of configs, and the walk over the samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ..cbor import Value, as_uint
from ..errors import Malformed, Unsupported
from ..headers import Item
from .plan import Float64Array

Indices = tuple[npt.NDArray[np.int64], ...]
"""Indices of some samples, one array per active axis."""

_BLOCK_NUMBERS = 2**21
_MOST_AXES = 4


def check_keys(
    config: Mapping[int, Value], required: int, known: int, rule: str, name: str
) -> None:
    """Check that the first keys are there, and that there are none but the known ones."""
    if any(key not in range(known) for key in config):
        raise Unsupported(f"ITEM-5: a config key that {name} lacks")
    if any(key not in config for key in range(required)):
        raise Malformed(f"{rule}: a config key is missing")


def active_axes(item: Item, rule: str) -> tuple[int, ...]:
    """Return the sizes of the 1 to 4 axes with more than one sample."""
    active = tuple(size for size in item.dims if size > 1)
    if not 1 <= len(active) <= _MOST_AXES:
        raise Malformed(f"{rule}: {len(active)} active axes")
    return active


def in_range(value: Value, low: int, high: int, what: str) -> int:
    """Return an integer of a config in its range."""
    number = as_uint(value, what)
    if not low <= number <= high:
        raise Malformed(f"{what} is not {low} to {high}")
    return number


def by_blocks(
    active: tuple[int, ...], widest: int, outputs: int, evaluate: Callable[[Indices], Float64Array]
) -> Float64Array:
    """Evaluate all samples block by block; `widest` bounds the numbers of a sample in memory."""
    samples = 1
    for size in active:
        samples *= size
    out = np.zeros((outputs, samples), dtype=np.float64)
    block = max(1, _BLOCK_NUMBERS // max(widest, 16))
    for start in range(0, samples, block):
        flat = np.arange(start, min(samples, start + block), dtype=np.int64)
        out[:, start : start + block] = evaluate(np.unravel_index(flat, active))
    return out
