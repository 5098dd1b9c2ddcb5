"""Wrong residuals, for deliberately wrong decoders."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..decoder import decode, residuals
from ..decoder.cbor import Value
from ..decoder.headers import Component, Item, parse_item
from ..decoder.lattice import AXES, Lattice
from ..decoder.masks import Mask
from ..decoder.numbers import Int64Array
from ..decoder.result import DecodedComponent
from ..decoder.values import Float64Array, real_values
from .memory import remembering
from .mutant import Patches

_COMPONENT, _EVALUATE = decode._component, decode._evaluate


def _of_rounded(x: Float64Array, step: float, residual: Int64Array) -> Float64Array:
    return np.asarray(np.rint(x) + step * residual, dtype=np.float64)


def _fused(x: Float64Array, step: float, residual: Int64Array) -> Float64Array:
    """Round once, after the sum."""
    sums = np.asarray(x).astype(np.longdouble) + np.longdouble(step) * residual
    with np.errstate(over="ignore"):
        return sums.astype(np.float64)


def _moving(moved: Callable[[Float64Array, Float64Array, Component], Float64Array]) -> Patches:
    """Add the residuals to another value, made of y."""

    def wrong(
        item: Item, component: Component, y: Float64Array, real: Float64Array, masks: list[Mask]
    ) -> DecodedComponent:
        added = real - real_values(y, component)
        return _COMPONENT(item, component, y, moved(y, added, component), masks)

    return ((decode, "_component", wrong),)


def _before_offset(y: Float64Array, added: Float64Array, component: Component) -> Float64Array:
    return real_values(y + added, component)


def _before_clipping(y: Float64Array, added: Float64Array, component: Component) -> Float64Array:
    if component.scale == 0:
        return real_values(y, component) + added
    return real_values(y + added / component.scale, component)


def _stepping(change: Callable[[tuple[float, ...]], tuple[float, ...]]) -> Patches:
    """Use other steps."""

    def wrong(value: Value) -> Item:
        item = parse_item(value)
        steps = item.residual_steps
        return item if steps is None else replace(item, residual_steps=change(steps))

    return ((decode, "parse_item", wrong),)


def _in_order(order: Callable[[Int64Array, Item], Int64Array]) -> Patches:
    """Give residuals to other samples."""

    def wrong(item: Item, plan: Any, coded: Int64Array, given: Int64Array, masks: Any) -> Any:
        moved = order(given, item) if given.size else given
        return _EVALUATE(item, plan, coded, moved.reshape(-1), masks)

    return ((decode, "_evaluate", wrong),)


def _components_last(given: Int64Array, item: Item) -> Int64Array:
    return given.reshape(item.samples, len(item.components)).T


def _first_axis_fastest(given: Int64Array, item: Item) -> Int64Array:
    dims = (len(item.components), *item.dims)
    axes = (0, *range(len(item.dims), 0, -1))
    return given.reshape([dims[axis] for axis in axes]).transpose(axes)


def _axes(lengths_of: Callable[[Item], list[int]]) -> Patches:
    """Code residuals in a lattice of other axes."""

    def wrong(item: Item) -> Lattice | None:
        if item.residual_steps is None:
            return None
        a, b, c, d = lengths_of(item)
        return Lattice((a, b, c, d), (0, 0, 0, 0))

    return ((decode, "residual_lattice", wrong),)


def _active(item: Item) -> list[int]:
    return [n for n in (len(item.components), *item.dims) if n > 1]


def _four(lengths: Sequence[int]) -> list[int]:
    """Merge the first axes, and put those of length 1 in front."""
    merged = [math.prod(lengths[: len(lengths) - AXES + 1]), *lengths[len(lengths) - AXES + 1 :]]
    return merged if len(lengths) > AXES else [*[1] * (AXES - len(lengths)), *lengths]


def _last_merged(item: Item) -> list[int]:
    lengths = _active(item)
    return _four(lengths) if len(lengths) <= AXES else [*lengths[:3], math.prod(lengths[3:])]


def _ones_behind(item: Item) -> list[int]:
    lengths = _active(item)
    return _four([*lengths, *[1] * (AXES - len(lengths))])


def _components_merged(item: Item) -> list[int]:
    lengths = [n for n in item.dims if n > 1] or [1]
    return _four([lengths[0] * len(item.components), *lengths[1:]])


RESIDUALS: tuple[tuple[str, Patches], ...] = (
    ("residuals of rounded values", ((decode, "corrected", _of_rounded),)),
    ("residuals before the offset", _moving(_before_offset)),
    ("residuals before clipping", _moving(_before_clipping)),
    ("residuals have the first step", _stepping(lambda steps: (steps[0],) * len(steps))),
    ("residuals have each other's steps", _stepping(lambda steps: steps[::-1])),
    ("residuals fused into one rounding", ((decode, "corrected", _fused),)),
    (
        "residual steps are float32",
        _stepping(lambda steps: tuple(float(np.float32(min(step, 3e38))) for step in steps)),
    ),
    ("residuals with components last", _in_order(_components_last)),
    ("residuals with the first axis fastest", _in_order(_first_axis_fastest)),
    ("residuals merge the last axes", _axes(_last_merged)),
    ("residuals with axes of length 1 behind", _axes(_ones_behind)),
    (
        "residuals with axes of size 1",
        _axes(lambda item: _four([len(item.components), *item.dims])),
    ),
    ("residuals without an axis of components", _axes(_components_merged)),
    ("residuals share a memory", remembering(decode)),
    ("any number of residuals", ((decode, "check_residual_counts", lambda *_: None),)),
    ("any count of residuals", ((residuals, "_check_count", lambda *_: None),)),
)
