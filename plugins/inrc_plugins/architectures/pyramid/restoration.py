"""Restoration networks: small convolutional networks that take back what quantisation blurred.

Normative text: format_spec/architectures/pyramid.md, "Restoration". Weights are shipped (the same
integers as format_spec/networks/), so that they cost a file nothing. They were trained by
benchmarks/train_restoration.py; docs/adr/0006 has what they bring on images not trained on.
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

# For images: of full resolution and few channels, and of half the resolution and more channels.
IMAGES = (1, 2)
# Weights of corrections are integers from 1 to 255 in units of 1/64.
WEIGHT_UNIT, HIGHEST_WEIGHT = 64, 255
# Pairs of a network's number and its weight.
Restoration = tuple[tuple[int, int], ...]
_FILES = {1: "image-1.json", 2: "image-2.json"}
# Rows of folded samples computed at once; more would save what neighbours compute twice, and take
# more memory.
_ROWS = 64


@dataclass(frozen=True)
class Layer:
    """A convolution of 3 x 3 with replicated borders.

    Attributes:
        weights: (out, 9 in) float32, tap after tap.
        biases: (out,) float32.
    """

    weights: Float32Array
    biases: Float32Array

    @cached_property
    def affine(self) -> Affine:
        """From taps (9 in) to channels."""
        return Affine(self.weights, self.biases)


def known(number: int) -> bool:
    """Whether there is a network of that number."""
    return number in _FILES


def fits(number: int, lengths: tuple[int, ...], components: int) -> bool:
    """Whether the network can work on an item with active axes of those lengths."""
    return number in IMAGES and len(lengths) == 3 and components == 3


@dataclass(frozen=True)
class Network:
    """Convolutions between folding blocks of `fold` x `fold` samples into channels and back."""

    fold: int
    layers: tuple[Layer, ...]

    @property
    def multiply_adds(self) -> int:
        """Per position of the samples, rounded up."""
        return -(-sum(layer.weights.size for layer in self.layers) // self.fold**2)


@cache
def network(number: int) -> Network:
    """The network of a number that is `known`."""
    folder = resources.files("inrc_plugins.architectures.pyramid").joinpath("networks")
    content = json.loads(folder.joinpath(_FILES[number]).read_text("utf-8"))
    found = []
    for row in content["layers"]:
        scale = np.float32(2.0 ** -row["bits"])
        weights = np.array(row["weights"], np.float32) * scale
        biases = np.array(row["biases"], np.float32) * scale
        found.append(Layer(weights.reshape(len(biases), -1), biases))
    return Network(content["fold"], tuple(found))


def restore(samples: Float32Array, chosen: Restoration, step: float, threads: int = 2) -> None:
    """Add the networks' corrections, in place.

    Args:
        samples: (3, rows, columns) float32.
        chosen: numbers of networks and their weights in 1/64.
        step: quantisation step of the coefficients, the unit the networks work in.
    """
    corrections = [correction(samples, number, step, threads) for number, _ in chosen]
    for found, (_, weight) in zip(corrections, chosen, strict=True):
        found *= np.float32(weight / WEIGHT_UNIT)
        samples += found


def fitted(
    original: Float32Array, samples: Float32Array, valid: BoolArray | None, step: float
) -> Restoration:
    """The weights with the least squared error, without networks that do not help.

    Args:
        original, samples: (3, rows, columns) float32, what was encoded and what is decoded.
        valid: which of them count; None for all.
    """
    corrections = [correction(samples, number, step) for number in IMAGES]
    missing = original - samples
    if valid is not None:
        corrections = [found[valid] for found in corrections]
        missing = missing[valid]
    columns = np.stack([found.ravel() for found in corrections], 1).astype(np.float64)
    weights, *_ = np.linalg.lstsq(columns, missing.ravel().astype(np.float64))
    whole = np.clip(np.rint(weights * WEIGHT_UNIT), 0, HIGHEST_WEIGHT).astype(int)
    return tuple((number, int(w)) for number, w in zip(IMAGES, whole, strict=True) if w)


def correction(samples: Float32Array, number: int, step: float, threads: int = 2) -> Float32Array:
    """What a network would add to samples (3, rows, columns), in their unit."""
    chosen = network(number)
    source = _folded(samples / np.float32(step), chosen.fold)
    found = np.empty_like(source)
    rows = source.shape[1]

    def work(start: int) -> None:
        stop = min(start + _ROWS, rows)
        found[:, start:stop] = _band(chosen.layers, source, start, stop)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, range(0, rows, _ROWS)):
            pass
    found *= np.float32(step)
    return _unfolded(found, chosen.fold)[:, : samples.shape[1], : samples.shape[2]]


def _folded(samples: Float32Array, fold: int) -> Float32Array:
    """(components, rows, columns) to (components fold^2, rows / fold, columns / fold)."""
    count, rows, columns = samples.shape
    padded = np.pad(samples, ((0, 0), (0, -rows % fold), (0, -columns % fold)), mode="edge")
    blocks = padded.reshape(count, -(-rows // fold), fold, -(-columns // fold), fold)
    places = blocks.transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(places).reshape(-1, *places.shape[3:])


def _unfolded(values: Float32Array, fold: int) -> Float32Array:
    """The inverse of `_folded`, with what it padded."""
    _, rows, columns = values.shape
    blocks = values.reshape(-1, fold, fold, rows, columns).transpose(0, 3, 1, 4, 2)
    return blocks.reshape(-1, rows * fold, columns * fold)


def _band(layers: tuple[Layer, ...], source: Float32Array, start: int, stop: int) -> Float32Array:
    """The correction of rows start..stop, in steps."""
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
    """Panels (panels, 9 in, lanes) of the neighbours of `count` positions, zeros after the last.

    Args:
        padded: (in, rows + 2, columns + 2).
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
