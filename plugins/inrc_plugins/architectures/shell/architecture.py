"""Architecture `shell` as a plugin: signed distances near a surface.

Normative text: format_spec/architectures/shell.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from codec.arrays import Float32Array
from codec.errors import InvalidOptionError
from codec.options.plugin_settings import NoSettings
from codec.plugin_api.evaluator import CLASS_F_PEAK, Evaluator
from codec.plugin_api.models import Config, Model, ShapeModel, TensorSpec
from codec.plugin_api.tasks import FitTask, ShapeTask
from inrc_plugins.architectures.shell.config import ShellConfig

# Taps of the spline, and their weights.
_COST = 64


class Shell:
    """An octree of the cells that a surface crosses, with spline coefficients at their corners."""

    identifier = 3
    name = "shell"
    version = 1
    summary = "signed distances near a surface, an octree of spline coefficients (for meshes)"
    staged = False
    bounded = False
    settings = NoSettings

    def tensors(
        self, config: Config, shape: tuple[int, ...], components: int
    ) -> tuple[TensorSpec, ...]:
        checked = ShellConfig.from_map(config, shape, components)
        octree, border = checked.octree, checked.border
        specs = [TensorSpec("octree", (octree.count,), octree=octree)]
        if border is not None:
            specs.append(TensorSpec("border_flags", (border.flags,), integral=True))
            specs.append(TensorSpec("border_values", (border.values,), integral=True))
        return tuple(specs)

    def multiply_adds(self, config: Config, shape: tuple[int, ...], components: int) -> int:
        return _COST

    def tolerance(self, config: Config) -> float:
        return CLASS_F_PEAK

    def level_factors(
        self, config: Config, shape: tuple[int, ...], components: int, level: int
    ) -> tuple[int, ...]:
        return tuple(min(1 << level, size) for size in shape)

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        from inrc_plugins.architectures.shell.evaluation import ShellEvaluator

        checked = ShellConfig.from_map(config, shape, components)
        return ShellEvaluator(checked, parameters)

    def fit(self, task: FitTask) -> Model:
        raise InvalidOptionError("architecture 'shell' is for meshes; leave out --arch for arrays")

    def fit_shape(self, task: ShapeTask) -> ShapeModel:
        from inrc_plugins.architectures.shell.rate_control import fit_shell

        return fit_shell(task)
