"""Protocols of architectures: interfaces between the pipeline and networks it does not know.

An architecture knows its network and nothing of the file; the pipeline knows files and no network.
Evaluation must follow the architecture's normative text in `format_spec/architectures/`. Protocols
of pruners and quantisers are in `codec.plugin_api.stages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from codec.arrays import Float32Array
from codec.format.prior_file import Prior
from codec.plugin_api.evaluator import Evaluator
from codec.plugin_api.models import Config, FittedModel, Model, ShapeModel, TensorSpec
from codec.plugin_api.tasks import FitTask, MetaTask, ShapeTask


@runtime_checkable
class Architecture(Protocol):
    """A family of models.

    Attributes:
        identifier, name, version, summary: as the registry has them.
        staged: whether its fit uses the pruner and quantiser plugins, which need PyTorch.
        bounded: whether its fit takes a goal with a bound; others get a PSNR near it.
        settings: its settings, a frozen dataclass whose fields are made by
            `codec.options.plugin_settings.setting`.
    """

    identifier: int
    name: str
    version: int
    summary: str
    staged: bool
    bounded: bool
    settings: type

    def tensors(
        self, config: Config, shape: tuple[int, ...], components: int
    ) -> tuple[TensorSpec, ...]:
        """The parameter tensors, in coding order.

        Raises:
            CorruptError, UnsupportedError: the config is invalid, or unknown to this version.
        """
        ...

    def multiply_adds(self, config: Config, shape: tuple[int, ...], components: int) -> int:
        """Multiply-adds to evaluate one position."""
        ...

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        """An evaluator of the given float32 tensors on "cpu" or "cuda".

        Args:
            parameters: the tensors; may be overwritten. Of a tensor with a lattice only the
                coefficients of levels >= `level`, as an array of `lattice.low_shape(level)`.
            level: how coarse; positions are those of level 0 in any case.
        """
        ...

    def tolerance(self, config: Config) -> float:
        """Greatest distance of class F decoders from the reference, in units of the range."""
        ...

    def level_factors(
        self, config: Config, shape: tuple[int, ...], components: int, level: int
    ) -> tuple[int, ...]:
        """Per axis, how many samples apart those of `level` are."""
        ...

    def fit(self, task: FitTask) -> Model:
        """The best model found for the task; meets its goal wherever one was found that does."""
        ...


@runtime_checkable
class RequantisableArchitecture(Architecture, Protocol):
    """An architecture whose later stages can be done again without fitting."""

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        """`fitted`, pruned and quantised by the plugins of the task, for its goal.

        Args:
            task: whose values are those of the model itself; `schedule` says how many steps are
                taken in each stage, none where it is 0.
        """
        ...


@runtime_checkable
class ShapeArchitecture(Architecture, Protocol):
    """An architecture that fits shapes."""

    def fit_shape(self, task: ShapeTask) -> ShapeModel:
        """The best model found for the task; meets its goal wherever one was found that does."""
        ...


@runtime_checkable
class MetaArchitecture(Architecture, Protocol):
    """An architecture whose fits may start from a prior."""

    def meta_train(self, task: MetaTask) -> Prior:
        """A prior for items like those of the task."""
        ...
