"""Masks coded bit by bit with mixed chances, in raster order.

Normative text: format_spec/inrc-1.md, section 8.2.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from codec.compiling import compiled
from codec.entropy.mixing.range_coder import (
    Coder,
    adapt,
    code_bit,
    finish_encoder,
    new_decoder,
    new_encoder,
    uncounted,
)
from codec.entropy.mixing.tables import REACH, TABLES

Mask = npt.NDArray[np.bool_]
INPUTS = 4
PLANE = 8192
ROWS = 16
FIRST_WEIGHT = 26214
FIRST_GUESS = 1 << 21
_PAD = 2


class _Memory(NamedTuple):
    slots: npt.NDArray[np.int32]
    counts: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.int64]
    contexts: npt.NDArray[np.int64]
    stretched: npt.NDArray[np.int64]


def encode_mixed_mask(mask: Mask) -> bytes:
    """The coded bits of a mask without axes of length 1."""
    cells, inner = _padded(mask.shape)
    cells[inner] = mask.reshape(cells[inner].shape)
    coder = new_encoder(1024 + 4 * mask.size)
    _run(coder, 1, cells)
    return finish_encoder(coder)


def decode_mixed_mask(data: bytes, shape: tuple[int, ...]) -> Mask:
    """The mask of that shape; every string of bytes is one."""
    cells, inner = _padded(shape)
    _run(new_decoder(data), 0, cells)
    return cells[inner].reshape(shape).astype(np.bool_)


def _padded(shape: tuple[int, ...]) -> tuple[npt.NDArray[np.int8], tuple[slice, ...]]:
    """Slices of rows with a margin of zeros, and where the mask lies in it."""
    rows, columns = (1, 1, *shape)[-2:]
    slices = math.prod(shape[:-2])
    inner = (slice(1, None), slice(_PAD, -_PAD), slice(_PAD, -_PAD))
    return np.zeros((slices + 1, rows + 2 * _PAD, columns + 2 * _PAD), np.int8), inner


def _run(coder: Coder, encoding: int, cells: npt.NDArray[np.int8]) -> None:
    memory = _Memory(
        slots=np.full(INPUTS * PLANE, -1, np.int32),
        counts=np.zeros(INPUTS * PLANE, np.uint8),
        weights=np.full((ROWS, INPUTS), FIRST_WEIGHT, np.int64),
        contexts=np.zeros(INPUTS, np.int64),
        stretched=np.zeros(INPUTS, np.int64),
    )
    _code_mask(coder, encoding, cells, memory, TABLES)


@compiled(inline="always")
def _set_contexts(y: Any, u: Any, j: Any, k: Any, first: Any, contexts: Any) -> Any:
    """The four contexts of a bit; gives the row of weights."""
    r = np.int64(y[j, k - 1]) + 2 * y[j, k - 2]
    q = np.int64(y[j - 1, k - 1]) + 2 * y[j - 1, k] + 4 * y[j - 1, k + 1]
    q += 8 * y[j - 1, k + 2] + 16 * y[j - 1, k - 2]
    z = np.int64(u[j, k]) + 2 * u[j, k + 1] + 4 * u[j + 1, k] + 8 * u[j, k - 1]
    z += 16 * u[j - 1, k] + 32 * u[j + 1, k + 1] + 64 * u[j + 1, k - 1]
    z += 128 * np.int64(u[j - 1, k + 1]) + 256 * np.int64(u[j - 1, k - 1])
    e = np.int64(y[j - 2, k]) + 2 * y[j - 2, k - 1] + 4 * y[j - 2, k + 1]
    f = np.int64(u[j, k + 2]) + 2 * u[j + 2, k] + 4 * u[j, k - 2] + 8 * u[j - 2, k]
    contexts[0] = r + 4 * q + 128 * ((z & 1) + 2 * first)
    contexts[1] = PLANE + (r & 1) + 2 * (q & 7) + 16 * z
    contexts[2] = 2 * PLANE + r + 4 * q + 128 * e + 1024 * (z & 7)
    contexts[3] = 3 * PLANE + (z & 31) + 32 * f + 512 * ((r & 1) + 2 * (q & 7))
    return (z & 1) + 2 * (r & 1) + 4 * ((q >> 1) & 1) + 8 * first


@uncounted
def _code_mask(coder: Any, encoding: Any, cells: Any, memory: Any, tables: Any) -> None:
    for i in range(1, cells.shape[0]):
        y, u = cells[i], cells[i - 1]
        first = 1 if i == 1 else 0
        for j in range(_PAD, cells.shape[1] - _PAD):
            for k in range(_PAD, cells.shape[2] - _PAD):
                row = _set_contexts(y, u, j, k, first, memory.contexts)
                total: Any = np.int64(0)
                for n in range(INPUTS):
                    slot = np.int64(memory.slots[memory.contexts[n]])
                    logit = np.int64(tables.stretch[(slot if slot >= 0 else FIRST_GUESS) >> 10])
                    memory.stretched[n] = logit
                    total += memory.weights[row, n] * logit
                total = min(max(total >> 16, -REACH), REACH)
                chance = np.int64(tables.squash[total + REACH])
                bit = code_bit(coder, encoding, chance, np.int64(y[j, k]))
                error = ((bit << 16) - chance) * 4
                for n in range(INPUTS):
                    change = (memory.stretched[n] * error + (1 << 17)) >> 18
                    weight = memory.weights[row, n] + change
                    memory.weights[row, n] = min(max(weight, -(1 << 20)), 1 << 20)
                    slot = memory.contexts[n]
                    if memory.slots[slot] < 0:
                        memory.slots[slot] = FIRST_GUESS
                    adapt(memory.slots, memory.counts, slot, bit, tables)
                y[j, k] = bit
