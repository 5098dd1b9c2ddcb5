"""Coding of the integers of a lattice by the coder that is asked for."""

from __future__ import annotations

import numpy as np

from codec.arrays import Int32Array
from codec.entropy.coder_numbers import STATIC_LATTICE
from codec.entropy.lattice import Lattice, Segment
from codec.errors import InvalidInputError


def encode_integers(
    lattice: Lattice, values: Int32Array, coder: int, threads: int = 1
) -> list[Segment]:
    """Segments of integers in coding order, from coarse to fine.

    The mixing coder, which learns to predict, also takes over where the static coder has no symbol
    for an integer.

    Args:
        lattice: what is coded.
        values: int32, all coefficients in coding order.
        coder: number of the coder, `STATIC_LATTICE` or that of mixing.
        threads: blocks of the static coder that are coded at once.

    Raises:
        InvalidInputError: an integer is too large for either coder.
    """
    if coder == STATIC_LATTICE:
        from codec.entropy.static.encoder import StaticEncoder

        array = np.empty(lattice.shape, np.int32)
        lattice.scatter(values, array)
        try:
            return StaticEncoder(lattice, array, threads).segments()
        except InvalidInputError:
            pass
    from codec.entropy.mixing.coder import encode_lattice

    return encode_lattice(lattice, values)
