"""The latent grid from the bands of its wavelet transform, and back.

Normative text: format_spec/architectures/fvsrn.md, "The grid from its coefficients". The transform
has as many coefficients as the grid has nodes, and symmetric boundaries, for grids of any size;
LFGC (Bussler 2023) pads with zeros and stores up to twice as many.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np

from codec.arrays import Float32Array, Float64Array
from inrc_plugins.architectures.fvsrn.config import WAVELETS, FvsrnConfig

BandT = TypeVar("BandT", bound=Any)
# A, B, C, D and K of the text.
_LIFTING = {
    WAVELETS["9/7"]: (
        -1.586134342059924,
        -0.052980118572961,
        0.882911075530934,
        0.443506852043971,
        1.149604398860241,
    ),
    WAVELETS["5/3"]: (-0.5, 0.25, 0.0, 0.0, 1.4142135623730951),
}


def nodal_grid(
    config: FvsrnConfig, parameters: Sequence[Float32Array]
) -> tuple[Float32Array, list[Float32Array]]:
    """The grid (F, G_1, ..., G_d) float32, and the tensors after it.

    Args:
        parameters: all tensors of the config in coding order.
    """
    count = len(config.latent_tensors())
    latent, layers = parameters[:count], list(parameters[count:])
    if config.wavelet is None:
        return latent[0], layers
    number = config.wavelet.number

    def merge(low: Float64Array, high: Float64Array, axis: int) -> Float64Array:
        return joined(np.concatenate([low, high], axis), axis, number)

    grid = rebuild(config, [band.astype(np.float64) for band in latent], merge)
    return np.ascontiguousarray(grid, dtype=np.float32), layers


def rebuild(
    config: FvsrnConfig, bands: Sequence[BandT], merge: Callable[[BandT, BandT, int], BandT]
) -> BandT:
    """The grid of bands (F, N), NumPy or torch.

    Args:
        merge: synthesis along an axis of an array, from its low and its high half.
    """
    sizes = config.boxes()
    box: BandT = bands[0].reshape(config.features, *sizes[-1])
    for size, details in zip(sizes[-2::-1], bands[1:], strict=True):
        boxes = [box]
        for shape, part in _detail_boxes(size):
            boxes.append(details[:, part].reshape(config.features, *shape))
        for axis in range(config.axes, 0, -1):
            boxes = [
                merge(low, high, axis) for low, high in zip(boxes[::2], boxes[1::2], strict=True)
            ]
        (box,) = boxes
    return box


def bands_of(config: FvsrnConfig, grid: Float32Array) -> list[Float32Array]:
    """The bands (F, N) float32 whose grid is `grid`; the grid itself without a wavelet."""
    if config.wavelet is None:
        return [grid]
    bands: list[Float32Array] = []
    box: Float64Array = grid.astype(np.float64)
    for size in config.boxes()[:-1]:
        for axis in range(1, config.axes + 1):
            box = parted(box, axis, config.wavelet.number)
        details = []
        for corner in _corners(config.axes):
            halves = [
                slice(-(-length // 2), None) if high else slice(-(-length // 2))
                for length, high in zip(size, corner, strict=True)
            ]
            details.append(box[(slice(None), *halves)].reshape(config.features, -1))
        bands.append(np.concatenate(details, axis=1).astype(np.float32))
        box = box[(slice(None), *(slice(-(-length // 2)) for length in size))]
    bands.append(box.reshape(config.features, -1).astype(np.float32))
    return bands[::-1]


def _corners(axes: int) -> Iterator[tuple[int, ...]]:
    """The boxes of details, in coding order."""
    return itertools.islice(itertools.product((0, 1), repeat=axes), 1, None)


def _detail_boxes(size: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], slice]]:
    """Size of each box of details of a box of `size`, and where it lies in its tensor."""
    start = 0
    for corner in _corners(len(size)):
        shape = tuple(
            length // 2 if high else -(-length // 2)
            for length, high in zip(size, corner, strict=True)
        )
        end = start + math.prod(shape)
        yield shape, slice(start, end)
        start = end


@cache
def synthesis_matrix(length: int, wavelet: int) -> Float64Array:
    """Synthesis of a line as a matrix (length, length)."""
    return joined(np.eye(length), 0, wavelet)


def joined(array: Float64Array, axis: int, wavelet: int) -> Float64Array:
    """Synthesis of every line along an axis: its low half, then its high one, become samples."""
    if array.shape[axis] <= 1 or not array.size:
        return array
    lines = np.moveaxis(array, axis, 0)
    half = (len(lines) + 1) // 2
    a, b, c, d, scale = _LIFTING[wavelet]
    even, odd = lines[:half] / scale, lines[half:] * scale
    even = even - d * _beside_even(odd, half)
    odd = odd - c * _beside_odd(even, len(odd))
    even = even - b * _beside_even(odd, half)
    odd = odd - a * _beside_odd(even, len(odd))
    out = np.empty_like(lines)
    out[0::2], out[1::2] = even, odd
    return np.moveaxis(out, 0, axis)


def parted(array: Float64Array, axis: int, wavelet: int) -> Float64Array:
    """The inverse of `joined`."""
    if array.shape[axis] <= 1 or not array.size:
        return array
    lines = np.moveaxis(array, axis, 0)
    even, odd = lines[0::2], lines[1::2]
    half = len(even)
    a, b, c, d, scale = _LIFTING[wavelet]
    odd = odd + a * _beside_odd(even, len(odd))
    even = even + b * _beside_even(odd, half)
    odd = odd + c * _beside_odd(even, len(odd))
    even = even + d * _beside_even(odd, half)
    return np.moveaxis(np.concatenate([even * scale, odd / scale]), 0, axis)


def _beside_even(odd: Float64Array, count: int) -> Float64Array:
    """Sum of the two neighbours of `count` even samples; a missing one is replaced by the other."""
    index = np.arange(count)
    left, right = np.maximum(index - 1, 0), np.minimum(index, len(odd) - 1)
    return np.asarray(odd[left] + odd[right])


def _beside_odd(even: Float64Array, count: int) -> Float64Array:
    """Sum of the two neighbours of `count` odd samples."""
    index = np.arange(count)
    return np.asarray(even[index] + even[np.minimum(index + 1, len(even) - 1)])
