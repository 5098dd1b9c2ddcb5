"""Coding of magnitudes and of signs, of coefficients as well as of nodes of an octree.

Normative text: format_spec/inrc-1.md, section 7.4, steps 5 and 6 of a band. A magnitude has an
index, which is coded by decisions ("the index is above t"), and low bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import inlined
from codec.entropy.mixing.chances import HALF, code_direct, learn_mixed, mixed_chance
from codec.entropy.mixing.range_coder import code_bit
from codec.entropy.mixing.state import (
    CONTEXTS,
    DECISIONS,
    ENCODE,
    INPUTS,
    LAST_INDEX,
    QUANTISE,
    VALUE_LIMIT,
    WEIGHT_SETS,
)


@inlined
def first_guess(expected: Any, decision: Any) -> Any:
    """First guess of a decision (step 5), in 1/2^22, from the expected magnitude in 1/16 (e)."""
    spread = 16 if decision else 24
    return ((expected + 2) << 22) // (expected + 2 + spread)


@inlined
def index_of(magnitude: Any) -> Any:
    """Index of a magnitude (step 5)."""
    if magnitude < 5:
        return magnitude
    octave = 2
    while (magnitude - 1) >> (octave + 1):
        octave += 1
    half = ((magnitude - 1) >> (octave - 1)) & 1
    return 5 + 2 * (octave - 2) + half


@inlined
def least_of(index: Any) -> Any:
    """Least magnitude of an index, and how many low bits follow it (step 5)."""
    if index < 5:
        return index, 0
    octave = (index - 5) // 2 + 2
    half = (index - 5) & 1
    return ((2 + half) << (octave - 1)) + 1, octave - 1


@inlined
def _code_index(
    coder: Any, memory: Any, index: Any, first: Any, row: Any, expected: Any, tables: Any
) -> Any:
    """Code an index by its decisions (step 5); arguments are those of `code_magnitude`."""
    mixer = memory.mixer
    reached = first
    while reached < LAST_INDEX:
        decision = min(reached, DECISIONS - 1)
        guess = first_guess(expected, reached)
        weights = row + decision * WEIGHT_SETS
        offset = decision * CONTEXTS
        chance = mixed_chance(mixer, INPUTS, offset, weights, guess, tables)
        bit = code_bit(coder, chance, 1 if index > reached else 0)
        error = ((bit << 16) - chance) * 6
        learn_mixed(mixer, INPUTS, offset, weights, guess, error, bit, tables)
        if bit == 0:
            break
        reached += 1
    return reached


@inlined
def code_magnitude(
    coder: Any, memory: Any, magnitude: Any, first: Any, row: Any, expected: Any, tables: Any
) -> Any:
    """Code a magnitude (step 5), whose contexts are set.

    Args:
        first: decision to start at.
        row: of the weights of decision 0.
        expected: magnitude in 1/16 (e).
    """
    index = _code_index(coder, memory, index_of(magnitude), first, row, expected, tables)
    least, low_bits = least_of(index)
    above = magnitude - least
    low = 0
    for place in range(low_bits - 1, -1, -1):
        bit = (above >> place) & 1
        if place == low_bits - 1:
            bit = code_direct(coder, memory.lows, index, bit, tables)
        else:
            bit = code_bit(coder, HALF, bit)
        low = 2 * low + bit
    return least + low


@inlined
def predicted_sign_context(prediction: Any, magnitude: Any) -> Any:
    """Context of a sign from how the prediction was rounded (step 6, low band)."""
    rounding = prediction.fine - 16 * prediction.rounded
    return 4096 + rounding + 8 + 16 * min(magnitude, 3)


@inlined
def wanted_residual(
    mode: Any, values: Any, index: Any, targets: Any, place: Any, prediction: Any
) -> Any:
    """Residual that an encoder wants: magnitude, sign (1: negative), magnitude before rounding.

    Args:
        values, index: the integer, read in mode ENCODE.
        targets, place: the number to be quantised, read in modes QUANTISE and REFINE.
        prediction: integer.
    """
    negative = 0
    magnitude: Any = np.int64(0)
    target: Any = np.float32(0)
    if mode == ENCODE:
        magnitude = np.int64(values[index]) - prediction
    elif mode >= QUANTISE:
        target = targets[place] - np.float32(prediction)
        magnitude = np.int64(np.rint(target))
        target = abs(target)
    if magnitude < 0:
        negative = 1
        magnitude = -magnitude
    # Larger magnitudes cannot be coded; the value coded instead is left in `values`.
    return min(magnitude, VALUE_LIMIT), negative, target
