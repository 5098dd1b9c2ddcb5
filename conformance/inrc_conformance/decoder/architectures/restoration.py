"""Restoration networks of the pyramid."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .plan import Float64Array


@dataclass(frozen=True)
class Layer:
    """One layer: integers that are divided by 2^bits, the weights as [out][rows][columns][in]."""

    bits: int
    shape: tuple[int, int, int, int]
    weights: tuple[int, ...]
    biases: tuple[int, ...]


def weight_count(layers: Sequence[Layer]) -> int:
    """Return the number of weights, biases not counted."""
    return sum(math.prod(layer.shape) for layer in layers)


def restored(samples: Float64Array, step: float, layers: Sequence[Layer]) -> Float64Array:
    """Add what a network says to samples of the shape (components, rows, columns)."""
    values = samples / step
    for number, layer in enumerate(layers):
        values = _apply(layer, values)
        if number < len(layers) - 1:
            values = np.maximum(values, 0)
    return np.asarray(samples + values * step, dtype=np.float64)


def _apply(layer: Layer, values: Float64Array) -> Float64Array:
    """Return the sums of one layer at each position."""
    weights = np.array(layer.weights, dtype=np.float64).reshape(layer.shape) / 2.0**layer.bits
    biases = np.array(layer.biases, dtype=np.float64) / 2.0**layer.bits
    _, rows, columns = values.shape
    outputs, height, width, _ = layer.shape
    wide = np.pad(values, ((0, 0), (height // 2,) * 2, (width // 2,) * 2), mode="edge")
    out = np.zeros((outputs, rows, columns), dtype=np.float64) + biases[:, None, None]
    for row in range(height):
        for column in range(width):
            part = wide[:, row : row + rows, column : column + columns]
            out += np.tensordot(weights[:, row, column, :], part, axes=1)
    return out


def differences(layers: Sequence[Layer], file: Path) -> list[str]:
    """Compare a copy with the file of its network; empty when they agree."""
    rows = json.loads(file.read_text(encoding="utf-8"))["layers"]
    found = [
        Layer(r["bits"], tuple(r["shape"]), tuple(r["weights"]), tuple(r["biases"])) for r in rows
    ]
    return [] if found == list(layers) else [f"{file.name} differs"]
