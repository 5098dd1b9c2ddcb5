"""Coefficients to integers and their segments, by the coder of an effort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from codec.arrays import Float32Array, Int32Array
from codec.entropy.coder_numbers import MIXING, STATIC_LATTICE
from codec.entropy.lattice import Lattice, Segment
from codec.entropy.lattice_coding import encode_integers
from inrc_plugins.architectures.pyramid.efforts import Effort
from inrc_plugins.architectures.pyramid.lifting import compiled
from inrc_plugins.architectures.pyramid.magnitudes import Coefficients

# Magnitudes of the static coder are rounded down from up to so much below the next integer: what
# rate-distortion optimisation does on average.
ROUNDING = np.float32(0.36)
# Magnitudes are cut off here: trials of plans may have steps that are far too small.
_GREATEST = np.float32(1 << 26)


def quantised(
    lattice: Lattice,
    coefficients: Float32Array,
    step: float,
    price: float,
    effort: Effort,
    threads: int = 1,
) -> tuple[Int32Array, list[Segment]]:
    """Integers, and their segments from coarse to fine.

    Integers of the mixing coder are in coding order, those of the static coder in the shape of the
    lattice; see `in_lattice`.

    Args:
        coefficients: float32 of the lattice's shape.
        step: quantisation step.
        price: squared error, in squared steps, that a bit is worth; 0 rounds every coefficient.
        effort: which coder is used, and how often it chooses.
        threads: blocks of the static coder that are coded at once.
    """
    if effort.static:
        from codec.entropy.static.encoder import Choice, StaticEncoder

        values = rounded(coefficients, step)
        low = lattice.bands[0].box
        coarse = values[low].copy()
        choice = Choice(coefficients, step, price) if price else None
        segments = StaticEncoder(lattice, values, threads, choice=choice).segments()
        values[low] = coarse
        return values, segments
    from codec.entropy.mixing.coder import quantise_lattice

    return quantise_lattice(lattice, coefficients, step, price, effort.passes)


def estimated(
    lattice: Lattice, coefficients: Float32Array, step: float, price: float, effort: Effort
) -> tuple[Coefficients, float]:
    """Integers as `quantised` gives them, and how many bits their segments have, about."""
    if effort.static:
        from codec.entropy.static.encoder import Choice, StaticEncoder

        values = rounded(coefficients, step)
        low = lattice.bands[0].box
        coarse = values[low].copy()
        choice = Choice(coefficients, step, price) if price else None
        bits = StaticEncoder(lattice, values, choice=choice).estimated_bits()
        values[low] = coarse
        return values, bits
    integers, segments = quantised(lattice, coefficients, step, price, effort)
    return integers, 8.0 * sum(len(segment.data) for segment in segments)


def coded_integers(lattice: Lattice, values: Int32Array, effort: Effort) -> list[Segment]:
    """Segments of integers in coding order, from coarse to fine."""
    return encode_integers(lattice, values, STATIC_LATTICE if effort.static else MIXING)


def in_lattice(lattice: Lattice, values: Coefficients) -> Float32Array:
    """Integers, in coding order or not, as float32 in the shape of their lattice."""
    if values.ndim > 1:
        return values.astype(np.float32)
    array = np.empty(lattice.shape, np.float32)
    lattice.scatter(values, array)
    return array


def decoded_segments(lattice: Lattice, segments: Sequence[Segment]) -> Int32Array:
    """The integers of the segments of one coder, as `quantised` gives them."""
    if segments[0].coder == MIXING:
        from codec.entropy.mixing.coder import LatticeDecoder

        decoder = LatticeDecoder(lattice)
        return np.concatenate([decoder.decode(part.count, part.data) for part in segments])
    from codec.entropy.static.lattice_decoder import StaticLattice

    static = StaticLattice(lattice)
    for part in segments:
        static.decode(part.count, part.data)
    return static.values


def rounded(coefficients: Float32Array, step: float) -> Int32Array:
    """Integers with a wide zone of zero, in the shape of the coefficients."""
    values = np.empty(coefficients.shape, np.int32)
    _round(coefficients.reshape(-1), np.float32(1 / step), values.reshape(-1))
    return values


@compiled
def _round(coefficients: Any, scale: Any, values: Any) -> None:
    for at in range(values.size):
        scaled = coefficients[at] * scale
        magnitude = np.int32(min(abs(scaled) + ROUNDING, _GREATEST))
        values[at] = -magnitude if scaled < 0 else magnitude
