"""Architecture `amgsrn` as a plugin.

Normative text: format_spec/architectures/amgsrn.md. Importing this module does not import torch, so
that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codec.arrays import Float32Array
from codec.errors import InvalidOptionError
from codec.plugin_api.architecture import Config, Evaluator, FitTask, FittedModel, Model
from inrc_plugins.architectures.amgsrn.config import TRANSFORM_NUMBERS, AmgsrnConfig
from inrc_plugins.architectures.amgsrn.evaluation import AmgsrnEvaluator
from inrc_plugins.architectures.amgsrn.settings import AmgsrnSettings
from inrc_plugins.shared.config_map import active_axes
from inrc_plugins.shared.network_architecture import NetworkArchitecture


class Amgsrn(NetworkArchitecture):
    """Adaptively placed latent grids and a ReLU network."""

    identifier = 5
    name = "amgsrn"
    version = 1
    summary = "latent grids placed where the error is, a small ReLU network (AMGSRN++)"
    config = AmgsrnConfig
    settings = AmgsrnSettings

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        checked = AmgsrnConfig.from_map(config, shape)
        if device == "cpu":
            return AmgsrnEvaluator(checked, shape, parameters)
        from inrc_plugins.architectures.amgsrn.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator(checked, shape, components, parameters, device)

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        from codec.training.gradient_fit import GradientFit
        from inrc_plugins.architectures.amgsrn.training.family import AmgsrnFamily

        # The grids lie where they should.
        family = AmgsrnFamily(replace(task, settings=replace(task.settings, transform_rate=0.0)))
        config = AmgsrnConfig.from_map(fitted.config, task.shape)
        return GradientFit(task, family, fitter=family.trainer).requantise(config, fitted)

    def fit(self, task: FitTask) -> Model:
        axes = len(active_axes(task.shape))
        if axes not in TRANSFORM_NUMBERS:
            raise InvalidOptionError(
                f"--arch amgsrn: a model has {axes} axes longer than 1, and grids turn in 1 to 3; "
                "give each step one of its own, for example by --tile 1x64x64x64"
            )
        from codec.training.gradient_fit import GradientFit
        from inrc_plugins.architectures.amgsrn.training.family import AmgsrnFamily

        family = AmgsrnFamily(task)
        return GradientFit(task, family, fitter=family.trainer).run()
