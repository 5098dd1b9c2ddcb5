"""The inner loops of the mixing coder, compiled by numba.

Normative text: format_spec/inrc-1.md, section 7.4; names of its quantities are used here. All of it
is integer arithmetic but for the encoder's choice of magnitudes. Run with NUMBA_DISABLE_JIT=1, the
same lines are the plain Python version that tests compare the compiled one with. Locals are Any
where a type checker would take NumPy's integers and Python's for different things.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.compiling import compiled
from codec.entropy.mixing.range_coder import adapt, chance_of, code_bit, code_direct, uncounted
from codec.entropy.mixing.state import (
    CONTEXTS,
    DECISIONS,
    HIGHEST,
    INPUTS,
    LAST_INDEX,
    MAGNITUDE_LIMIT,
    PLANE,
    VALUE_LIMIT,
    WEIGHT_SETS,
)
from codec.entropy.mixing.tables import REACH

DECODE, ENCODE, QUANTISE, REFINE = 0, 1, 2, 3


@compiled(inline="always")
def _first_guess(expected: Any, decision: Any) -> Any:
    spread = 16 if decision else 24
    return ((expected + 2) << 22) // (expected + 2 + spread)


@compiled(inline="always")
def _mix(memory: Any, scratch: Any, decision: Any, row: Any, guess: Any, tables: Any) -> Any:
    """Chance that the index exceeds `decision`."""
    total: Any = np.int64(0)
    for k in range(INPUTS):
        slot = np.int64(memory.slots[scratch.contexts[k] + decision * CONTEXTS])
        logit = np.int64(tables.stretch[(slot if slot >= 0 else guess) >> 10])
        scratch.stretched[k] = logit
        total += memory.weights[row, k] * logit
    total = min(max(total >> 16, -REACH), REACH)
    return np.int64(tables.squash[total + REACH])


@compiled(inline="always")
def _learn(
    memory: Any,
    scratch: Any,
    decision: Any,
    row: Any,
    guess: Any,
    chance: Any,
    bit: Any,
    tables: Any,
) -> Any:
    error = ((bit << 16) - chance) * 6
    for k in range(INPUTS):
        weight = memory.weights[row, k] + ((scratch.stretched[k] * error + (1 << 17)) >> 18)
        memory.weights[row, k] = min(max(weight, -(1 << 20)), 1 << 20)
        slot = scratch.contexts[k] + decision * CONTEXTS
        if memory.slots[slot] < 0:
            memory.slots[slot] = guess
        adapt(memory.slots, memory.slot_counts, slot, bit, tables)


@compiled(inline="always")
def _index_of(magnitude: Any) -> Any:
    """Index of a magnitude, and how many low bits follow it."""
    if magnitude < 5:
        return magnitude, 0
    octave = 2
    while (magnitude - 1) >> (octave + 1):
        octave += 1
    half = ((magnitude - 1) >> (octave - 1)) & 1
    return 5 + 2 * (octave - 2) + half, octave - 1


@compiled(inline="always")
def _base_of(index: Any) -> Any:
    """Least magnitude of an index, and how many low bits follow it."""
    if index < 5:
        return index, 0
    octave = (index - 5) // 2 + 2
    half = (index - 5) & 1
    return ((2 + half) << (octave - 1)) + 1, octave - 1


@compiled(inline="always")
def _inside(i: Any, offset: Any, shape: Any) -> Any:
    """Whether the neighbour at `offset` of cell `i` lies in the band."""
    inside = True
    for axis in range(4):
        place = i[axis] + offset[axis]
        if place < 0 or place >= shape[axis]:
            inside = False
    return inside


@compiled(inline="always")
def _mean_before(values: Any, at: Any, i: Any, strides: Any) -> Any:
    """16 times the mean of the values before `at` along each axis, where there are any."""
    total: Any = np.int64(0)
    found = 0
    for axis in range(4):
        if i[axis] > 0:
            total += values[at - strides[axis]]
            found += 1
    return (16 * total) // found if found else np.int64(0)


@compiled(inline="always")
def _predict(values: Any, at: Any, i: Any, base: Any, shape: Any, near: Any, scratch: Any) -> Any:
    """Correction of `base` in 1/16 and the energy of the differences, left in `scratch`."""
    total: Any = np.int64(0)
    energy: Any = np.int64(0)
    for k in range(near.value_steps.size):
        difference: Any = np.int64(0)
        if _inside(i, near.offsets[k], shape):
            difference = 16 * np.int64(values[at + near.value_steps[k]]) - base
            difference = min(max(difference, -(1 << 26)), 1 << 26)
        scratch.differences[k] = difference
        total += scratch.gains[k] * difference
        energy += difference * difference
    return total >> 16, energy


@compiled(inline="always")
def _adjust_prediction(scratch: Any, error: Any, energy: Any, taps: Any) -> Any:
    push = ((min(max(error, -(1 << 20)), 1 << 20) * 200) << 20) // (energy + 256)
    for k in range(taps):
        gain = scratch.gains[k] + ((push * scratch.differences[k]) >> 20)
        scratch.gains[k] = min(max(gain, -(1 << 20)), 1 << 20)


@compiled(inline="always")
def _expect(at: Any, steps: Any, ea: Any, eb: Any, scratch: Any, fine: Any) -> Any:
    """Learned estimate of the magnitude's level (in 1/65536), and the energy of its features."""
    taps = steps.size
    features = scratch.features
    for k in range(taps):
        features[k] = np.int64(scratch.levels[at + steps[k]])
    features[taps] = np.int64(fine[min(ea, HIGHEST)])
    features[taps + 1] = np.int64(fine[min(eb, HIGHEST)])
    features[taps + 2] = 4
    total: Any = np.int64(0)
    energy: Any = np.int64(0)
    for k in range(taps + 3):
        total += scratch.trust[k] * features[k]
        energy += features[k] * features[k]
    return total, energy


@compiled(inline="always")
def _adjust_trust(scratch: Any, total: Any, energy: Any, level: Any, size: Any) -> Any:
    error = (level << 16) - total
    push = ((min(max(error >> 4, -(1 << 18)), 1 << 18) * 20) << 10) // (energy + 64)
    for k in range(size):
        trust = scratch.trust[k] + ((push * scratch.features[k]) >> 16)
        scratch.trust[k] = min(max(trust, -(1 << 20)), 1 << 20)


@compiled(inline="always")
def choose_magnitude(
    memory: Any, scratch: Any, target: Any, magnitude: Any, start: Any, row: Any, expected: Any,
    price: Any, tables: Any,
) -> Any:  # fmt: skip
    """The magnitude among {m, m - 1, 0} with the least squared error plus price times bits."""
    best = np.float32(1e30)
    chosen = magnitude
    passed = np.float32(0)
    for t in range(start, magnitude + 1):
        guess = _first_guess(expected, t)
        chance = _mix(memory, scratch, t, row + t * WEIGHT_SETS, guess, tables)
        if t >= magnitude - 1 or t == 0:
            bits = passed + tables.cost[65536 - chance] + (1 if t else 0)
            cost = (target - t) * (target - t) + price * bits
            if cost < best:
                best = cost
                chosen = t
        passed += tables.cost[chance]
    return chosen


@compiled(inline="always")
def _weight_ahead(values: Any, at: Any, i: Any, shape: Any, near: Any) -> Any:
    """Weighted sum of the magnitudes at the mirrored taps, those that are coded later."""
    total: Any = np.int64(0)
    for k in range(near.value_steps.size):
        inside = True
        for axis in range(4):
            place = i[axis] - near.offsets[k, axis]
            if place < 0 or place >= shape[axis]:
                inside = False
        if inside:
            total += near.weights[k] * abs(np.int64(values[at - near.value_steps[k]]))
    return total


@compiled(inline="always")
def _refined_price(price: Any, later: Any) -> Any:
    """A coefficient makes those after it cheaper if they are not 0, and dearer if they are."""
    if later == 0:
        return np.float32(price * np.float32(1.7))
    return np.float32(price * (np.float32(1.25) - np.float32(0.03) * min(later, 20)))


@compiled(inline="always")
def code_magnitude(
    coder: Any, encoding: Any, memory: Any, scratch: Any, magnitude: Any, start: Any, row: Any,
    expected: Any, tables: Any,
) -> Any:  # fmt: skip
    index, _ = _index_of(magnitude)
    t = start
    while t < LAST_INDEX:
        decision = min(t, DECISIONS - 1)
        guess = _first_guess(expected, t)
        weights = row + decision * WEIGHT_SETS
        chance = _mix(memory, scratch, decision, weights, guess, tables)
        bit = code_bit(coder, encoding, chance, 1 if index > t else 0)
        _learn(memory, scratch, decision, weights, guess, chance, bit, tables)
        if bit == 0:
            break
        t += 1
    base, low_bits = _base_of(t)
    rest = magnitude - base
    low = 0
    for place in range(low_bits - 1, -1, -1):
        bit = (rest >> place) & 1
        if place == low_bits - 1:
            bit = code_direct(coder, encoding, memory.lows, memory.low_counts, t, bit, tables)
        else:
            bit = code_bit(coder, encoding, 32768, bit)
        low = 2 * low + bit
    return base + low


@compiled(inline="always")
def _sign_context(cells: Any, at: Any, backward: Any) -> Any:
    context = 0
    power = 1
    for k in range(4):
        if backward[k] > 0:
            before = cells[at - backward[k]]
            context += power * (2 if before > 0 else (0 if before < 0 else 1))
        else:
            context += power
        power *= 3
    return context


@compiled(inline="always")
def _near(cells: Any, at: Any, backward: Any, k: Any) -> Any:
    return min(abs(np.int64(cells[at - backward[k]])), 3) if backward[k] > 0 else 0


@compiled(inline="always")
def _set_contexts(
    scratch: Any, at: Any, backward: Any, a: Any, ea: Any, eb: Any, expected: Any, level: Any,
    kind: Any, tables: Any,
) -> Any:  # fmt: skip
    cells, contexts = scratch.cells, scratch.contexts
    rough = np.int64(tables.rough[min(a, HIGHEST)])
    v1 = _near(cells, at, backward, 0)
    v2 = _near(cells, at, backward, 1)
    v3 = _near(cells, at, backward, 2)
    both: Any = np.int64(tables.rough[min((ea + eb) >> 1, HIGHEST)])
    contexts[0] = 12 * np.int64(tables.middle[min(ea, HIGHEST)]) + rough
    contexts[1] = PLANE + 12 * np.int64(tables.middle[min(eb, HIGHEST)]) + rough
    near_level = np.int64(tables.fine[min(expected, HIGHEST)]) >> 1
    contexts[2] = 2 * PLANE + near_level + 24 * (kind & 31)
    contexts[3] = 3 * PLANE + v1 + 4 * v2 + 16 * v3 + 64 * min(both, 7)
    contexts[4] = 4 * PLANE + 8 * level + min(v1, 1) + 2 * min(v2, 1) + 4 * min(v3, 1)
    return rough


@uncounted
def code_band(
    coder: Any, mode: Any, memory: Any, band: Any, near: Any, scratch: Any, values: Any,
    targets: Any, price: Any, tables: Any,
) -> None:  # fmt: skip
    """Code one band in raster order.

    Args:
        coder: range coder.
        mode: DECODE fills `values`; ENCODE codes `values`; QUANTISE fills them from `targets`;
            REFINE does so where `values` still hold what an earlier pass chose.
        memory: adapted in place.
        band, near, scratch: see the classes; cells, gains are zero at the start of a band.
        values: int32, flat, the band's integers.
        targets: float32, flat, coefficients in steps (QUANTISE and REFINE).
        price: squared error, in squared steps, that a bit is worth; 0 rounds to nearest.
    """
    shape, cells = band.shape, scratch.cells
    encoding = 1 if mode else 0
    taps = near.steps.size
    total_weight = near.weights.sum()
    norm = (1 << 20) // max(total_weight, 1)
    has_parent, has_siblings = band.parent.size > 0, band.siblings.size > 0
    row = 0 if has_parent else 8
    i = scratch.place
    at = np.int64(-1)
    for i0 in range(shape[0]):
        i[0] = i0
        for i1 in range(shape[1]):
            i[1] = i1
            for i2 in range(shape[2]):
                i[2] = i2
                start_cell = near.origin + i0 * near.padded[0]
                start_cell += i1 * near.padded[1] + i2 * near.padded[2]
                parent_row = np.int64(0)
                if has_parent:
                    for axis in range(3):
                        p = min(i[axis] >> band.shifts[axis], band.parent_shape[axis] - 1)
                        parent_row = (parent_row + p) * band.parent_shape[axis + 1]
                for i3 in range(shape[3]):
                    i[3] = i3
                    at += 1
                    cell = start_cell + i3
                    total: Any = np.int64(0)
                    for k in range(taps):
                        total += near.weights[k] * abs(np.int64(cells[cell + near.steps[k]]))
                    a = (total * norm) >> 16
                    ea = np.int64(0)
                    eb = np.int64(0)
                    if has_parent:
                        p = min(i3 >> band.shifts[3], band.parent_shape[3] - 1)
                        ea = np.int64(band.parent[parent_row + p])
                    if has_siblings:
                        eb = np.int64(band.siblings[at])
                    prediction: Any = np.int64(0)
                    fine_prediction: Any = np.int64(0)
                    energy: Any = np.int64(0)
                    if band.predicted:
                        base = _mean_before(values, at, i, near.strides)
                        change, energy = _predict(values, at, i, base, shape, near, scratch)
                        fine_prediction = min(
                            max(base + change, -16 * VALUE_LIMIT), 16 * VALUE_LIMIT
                        )
                        prediction = (fine_prediction + 8) >> 4
                    negative = 0
                    magnitude: Any = np.int64(0)
                    target: Any = np.float32(0)
                    if mode == ENCODE:
                        magnitude = np.int64(values[at]) - prediction
                    elif mode >= QUANTISE:
                        target = targets[at] - np.float32(prediction)
                        magnitude = np.int64(np.rint(target))
                        if target < 0:
                            target = -target
                    if magnitude < 0:
                        negative = 1
                        magnitude = -magnitude
                    # Nothing above can be coded; what is coded instead is left in `values`.
                    if magnitude > VALUE_LIMIT:
                        magnitude = np.int64(VALUE_LIMIT)
                    first = 0
                    if a + ea + eb == 0:
                        if mode >= QUANTISE and magnitude > 0 and price > 0:
                            # Nothing near is coded: worth it only if it pays.
                            chance = chance_of(memory.zeros, band.kind)
                            more = tables.cost[chance] + 3 - tables.cost[65536 - chance]
                            gain = target * target - (target - magnitude) * (target - magnitude)
                            if gain < price * more:
                                magnitude = 0
                        more_than_zero = code_direct(
                            coder, encoding, memory.zeros, memory.zero_counts, band.kind,
                            1 if magnitude > 0 else 0, tables,
                        )  # fmt: skip
                        first = 1
                        if more_than_zero == 0:
                            magnitude = 0
                            first = -1
                    if first >= 0:
                        if has_parent and has_siblings:
                            expected = (2 * a + ea + eb) >> 2
                        elif has_parent or has_siblings:
                            expected = (2 * a + ea + eb) // 3
                        else:
                            expected = a
                        guess, power = _expect(cell, near.steps, ea, eb, scratch, tables.fine)
                        level = min(max(guess >> 15, 0), 95)
                        rough = _set_contexts(
                            scratch, cell, near.backward, a, ea, eb, expected, level, band.kind,
                            tables,
                        )  # fmt: skip
                        weights = row + min(rough, 7)
                        if mode >= QUANTISE and 0 < magnitude < 5 and price > 0:
                            own_price = price
                            if mode == REFINE:
                                later = _weight_ahead(values, at, i, shape, near)
                                own_price = _refined_price(price, later)
                            magnitude = np.int64(
                                choose_magnitude(
                                    memory,
                                    scratch,
                                    target,
                                    magnitude,
                                    first,
                                    weights,
                                    expected,
                                    own_price,
                                    tables,
                                )
                            )
                        magnitude = code_magnitude(
                            coder, encoding, memory, scratch, magnitude, first, weights, expected,
                            tables,
                        )  # fmt: skip
                        reached = np.int64(tables.fine[min(16 * magnitude, HIGHEST)])
                        _adjust_trust(scratch, guess, power, reached, taps + 3)
                        scratch.levels[cell] = reached
                    if magnitude:
                        if band.predicted:
                            context = 4096 + fine_prediction - 16 * prediction + 8
                            context += 16 * min(magnitude, 3)
                        else:
                            context = _sign_context(cells, cell, near.backward) + 81 * band.kind
                        negative = code_direct(
                            coder, encoding, memory.signs, memory.sign_counts, context, negative,
                            tables,
                        )  # fmt: skip
                        shown: Any = min(magnitude, MAGNITUDE_LIMIT)
                        cells[cell] = -shown if negative else shown
                    value = (-magnitude if negative else magnitude) + prediction
                    values[at] = value
                    if energy > 0:
                        error = 16 * value - fine_prediction
                        _adjust_prediction(scratch, error, energy, taps)
