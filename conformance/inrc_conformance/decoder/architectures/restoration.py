"""Restoration networks of the pyramid.

The package has copies of their files, so that the decoder needs no others; `differences` compares
a copy with the file of the format.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from .plan import Float64Array

FILES = {1: "image-1.json", 2: "image-2.json"}
_UNIT = 64
"""The weight of a correction that is added as it is."""
_COPIES = Path(__file__).resolve().parent / "networks"


@dataclass(frozen=True)
class Layer:
    """One layer: integers that are divided by 2^bits, the weights as [out][rows][columns][in]."""

    bits: int
    shape: tuple[int, int, int, int]
    weights: tuple[int, ...]
    biases: tuple[int, ...]


@dataclass(frozen=True)
class Network:
    """Layers that see blocks of fold x fold samples as one position."""

    fold: int
    layers: tuple[Layer, ...]

    @property
    def multiply_adds(self) -> int:
        """Weights for each sample, without the biases: divided by fold^2 and rounded up."""
        return -(-sum(math.prod(layer.shape) for layer in self.layers) // self.fold**2)


@cache
def network_of(number: int) -> Network:
    """Read the copy of a network's file."""
    file = json.loads((_COPIES / FILES[number]).read_text(encoding="utf-8"))
    layers = [
        Layer(layer["bits"], tuple(layer["shape"]), tuple(layer["weights"]), tuple(layer["biases"]))
        for layer in file["layers"]
    ]
    return Network(file["fold"], tuple(layers))


def differences(file: Path) -> list[str]:
    """Compare a file of `networks/` with the copy of its name; empty when all bytes agree."""
    copy = _COPIES / file.name
    if not copy.is_file():
        return [f"{file.name} has no copy"]
    return [] if copy.read_bytes() == file.read_bytes() else [f"{file.name} differs"]


def restored(
    samples: Float64Array, step: float, networks: Sequence[tuple[Network, int]]
) -> Float64Array:
    """Add the weighted corrections to samples of the shape (components, rows, columns).

    All networks see the samples as they were.
    """
    out = samples.astype(np.float64)
    for network, weight in networks:
        out += step * weight / _UNIT * _correction(samples / step, network)
    return out


def _correction(samples: Float64Array, network: Network) -> Float64Array:
    """Return the correction of a network for samples that are divided by the step."""
    _, rows, columns = samples.shape
    values = _folded(_continued(samples, network.fold), network.fold)
    for number, layer in enumerate(network.layers):
        values = _apply(layer, values)
        if number < len(network.layers) - 1:
            values = np.maximum(values, 0)
    return _unfolded(values, network.fold)[:, :rows, :columns]


def _continued(values: Float64Array, fold: int) -> Float64Array:
    """Continue rows and columns to multiples of fold."""
    _, rows, columns = values.shape
    return np.pad(values, ((0, 0), (0, -rows % fold), (0, -columns % fold)), mode="edge")


def _folded(values: Float64Array, fold: int) -> Float64Array:
    """Make channel fold^2 c + fold u + v of row fold i + u, column fold j + v of component c."""
    components, rows, columns = values.shape
    split = values.reshape(components, rows // fold, fold, columns // fold, fold)
    return split.transpose(0, 2, 4, 1, 3).reshape(-1, rows // fold, columns // fold)


def _unfolded(values: Float64Array, fold: int) -> Float64Array:
    """Undo `_folded`."""
    _, rows, columns = values.shape
    split = values.reshape(-1, fold, fold, rows, columns)
    return split.transpose(0, 3, 1, 4, 2).reshape(-1, rows * fold, columns * fold)


def _surrounded(values: Float64Array) -> Float64Array:
    """Put a position around the folded array, with the values of the nearest inside."""
    return np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="edge")


def _apply(layer: Layer, values: Float64Array) -> Float64Array:
    """Return the sums of one layer at each position."""
    weights = np.array(layer.weights, dtype=np.float64).reshape(layer.shape) / 2.0**layer.bits
    biases = np.array(layer.biases, dtype=np.float64) / 2.0**layer.bits
    _, rows, columns = values.shape
    wide = _surrounded(values)
    out = np.zeros((len(biases), rows, columns), dtype=np.float64) + biases[:, None, None]
    for row in range(3):
        for column in range(3):
            part = wide[:, row : row + rows, column : column + columns]
            out += np.tensordot(weights[:, row, column, :], part, axes=1)
    return out
