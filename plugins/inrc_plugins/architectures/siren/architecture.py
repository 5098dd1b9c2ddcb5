"""Architecture `siren` as a plugin.

Normative text: format_spec/architectures/siren.md. Importing this module does not import torch, so
that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from codec.arrays import Float32Array
from codec.format.prior_file import Prior
from codec.plugin_api.evaluator import Evaluator
from codec.plugin_api.models import FittedModel, Model, ShapeModel
from codec.plugin_api.tasks import FitTask, MetaTask, ShapeTask
from codec.training.network_architecture import DecodedNetwork, NetworkArchitecture
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.evaluation import SirenEvaluator
from inrc_plugins.architectures.siren.prior import IDENTIFIER, VERSION, restored
from inrc_plugins.architectures.siren.settings import SirenSettings


class Siren(NetworkArchitecture):
    """A network of sines on encoded coordinates, or its difference to a learnt initialisation."""

    identifier = IDENTIFIER
    name = "siren"
    version = VERSION
    summary = "a network of sines on encoded coordinates, meta-learnt or not (SIREN codec)"
    config = SirenConfig
    settings = SirenSettings

    def on_cpu(self, network: DecodedNetwork) -> Evaluator:
        return SirenEvaluator(network.config, network.shape, _parameters(network))

    def on_device(self, network: DecodedNetwork, device: str) -> Evaluator:
        from inrc_plugins.architectures.siren.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator(
            network.config, network.shape, network.components, _parameters(network), device
        )

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


def _parameters(network: DecodedNetwork) -> list[Float32Array]:
    """Tensors of the network itself, where the file holds its difference to a prior."""
    return restored(network.config, network.components, list(network.parameters))
