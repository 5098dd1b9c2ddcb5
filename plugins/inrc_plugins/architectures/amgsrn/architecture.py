"""Architecture `amgsrn` as a plugin.

Normative text: format_spec/architectures/amgsrn.md. Importing this module does not import torch, so
that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codec.errors import InvalidOptionError
from codec.plugin_api.evaluator import Evaluator
from codec.plugin_api.models import FittedModel, Model
from codec.plugin_api.tasks import FitTask
from codec.training.network_architecture import DecodedNetwork, TrainedArchitecture
from inrc_plugins.architectures.amgsrn.config import TRANSFORM_NUMBERS, AmgsrnConfig
from inrc_plugins.architectures.amgsrn.evaluation import AmgsrnEvaluator
from inrc_plugins.architectures.amgsrn.settings import AmgsrnSettings

if TYPE_CHECKING:
    from inrc_plugins.architectures.amgsrn.training.family import AmgsrnFamily


class Amgsrn(TrainedArchitecture):
    """Adaptively placed latent grids and a ReLU network."""

    identifier = 5
    name = "amgsrn"
    version = 1
    summary = "latent grids placed where the error is, a small ReLU network (AMGSRN++)"
    config = AmgsrnConfig
    settings = AmgsrnSettings

    def on_cpu(self, network: DecodedNetwork) -> Evaluator:
        return AmgsrnEvaluator(network.config, network.shape, network.parameters)

    def on_device(self, network: DecodedNetwork, device: str) -> Evaluator:
        from inrc_plugins.architectures.amgsrn.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator.of(network, device)

    def family(self, task: FitTask) -> AmgsrnFamily:
        from inrc_plugins.architectures.amgsrn.training.family import AmgsrnFamily

        return AmgsrnFamily(task)

    def fit(self, task: FitTask) -> Model:
        axes = len(task.active_sizes)
        if axes not in TRANSFORM_NUMBERS:
            raise InvalidOptionError(
                f"--arch amgsrn: a model has {axes} axes longer than 1, and grids turn in 1 to 3; "
                "give each step one of its own, for example by --tile 1x64x64x64"
            )
        return super().fit(task)

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        # The grids of a fitted model lie where they should.
        placed = replace(task, settings=replace(task.settings, transform_rate=0.0))
        return super().requantise(placed, fitted)
