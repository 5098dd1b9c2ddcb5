"""The ten faults that every suite of a codec has to catch, by the names that README.md lists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..decoder import DecodedComponent, DecodedItem, DecodeError, Limit, decode
from ..decoder.architectures.plan import Plan
from ..decoder.headers import Item
from ..decoder.masks import Mask
from ..decoder.numbers import Int64Array
from ..decoder.values import Float64Array, stored_values
from .mutant import Mutant, refusals, rounded

_EVALUATE = decode._evaluate


def _zeros(component: DecodedComponent) -> DecodedComponent:
    zeros = np.zeros_like
    return replace(component, real=zeros(component.real), values=zeros(component.values))


def _next_sample(
    item: Item, plan: Plan, coded: Int64Array, residuals: Int64Array, masks: list[Mask]
) -> DecodedItem:
    """Take samples that begin one behind the origin of a tile, along each axis."""
    decoded = _EVALUATE(item, plan, coded, residuals, masks)
    if item.origin is not None:
        axes = tuple(range(len(item.dims)))
        decoded.components[:] = [
            replace(
                component,
                real=np.roll(component.real, -1, axes),
                values=np.roll(component.values, -1, axes),
            )
            for component in decoded.components
        ]
    return decoded


def _without_mask(component: DecodedComponent) -> DecodedComponent:
    return replace(component, values=stored_values(component.real, component.dtype))


def _big_endian(component: DecodedComponent) -> DecodedComponent:
    return replace(component, values=component.values.byteswap())


def _half(component: DecodedComponent) -> DecodedComponent:
    """Have the precision of a float16 before the offset."""
    y = np.clip(component.normalised, -1, 1)
    real = component.real + component.scale * (y.astype(np.float16).astype(np.float64) - y)
    values = stored_values(real, component.dtype)
    return replace(component, real=real, values=np.where(component.valid, values, component.values))


def _half_up(component: DecodedComponent) -> DecodedComponent:
    return rounded(component, np.floor(component.real + 0.5))


def _no_residual(x: Float64Array, step: float, residual: Int64Array) -> Float64Array:
    return x


def _out_of_memory(error: DecodeError) -> str:
    """Die where a sound decoder says *limit*, for having allocated what the file declares."""
    return "error: out of memory" if isinstance(error, Limit) else error.outcome


BASIC = (
    Mutant("accept-all", answer=refusals("ok"), first="malformed/file/*"),
    Mutant("zeros", change=_zeros, first="valid/items/*"),
    Mutant("off-by-one-tile", ((decode, "_evaluate", _next_sample),), first="valid/tiles/*"),
    Mutant("ignores-mask", change=_without_mask, first="valid/masks/*"),
    Mutant("big-endian", change=_big_endian, first="valid/items/*"),
    Mutant(
        "skips-unknown-critical", answer=refusals("ok", "SEC-2"), first="unsupported/sections/*"
    ),
    Mutant("fp16-as-class-F", change=_half, first="valid/fvsrn/*"),
    Mutant("wrong-rounding", change=_half_up, first="valid/items/*"),
    Mutant("ignores-residual", ((decode, "corrected", _no_residual),), first="valid/residuals/*"),
    Mutant("trusts-declared-count", answer=_out_of_memory, first="limit/integers/*"),
)
"""Wrong decoders in the order of README.md; `selftest --quick` tries these alone."""
