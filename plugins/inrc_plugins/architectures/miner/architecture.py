"""Architecture `miner` as a plugin.

Normative text: format_spec/architectures/miner.md. Importing this module does not import torch, so
that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from codec.plugin_api.evaluator import Evaluator
from codec.plugin_api.models import Config, FittedModel, Model, TensorSpec
from codec.plugin_api.tasks import FitTask
from codec.training.network_architecture import DecodedNetwork, NetworkArchitecture
from inrc_plugins.architectures.miner.config import MinerConfig
from inrc_plugins.architectures.miner.evaluation import MinerEvaluator
from inrc_plugins.architectures.miner.settings import MinerSettings


class Miner(NetworkArchitecture):
    """Small networks per block, on the levels of a Laplacian pyramid."""

    identifier = 6
    name = "miner"
    version = 1
    summary = "Laplacian pyramid of small networks, one per block that needs one (MINER)"
    config = MinerConfig
    settings = MinerSettings

    def tensors(
        self, config: Config, shape: tuple[int, ...], components: int
    ) -> tuple[TensorSpec, ...]:
        return MinerConfig.from_map(config, shape).tensors(shape, components)

    def multiply_adds(self, config: Config, shape: tuple[int, ...], components: int) -> int:
        return MinerConfig.from_map(config, shape).multiply_adds(shape, components)

    def on_cpu(self, network: DecodedNetwork) -> Evaluator:
        return MinerEvaluator(
            network.config, network.shape, network.components, network.parameters, network.level
        )

    def on_device(self, network: DecodedNetwork, device: str) -> Evaluator:
        from inrc_plugins.architectures.miner.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator(
            network.config,
            network.shape,
            network.components,
            network.parameters,
            device,
            network.level,
        )

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        from inrc_plugins.architectures.miner.training.fit import requantise

        return requantise(task, MinerConfig.from_map(fitted.config, task.shape), fitted)

    def fit(self, task: FitTask) -> Model:
        from inrc_plugins.architectures.miner.training.fit import MinerFit

        return MinerFit(task).run()
