"""From samples to coefficients and back, along every axis what the plan says.

Normative text of the way back: format_spec/architectures/pyramid.md, "Evaluation".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from codec.arrays import Float32Array, Float64Array, FloatArray
from inrc_plugins.architectures.pyramid import bases, wavelet
from inrc_plugins.architectures.pyramid.config import (
    COSINE,
    LEARNED,
    SEPARATE,
    SEPARATE_LEAST,
    PyramidConfig,
    halvings,
)
from inrc_plugins.architectures.pyramid.lifting import compiled


def synthesise(coefficients: FloatArray, config: PyramidConfig, level: int) -> FloatArray:
    """Samples of a level, with one axis per active axis; overwrites the coefficients.

    Args:
        coefficients: float32 or float64, of the lattice's low shape at `level`, in units of the
            samples, which have the same dtype.
    """
    lattice = config.lattice
    wavelet.inverse(coefficients, lattice.levels, level)
    halved = sum(min(level, levels) for levels in lattice.levels)
    if halved:
        coefficients *= coefficients.dtype.type(2 ** (-halved / 2))
    lengths = [
        -(-length // factor)
        for length, factor in zip(config.lengths, config.factors_at(level), strict=True)
    ]
    coded = coefficients.reshape([lengths[axis] for axis in config.coded_order])
    samples = np.ascontiguousarray(coded.transpose(np.argsort(config.coded_order)))
    for axis in reversed(range(len(config.axes))):
        samples = _undo(samples, axis, config)
    samples = samples.reshape(lengths)
    samples += samples.dtype.type(config.offset)
    return samples


def _undo(samples: FloatArray, axis: int, config: PyramidConfig) -> FloatArray:
    code, length = config.axes[axis], config.lengths[axis]
    if code == SEPARATE:
        wavelet.inverse(as_lines(samples, axis), (0, 0, halvings(length, SEPARATE_LEAST), 0))
    if code == COSINE:
        return _apply(bases.dct_matrix(length).T, samples, axis)
    if code == LEARNED:
        number = config.axes[:axis].count(LEARNED)
        matrix = bases.unpack(config.factors[number], length).matrix
        full = np.zeros((length, length))
        full[:, : matrix.shape[1]] = matrix
        return _apply(full, samples, axis)
    return samples


def as_lines(samples: FloatArray, axis: int) -> FloatArray:
    """A four-dimensional view whose third axis is `axis` (of a C-contiguous array)."""
    shape = samples.shape
    return samples.reshape(1, math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))


def _apply(matrix: Float64Array, samples: FloatArray, axis: int) -> FloatArray:
    return bases.apply(matrix, as_lines(samples, axis), 2).reshape(samples.shape)


def analyse(
    samples: Float32Array, axes: tuple[int, ...], step: float
) -> tuple[Float32Array, dict[int, bases.Factor]]:
    """Coefficients of an array, in the shape of its lattice, and the learned bases by axis.

    Args:
        samples: float32, the offset subtracted; may be overwritten.
        axes: per axis what is done along it.
        step: that the coefficients will have, for the precision of learned bases.
    """
    plan = PyramidConfig(samples.shape, axes, step, factors=())
    samples = np.ascontiguousarray(samples, np.float32)
    factors = {}
    for axis, (code, length) in enumerate(zip(axes, samples.shape, strict=True)):
        if code == SEPARATE:
            wavelet.forward(as_lines(samples, axis), (0, 0, halvings(length, SEPARATE_LEAST), 0))
        elif code == COSINE:
            samples = _apply(bases.dct_matrix(length), samples, axis)
        elif code == LEARNED:
            factors[axis] = bases.fit_klt(as_lines(samples, axis), 2, step)
            inverse = np.linalg.inv(factors[axis].matrix).astype(np.float64, copy=False)
            samples = _apply(inverse, samples, axis)
    coded = np.ascontiguousarray(samples.transpose(plan.coded_order))
    array = coded.reshape(plan.lattice.shape)
    wavelet.forward(array, plan.lattice.levels)
    return array, factors


def dequantise(coefficients: FloatArray, config: PyramidConfig, level: int = 0) -> None:
    """From integers (as floats) to coefficients, in place: shifts, then the step.

    The low band, which is predicted, has no shifts.
    """
    kind = coefficients.dtype.type
    low = config.lattice.low_shape(config.lattice.depth)
    shifts = config.shifts if config.lattice.depth > level else (0, 0, 0)
    _dequantise(
        coefficients,
        np.array(low, np.int64),
        np.array([0, *shifts], kind) / kind(128),
        kind(config.step),
    )


@compiled
def _dequantise(coefficients: Any, low: Any, shifts: Any, step: Any) -> None:
    """Shift and scale all rows of four axes; `low` is the shape of the box without shifts."""
    none, single, two, more = shifts[0], shifts[1], shifts[2], shifts[3]
    for i, j, k in np.ndindex(coefficients.shape[:3]):
        row = coefficients[i, j, k]
        start = low[3] if i < low[0] and j < low[1] and k < low[2] else 0
        for m in range(start):
            row[m] *= step
        for m in range(start, row.size):
            value = row[m]
            magnitude = abs(value)
            shift = more if magnitude > 2 else two if magnitude > 1 else single
            shift = shift if magnitude > 0 else none
            row[m] = (value + (-shift if value < 0 else shift)) * step
