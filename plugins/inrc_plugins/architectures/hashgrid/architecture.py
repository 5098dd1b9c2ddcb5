"""Architecture `hashgrid` as a plugin.

Normative text: format_spec/architectures/hashgrid.md. Importing this module does not import torch,
so that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codec.arrays import Float32Array
from codec.plugin_api.architecture import Config, Evaluator, FitTask, FittedModel, Model
from inrc_plugins.architectures.hashgrid.config import HashgridConfig
from inrc_plugins.architectures.hashgrid.evaluation import HashgridEvaluator
from inrc_plugins.architectures.hashgrid.settings import HashgridSettings
from inrc_plugins.shared.config_map import active_axes
from inrc_plugins.shared.network_architecture import NetworkArchitecture


class Hashgrid(NetworkArchitecture):
    """Hashed tables of features at several resolutions under a small ReLU network."""

    identifier = 8
    name = "hashgrid"
    version = 1
    summary = "multiresolution hash encoding and a small ReLU network (instant-ngp)"
    config = HashgridConfig
    settings = HashgridSettings

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        checked = HashgridConfig.from_map(config, shape)
        if device == "cpu":
            return HashgridEvaluator(checked, shape, parameters)
        from inrc_plugins.architectures.hashgrid.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator(checked, shape, components, parameters, device)

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        from codec.training.gradient_fit import GradientFit
        from inrc_plugins.architectures.hashgrid.training.family import HashgridFamily

        sizes = [task.shape[axis] for axis in active_axes(task.shape)]
        family = HashgridFamily(sizes, task.values.shape[0], task.settings)
        config = HashgridConfig.from_map(fitted.config, task.shape)
        return GradientFit(task, family).requantise(config, fitted)

    def fit(self, task: FitTask) -> Model:
        from codec.training.gradient_fit import GradientFit
        from inrc_plugins.architectures.hashgrid.training import tiny_cuda
        from inrc_plugins.architectures.hashgrid.training.family import HashgridFamily

        sizes = [task.shape[axis] for axis in active_axes(task.shape)]
        kind = HashgridFamily
        if task.settings.tinycudann and tiny_cuda.available(task.device):
            # Its memory is shared by all calls on a device: one at a time.
            kind, task = tiny_cuda.TinyCudaFamily, replace(task, threads=1)
        return GradientFit(task, kind(sizes, task.values.shape[0], task.settings)).run()
