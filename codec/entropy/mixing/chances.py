"""Adaptive chances, and bits that are coded with one of them or with a mixture of several.

Normative text: format_spec/inrc-1.md, section 7.4, paragraphs "An adaptive chance" and "A mixed
bit".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from codec.arrays import Int32Array, Int64Array, UInt8Array
from codec.entropy.compilation import inlined
from codec.entropy.mixing.range_coder import code_bit
from codec.entropy.mixing.tables import COUNT_LIMIT, PROBABILITY_BITS, REACH

CERTAIN = (1 << PROBABILITY_BITS) - 1
EVEN = 1 << (PROBABILITY_BITS - 1)
WEIGHT_LIMIT = 1 << 20
# Chance of a 1, in 1/65536, of a bit about which nothing is known.
HALF = 1 << 15
_NEVER_UPDATED = -1


class Chances(NamedTuple):
    """Adaptive chances.

    Attributes:
        probabilities: int32, that the bit is 1, in 1/2^22 (p in the normative text).
        updates: uint8, how many bits each has seen, at most `COUNT_LIMIT` (n).
    """

    probabilities: Int32Array
    updates: UInt8Array


class Mixer(NamedTuple):
    """Memory of mixed bits.

    Attributes:
        slots: the chances that are mixed; -1 where a bit never updated one.
        weights: (rows, inputs) int64, in 1/65536.
        contexts: (inputs,) int64, the slots of the next bits, set before these are coded.
        logits: (inputs,) int64, what the chances of the latest bit were when it was coded, in
            1/256.
    """

    slots: Chances
    weights: Int64Array
    contexts: Int64Array
    logits: Int64Array


def new_chances(count: int, probability: int = EVEN) -> Chances:
    """Chances that have seen no bit; `probability` is in 1/2^22."""
    return Chances(np.full(count, probability, np.int32), np.zeros(count, np.uint8))


def new_mixer(inputs: int, slots: int, rows: int, weight: int) -> Mixer:
    """A mixer of `inputs` chances that has seen no bit; `weight` is in 1/65536."""
    return Mixer(
        slots=new_chances(slots, _NEVER_UPDATED),
        weights=np.full((rows, inputs), weight, np.int64),
        contexts=np.zeros(inputs, np.int64),
        logits=np.zeros(inputs, np.int64),
    )


@inlined
def adapt(chances: Any, index: Any, bit: Any, tables: Any) -> Any:
    """Move a chance towards the bit that was coded with it."""
    probability = np.int64(chances.probabilities[index])
    updates = chances.updates[index]
    target = CERTAIN if bit else 0
    change = ((target - probability) * np.int64(tables.rate[updates])) >> 16
    chances.probabilities[index] = probability + change
    if updates < COUNT_LIMIT:
        chances.updates[index] += 1


@inlined
def direct_chance(chances: Any, index: Any) -> Any:
    """Chance of a direct bit, in 1/65536."""
    return min(max(np.int64(chances.probabilities[index]) >> 6, 1), 65535)


@inlined
def code_direct(coder: Any, chances: Any, index: Any, bit: Any, tables: Any) -> Any:
    """Code a direct bit: one with a single adaptive chance."""
    bit = code_bit(coder, direct_chance(chances, index), bit)
    adapt(chances, index, bit, tables)
    return bit


@inlined
def mixed_chance(mixer: Any, inputs: Any, offset: Any, row: Any, guess: Any, tables: Any) -> Any:
    """Chance of a mixed bit, in 1/65536: P in the normative text.

    Args:
        inputs: how many chances are mixed (N), a constant.
        offset: is added to every context.
        row: of the weights.
        guess: stands for chances that were never updated, in 1/2^22 (g).
    """
    total: Any = np.int64(0)
    for k in range(inputs):
        probability = np.int64(mixer.slots.probabilities[mixer.contexts[k] + offset])
        logit = np.int64(tables.stretch[(probability if probability >= 0 else guess) >> 10])
        mixer.logits[k] = logit
        total += mixer.weights[row, k] * logit
    total = min(max(total >> 16, -REACH), REACH)
    return np.int64(tables.squash[total + REACH])


@inlined
def learn_mixed(
    mixer: Any, inputs: Any, offset: Any, row: Any, guess: Any, error: Any, bit: Any, tables: Any
) -> Any:
    """Update the weights and the chances of the mixed bit that was coded last.

    Args:
        inputs, offset, row, guess: those of `mixed_chance`.
        error: of the chance, times how fast weights are learned: ((bit << 16) - P) R.
    """
    for k in range(inputs):
        weight = mixer.weights[row, k] + ((mixer.logits[k] * error + (1 << 17)) >> 18)
        mixer.weights[row, k] = min(max(weight, -WEIGHT_LIMIT), WEIGHT_LIMIT)
        slot = mixer.contexts[k] + offset
        if mixer.slots.probabilities[slot] < 0:
            mixer.slots.probabilities[slot] = guess
        adapt(mixer.slots, slot, bit, tables)


@inlined
def code_mixed(coder: Any, mixer: Any, inputs: Any, row: Any, bit: Any, tables: Any) -> Any:
    """Code a bit mixed from chances whose first guess is one half, with R = 4."""
    chance = mixed_chance(mixer, inputs, 0, row, EVEN, tables)
    bit = code_bit(coder, chance, bit)
    learn_mixed(mixer, inputs, 0, row, EVEN, ((bit << 16) - chance) * 4, bit, tables)
    return bit
