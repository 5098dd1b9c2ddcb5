"""Architecture `pyramid` as a plugin: coefficients of transforms chosen per axis.

Normative text: format_spec/architectures/pyramid.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from codec.arrays import Float32Array
from codec.options.plugin_settings import NoSettings
from codec.plugin_api.evaluator import CLASS_F_PEAK, Evaluator
from codec.plugin_api.models import Config, Model, TensorSpec
from codec.plugin_api.tasks import FitTask
from inrc_plugins.architectures.pyramid import restoration
from inrc_plugins.architectures.pyramid.config import PyramidConfig

# Lifting costs four multiply-adds a sample, axis and level, and levels shrink geometrically; bases
# cost the length of their axis.
_WAVELET_COST = 16
# Tolerance of items that are evaluated in float64 (PYR-6).
PRECISE = 2.0**-40


class Pyramid:
    """Quantised coefficients of wavelets and bases, coded by context mixing."""

    identifier = 2
    name = "pyramid"
    version = 1
    summary = "wavelets and learned bases per axis, coded by tables or mixing (the default)"
    staged = False
    bounded = True
    settings = NoSettings

    def tensors(
        self, config: Config, shape: tuple[int, ...], components: int
    ) -> tuple[TensorSpec, ...]:
        lattice = PyramidConfig.from_map(config, shape, components).lattice
        return (TensorSpec("coefficients", lattice.shape, lattice=lattice),)

    def multiply_adds(self, config: Config, shape: tuple[int, ...], components: int) -> int:
        checked = PyramidConfig.from_map(config, shape, components)
        bases = sum(
            length
            for length, code in zip(checked.lengths, checked.axes, strict=True)
            if code in (-1, -3)
        )
        networks = sum(restoration.network(n).multiply_adds for n, _ in checked.restoration)
        return components * (_WAVELET_COST * len(checked.lengths) + bases) + networks

    def tolerance(self, config: Config) -> float:
        return PRECISE if 6 in config else CLASS_F_PEAK

    def level_factors(
        self, config: Config, shape: tuple[int, ...], components: int, level: int
    ) -> tuple[int, ...]:
        checked = PyramidConfig.from_map(config, shape, components)
        factors = list(checked.factors_at(level))
        if components > 1:
            factors = factors[1:]
        active_factors = iter(factors)
        return tuple(next(active_factors) if size > 1 else 1 for size in shape)

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        from inrc_plugins.architectures.pyramid.evaluation import PyramidEvaluator

        checked = PyramidConfig.from_map(config, shape, components)
        return PyramidEvaluator(checked, shape, components, parameters[0], level)

    def fit(self, task: FitTask) -> Model:
        if task.goal.bound is not None:
            from inrc_plugins.architectures.pyramid.bounded import BoundedFit

            return BoundedFit(task).run()
        from inrc_plugins.architectures.pyramid.fit import PyramidFit

        return PyramidFit(task).run()
