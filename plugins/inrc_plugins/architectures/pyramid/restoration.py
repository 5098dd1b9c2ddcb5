"""Restoration networks: small convolutional networks that undo some of the blur of quantisation.

Normative text: format_spec/architectures/pyramid.md, "Restoration". Weights are part of the package
(the same integers as format_spec/networks/), so that they add nothing to the size of a file. They
were trained by benchmarks/train_restoration.py; docs/adr/0006 reports their gain on images that
were not used in training.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

import numpy as np

from codec.arrays import BoolArray, Float32Array
from inrc_plugins.architectures.pyramid.lifting import compiled
from inrc_plugins.shared.sample_panels import Affine, from_panels, lanes_of

# Networks for images: one of full resolution and few channels, one of half the resolution and more
# channels.
IMAGES = (1, 2)
# Weights of corrections are integers from 1 to 255 in units of 1/64.
WEIGHT_UNIT, HIGHEST_WEIGHT = 64, 255
# Pairs of a network's number and its weight.
Restoration = tuple[tuple[int, int], ...]
_FILES = {1: "image-1.json", 2: "image-2.json"}
# Number of rows of folded samples computed at once. More rows would take more memory; fewer would
# repeat more of the work at the borders between bands.
_ROWS = 64


@dataclass(frozen=True)
class Layer:
    """Convolution of 3 x 3 with replicated borders.

    Attributes:
        weights: (out, 9 in) float32, tap after tap.
        biases: (out,) float32.
    """

    weights: Float32Array
    biases: Float32Array

    @cached_property
    def affine(self) -> Affine:
        """Map from taps (9 in) to channels (out)."""
        return Affine(self.weights, self.biases)


def known(number: int) -> bool:
    """Whether there is a network with this number."""
    return number in _FILES


def fits(number: int, lengths: tuple[int, ...], components: int) -> bool:
    """Whether the network applies to an item with active axes of these lengths."""
    return number in IMAGES and len(lengths) == 3 and components == 3


@dataclass(frozen=True)
class Network:
    """Convolutions between folding blocks of `fold` x `fold` samples into channels and back."""

    fold: int
    layers: tuple[Layer, ...]

    @property
    def multiply_adds(self) -> int:
        """Number of multiply-adds per position of the samples, rounded up."""
        return -(-sum(layer.weights.size for layer in self.layers) // self.fold**2)


@cache
def network(number: int) -> Network:
    """Network with a number that is `known`."""
    folder = resources.files("inrc_plugins.architectures.pyramid").joinpath("networks")
    content = json.loads(folder.joinpath(_FILES[number]).read_text("utf-8"))
    layers = []
    for row in content["layers"]:
        scale = np.float32(2.0 ** -row["bits"])
        weights = np.array(row["weights"], np.float32) * scale
        biases = np.array(row["biases"], np.float32) * scale
        layers.append(Layer(weights.reshape(len(biases), -1), biases))
    return Network(content["fold"], tuple(layers))


def restore(samples: Float32Array, chosen: Restoration, step: float, threads: int = 2) -> None:
    """Add the weighted corrections of networks to samples, in place.

    Args:
        samples: (3, rows, columns) float32.
        chosen: numbers of networks and their weights in 1/64.
        step: quantisation step of the coefficients, the unit the networks work in.
        threads: number of threads; the result does not depend on it.
    """
    corrections = [correction(samples, number, step, threads) for number, _ in chosen]
    for addend, (_, weight) in zip(corrections, chosen, strict=True):
        addend *= np.float32(weight / WEIGHT_UNIT)
        samples += addend


def fitted(
    original: Float32Array, samples: Float32Array, valid: BoolArray | None, step: float
) -> Restoration:
    """Weights of the networks with the least squared error; networks of weight 0 are left out.

    Args:
        original: (3, rows, columns) float32, the samples to encode.
        samples: (3, rows, columns) float32, the decoded samples without restoration.
        valid: mask of the samples that count; None for all.
        step: quantisation step of the coefficients.
    """
    corrections = [correction(samples, number, step) for number in IMAGES]
    missing = original - samples
    if valid is not None:
        corrections = [values[valid] for values in corrections]
        missing = missing[valid]
    columns = np.stack([values.ravel() for values in corrections], 1).astype(np.float64)
    weights, *_ = np.linalg.lstsq(columns, missing.ravel().astype(np.float64))
    whole = np.clip(np.rint(weights * WEIGHT_UNIT), 0, HIGHEST_WEIGHT).astype(int)
    return tuple((number, int(w)) for number, w in zip(IMAGES, whole, strict=True) if w)


def correction(samples: Float32Array, number: int, step: float, threads: int = 2) -> Float32Array:
    """Correction of a network to samples (3, rows, columns), in the samples' unit."""
    chosen = network(number)
    source = _folded(samples / np.float32(step), chosen.fold)
    corrected = np.empty_like(source)
    rows = source.shape[1]

    def work(start: int) -> None:
        stop = min(start + _ROWS, rows)
        corrected[:, start:stop] = _band(chosen.layers, source, start, stop)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, range(0, rows, _ROWS)):
            pass
    corrected *= np.float32(step)
    return _unfolded(corrected, chosen.fold)[:, : samples.shape[1], : samples.shape[2]]


def _folded(samples: Float32Array, fold: int) -> Float32Array:
    """Samples (components, rows, columns) as (components fold^2, rows / fold, columns / fold).

    Borders are replicated to whole blocks of fold x fold samples.
    """
    count, rows, columns = samples.shape
    padded = np.pad(samples, ((0, 0), (0, -rows % fold), (0, -columns % fold)), mode="edge")
    blocks = padded.reshape(count, -(-rows // fold), fold, -(-columns // fold), fold)
    places = blocks.transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(places).reshape(-1, *places.shape[3:])


def _unfolded(values: Float32Array, fold: int) -> Float32Array:
    """Inverse of `_folded`; samples that it padded are still there."""
    _, rows, columns = values.shape
    blocks = values.reshape(-1, fold, fold, rows, columns).transpose(0, 3, 1, 4, 2)
    return blocks.reshape(-1, rows * fold, columns * fold)


def _band(layers: tuple[Layer, ...], source: Float32Array, start: int, stop: int) -> Float32Array:
    """Correction of the rows start..stop - 1, in units of the quantisation step."""
    rows, columns = source.shape[1:]
    low, high = max(0, start - len(layers)), min(rows, stop + len(layers))
    values = source[:, low:high]
    for number, layer in enumerate(layers):
        # Each layer needs one row less on either side than the one before.
        left = len(layers) - 1 - number
        first, last = max(0, start - left), min(rows, stop + left)
        above, below = int(first == low), int(last == high)
        padded = np.pad(values, ((0, 0), (above, below), (1, 1)), mode="edge")
        count, lanes = (last - first) * columns, lanes_of(np.float32)
        taps = np.empty((-(-count // lanes), layer.weights.shape[1], lanes), np.float32)
        _fill_taps(padded, columns, count, taps)
        panels = layer.affine(taps)
        if number < len(layers) - 1:
            np.maximum(panels, 0, out=panels)
        values = from_panels(panels, count).reshape(-1, last - first, columns)
        low, high = first, last
    return values


@compiled
def _fill_taps(padded: Any, columns: Any, count: Any, panels: Any) -> Any:
    """Fill panels with the 3 x 3 neighbours of `count` positions, and zeros after the last.

    Args:
        padded: (in, rows + 2, columns + 2) values with their replicated borders.
        columns: length of a row.
        count: number of positions.
        panels: (panels, 9 in, lanes), filled.
    """
    channels, lanes = padded.shape[0], panels.shape[2]
    for panel in range(panels.shape[0]):
        first = panel * lanes
        row, column = first // columns, first % columns
        in_a_row = column + lanes <= columns
        for tap in range(9):
            i, j = tap // 3, tap % 3
            for channel in range(channels):
                term = tap * channels + channel
                if in_a_row:
                    line = padded[channel, row + i, column + j : column + j + lanes]
                    target = panels[panel, term]
                    for lane in range(line.size):
                        target[lane] = line[lane]
                    continue
                for lane in range(lanes):
                    at = first + lane
                    value = padded[channel, min(at, count - 1) // columns + i, at % columns + j]
                    panels[panel, term, lane] = value if at < count else 0
