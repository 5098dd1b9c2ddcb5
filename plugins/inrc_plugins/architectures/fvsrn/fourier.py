"""Fourier features: of single axes by octave, and of Gaussian rows.

Normative text: format_spec/architectures/fvsrn.md, "Rows" and "Evaluation". Phases are float64, for
those of high octaves need the digits.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from codec.arrays import Float64Array, Int64Array, UInt64Array
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig

_INCREMENT = 0x9E3779B97F4A7C15
_MIXERS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
# Numbers of 64 bits for one entry; their sixteen-bit words have this sum on average.
_NUMBERS, _MEAN = 3, 393210


def axis_features(axis: Float64Array, raw: bool, octaves: int) -> Float64Array:
    """(n, raw + 2 octaves) float64: the positions in [0, 1] if `raw`, cosines, sines."""
    angles = 2 * np.pi * axis[:, None] * 2.0 ** np.arange(octaves)
    position = axis[:, None][:, :raw]
    return np.concatenate([position, np.cos(angles), np.sin(angles)], axis=1)


@lru_cache(maxsize=16)
def row_matrix(config: FvsrnConfig) -> Float64Array:
    """(M, d) float64: the Gaussian rows, 0 along the time axis; M is 0 without rows."""
    matrix = np.zeros((config.row_count, config.axes))
    if config.rows is not None:
        axes = config.space_axes
        first = np.arange(config.rows.count * len(axes), dtype=np.uint64) * np.uint64(_NUMBERS)
        each = [
            _split_mix(first + np.uint64(number), config.rows.seed)
            for number in range(1, _NUMBERS + 1)
        ]
        words = np.sum([_sum_of_words(numbers) for numbers in each], axis=0) - _MEAN
        entries = config.rows.scale * words / 2.0**24
        matrix[:, axes] = entries.reshape(config.rows.count, len(axes))
    return matrix


def _split_mix(number: UInt64Array, seed: int) -> UInt64Array:
    """Outputs of SplitMix64, of the given (uint64) numbers; arithmetic wraps around."""
    mixed = np.uint64(seed) + number * np.uint64(_INCREMENT)
    for shift, factor in _MIXERS:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _sum_of_words(numbers: UInt64Array) -> Int64Array:
    words = [(numbers >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (0, 16, 32, 48)]
    return np.asarray(sum(words), dtype=np.int64)
