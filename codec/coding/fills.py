"""Valid samples that a model would give a fill value: a residual moves them to a value beside it.

A decoder of class F may be `tolerance` away from the reference, and so is the one that measures
here: a sample is taken for a fill value if one within twice the tolerance would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float64Array, Int32Array
from codec.coding.normalise import NormalisedField, to_stored
from codec.format.headers import Component

# Fill values stand alone, or in a short row.
_MOST_STEPS = 64


def taken_for(
    real: Float64Array, fills: Sequence[Any], dtype: np.dtype[Any], tolerance: float
) -> BoolArray:
    """Mask of the samples for which a decoder may store a fill value.

    Args:
        real: values before rounding, in stored units, as they are measured here.
        fills: fill values, as stored.
        dtype: dtype of stored values.
        tolerance: tolerance of a decoder, in stored units.
    """
    low, high = (to_stored(real + shift * tolerance, dtype) for shift in (-2, 2))
    taken = np.zeros(real.shape, np.bool_)
    for fill in fills:
        taken |= (low <= fill) & (fill <= high)
    return taken


@dataclass(frozen=True)
class _Component:
    """Component whose fill values lie among its values.

    Attributes:
        entry: the field.
        fills: fill values that its model can give.
        tolerance: tolerance of a decoder, in stored units.
    """

    entry: NormalisedField
    fills: tuple[Any, ...]
    tolerance: float

    @property
    def step(self) -> float:
        """Step that moves a sample out of a fill value's reach in one or two steps."""
        dtype = self.entry.stored.dtype
        half = 0.5
        if dtype.kind == "f":
            half = max(float(np.spacing(abs(np.asarray(fill, dtype)))) for fill in self.fills) / 2
        return float(np.nextafter(np.float32(half + 2 * self.tolerance), np.float32(np.inf)))

    def residuals(self, window: tuple[slice, ...], real: Float64Array) -> Int32Array | None:
        """Numbers of steps away from fill values, towards the original; None if all are 0."""
        dtype = self.entry.stored.dtype
        met = taken_for(real, self.fills, dtype, self.tolerance)
        if self.entry.valid is not None:
            met &= self.entry.valid[window]
        if not met.any():
            return None
        residuals = np.zeros(real.shape, np.int32)
        original, values = self.entry.stored[window][met].astype(np.float64), real[met]
        fills = np.array(self.fills, np.float64)
        nearest = fills[np.abs(values[:, None] - fills).argmin(axis=1)]
        direction = np.where(original > nearest, 1, -1)
        steps = np.zeros(values.shape, np.int32)
        for _ in range(_MOST_STEPS):
            moved = values + self.step * steps
            left = taken_for(moved, self.fills, dtype, self.tolerance)
            if not left.any():
                break
            steps[left] += direction[left]
        residuals[met] = steps
        return residuals


class FillAvoidance:
    """The residuals of one item that keep its valid samples from becoming fill values.

    Args:
        components, fields: components and fields of the item.
        tolerance: tolerance of a decoder, in units of the declared range of a component.

    Attributes:
        needed: whether any field has a fill value that its model can give.
        steps: steps of the residuals, per component.
        residuals: int32 (components, *shape), filled in by `moved`; empty where nothing is needed.
    """

    def __init__(
        self,
        components: Sequence[Component],
        fields: Sequence[NormalisedField],
        tolerance: float,
    ) -> None:
        self._affected: dict[int, _Component] = {}
        for number, (component, entry) in enumerate(zip(components, fields, strict=True)):
            stored_tolerance = tolerance * 2 * component.scale
            if fills := _fills_within(component, entry, stored_tolerance):
                self._affected[number] = _Component(entry, fills, stored_tolerance)
        self.needed = bool(self._affected)
        self.steps = tuple(
            self._affected[number].step if number in self._affected else 1.0
            for number in range(len(components))
        )
        shape = (len(components), *fields[0].stored.shape) if self.needed else (0,)
        self.residuals = np.zeros(shape, np.int32)

    def moved(self, number: int, window: tuple[slice, ...], real: Float64Array) -> Float64Array:
        """Values of a window of a component with its residuals, which are noted.

        Windows may come from several threads.
        """
        affected = self._affected.get(number)
        residuals = None if affected is None else affected.residuals(window, real)
        if residuals is None:
            return real
        self.residuals[number][window] = residuals
        return real + self.steps[number] * residuals


def _fills_within(
    component: Component, entry: NormalisedField, tolerance: float
) -> tuple[Any, ...]:
    """The fill values that a model can give, whose samples are clipped to the declared range."""
    if component.scale == 0:
        return ()
    dtype = entry.stored.dtype
    fills = tuple(fill for fill in entry.field.fill_values if fill == fill)
    ends = [component.offset - component.scale, component.offset + component.scale]
    low = to_stored(np.array([ends[0] - 2 * tolerance]), dtype)[0]
    high = to_stored(np.array([ends[1] + 2 * tolerance]), dtype)[0]
    return tuple(fill for fill in fills if low <= np.asarray(fill, dtype) <= high)
