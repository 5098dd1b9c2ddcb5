"""What the kernels of the mixing coder work on: constants, what is learned, and views of a band.

Normative text: format_spec/inrc-1.md, section 7.4; names of its quantities are used here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

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

Integers = npt.NDArray[np.int64]
Cells = npt.NDArray[np.int16]
Levels = npt.NDArray[np.uint16]


class Memory(NamedTuple):
    """What has been learned: probabilities (22 bits), how often updated, and mixing weights."""

    slots: npt.NDArray[np.int32]
    slot_counts: npt.NDArray[np.uint8]
    weights: Integers
    zeros: npt.NDArray[np.int32]
    zero_counts: npt.NDArray[np.uint8]
    lows: npt.NDArray[np.int32]
    low_counts: npt.NDArray[np.uint8]
    signs: npt.NDArray[np.int32]
    sign_counts: npt.NDArray[np.uint8]


class Neighbours(NamedTuple):
    """Causal neighbours of a cell, int64.

    Attributes:
        offsets: (taps, 4), along each axis.
        steps: (taps,) distances in the padded cells; value_steps: in the values.
        weights: (taps,).
        backward: (4,) distances in the cells to the one before along axes 3, 2, 1, 0; 0 where an
            axis has size 1.
        padded, strides: (4,) strides of the padded cells and of the values.
        origin: index of the first cell in the padded cells.
    """

    offsets: Integers
    steps: Integers
    value_steps: Integers
    weights: Integers
    backward: Integers
    padded: Integers
    strides: Integers
    origin: int


class Band(NamedTuple):
    """One band to be coded.

    Attributes:
        kind: selects contexts.
        predicted: 1 for the low band.
        shape: four lengths.
        parent, parent_shape, shifts: parent levels (flat; empty if none), their lengths, halvings.
        siblings: sibling levels of every coefficient, flat; empty if none.
    """

    kind: int
    predicted: int
    shape: Integers
    parent: Levels
    parent_shape: Integers
    shifts: Integers
    siblings: Levels


class Scratch(NamedTuple):
    """Working arrays of one band.

    Attributes:
        cells, levels: signed magnitudes of the cells coded so far, padded, and their fine levels.
        others: per-cell vectors.
    """

    cells: Cells
    levels: npt.NDArray[np.uint8]
    differences: Integers
    gains: Integers
    features: Integers
    trust: Integers
    contexts: Integers
    stretched: Integers
    place: Integers


def new_memory() -> Memory:
    """What is known before anything was coded."""
    slots = INPUTS * PLANE
    rows = DECISIONS * WEIGHT_SETS
    return Memory(
        slots=np.full(slots, -1, np.int32),
        slot_counts=np.zeros(slots, np.uint8),
        weights=np.full((rows, INPUTS), FIRST_WEIGHT, np.int64),
        zeros=np.full(64, 1 << 18, np.int32),
        zero_counts=np.zeros(64, np.uint8),
        lows=np.full(64, 1 << 21, np.int32),
        low_counts=np.zeros(64, np.uint8),
        signs=np.full(4160, 1 << 21, np.int32),
        sign_counts=np.zeros(4160, np.uint8),
    )
