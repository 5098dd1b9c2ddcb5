"""Choice of the transform along each axis, by coding a part of the field for real.

Rate and distortion of a plan are compared at one slope: J = bits + squared error / (SLOPE step^2).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from codec.arrays import Float32Array
from codec.entropy.lattice import AXES
from inrc_plugins.architectures.pyramid import bases
from inrc_plugins.architectures.pyramid.config import (
    COSINE,
    LEARNED,
    NONE,
    SEPARATE,
    SEPARATE_LEAST,
    PyramidConfig,
    halvings,
)
from inrc_plugins.architectures.pyramid.efforts import Effort
from inrc_plugins.architectures.pyramid.quantise import estimated, in_lattice
from inrc_plugins.architectures.pyramid.transform import analyse, dequantise, synthesise

# Squared error in squared steps that one bit is worth when plans are compared, and when a magnitude
# is chosen; flat optima over seventeen volumes (docs/adr/0006).
SLOPE = 0.13
PRICE = 0.09
# Low parts of the joint wavelet keep at least so many samples.
JOINT_LEAST = 5
# A plan replaces a simpler one if it is at least so much better.
MARGIN = 0.98
LEARNED_LONGEST = 64
LARGER = 1 << 21
# Prediction is compared at the same error: steps tried, and how near (natural logarithm) is enough.
_EQUAL_ATTEMPTS = 8
_EQUAL = 0.05
# So much more expensive, and still worse: prediction will not catch up.
_HOPELESS = 1.5


def joint_plan(lengths: tuple[int, ...], components: int) -> tuple[int, ...]:
    """The joint wavelet along all axes but the components."""
    plan = [halvings(length, JOINT_LEAST) for length in lengths]
    if components > 1:
        plan[0] = COSINE
    if len(lengths) > AXES:
        plan[1] = SEPARATE if halvings(lengths[1], SEPARATE_LEAST) else NONE
    return tuple(plan)


def choose_plan(
    array: Float32Array, components: int, step: float, effort: Effort, threads: int
) -> tuple[int, ...]:
    """The best plan found for an array of samples, its offset subtracted.

    Args:
        array: float32, one axis per active axis.
        components: of the item; if there are several they are the first axis.
        step: quantisation step near the one that will be used.
        threads: trials at once; does not change the result.
    """
    part = central_part(array, effort.trial)
    whole = joint_plan(array.shape, components)
    best = part_plan(whole, part.shape)
    with ThreadPoolExecutor(threads) as pool:

        def costs(plans: list[tuple[int, ...]]) -> list[float]:
            return list(
                pool.map(lambda plan: trial_cost(part, plan, step, array.size, effort), plans)
            )

        (cost,) = costs([best])
        for _ in range(effort.rounds):
            before = best
            for axis in range(min(effort.axes, len(best))):
                uncut = part.shape[axis] == array.shape[axis]
                codes = _options(array.shape, axis, components, effort, uncut)
                plans = [(*best[:axis], code, *best[axis + 1 :]) for code in codes]
                plans = [plan for plan in plans if plan != best and _allowed(plan)]
                for plan, plan_cost in zip(plans, costs(plans), strict=True):
                    if plan_cost < MARGIN * cost:
                        best, cost = plan, plan_cost
            if best == before:
                break
    chosen = _widened(best, whole, array.shape)
    if effort.cosine and chosen != whole and part.size < min(array.size, LARGER):
        # The more that is tried on a part, the more likely is a plan that suits this part alone.
        middle = central_part(array, LARGER)
        corner = np.ascontiguousarray(array[tuple(slice(0, size) for size in middle.shape)])
        plans = [part_plan(plan, middle.shape) for plan in (whole, chosen)]
        joint_cost, cost = (
            sum(trial_cost(piece, plan, step, array.size, effort) for piece in (middle, corner))
            for plan in plans
        )
        if cost >= MARGIN * joint_cost:
            chosen, best = whole, part_plan(whole, part.shape)
    if _prediction_wins(part, best, step, effort):
        # Prediction is won or lost by rare details: a larger part decides.
        larger = central_part(array, LARGER)
        if part.size == larger.size or _prediction_wins(
            larger, part_plan(chosen, larger.shape), step, effort
        ):
            return (NONE,) * len(best)
    return chosen


def _prediction_wins(
    part: Float32Array, plan: tuple[int, ...], step: float, effort: Effort
) -> bool:
    """Whether prediction alone needs fewer bits than a plan has at a step, at the same error.

    Not compared at one slope: prediction keeps far finer errors at its own step, and a field that
    is half noise and half empty has no use for them.
    """
    plain = (NONE,) * len(plan)
    bits, error = trial(part, plan, step, part.size, effort)
    plain_step = step
    for _ in range(_EQUAL_ATTEMPTS):
        plain_bits, plain_error = trial(part, plain, plain_step, part.size, effort)
        ratio = math.log(max(plain_error, 1e-30) / max(error, 1e-30))
        if ratio < _EQUAL and plain_bits < MARGIN * bits:
            return True
        if abs(ratio) < _EQUAL or (ratio > 0 and plain_bits > _HOPELESS * bits):
            return False
        # Fields of few values have errors that jump, so the way to the wanted error can be long.
        plain_step *= min(max(math.exp(-ratio / 2), 1 / 8), 8.0)
    return False


def part_plan(plan: tuple[int, ...], lengths: tuple[int, ...]) -> tuple[int, ...]:
    """The plan for a part: joint axes with the levels that its lengths allow."""
    return tuple(
        max(1, halvings(length, JOINT_LEAST)) if code > 0 and length > 1 else code
        for code, length in zip(plan, lengths, strict=True)
    )


def _widened(
    plan: tuple[int, ...], joint: tuple[int, ...], lengths: tuple[int, ...]
) -> tuple[int, ...]:
    """The plan of a part for the whole array."""
    return tuple(
        whole if code > 0 else code for code, whole, _ in zip(plan, joint, lengths, strict=True)
    )


def _allowed(plan: tuple[int, ...]) -> bool:
    return len(plan) <= AXES or sum(code <= 0 for code in plan) >= 2


def _options(
    lengths: tuple[int, ...], axis: int, components: int, effort: Effort, uncut: bool
) -> Iterator[int]:
    """Codes that are tried along an axis.

    Args:
        uncut: whether the part holds all of the axis: a basis of a piece says little of the whole.
    """
    length = lengths[axis]
    if components > 1 and axis == 0:
        yield from (COSINE, NONE)
        if length <= LEARNED_LONGEST:
            yield LEARNED
        return
    if axis >= len(lengths) - 2 and not effort.cosine:
        return
    if uncut and length <= LEARNED_LONGEST:
        yield LEARNED
    if length >= 2 * SEPARATE_LEAST:
        yield SEPARATE
    if uncut and effort.cosine and length <= 1024:
        yield COSINE
    yield NONE


def trial_cost(
    part: Float32Array, plan: tuple[int, ...], step: float, whole: int, effort: Effort
) -> float:
    """J of coding `part` with `plan`, in bits; see `trial`."""
    bits, error = trial(part, plan, step, whole, effort)
    return bits + error / (SLOPE * step * step)


def trial(
    part: Float32Array, plan: tuple[int, ...], step: float, whole: int, effort: Effort
) -> tuple[float, float]:
    """Bits and sum of squared errors of coding `part` with `plan`; `whole` samples share bases."""
    coefficients, factors = analyse(part.copy(), plan, step)
    config = PyramidConfig(part.shape, plan, step)
    values, bits = estimated(config.lattice, coefficients, step, effort.prices[0], effort)
    packed = tuple(bases.pack(factors[axis], part.shape[axis]) for axis in sorted(factors))
    bits += 8.0 * sum(map(len, packed)) * part.size / whole
    config = PyramidConfig(part.shape, plan, step, factors=packed)
    decoded = in_lattice(config.lattice, values)
    dequantise(decoded, config)
    error = synthesise(decoded, config, 0)
    error -= part
    return bits, float(np.square(error, dtype=np.float64).sum())


def central_part(array: Float32Array, samples: int) -> Float32Array:
    """About so many samples from the middle; the last two axes are cut first."""
    lengths = list(array.shape)
    first, last = lengths[:-2], lengths[-2:]
    while math.prod(first) * math.prod(last) > samples and max(last, default=0) > 32:
        axis = last.index(max(last))
        last[axis] = max(32, int(last[axis] * 0.9))
    while math.prod(first) * math.prod(last) > 2 * samples and max(first, default=0) > 64:
        axis = first.index(max(first))
        first[axis] = max(64, int(first[axis] * 0.9))
    cuts = tuple(
        slice((length - size) // 2, (length - size) // 2 + size)
        for length, size in zip(lengths, [*first, *last], strict=True)
    )
    return np.ascontiguousarray(array[cuts])
