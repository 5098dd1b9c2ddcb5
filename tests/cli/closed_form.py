"""A plugin without PyTorch for the tests of searches: sums of cosines, fitted in closed form.

y(x) = sum over k of c_k prod_a cos(pi k_a (x_a + 1/2) / n_a), for k_a < terms_a: the first
coefficients of the discrete cosine transform.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import Float32Array, Float64Array, FloatArray
from codec.errors import CorruptError
from codec.format.headers import Quantisation
from codec.options.plugin_settings import setting
from codec.plugin_api.models import CodedTensor, Config, Model, TensorSpec
from codec.plugin_api.tasks import FitTask

_PRIVATE = 1 << 31


@dataclass(frozen=True)
class CosinesSettings:
    """What `--set arch.NAME=VALUE` takes."""

    step: float = setting(0.001, "quantisation step of the coefficients", low=1e-6, high=1)


class Cosines:
    """A sum of cosines."""

    identifier = _PRIVATE + 1
    name = "cosines"
    version = 1
    summary = "an example: the first coefficients of the cosine transform"
    staged = False
    bounded = False
    settings = CosinesSettings

    def tensors(
        self, config: Config, shape: tuple[int, ...], components: int
    ) -> tuple[TensorSpec, ...]:
        terms = config.get(0)
        if not isinstance(terms, list) or len(terms) != len(shape):
            raise CorruptError("cosines: one number of terms per dim is needed", section="ITEM")
        if not all(
            isinstance(count, int) and 1 <= count <= size
            for count, size in zip(terms, shape, strict=True)
        ):
            raise CorruptError("cosines: more terms than samples", section="ITEM")
        return (TensorSpec("coefficients", (components, *terms)),)

    def multiply_adds(self, config: Config, shape: tuple[int, ...], components: int) -> int:
        return components * math.prod(config[0])

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> CosinesEvaluator:
        return CosinesEvaluator(shape, parameters[0].astype(np.float64))

    def tolerance(self, config: Config) -> float:
        return 2.0**-16

    def level_factors(
        self, config: Config, shape: tuple[int, ...], components: int, level: int
    ) -> tuple[int, ...]:
        return tuple(min(1 << level, size) for size in shape)

    def fit(self, task: FitTask) -> Model:
        """More and more terms, until the target is met."""
        model = self._model(task, 1.0)
        if task.goal.psnr is None:
            return model
        for share in np.linspace(0.1, 1.0, 10):
            model = self._model(task, float(share))
            if task.goal.met_by(task.measure(model)):
                break
        return model

    def _model(self, task: FitTask, share: float) -> Model:
        terms = [max(1, math.ceil(share * size)) for size in task.shape]
        coefficients: Any = task.values.astype(np.float64)
        for axis, (size, count) in enumerate(zip(task.shape, terms, strict=True)):
            basis = _cosines(np.arange(size), size, count)
            # The cosines are orthogonal: the squared norm is n for the first, n / 2 for the others.
            dual = basis / np.where(np.arange(count) == 0, size, size / 2)
            coefficients = np.moveaxis(
                np.tensordot(coefficients, dual, (axis + 1, 0)), -1, axis + 1
            )
        step = float(np.float32(task.settings.step))
        integers = np.rint(coefficients / step).astype(np.int64)
        return Model({0: terms}, (CodedTensor(integers, Quantisation((step,))),))


class CosinesEvaluator:
    """The sum, in float64."""

    def __init__(self, shape: tuple[int, ...], coefficients: Float64Array) -> None:
        self._shape, self._coefficients = shape, coefficients

    def on_axes(self, positions: Sequence[Float64Array]) -> FloatArray:
        values = self._coefficients
        for axis, (at, size) in enumerate(zip(positions, self._shape, strict=True)):
            basis = _cosines(at, size, values.shape[axis + 1])
            values = np.moveaxis(np.tensordot(values, basis, (axis + 1, 1)), -1, axis + 1)
        return values

    def at(self, points: Float64Array) -> FloatArray:
        return np.stack([self.on_axes([*point[:, None]]).reshape(-1) for point in points], 1)


def _cosines(at: Any, size: int, count: int) -> Float64Array:
    """(len(at), count)."""
    return np.cos(np.pi * np.arange(count) * (np.asarray(at, np.float64)[:, None] + 0.5) / size)
