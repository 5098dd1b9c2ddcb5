"""Architecture `constant`: fields with one value, or with no valid sample (nothing is fitted).

Normative text: format_spec/architectures/constant.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codec.arrays import Float32Array, Float64Array
from codec.errors import UnsupportedError
from codec.options.plugin_settings import NoSettings
from codec.plugin_api.evaluator import CLASS_F_PEAK
from codec.plugin_api.models import Config, Model, TensorSpec
from codec.plugin_api.tasks import FitTask


class Constant:
    """y = 0 everywhere; the value itself is the component's offset."""

    identifier = 0
    name = "constant"
    version = 1
    summary = "one value for the whole field; chosen by itself where it fits"
    staged = False
    bounded = False
    settings = NoSettings

    def tensors(
        self, config: Config, shape: tuple[int, ...], components: int
    ) -> tuple[TensorSpec, ...]:
        if config:
            raise UnsupportedError(f"config key {min(config)} is unknown", section="ITEM")
        return ()

    def multiply_adds(self, config: Config, shape: tuple[int, ...], components: int) -> int:
        return 0

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> ConstantEvaluator:
        return ConstantEvaluator(components)

    def tolerance(self, config: Config) -> float:
        return CLASS_F_PEAK

    def level_factors(
        self, config: Config, shape: tuple[int, ...], components: int, level: int
    ) -> tuple[int, ...]:
        return tuple(min(1 << level, size) for size in shape)

    def fit(self, task: FitTask) -> Model:
        return Model(config={}, tensors=())


class ConstantEvaluator:
    """Zeros."""

    def __init__(self, components: int) -> None:
        self._components = components

    def on_axes(self, positions: Sequence[Float64Array]) -> Float32Array:
        return np.zeros((self._components, *(len(axis) for axis in positions)), np.float32)

    def at(self, points: Float64Array) -> Float32Array:
        return np.zeros((self._components, len(points)), np.float32)
