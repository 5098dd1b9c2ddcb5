"""Masks coded bit by bit with mixed chances, in raster order.

Normative text: format_spec/inrc-1.md, section 8.2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Int8Array
from codec.entropy.compilation import inlined, kernel
from codec.entropy.mixing.chances import code_mixed, new_mixer
from codec.entropy.mixing.range_coder import Coder, finish_encoder, new_decoder, new_encoder
from codec.entropy.mixing.tables import TABLES

INPUTS = 4
PLANE = 8192
ROWS = 16
FIRST_WEIGHT = 26214
_PAD = 2


def encode_mixed_mask(mask: BoolArray) -> bytes:
    """The coded bits of a mask without axes of length 1."""
    cells, inner = _padded(mask.shape)
    cells[inner] = mask.reshape(cells[inner].shape)
    coder = new_encoder(1024 + 4 * mask.size)
    _run(coder, cells)
    return finish_encoder(coder)


def decode_mixed_mask(data: bytes, shape: tuple[int, ...]) -> BoolArray:
    """The mask of that shape; every string of bytes is one."""
    cells, inner = _padded(shape)
    _run(new_decoder(data), cells)
    return cells[inner].reshape(shape).astype(np.bool_)


def _padded(shape: tuple[int, ...]) -> tuple[Int8Array, tuple[slice, ...]]:
    """Slices of rows with a margin of zeros, and where the mask lies in it."""
    rows, columns = (1, 1, *shape)[-2:]
    slices = math.prod(shape[:-2])
    inner = (slice(1, None), slice(_PAD, -_PAD), slice(_PAD, -_PAD))
    return np.zeros((slices + 1, rows + 2 * _PAD, columns + 2 * _PAD), np.int8), inner


def _run(coder: Coder, cells: Int8Array) -> None:
    mixer = new_mixer(INPUTS, INPUTS * PLANE, ROWS, FIRST_WEIGHT)
    _code_mask(coder, cells, mixer, TABLES)


@inlined
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


@kernel
def _code_mask(coder: Any, cells: Any, mixer: Any, tables: Any) -> None:
    for i in range(1, cells.shape[0]):
        y, u = cells[i], cells[i - 1]
        first = 1 if i == 1 else 0
        for j in range(_PAD, cells.shape[1] - _PAD):
            for k in range(_PAD, cells.shape[2] - _PAD):
                row = _set_contexts(y, u, j, k, first, mixer.contexts)
                y[j, k] = code_mixed(coder, mixer, INPUTS, row, np.int64(y[j, k]), tables)
