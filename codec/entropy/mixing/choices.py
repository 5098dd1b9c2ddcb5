"""Choices of an encoder: magnitudes smaller than the nearest where the bits saved are worth it.

A decoder does none of this, and no text prescribes it; an encoder may choose in another way. These
are the only kernels with floating-point numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.entropy.compilation import inlined
from codec.entropy.mixing.chances import direct_chance, mixed_chance
from codec.entropy.mixing.magnitudes import first_guess
from codec.entropy.mixing.state import CONTEXTS, INPUTS, REFINE, WEIGHT_SETS

# Magnitudes from here on are rounded to nearest.
LARGE = 5


@inlined
def is_too_dear(zeros: Any, kind: Any, magnitude: Any, target: Any, price: Any, tables: Any) -> Any:
    """Whether a magnitude above 0, where all around is 0, gains less than its bits cost."""
    chance = direct_chance(zeros, kind)
    more_bits = tables.cost[chance] + 3 - tables.cost[65536 - chance]
    gain = target * target - (target - magnitude) * (target - magnitude)
    return gain < price * more_bits


@inlined
def choose_magnitude(
    mixer: Any, target: Any, magnitude: Any, first: Any, row: Any, expected: Any, price: Any,
    tables: Any,
) -> Any:  # fmt: skip
    """The magnitude among {m, m - 1, 0} with the least squared error plus price times bits.

    Args:
        target: magnitude before rounding.
        magnitude: the nearest to it (m), below `LARGE`.
        first, row, expected: those of `code_magnitude`.
        price: squared error that a bit is worth.
    """
    least = np.float32(1e30)
    chosen = magnitude
    bits_before = np.float32(0)
    for decision in range(first, magnitude + 1):
        guess = first_guess(expected, decision)
        weights = row + decision * WEIGHT_SETS
        chance = mixed_chance(mixer, INPUTS, decision * CONTEXTS, weights, guess, tables)
        if decision >= magnitude - 1 or decision == 0:
            sign_bits = 1 if decision else 0
            bits = bits_before + tables.cost[65536 - chance] + sign_bits
            cost = (target - decision) * (target - decision) + price * bits
            if cost < least:
                least = cost
                chosen = decision
        bits_before += tables.cost[chance]
    return np.int64(chosen)


@inlined
def bit_price(task: Any, taps: Any, shape: Any, place: Any, position: Any) -> Any:
    """Price of a bit at a coefficient, from the magnitudes that an earlier pass chose after it.

    A coefficient makes those after it cheaper if they are not 0, and dearer if they are.
    """
    price = task.price
    if task.mode == REFINE:
        later = _weight_ahead(task.values, taps, shape, place, position)
        if later == 0:
            price = np.float32(price * np.float32(1.7))
        else:
            more = np.float32(0.03) * min(later, 20)
            price = np.float32(price * (np.float32(1.25) - more))
    return price


@inlined
def _weight_ahead(values: Any, taps: Any, shape: Any, place: Any, position: Any) -> Any:
    """Weighted sum of the magnitudes at the mirrored taps, those that are coded later."""
    total: Any = np.int64(0)
    for k in range(taps.value_steps.size):
        inside = True
        for axis in range(4):
            index = place[axis] - taps.offsets[k, axis]
            if index < 0 or index >= shape[axis]:
                inside = False
        if inside:
            total += taps.weights[k] * abs(np.int64(values[position - taps.value_steps[k]]))
    return total
