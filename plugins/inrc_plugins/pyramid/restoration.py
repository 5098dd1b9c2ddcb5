"""Restoration networks: small convolutional networks that take back what quantisation blurred.

Normative text: format_spec/architectures/pyramid.md, "Restoration". Weights are shipped (the same
integers as format_spec/networks/), so that they cost a file nothing. They were trained by
benchmarks/train_restoration.py; docs/adr/0006 has what they bring on images not trained on.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from threadpoolctl import threadpool_limits

from codec.contracts import Floats

IMAGE = 1
_FILES = {IMAGE: "image-1.json"}
# Rows computed at once: the intermediate matrices stay within a few megabytes.
_ROWS = 32


@dataclass(frozen=True)
class Layer:
    """A convolution of 3 x 3 with replicated borders.

    Attributes:
        weights: (out, 9 in) float32, tap after tap.
        biases: (out, 1) float32.
    """

    weights: Floats
    biases: Floats


def known(number: int) -> bool:
    """Whether there is a network of that number."""
    return number in _FILES


def fits(number: int, lengths: tuple[int, ...], components: int) -> bool:
    """Whether the network can work on an item with active axes of those lengths."""
    return number == IMAGE and len(lengths) == 3 and components == 3


@cache
def layers(number: int) -> tuple[Layer, ...]:
    """The layers of a network."""
    text = resources.files("inrc_plugins.pyramid").joinpath("networks", _FILES[number])
    rows = json.loads(text.read_text("utf-8"))["layers"]
    found = []
    for row in rows:
        scale = np.float32(2.0 ** -row["bits"])
        weights = np.array(row["weights"], np.float32) * scale
        biases = np.array(row["biases"], np.float32) * scale
        found.append(Layer(weights.reshape(len(biases), -1), biases[:, None]))
    return tuple(found)


def multiply_adds(number: int) -> int:
    """Multiply-adds per position."""
    return sum(layer.weights.size for layer in layers(number))


def restore(samples: Floats, number: int, step: float, threads: int = 2) -> None:
    """Add the network's correction, in place.

    Args:
        samples: (3, rows, columns) float32.
        number: of the network.
        step: quantisation step of the coefficients, the unit the network works in.
    """
    network = layers(number)
    rows = samples.shape[1]
    source = samples / np.float32(step)

    def work(start: int) -> Floats:
        return _band(network, source, start, min(start + _ROWS, rows))

    starts = range(0, rows, _ROWS)
    # Bands are the parallelism; linear algebra that starts threads of its own would slow all down.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        for start, correction in zip(starts, pool.map(work, starts), strict=True):
            samples[:, start : start + _ROWS] += correction * np.float32(step)


def _band(network: tuple[Layer, ...], source: Floats, start: int, stop: int) -> Floats:
    """The correction of rows start..stop, in steps."""
    rows, columns = source.shape[1:]
    halo = len(network)
    low, high = max(0, start - halo), min(rows, stop + halo)
    values = source[:, low:high]
    for number, layer in enumerate(network):
        padded = np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="edge")
        taps = np.empty((9, len(values), high - low, columns), np.float32)
        for tap in range(9):
            i, j = divmod(tap, 3)
            taps[tap] = padded[:, i : i + high - low, j : j + columns]
        values = layer.weights @ taps.reshape(layer.weights.shape[1], -1)
        values += layer.biases
        if number < len(network) - 1:
            np.maximum(values, 0, out=values)
        values = values.reshape(-1, high - low, columns)
    return values[:, start - low : stop - low]
