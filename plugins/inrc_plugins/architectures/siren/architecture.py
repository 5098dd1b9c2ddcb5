"""Architecture `siren` as a plugin.

Normative text: format_spec/architectures/siren.md. Importing this module does not import torch, so
that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence

from codec.arrays import Float32Array
from codec.format.prior_file import Prior
from codec.plugin_api.architecture import (
    Config,
    Evaluator,
    FitTask,
    FittedModel,
    MetaTask,
    Model,
    ShapeModel,
    ShapeTask,
)
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.evaluation import SirenEvaluator
from inrc_plugins.architectures.siren.prior import IDENTIFIER, VERSION, restored
from inrc_plugins.architectures.siren.settings import SirenSettings
from inrc_plugins.shared.network_architecture import NetworkArchitecture


class Siren(NetworkArchitecture):
    """A network of sines on encoded coordinates, or its difference to a learnt initialisation."""

    identifier = IDENTIFIER
    name = "siren"
    version = VERSION
    summary = "a network of sines on encoded coordinates, meta-learnt or not (SIREN codec)"
    config = SirenConfig
    settings = SirenSettings

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        checked = SirenConfig.from_map(config, shape)
        network = restored(checked, components, list(parameters))
        if device == "cpu":
            return SirenEvaluator(checked, shape, network)
        from inrc_plugins.architectures.siren.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator(checked, shape, components, network, device)

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        from inrc_plugins.architectures.siren.field_fit import requantise

        return requantise(task, SirenConfig.from_map(fitted.config, task.shape), fitted)

    def fit(self, task: FitTask) -> Model:
        from inrc_plugins.architectures.siren.field_fit import fit_field

        return fit_field(task)

    def fit_shape(self, task: ShapeTask) -> ShapeModel:
        from inrc_plugins.architectures.siren.shape_fit import fit_shape

        return fit_shape(task)

    def meta_train(self, task: MetaTask) -> Prior:
        from inrc_plugins.architectures.siren.training.meta_training import train_prior

        return train_prior(task)
