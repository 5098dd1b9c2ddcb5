"""Architecture `hashgrid` as a plugin.

Normative text: format_spec/architectures/hashgrid.md. Importing this module does not import torch,
so that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codec.plugin_api.evaluator import Evaluator
from codec.plugin_api.models import Model
from codec.plugin_api.tasks import FitTask
from codec.training.network_architecture import DecodedNetwork, TrainedArchitecture
from inrc_plugins.architectures.hashgrid.config import HashgridConfig
from inrc_plugins.architectures.hashgrid.evaluation import HashgridEvaluator
from inrc_plugins.architectures.hashgrid.settings import HashgridSettings

if TYPE_CHECKING:
    from inrc_plugins.architectures.hashgrid.training.family import HashgridFamily


class Hashgrid(TrainedArchitecture):
    """Hashed tables of features at several resolutions under a small ReLU network."""

    identifier = 8
    name = "hashgrid"
    version = 1
    summary = "multiresolution hash encoding and a small ReLU network (instant-ngp)"
    config = HashgridConfig
    settings = HashgridSettings

    def on_cpu(self, network: DecodedNetwork) -> Evaluator:
        return HashgridEvaluator(network.config, network.shape, network.parameters)

    def on_device(self, network: DecodedNetwork, device: str) -> Evaluator:
        from inrc_plugins.architectures.hashgrid.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator.of(network, device)

    def family(self, task: FitTask) -> HashgridFamily:
        from inrc_plugins.architectures.hashgrid.training.family import HashgridFamily

        return HashgridFamily(task.active_sizes, task.components, task.settings)

    def fit(self, task: FitTask) -> Model:
        from codec.training.gradient_fit import GradientFit
        from inrc_plugins.architectures.hashgrid.training import tiny_cuda

        if not (task.settings.tinycudann and tiny_cuda.available(task.device)):
            return super().fit(task)
        family = tiny_cuda.TinyCudaFamily(task.active_sizes, task.components, task.settings)
        # The memory of tiny-cuda-nn is shared by all calls on a device: one at a time.
        return GradientFit(replace(task, threads=1), family).run()
