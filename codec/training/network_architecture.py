"""Base of architectures whose networks are trained by gradients.

Such an architecture is a config (which tensors there are), a family (the network in all sizes, with
PyTorch) and an evaluation (NumPy alone). This module imports PyTorch only to fit, so that files
decode on the CPU where it is not installed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from codec.arrays import Float32Array
from codec.plugin_api.evaluator import CLASS_F_PEAK, Evaluator
from codec.plugin_api.models import Config, FittedModel, Model, TensorSpec
from codec.plugin_api.tasks import FitTask

if TYPE_CHECKING:
    from codec.training.network_family import NetworkFamily


class NetworkConfig(Protocol):
    """Checked config of a network, from which its tensors follow."""

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        """Parameter tensors in coding order; see `codec.plugin_api.architecture.Architecture`."""
        ...

    def multiply_adds(self, components: int) -> int:
        """Multiply-adds to evaluate one position."""
        ...


@dataclass(frozen=True)
class DecodedNetwork:
    """Network as a file holds it, ready to be evaluated.

    Attributes:
        config: checked config, of the class that the architecture names.
        shape: samples along each axis of the item.
        components: outputs.
        parameters: float32 tensors in coding order.
        level: level of detail that is asked for; positions are those of level 0 in any case.
    """

    config: Any
    shape: tuple[int, ...]
    components: int
    parameters: Sequence[Float32Array]
    level: int = 0


class NetworkArchitecture(ABC):
    """Architecture that can be evaluated at any position, in accuracy class F.

    A subclass sets `identifier`, `name`, `version`, `summary` and `settings`, as
    `codec.plugin_api.architecture.Architecture` has them, and its `config`.

    Attributes:
        config: class of its configs, with a class method `from_map(config, shape)` that checks a
            config map and raises `CorruptError` or `UnsupportedError`.
    """

    staged = True
    bounded = False
    config: ClassVar[Any]

    @abstractmethod
    def on_cpu(self, network: DecodedNetwork) -> Evaluator:
        """Evaluator with NumPy alone."""

    def on_device(self, network: DecodedNetwork, device: str) -> Evaluator:
        """Evaluator on a GPU, "cuda" for example; the default computes on the CPU."""
        return self.on_cpu(network)

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        """See `codec.plugin_api.architecture.Architecture`."""
        checked = self.config.from_map(config, shape)
        network = DecodedNetwork(checked, shape, components, parameters, level)
        return self.on_cpu(network) if device == "cpu" else self.on_device(network, device)

    def tensors(
        self, config: Config, shape: tuple[int, ...], components: int
    ) -> tuple[TensorSpec, ...]:
        """See `codec.plugin_api.architecture.Architecture`."""
        return self._checked(config, shape).tensors(components)

    def multiply_adds(self, config: Config, shape: tuple[int, ...], components: int) -> int:
        """See `codec.plugin_api.architecture.Architecture`."""
        return self._checked(config, shape).multiply_adds(components)

    def tolerance(self, config: Config) -> float:
        """See `codec.plugin_api.architecture.Architecture`."""
        return CLASS_F_PEAK

    def level_factors(
        self, config: Config, shape: tuple[int, ...], components: int, level: int
    ) -> tuple[int, ...]:
        """See `codec.plugin_api.architecture.Architecture`."""
        return tuple(min(1 << level, size) for size in shape)

    def _checked(self, config: Config, shape: tuple[int, ...]) -> NetworkConfig:
        checked: NetworkConfig = self.config.from_map(config, shape)
        return checked


class TrainedArchitecture(NetworkArchitecture):
    """Network architecture that is fitted, pruned and quantised by `codec.training.gradient_fit`.

    What it adds to its config and its evaluation is a family: the network in all sizes.
    """

    @abstractmethod
    def family(self, task: FitTask) -> NetworkFamily[Any]:
        """Networks for the item of a task; the place to import PyTorch."""

    def fit(self, task: FitTask) -> Model:
        """See `codec.plugin_api.architecture.Architecture`."""
        from codec.training.gradient_fit import GradientFit

        return GradientFit(task, self.family(task)).run()

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        """See `codec.plugin_api.architecture.RequantisableArchitecture`."""
        from codec.training.gradient_fit import GradientFit

        config = self.config.from_map(fitted.config, task.shape)
        return GradientFit(task, self.family(task)).requantise(config, fitted)
