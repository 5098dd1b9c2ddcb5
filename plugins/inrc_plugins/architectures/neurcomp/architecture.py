"""Architecture `neurcomp` as a plugin.

Normative text: format_spec/architectures/neurcomp.md. Importing this module does not import torch,
so that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence

from codec.arrays import Float32Array
from codec.plugin_api.architecture import Config, Evaluator, FitTask, FittedModel, Model
from inrc_plugins.architectures.neurcomp.config import NeurcompConfig
from inrc_plugins.architectures.neurcomp.evaluation import NeurcompEvaluator
from inrc_plugins.architectures.neurcomp.settings import NeurcompSettings
from inrc_plugins.shared.config_map import active_axes
from inrc_plugins.shared.network_architecture import NetworkArchitecture


class Neurcomp(NetworkArchitecture):
    """A first sine layer, residual sine blocks and a linear layer over the coordinates."""

    identifier = 4
    name = "neurcomp"
    version = 1
    summary = "one network of sines with residual blocks over the coordinates (neurcomp)"
    config = NeurcompConfig
    settings = NeurcompSettings

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        checked = NeurcompConfig.from_map(config, shape)
        if device == "cpu":
            return NeurcompEvaluator(checked, shape, parameters)
        from inrc_plugins.architectures.neurcomp.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator(checked, shape, components, parameters, device)

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        from codec.training.gradient_fit import GradientFit
        from inrc_plugins.architectures.neurcomp.training.family import NeurcompFamily

        sizes = [task.shape[axis] for axis in active_axes(task.shape)]
        family = NeurcompFamily(sizes, task.values.shape[0], task.settings)
        config = NeurcompConfig.from_map(fitted.config, task.shape)
        return GradientFit(task, family).requantise(config, fitted)

    def fit(self, task: FitTask) -> Model:
        from codec.training.gradient_fit import GradientFit
        from inrc_plugins.architectures.neurcomp.training.family import NeurcompFamily

        sizes = [task.shape[axis] for axis in active_axes(task.shape)]
        family = NeurcompFamily(sizes, task.values.shape[0], task.settings)
        if task.goal.file_bytes is not None:
            family = family.within(task.goal.file_bytes)
        return GradientFit(task, family).run()
