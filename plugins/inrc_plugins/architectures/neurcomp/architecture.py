"""Architecture `neurcomp` as a plugin.

Normative text: format_spec/architectures/neurcomp.md. Importing this module does not import torch,
so that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codec.plugin_api.evaluator import Evaluator
from codec.plugin_api.tasks import FitTask
from codec.training.network_architecture import DecodedNetwork, TrainedArchitecture
from inrc_plugins.architectures.neurcomp.config import NeurcompConfig
from inrc_plugins.architectures.neurcomp.evaluation import NeurcompEvaluator
from inrc_plugins.architectures.neurcomp.settings import NeurcompSettings

if TYPE_CHECKING:
    from inrc_plugins.architectures.neurcomp.training.family import NeurcompFamily


class Neurcomp(TrainedArchitecture):
    """A first sine layer, residual sine blocks and a linear layer over the coordinates."""

    identifier = 4
    name = "neurcomp"
    version = 1
    summary = "one network of sines with residual blocks over the coordinates (neurcomp)"
    config = NeurcompConfig
    settings = NeurcompSettings

    def on_cpu(self, network: DecodedNetwork) -> Evaluator:
        return NeurcompEvaluator(network.config, network.shape, network.parameters)

    def on_device(self, network: DecodedNetwork, device: str) -> Evaluator:
        from inrc_plugins.architectures.neurcomp.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator.of(network, device)

    def family(self, task: FitTask) -> NeurcompFamily:
        from inrc_plugins.architectures.neurcomp.training.family import NeurcompFamily

        family = NeurcompFamily(task.active_sizes, task.components, task.settings)
        size = task.goal.file_bytes
        return family if size is None else family.within(size)
