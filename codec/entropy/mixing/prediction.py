"""Prediction of the values of the low band from the values before them.

Normative text: format_spec/inrc-1.md, section 7.4, steps 3 and 7 of a band.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from codec.entropy.compilation import inlined
from codec.entropy.mixing.chances import WEIGHT_LIMIT
from codec.entropy.mixing.state import VALUE_LIMIT

_DIFFERENCE_LIMIT = 1 << 26


class Prediction(NamedTuple):
    """Prediction of a value.

    Attributes:
        fine: in 1/16 (f); rounded: integer (pred).
        energy: sum of the squared differences or features that it was made from (E, Q).
    """

    fine: Any
    rounded: Any
    energy: Any


@inlined
def rounded_prediction(fine: Any, energy: Any) -> Any:
    """Prediction whose value in 1/16 is not yet clipped."""
    clipped = min(max(fine, -16 * VALUE_LIMIT), 16 * VALUE_LIMIT)
    return Prediction(clipped, (clipped + 8) >> 4, energy)


@inlined
def _mean_before(values: Any, position: Any, place: Any, strides: Any) -> Any:
    """16 times the mean of the values one before along each axis, 0 if there are none (step 3)."""
    total: Any = np.int64(0)
    count = 0
    for axis in range(4):
        if place[axis] > 0:
            total += values[position - strides[axis]]
            count += 1
    return (16 * total) // count if count else np.int64(0)


@inlined
def _is_inside(place: Any, offset: Any, shape: Any) -> Any:
    inside = True
    for axis in range(4):
        index = place[axis] + offset[axis]
        if index < 0 or index >= shape[axis]:
            inside = False
    return inside


@inlined
def predict(values: Any, position: Any, taps: Any, shape: Any, scratch: Any) -> Any:
    """Prediction of a value (step 3); the differences it is made from are left in `scratch`."""
    base = _mean_before(values, position, scratch.place, taps.strides)
    total: Any = np.int64(0)
    energy: Any = np.int64(0)
    for k in range(taps.value_steps.size):
        difference: Any = np.int64(0)
        if _is_inside(scratch.place, taps.offsets[k], shape):
            difference = 16 * np.int64(values[position + taps.value_steps[k]]) - base
            difference = min(max(difference, -_DIFFERENCE_LIMIT), _DIFFERENCE_LIMIT)
        scratch.differences[k] = difference
        total += scratch.gains[k] * difference
        energy += difference * difference
    return rounded_prediction(base + (total >> 16), energy)


@inlined
def learn_prediction(scratch: Any, value: Any, prediction: Any) -> Any:
    """Move the gains (u_k) towards those that had predicted `value` (step 7)."""
    error = min(max(16 * value - prediction.fine, -WEIGHT_LIMIT), WEIGHT_LIMIT)
    push = ((error * 200) << 20) // (prediction.energy + 256)
    for k in range(scratch.gains.size):
        gain = scratch.gains[k] + ((push * scratch.differences[k]) >> 20)
        scratch.gains[k] = min(max(gain, -WEIGHT_LIMIT), WEIGHT_LIMIT)
