"""Architecture `fvsrn` as a plugin.

Normative text: format_spec/architectures/fvsrn.md. Importing this module does not import torch, so
that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codec.plugin_api.evaluator import Evaluator
from codec.plugin_api.tasks import FitTask
from codec.training.network_architecture import DecodedNetwork, TrainedArchitecture
from inrc_plugins.architectures.fvsrn.config import FvsrnConfig
from inrc_plugins.architectures.fvsrn.evaluation import FvsrnEvaluator
from inrc_plugins.architectures.fvsrn.settings import FvsrnSettings

if TYPE_CHECKING:
    from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily


class Fvsrn(TrainedArchitecture):
    """Latent grid, Fourier features and a SnakeAlt network."""

    identifier = 1
    name = "fvsrn"
    version = 1
    summary = "latent grid, Fourier features and a small SnakeAlt network (fV-SRN)"
    config = FvsrnConfig
    settings = FvsrnSettings

    def on_cpu(self, network: DecodedNetwork) -> Evaluator:
        return FvsrnEvaluator(network.config, network.shape, network.parameters)

    def on_device(self, network: DecodedNetwork, device: str) -> Evaluator:
        from inrc_plugins.architectures.fvsrn.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator.of(network, device)

    def family(self, task: FitTask) -> FvsrnFamily:
        from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily

        return FvsrnFamily(task.shape, task.components, task.settings, task.seed)
