"""Architecture `miner` as a plugin.

Normative text: format_spec/architectures/miner.md. Importing this module does not import torch, so
that files decode on the CPU where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence

from codec.arrays import Float32Array
from codec.plugin_api.architecture import Config, Evaluator, FitTask, FittedModel, Model, TensorSpec
from inrc_plugins.architectures.miner.config import MinerConfig
from inrc_plugins.architectures.miner.evaluation import MinerEvaluator
from inrc_plugins.architectures.miner.settings import MinerSettings
from inrc_plugins.shared.network_architecture import NetworkArchitecture


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

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        checked = MinerConfig.from_map(config, shape)
        if device == "cpu":
            return MinerEvaluator(checked, shape, components, parameters, level)
        from inrc_plugins.architectures.miner.training.device_evaluation import DeviceEvaluator

        return DeviceEvaluator(checked, shape, components, parameters, device, level)

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        from inrc_plugins.architectures.miner.training.fit import requantise

        return requantise(task, MinerConfig.from_map(fitted.config, task.shape), fitted)

    def fit(self, task: FitTask) -> Model:
        from inrc_plugins.architectures.miner.training.fit import MinerFit

        return MinerFit(task).run()
