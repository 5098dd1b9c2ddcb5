"""Loop of the mixing coder over the coefficients of a band, compiled by numba.

Normative text: format_spec/inrc-1.md, section 7.4, paragraph "A band", whose steps are named here
and in the parts. All of it is integer arithmetic but for the encoder's choices. Run with
NUMBA_DISABLE_JIT=1, the same lines are the plain Python version that tests compare the compiled
kernel with. Locals are Any where a type checker would take NumPy's integers and Python's for
different things.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import inlined, kernel
from codec.entropy.mixing.chances import code_direct
from codec.entropy.mixing.choices import LARGE, bit_price, choose_magnitude, is_too_dear
from codec.entropy.mixing.magnitudes import (
    code_magnitude,
    predicted_sign_context,
    wanted_residual,
)
from codec.entropy.mixing.neighbourhood import (
    estimate_level,
    expected_magnitude,
    learn_level,
    look_around,
    row_of_parents,
    set_contexts,
    sign_context,
)
from codec.entropy.mixing.prediction import Prediction, learn_prediction, predict
from codec.entropy.mixing.state import HIGHEST, MAGNITUDE_LIMIT, QUANTISE


@inlined
def _enter_row(row: Any, shape: Any, taps: Any, place: Any) -> Any:
    """Set the first three indices of a row along axis 3; gives its first padded cell."""
    place[2] = row % shape[2]
    place[1] = row // shape[2] % shape[1]
    place[0] = row // shape[2] // shape[1]
    cell = taps.origin + place[0] * taps.padded[0]
    return cell + place[1] * taps.padded[1] + place[2] * taps.padded[2]


@inlined
def _code_zero(
    coder: Any, task: Any, zeros: Any, kind: Any, magnitude: Any, target: Any, tables: Any
) -> Any:
    """Step 4: code whether a magnitude is above 0 where all around it is 0."""
    bit = 1 if magnitude > 0 else 0
    choosing = task.mode >= QUANTISE and magnitude > 0 and task.price > 0
    if choosing and is_too_dear(zeros, kind, magnitude, target, task.price, tables):
        bit = 0
    return code_direct(coder, zeros, kind, bit, tables)


@inlined
def _code_by_decisions(
    coder: Any, task: Any, memory: Any, band: Any, taps: Any, scratch: Any, around: Any,
    magnitude: Any, target: Any, first: Any, cell: Any, position: Any, tables: Any,
) -> Any:  # fmt: skip
    """Step 5: code a magnitude by decisions from `first` on, and learn from it."""
    expected = expected_magnitude(band, around)
    estimate = estimate_level(scratch, cell, taps, around, tables.fine)
    row = set_contexts(
        memory.mixer, scratch.cells, cell, taps, band, around, expected, estimate, tables
    )
    if task.mode >= QUANTISE and 0 < magnitude < LARGE and task.price > 0:
        price = bit_price(task, taps, band.shape, scratch.place, position)
        magnitude = choose_magnitude(
            memory.mixer, target, magnitude, first, row, expected, price, tables
        )
    magnitude = code_magnitude(coder, memory, magnitude, first, row, expected, tables)
    level = np.int64(tables.fine[min(16 * magnitude, HIGHEST)])
    learn_level(scratch, level, estimate)
    scratch.levels[cell] = level
    return magnitude


@inlined
def _code_residual(
    coder: Any, task: Any, memory: Any, band: Any, taps: Any, scratch: Any, around: Any,
    prediction: Any, cell: Any, position: Any, tables: Any,
) -> Any:  # fmt: skip
    """Steps 4 to 6: code what a value is more than its prediction."""
    magnitude, negative, target = wanted_residual(
        task.mode, task.values, position, task.targets, position, prediction.rounded
    )
    first, is_zero = 0, False
    if around.near + around.parent + around.siblings == 0:
        above = _code_zero(coder, task, memory.zeros, band.kind, magnitude, target, tables)
        first, is_zero = 1, above == 0
    if is_zero:
        magnitude = np.int64(0)
    else:
        magnitude = _code_by_decisions(
            coder, task, memory, band, taps, scratch, around, magnitude, target, first, cell,
            position, tables,
        )  # fmt: skip
    if magnitude:
        if band.predicted:
            context = predicted_sign_context(prediction, magnitude)
        else:
            context = sign_context(scratch.cells, cell, taps.backward, band.kind)
        negative = code_direct(coder, memory.signs, context, negative, tables)
        shown: Any = min(magnitude, MAGNITUDE_LIMIT)
        scratch.cells[cell] = -shown if negative else shown
    return -magnitude if negative else magnitude


@kernel
def code_band(
    coder: Any, task: Any, memory: Any, band: Any, taps: Any, scratch: Any, tables: Any
) -> None:
    """Code a band in raster order.

    Args:
        coder: range coder, whose direction is that of the task.
        task: its values are written, too.
        memory: adapted in place.
        band, taps, scratch: see the classes; cells and gains are zero at the start of a band.
        tables: `TABLES`.
    """
    values, place, columns = task.values, scratch.place, band.shape[3]
    nothing: Any = np.int64(0)
    for row in range(values.size // columns):
        start = _enter_row(row, band.shape, taps, place)
        parents = row_of_parents(band, place)
        for column in range(columns):
            place[3] = column
            cell, position = start + column, row * columns + column
            around = look_around(scratch, taps, band, cell, position, parents)
            prediction = Prediction(nothing, nothing, nothing)
            if band.predicted:
                prediction = predict(values, position, taps, band.shape, scratch)
            residual = _code_residual(
                coder, task, memory, band, taps, scratch, around, prediction, cell, position,
                tables,
            )  # fmt: skip
            value = residual + prediction.rounded
            values[position] = value
            if prediction.energy > 0:
                learn_prediction(scratch, value, prediction)
