"""Data of the kernels of the mixing coder: constants, memory, and views of a band.

Normative text: format_spec/inrc-1.md, section 7.4; names of its quantities are in brackets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from codec.arrays import Float32Array, Int16Array, Int32Array, Int64Array, UInt8Array, UInt16Array
from codec.entropy.mixing.chances import Chances, Mixer, new_chances, new_mixer

# Modes of a kernel: see `Task`.
DECODE, ENCODE, QUANTISE, REFINE = 0, 1, 2, 3
INPUTS = 5
DECISIONS = 32
CONTEXTS = 1024
WEIGHT_SETS = 16
LAST_INDEX = 54
HIGHEST = 16383
PLANE = DECISIONS * CONTEXTS
FIRST_WEIGHT = 19660
MAGNITUDE_LIMIT = 32767
VALUE_LIMIT = 1 << 27


class Memory(NamedTuple):
    """Memory of magnitudes and signs.

    Attributes:
        mixer: of the decisions of an index: slots [input][decision][context], weights
            [decision][weight set][input].
        zeros: whether a magnitude is not 0 where nothing around it is, by kind of band.
        lows: the highest of a magnitude's low bits, by index.
        signs: 1 for negative.
    """

    mixer: Mixer
    zeros: Chances
    lows: Chances
    signs: Chances


class Taps(NamedTuple):
    """Neighbours of a coefficient that are coded before it, int64.

    Attributes:
        offsets: (taps, 4), along each axis.
        steps: (taps,) distances in the padded cells; value_steps: in the values.
        weights: (taps,).
        norm: 2^20 over the sum of the weights.
        backward: (4,) distances in the cells to the neighbour before along axes 3, 2, 1, 0; 0 where
            an axis has size 1.
        padded, strides: (4,) strides of the padded cells and of the values.
        origin: index of the first cell in the padded cells.
    """

    offsets: Int64Array
    steps: Int64Array
    value_steps: Int64Array
    weights: Int64Array
    norm: int
    backward: Int64Array
    padded: Int64Array
    strides: Int64Array
    origin: int


class Band(NamedTuple):
    """A band to be coded.

    Attributes:
        kind: selects contexts.
        predicted: 1 for the low band.
        shape: four lengths.
        parent, parent_shape, shifts: parent levels (flat; empty if none), their lengths, halvings.
        siblings: sibling levels of every coefficient, flat; empty if none.
    """

    kind: int
    predicted: int
    shape: Int64Array
    parent: UInt16Array
    parent_shape: Int64Array
    shifts: Int64Array
    siblings: UInt16Array


class Task(NamedTuple):
    """Work to be done on a band.

    Attributes:
        mode: DECODE fills `values`; ENCODE codes `values`; QUANTISE fills them from `targets`;
            REFINE does so where `values` still hold what an earlier pass chose.
        values: int32, flat, the band's integers.
        targets: float32, flat, coefficients in steps (QUANTISE and REFINE).
        price: squared error, in squared steps, that a bit is worth; 0 rounds to nearest.
    """

    mode: int
    values: Int32Array
    targets: Float32Array
    price: np.float32


class Scratch(NamedTuple):
    """Working arrays of a band.

    Attributes:
        cells: int16, padded, what was coded in each cell, clipped.
        levels: uint8, padded, the FINE level of each cell.
        differences, gains: (taps,), of the prediction (d_k and u_k).
        features, trust: (taps + 3,), of the expected level (F_k and t_k).
        place: (4,), indices of the present coefficient within the band.
    """

    cells: Int16Array
    levels: UInt8Array
    differences: Int64Array
    gains: Int64Array
    features: Int64Array
    trust: Int64Array
    place: Int64Array


def new_memory() -> Memory:
    """Memory before anything was coded."""
    return Memory(
        mixer=new_mixer(INPUTS, INPUTS * PLANE, DECISIONS * WEIGHT_SETS, FIRST_WEIGHT),
        zeros=new_chances(64, 1 << 18),
        lows=new_chances(64),
        signs=new_chances(4160),
    )
