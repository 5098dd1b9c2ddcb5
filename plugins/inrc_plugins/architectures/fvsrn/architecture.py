"""Architecture `fvsrn` as a plugin.

Normative text: format_spec/architectures/fvsrn.md. Importing this module does not import torch, so
that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence

from codec.arrays import Float32Array
from codec.plugin_api.architecture import Config, Evaluator, FitTask, FittedModel, Model
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.evaluation import FvsrnEvaluator
from inrc_plugins.architectures.fvsrn.settings import FvsrnSettings
from inrc_plugins.shared.network_architecture import NetworkArchitecture


class Fvsrn(NetworkArchitecture):
    """Latent grid, Fourier features and a SnakeAlt network."""

    identifier = 1
    name = "fvsrn"
    version = 1
    summary = "latent grid, Fourier features and a small SnakeAlt network (fV-SRN)"
    config = FvsrnConfig
    settings = FvsrnSettings

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        checked = FvsrnConfig.from_map(config, shape)
        if device == "cpu":
            return FvsrnEvaluator(checked, shape, parameters)
        from inrc_plugins.architectures.fvsrn.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator(checked, shape, components, parameters, device)

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        from codec.training.gradient_fit import GradientFit
        from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily

        family = FvsrnFamily(task.shape, task.values.shape[0], task.settings, task.seed)
        config = FvsrnConfig.from_map(fitted.config, task.shape)
        return GradientFit(task, family).requantise(config, fitted)

    def fit(self, task: FitTask) -> Model:
        from codec.training.gradient_fit import GradientFit
        from codec.training.recipe import Recipe
        from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily

        asked: FvsrnSettings = task.settings
        family = FvsrnFamily(task.shape, task.values.shape[0], asked, task.seed)
        recipe = Recipe(asked.loss, asked.rate_steps, asked.rate_factor, asked.resample)
        return GradientFit(task, family, recipe).run()
