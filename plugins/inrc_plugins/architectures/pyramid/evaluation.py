"""Values of a `pyramid` item from its coefficients.

Normative text: format_spec/architectures/pyramid.md, "Evaluation".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codec.arrays import Float32Array, Float64Array, FloatArray
from inrc_plugins.architectures.pyramid.config import PyramidConfig
from inrc_plugins.architectures.pyramid.restoration import restore
from inrc_plugins.architectures.pyramid.transform import dequantise, synthesise
from inrc_plugins.shared.config_map import active_axes
from inrc_plugins.shared.sample_panels import ordered_product


class PyramidEvaluator:
    """Evaluator that synthesises all samples of a level once and interpolates between them."""

    def __init__(
        self,
        config: PyramidConfig,
        shape: tuple[int, ...],
        components: int,
        coefficients: Float32Array,
        level: int,
    ) -> None:
        values: FloatArray = coefficients.astype(np.float64) if config.precise else coefficients
        dequantise(values, config, level)
        samples = synthesise(values, config, level)
        if config.restoration and level == 0:
            restore(samples, config.restoration, config.step)
        factors = config.factors_at(level)
        active = active_axes(shape)
        if components == 1:
            samples = samples[None]
        else:
            factors = factors[1:]
        self._samples = samples
        self._active = active
        self._factors = np.array(factors, np.float64)

    @property
    def samples(self) -> FloatArray:
        """All samples of the level, (components, one length per active axis)."""
        return self._samples

    def on_axes(self, positions: Sequence[Float64Array]) -> FloatArray:
        out_shape = (len(self._samples), *(len(axis) for axis in positions))
        values = self._samples
        chosen = [positions[axis] for axis in self._active]
        for number, (axis, factor) in enumerate(zip(chosen, self._factors, strict=True)):
            values = _along(values, number + 1, axis / factor)
        single = [len(axis) for number, axis in enumerate(positions) if number not in self._active]
        if any(length != 1 for length in single):
            lengths = [len(p) if n in self._active else 1 for n, p in enumerate(positions)]
            expanded = values.reshape([len(values), *lengths])
            return np.ascontiguousarray(np.broadcast_to(expanded, out_shape))
        return np.ascontiguousarray(values).reshape(out_shape)

    def at(self, points: Float64Array) -> Float32Array:
        places = points[:, self._active] / self._factors
        lengths = np.array(self._samples.shape[1:], np.int64)
        low = np.clip(np.floor(places).astype(np.int64), 0, np.maximum(lengths - 2, 0))
        part = np.clip(places - low, 0, 1)
        total = np.zeros((len(self._samples), len(points)))
        for corner in np.ndindex(*(2,) * len(self._active)):
            weight = ordered_product([np.ones(len(points)), *np.where(corner, part, 1 - part).T])
            index = np.minimum(low + np.array(corner, np.int64), lengths - 1)
            # A single sample, if no axis is active, is the value at all points.
            total += weight * self._samples[(slice(None), *index.T)].reshape(len(total), -1)
        return total.astype(np.float32)


def _along(values: FloatArray, axis: int, places: Float64Array) -> FloatArray:
    """Linear interpolation along one axis at `places`, in sample units, clipped to the axis."""
    length = values.shape[axis]
    low = np.clip(np.floor(places).astype(np.int64), 0, length - 1)
    if (low == places).all():
        if len(low) and (np.diff(low) == 1).all():
            return values[(slice(None),) * axis + (slice(int(low[0]), int(low[-1]) + 1),)]
        return values.take(low, axis)
    low = np.minimum(low, max(length - 2, 0))
    high = np.minimum(low + 1, length - 1)
    part = np.clip(places - low, 0, 1).astype(values.dtype)
    part = part.reshape([-1 if number == axis else 1 for number in range(values.ndim)])
    mixed: FloatArray = values.take(low, axis) * (1 - part) + values.take(high, axis) * part
    return mixed
