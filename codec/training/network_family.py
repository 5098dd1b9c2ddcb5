"""Networks of one kind in all sizes: what an architecture gives to the gradient fit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import torch

from codec.plugin_api.models import TensorSpec
from codec.plugin_api.stages import UnitKind
from codec.plugin_api.tasks import FitTask
from codec.training.batches import Sampler
from codec.training.fitter import Network, Tensors
from codec.training.recipe import USUAL, Recipe
from codec.training.trainer import Trainer


class SizedConfig(Protocol):
    """Checked config of a network, from which its tensors and its config map follow."""

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        """Parameter tensors in coding order."""
        ...

    def parameters(self, components: int) -> int:
        """Number of parameters."""
        ...

    def to_map(self) -> dict[int, Any]:
        """Config map of the file."""
        ...


ConfigT = TypeVar("ConfigT", bound=SizedConfig)


class NetworkFamily(ABC, Generic[ConfigT]):
    """Sizes, starting values and functions of the networks of one architecture.

    Args:
        sizes: samples along each axis longer than 1.
        components: outputs.
        settings: settings of the architecture.

    Attributes:
        recipe: descent of the float fit.
        arranges: whether `arranged` does anything, for which a curvature is measured.
    """

    recipe: Recipe = USUAL
    arranges: ClassVar[bool] = False

    def __init__(self, sizes: Sequence[int], components: int, settings: Any) -> None:
        self.sizes = tuple(sizes)
        self.components = components
        self._settings = settings

    @abstractmethod
    def sized(self, parameters: int) -> ConfigT:
        """Config with about so many parameters, or the nearest there is."""

    @abstractmethod
    def start(self, config: ConfigT, generator: torch.Generator) -> Tensors:
        """Initial values of the tensors, float32."""

    @abstractmethod
    def rates(self, config: ConfigT) -> dict[str, float]:
        """Learning rate of Adam for each tensor at the start of a fit."""

    @abstractmethod
    def network(self, config: ConfigT) -> Network:
        """Function that a config evaluates, on outer products of sample indices."""

    def resize(self, tensors: Tensors, before: ConfigT, after: ConfigT) -> Tensors:
        """Tensors of a larger network; the default starts anew.

        An override gives the same function as nearly as possible, so that what was learned stays.
        """
        generator = torch.Generator().manual_seed(after.parameters(self.components))
        device = next(iter(tensors.values())).device
        return {name: start.to(device) for name, start in self.start(after, generator).items()}

    def count(self, config: ConfigT) -> int:
        """Number of parameters of a config."""
        return config.parameters(self.components)

    def tensors(self, config: ConfigT) -> tuple[TensorSpec, ...]:
        """Tensors of a config in coding order."""
        return config.tensors(self.components)

    def to_map(self, config: ConfigT) -> dict[int, Any]:
        """Config map of the file."""
        return config.to_map()

    def trainer(self, config: ConfigT, sampler: Sampler, task: FitTask) -> Trainer:
        """Trainer of the tensors of a config on the samples of a task."""
        network = self.network(config)
        return Trainer(network, sampler, task.seed, task.threads, task.journal)

    def centred(self, config: ConfigT, tensors: Tensors) -> Tensors:
        """Same function, with the most frequent value of prunable tensors moved to 0."""
        return tensors

    def arranged(self, tensors: Tensors, curvature: Tensors) -> Tensors:
        """Same function, with neighbours in a tensor more alike; used where `arranges` is set.

        Args:
            tensors: tensors of the float fit.
            curvature: curvature of the loss, per element of the tensors.
        """
        return tensors


class UnitFamily(NetworkFamily[ConfigT]):
    """Family whose networks can lose units, because their configs can say that these are gone."""

    @abstractmethod
    def units(self, config: ConfigT) -> tuple[UnitKind, ...]:
        """Units that can be removed from a network of this config."""

    @abstractmethod
    def unit_means(
        self,
        config: ConfigT,
        tensors: Tensors,
        kind: UnitKind,
        indices: Sequence[torch.Tensor],
    ) -> list[torch.Tensor]:
        """Mean output of each unit, per layer, over the outer product of `indices`."""

    @abstractmethod
    def without(
        self,
        config: ConfigT,
        tensors: Tensors,
        kind: UnitKind,
        chosen: Sequence[int],
        means: Sequence[float],
    ) -> tuple[ConfigT, Tensors]:
        """Config and tensors without one unit of each layer, its mean added to what follows."""
