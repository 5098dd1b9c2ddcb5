"""Contexts of a coefficient's magnitude and sign, from the coefficients around it.

Normative text: format_spec/inrc-1.md, section 7.4, steps 1, 2, 5 and 6 of a band; names of its
quantities are in brackets.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from codec.entropy.compilation import inlined
from codec.entropy.mixing.chances import WEIGHT_LIMIT
from codec.entropy.mixing.state import HIGHEST, PLANE


class Around(NamedTuple):
    """Magnitudes in 1/16 around a coefficient.

    Attributes:
        near: mean over the taps (a).
        parent: around the coefficient of the coarser band of the same orientation (ea).
        siblings: mean over the earlier bands of the level (eb).
    """

    near: Any
    parent: Any
    siblings: Any


class Estimate(NamedTuple):
    """Learned estimate of the FINE level of a magnitude.

    Attributes:
        level: in 1/65536 (G).
        energy: sum of the squared features it was made from (H).
    """

    level: Any
    energy: Any


@inlined
def near_magnitude(cells: Any, cell: Any, taps: Any) -> Any:
    """Step 1: weighted mean of the magnitudes at the taps, in 1/16 (a)."""
    total: Any = np.int64(0)
    for k in range(taps.steps.size):
        total += taps.weights[k] * abs(np.int64(cells[cell + taps.steps[k]]))
    return (total * taps.norm) >> 16


@inlined
def row_of_parents(band: Any, place: Any) -> Any:
    """Step 2: index of the first parent of a row along axis 3, 0 if there are none."""
    row: Any = np.int64(0)
    if band.parent.size > 0:
        for axis in range(3):
            last = band.parent_shape[axis] - 1
            row = (row + min(place[axis] >> band.shifts[axis], last)) * band.parent_shape[axis + 1]
    return row


@inlined
def look_around(scratch: Any, taps: Any, band: Any, cell: Any, position: Any, parents: Any) -> Any:
    """Steps 1 and 2: magnitudes around; `parents` is the index of the row's first parent."""
    parent: Any = np.int64(0)
    siblings: Any = np.int64(0)
    if band.parent.size > 0:
        column = min(scratch.place[3] >> band.shifts[3], band.parent_shape[3] - 1)
        parent = np.int64(band.parent[parents + column])
    if band.siblings.size > 0:
        siblings = np.int64(band.siblings[position])
    return Around(near_magnitude(scratch.cells, cell, taps), parent, siblings)


@inlined
def expected_magnitude(band: Any, around: Any) -> Any:
    """Step 5: expected magnitude in 1/16 (e)."""
    has_parent, has_siblings = band.parent.size > 0, band.siblings.size > 0
    expected = around.near
    if has_parent and has_siblings:
        expected = (2 * around.near + around.parent + around.siblings) >> 2
    elif has_parent or has_siblings:
        expected = (2 * around.near + around.parent + around.siblings) // 3
    return expected


@inlined
def estimate_level(scratch: Any, cell: Any, taps: Any, around: Any, fine: Any) -> Any:
    """Step 5: estimate of the level; the features it is made from are left in `scratch`."""
    count = taps.steps.size
    features = scratch.features
    for k in range(count):
        features[k] = np.int64(scratch.levels[cell + taps.steps[k]])
    features[count] = np.int64(fine[min(around.parent, HIGHEST)])
    features[count + 1] = np.int64(fine[min(around.siblings, HIGHEST)])
    features[count + 2] = 4
    total: Any = np.int64(0)
    energy: Any = np.int64(0)
    for k in range(count + 3):
        total += scratch.trust[k] * features[k]
        energy += features[k] * features[k]
    return Estimate(total, energy)


@inlined
def learn_level(scratch: Any, level: Any, estimate: Any) -> Any:
    """Step 5: move the trust (t_k) towards that which had given `level`."""
    error = (level << 16) - estimate.level
    push = ((min(max(error >> 4, -(1 << 18)), 1 << 18) * 20) << 10) // (estimate.energy + 64)
    for k in range(scratch.trust.size):
        trust = scratch.trust[k] + ((push * scratch.features[k]) >> 16)
        scratch.trust[k] = min(max(trust, -WEIGHT_LIMIT), WEIGHT_LIMIT)


@inlined
def _magnitude_before(cells: Any, cell: Any, backward: Any, k: Any) -> Any:
    """Magnitude one before along axis 3 - k, at most 3, 0 on axes of length 1."""
    return min(abs(np.int64(cells[cell - backward[k]])), 3) if backward[k] > 0 else 0


@inlined
def set_contexts(
    mixer: Any, cells: Any, cell: Any, taps: Any, band: Any, around: Any, expected: Any,
    estimate: Any, tables: Any,
) -> Any:  # fmt: skip
    """Step 5: contexts of the decisions (c0 to c4); gives the row of weights of decision 0."""
    contexts = mixer.contexts
    near: Any = np.int64(tables.rough[min(around.near, HIGHEST)])
    parent = np.int64(tables.middle[min(around.parent, HIGHEST)])
    siblings = np.int64(tables.middle[min(around.siblings, HIGHEST)])
    both: Any = np.int64(tables.rough[min((around.parent + around.siblings) >> 1, HIGHEST)])
    level: Any = min(max(estimate.level >> 15, 0), 95)
    v1 = _magnitude_before(cells, cell, taps.backward, 0)
    v2 = _magnitude_before(cells, cell, taps.backward, 1)
    v3 = _magnitude_before(cells, cell, taps.backward, 2)
    contexts[0] = 12 * parent + near
    contexts[1] = PLANE + 12 * siblings + near
    half_octave = np.int64(tables.fine[min(expected, HIGHEST)]) >> 1
    contexts[2] = 2 * PLANE + half_octave + 24 * (band.kind & 31)
    contexts[3] = 3 * PLANE + v1 + 4 * v2 + 16 * v3 + 64 * min(both, 7)
    contexts[4] = 4 * PLANE + 8 * level + min(v1, 1) + 2 * min(v2, 1) + 4 * min(v3, 1)
    return min(near, 7) + (0 if band.parent.size > 0 else 8)


@inlined
def sign_context(cells: Any, cell: Any, backward: Any, kind: Any) -> Any:
    """Step 6: context of a sign outside the low band, from the signs one before along the axes."""
    context = 81 * kind
    power = 1
    for k in range(4):
        if backward[k] > 0:
            before = cells[cell - backward[k]]
            context += power * (2 if before > 0 else (0 if before < 0 else 1))
        else:
            context += power
        power *= 3
    return context
