"""The integer tables of the mixing coder.

Normative text: format_spec/inrc-1.md, section 7.4. All are derived here from 89 published integers
by integer arithmetic, so that they are the same on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from codec.arrays import Float32Array, Int16Array, Int32Array, Int64Array, UInt8Array, UInt16Array

# round(65536 / (1 + e^(-v / 256))) for v = -2816, -2752, ..., 2816.
KNOTS = (
    1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 28, 36, 47, 60, 77, 98, 126, 162, 208, 267, 342,
    439, 562, 720, 922, 1179, 1506, 1921, 2446, 3108, 3938, 4971, 6249, 7812, 9702, 11955, 14595,
    17625, 21025, 24743, 28693, 32768, 36843, 40793, 44511, 47911, 50941, 53581, 55834, 57724,
    59287, 60565, 61598, 62428, 63090, 63615, 64030, 64357, 64614, 64816, 64974, 65097, 65194,
    65269, 65328, 65374, 65410, 65438, 65459, 65476, 65489, 65500, 65508, 65514, 65519, 65523,
    65526, 65528, 65530, 65531, 65532, 65533, 65534, 65534, 65535, 65535,
)  # fmt: skip
REACH = 2815
PROBABILITY_BITS = 22
COUNT_LIMIT = 100
CLAMPED = 1 << 14


class Tables(NamedTuple):
    """Look-up tables, in the smallest types, so that they stay in the processor's cache.

    Attributes:
        squash: probability of a one in 1/65536 of the logit v / 256, at index v + 2815.
        stretch: logit in 1/256 of a probability given in 1/4096.
        rate: step of an adaptive probability, in 1/65536, after so many updates.
        fine, middle, rough: level of 0..16383 on a logarithmic scale with 4, 2, 1 levels an octave.
        cost: bits that a probability in 1/65536 costs, float32 (the encoder's alone).
    """

    squash: UInt16Array
    stretch: Int16Array
    rate: Int32Array
    fine: UInt8Array
    middle: UInt8Array
    rough: UInt8Array
    cost: Float32Array


def _squash() -> Int64Array:
    logits = np.arange(-REACH, REACH + 1) + 2816
    knots = np.array(KNOTS, np.int64)
    part = logits & 63
    low, high = knots[logits >> 6], knots[(logits >> 6) + 1]
    chances: Int64Array = np.clip((low * (64 - part) + high * part + 32) >> 6, 1, 65535)
    return chances


def _stretch(squash: Int64Array) -> Int64Array:
    """The least logit whose probability is at least 16 i + 8."""
    wanted = 16 * np.arange(4096, dtype=np.int64) + 8
    return np.minimum(np.searchsorted(squash, wanted), 2 * REACH) - REACH


def _levels(octave_bits: int, highest: int) -> Int64Array:
    """Levels of 0, 1, ... with 2^octave_bits levels an octave; 0 has level 0, 1 level 1."""
    values = np.arange(CLAMPED, dtype=np.int64)
    # Exact: these values are far below 2^53.
    octaves = np.frexp(np.maximum(values, 1).astype(np.float64))[1].astype(np.int64) - 1
    parts = ((values << octave_bits) >> octaves) - (1 << octave_bits)
    levels: Int64Array = np.minimum(highest, 1 + (octaves << octave_bits) + parts)
    levels[0] = 0
    return levels


def _make() -> Tables:
    squash = _squash()
    probabilities = np.maximum(np.arange(65537), 0.5)
    return Tables(
        squash=squash.astype(np.uint16),
        stretch=_stretch(squash).astype(np.int16),
        rate=(131072 // (2 * np.arange(COUNT_LIMIT + 1) + 3)).astype(np.int32),
        fine=_levels(2, 47).astype(np.uint8),
        middle=_levels(1, 23).astype(np.uint8),
        rough=_levels(0, 11).astype(np.uint8),
        cost=(16 - np.log2(probabilities)).astype(np.float32),
    )


TABLES = _make()
