"""Error that a quantisation step will give, guessed from a sample of the coefficients.

The transforms are nearly orthonormal, so the squared error of the coefficients is near that of the
samples; how near is measured on a part, as is what the choice of magnitudes adds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from codec.arrays import Float32Array
from inrc_plugins.architectures.pyramid import bases
from inrc_plugins.architectures.pyramid.config import PyramidConfig
from inrc_plugins.architectures.pyramid.efforts import Effort
from inrc_plugins.architectures.pyramid.lifting import compiled
from inrc_plugins.architectures.pyramid.quantise import ROUNDING, estimated, in_lattice
from inrc_plugins.architectures.pyramid.transform import analyse, dequantise, synthesise

# Coefficients that are looked at, at most.
_SAMPLE = 1 << 17


class ErrorModel:
    """A quantiser with a wide zone of zero on a sample of coefficients.

    Args:
        coefficients: float32, any shape.
    """

    def __init__(self, coefficients: Float32Array) -> None:
        stride = max(1, coefficients.size // _SAMPLE)
        self._sample = np.abs(coefficients.reshape(-1)[:: stride | 1])

    def error(self, step: float) -> float:
        """Mean squared error at a step."""
        return float(_squared_error(self._sample, np.float32(1 / step))) * step * step

    def step_for(self, error: float, near: float) -> float:
        """The step, within a factor of 64 of `near`, that gives a mean squared error."""
        low, high = near / 64, near * 64
        for _ in range(20):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self.error(middle) < error else (low, middle)
        return float(np.float32(low))

    def slope(self, step: float) -> float:
        """Decibels per unit of the step's logarithm, negative."""
        ratio = self.error(step * 1.05) / max(self.error(step), 1e-300)
        return -max(10 * math.log10(max(ratio, 1e-9)) / math.log(1.05), 1.0)


@compiled
def _squared_error(magnitudes: Any, scale: Any) -> Any:
    """Mean squared error of magnitudes, in squared steps."""
    total = 0.0
    for at in range(magnitudes.size):
        scaled = magnitudes[at] * scale
        part = scaled - np.floor(scaled + ROUNDING)
        total += np.float64(part * part)
    return total / max(magnitudes.size, 1)


def measured_surplus(
    part: Float32Array, axes: tuple[int, ...], step: float, price: float, effort: Effort
) -> float:
    """Real error over the model's for a part of the samples, coded with the plan `axes`.

    Args:
        part: float32, one axis per active axis.
    """
    coefficients, factors = analyse(part.copy(), axes, step)
    packed = tuple(bases.pack(factors[axis], part.shape[axis]) for axis in sorted(factors))
    config = PyramidConfig(part.shape, axes, step, factors=packed)
    values, _ = estimated(config.lattice, coefficients, step, price, effort)
    decoded = in_lattice(config.lattice, values)
    dequantise(decoded, config)
    difference = synthesise(decoded, config, 0)
    difference -= part
    real = float(np.square(difference).mean(dtype=np.float64))
    return real / max(ErrorModel(coefficients).error(step), 1e-300)
