"""Interfaces of stages: pruners and quantisers, and what the pipeline gives them.

They know tensors by name and nothing of the network, its architecture or the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from codec.arrays import BoolArray, FloatArray, Int64Array, Tensor
from codec.format.headers import Quantisation


@dataclass(frozen=True)
class PruningTask:
    """Task of a pruner of entries.

    Attributes:
        tensors: the prunable tensors, fitted; `attach` may rescale them in place.
        importance: for each, the estimated rise of the loss per element if it were 0.
        price: rise of the loss that is worth not having to code one integer.
        shareable: names of those that can have a mask shared over the first axis.
        steps: of training with gates.
        seed: of what is random.
    """

    tensors: Mapping[str, Tensor]
    importance: Mapping[str, Tensor]
    price: float
    shareable: frozenset[str]
    steps: int
    seed: int


class PruningState(Protocol):
    """A pruner at work on the tensors of one model during the fit."""

    def parameters(self) -> list[Tensor]:
        """Leaf tensors to be trained with the model."""
        ...

    def apply(self, name: str, tensor: Tensor) -> Tensor:
        """`tensor` with its pruning applied, differentiably; others are returned as they are."""
        ...

    def penalty(self) -> Tensor:
        """Scalar to add to the loss (mean squared error in normalised units)."""
        ...

    def advance(self, loss: float) -> None:
        """Called after every step, with the smoothed mean squared error."""
        ...

    def carried(self) -> list[Tensor]:
        """Tensors of its own that `advance` changes in place, without gradients: with them and the
        parameters, a training that was stopped goes on as if it had not been."""
        ...

    def fold(self, name: str, tensor: Tensor) -> Tensor:
        """`tensor` with its final gates in it; what `masks` leaves out need not be 0 yet."""
        ...

    def masks(self) -> dict[str, BoolArray]:
        """Final masks, shaped as the tensor or as one slice of its first axis."""
        ...


@runtime_checkable
class Pruner(Protocol):
    """A way to find parameters that are not needed.

    Attributes:
        binding: whether what it prunes was asked for by number, and so is kept whatever it costs.
    """

    name: str
    summary: str
    settings: type

    @property
    def binding(self) -> bool: ...

    def configured(self, settings: Any) -> Pruner:
        """This pruner with an instance of its settings class."""
        ...


@runtime_checkable
class EntryPruner(Pruner, Protocol):
    """A pruner of entries, which leaves masks."""

    def attach(self, task: PruningTask) -> PruningState:
        """Start pruning."""
        ...


@dataclass(frozen=True)
class UnitKind:
    """Units that can be removed from a network: hidden units, latent channels, blocks.

    Attributes:
        name: unique within the network.
        count: units in each layer.
        layers: per layer a tensor's name and an axis: of the last `count` slices along that axis,
            slice i multiplies what unit i gives (or is it). One unit of every layer is removed at
            a time, so that a config with one width for all layers can say it.
        freed: parameters that go with one unit of each layer.
    """

    name: str
    count: int
    layers: tuple[tuple[str, int], ...]
    freed: int


class UnitNetwork(Protocol):
    """A fitted network that units can be removed from."""

    @property
    def parameters(self) -> int:
        """Parameters that are coded."""
        ...

    def kinds(self) -> tuple[UnitKind, ...]:
        """Units that can be removed; a kind with all but one unit gone is not listed."""
        ...

    def saliency(self, kind: UnitKind) -> list[FloatArray] | None:
        """Per layer, for each unit E[(h dD/dh)^2], or None if nobody here can tell.

        h is what the unit gives at a sample, D the squared error there, E the mean over samples.
        """
        ...

    def error(self) -> float:
        """Mean squared error, always over the same samples."""
        ...

    def without(self, kind: UnitKind, chosen: Sequence[int]) -> UnitNetwork:
        """The network without one unit of each layer, their means added to biases."""
        ...

    def trained(self, steps: int) -> UnitNetwork:
        """The network after so many steps."""
        ...


@runtime_checkable
class UnitPruner(Pruner, Protocol):
    """A pruner of whole units, which leaves a smaller network."""

    def remove(self, network: UnitNetwork, price: float, steps: int) -> UnitNetwork:
        """The network without the units that are not worth what they cost.

        Args:
            network: fitted.
            price: rise of the loss that is worth not having to code one integer.
            steps: of training in all.
        """
        ...


class QuantisingState(Protocol):
    """A quantiser at work on the tensors of one model during the finetune.

    Attributes:
        rate: Adam's learning rate of its own parameters.
    """

    @property
    def rate(self) -> float: ...

    def parameters(self) -> list[Tensor]:
        """Leaf tensors to be trained; if there are any, the tensors themselves stay."""
        ...

    def apply(self, name: str, tensor: Tensor) -> Tensor:
        """`tensor` as the network is to see it, differentiably."""
        ...

    def penalty(self) -> Tensor:
        """Scalar to add to the loss."""
        ...

    def advance(self, loss: float) -> None:
        """Called after every step, with the smoothed mean squared error."""
        ...

    def carried(self) -> list[Tensor]:
        """Tensors of its own that `advance` changes in place, without gradients: with them and the
        parameters, a training that was stopped goes on as if it had not been."""
        ...

    def settled(self, name: str, tensor: Tensor) -> Tensor:
        """Values of `tensor` after the last step; rounding them gives the integers."""
        ...


class QuantisingPhase(Protocol):
    """One training under quantisation.

    Attributes:
        steps: how many.
        layered: whether layers should be trained one after the other, each on what it gives, where
            the network can.
    """

    @property
    def steps(self) -> int: ...

    @property
    def layered(self) -> bool: ...

    def attach(
        self,
        tensors: Mapping[str, Tensor],
        quantisations: Mapping[str, Quantisation],
        coded: Mapping[str, Tensor],
        bit_price: float,
        steps: int,
    ) -> QuantisingState:
        """Start training.

        Args:
            tensors: those to be trained; what is pruned is 0 and is kept so by others.
            quantisations: codes of each tensor.
            coded: entries that are coded, for pruned tensors: bool of the same shape.
            bit_price: rise of the loss that is worth one bit less.
            steps: that will be taken; of a layer, its own.
        """
        ...


@runtime_checkable
class Quantiser(Protocol):
    """A map from float tensors to integers and steps.

    Attributes:
        adjustable: whether `steps` depends on the coarseness, so that rate control can search.
    """

    name: str
    summary: str
    settings: type

    @property
    def adjustable(self) -> bool: ...

    def configured(self, settings: Any) -> Quantiser:
        """This quantiser with an instance of its settings class."""
        ...

    def steps(
        self,
        tensors: Mapping[str, Tensor],
        sensitivity: Mapping[str, Tensor],
        coarseness: float,
        coded: Mapping[str, Tensor],
    ) -> dict[str, Quantisation]:
        """Steps (or codebooks) for every tensor, finer where the loss is more sensitive.

        Args:
            tensors: float tensors, in coding order.
            sensitivity: for each, the curvature of the loss per element, same shape.
            coarseness: one positive number that scales all steps.
            coded: entries that are coded, for pruned tensors: bool of the same shape.
        """
        ...

    def quantise(self, tensor: Tensor, quantisation: Quantisation) -> Int64Array:
        """The integers of a tensor, same shape."""
        ...

    def straight_through(self, tensor: Tensor, quantisation: Quantisation) -> Tensor:
        """The tensor as it will be decoded, with the gradient of the identity."""
        ...

    def phases(self, steps: int) -> Sequence[QuantisingPhase]:
        """The trainings of one round of rate control, of about so many steps in all."""
        ...
