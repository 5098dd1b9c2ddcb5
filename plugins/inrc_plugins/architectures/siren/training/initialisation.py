"""Start of a fit: at random, or at a prior, to which parameters then are differences."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from codec.arrays import Float32Array
from codec.errors import FormatError, InvalidOptionError, UnsupportedError
from codec.plugin_api.models import FittedModel, TensorSpec
from codec.plugin_api.prior_lookup import VARIABLE, find_prior, read_prior
from codec.training.batches import Shard
from codec.training.fitter import Tensors
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.prior import config_of, named, packaged, split
from inrc_plugins.architectures.siren.training.adaptation import LearntRates, adapted
from inrc_plugins.architectures.siren.training.network import (
    AnyNetwork,
    ShiftedNetwork,
    SirenNetwork,
    initial_tensors,
)


@dataclass(frozen=True)
class Start:
    """A state of a fit.

    Attributes:
        config: of the network.
        tensors: what is trained: parameters, or differences to `origin`.
        origin: the prior's parameters, or empty.
        rates: of the prior's inner steps, if it has them.
    """

    config: SirenConfig
    tensors: Tensors
    origin: Tensors = field(default_factory=dict)
    rates: LearntRates | None = None

    def to(self, device: str) -> Start:
        """The same on a device."""
        return replace(
            self,
            tensors={name: tensor.to(device) for name, tensor in self.tensors.items()},
            origin={name: tensor.to(device) for name, tensor in self.origin.items()},
            rates=None if self.rates is None else self.rates.to(device),
        )

    def with_tensors(self, tensors: Tensors) -> Start:
        return replace(self, tensors=tensors)

    def network(self, plain: SirenNetwork) -> AnyNetwork:
        """The function of what is trained."""
        return ShiftedNetwork(plain, self.origin) if self.origin else plain

    def adapted(self, plain: SirenNetwork, shards: Sequence[Shard]) -> Start:
        """The same after the learnt inner steps, if there are any."""
        if self.rates is None:
            return self
        return replace(self, tensors=adapted(self.network(plain), shards, self.tensors, self.rates))


def fresh_start(config: SirenConfig, components: int, generator: torch.Generator) -> Start:
    """A network at random."""
    return Start(config, initial_tensors(config, components, generator))


def start_from_prior(path: str, axes: int, components: int, width: int) -> Start:
    """Differences of 0 to a prior.

    Args:
        path: its file, or the name of one that comes with the software.
        width: that was asked for, or 0.

    Raises:
        InvalidInputError: the file cannot be read.
        InvalidOptionError: it is damaged, no prior of this architecture or for other fields, or
            decoders would not find it.
    """
    try:
        prior = read_prior(named(path))
        config = config_of(prior)
    except FormatError as error:
        # It is not the file to be written that is damaged.
        raise InvalidOptionError(f"arch.prior={path}: {error.message}") from error
    if (prior.axes, prior.components) != (axes, components):
        raise InvalidOptionError(
            f"{path}: is for {_kind(prior.axes, prior.components)}, and this is "
            f"{_kind(axes, components)}"
        )
    if width not in (0, config.width):
        raise InvalidOptionError(
            f"arch.width={width}: {path} has width {config.width}; leave arch.width out"
        )
    _check_found(path, prior.name)
    specs = config.tensors(components)
    origin = _tensors(specs, split(prior, specs))
    rates = None
    if prior.rates is not None:
        values = torch.from_numpy(prior.rates.values.copy())
        rates = LearntRates(prior.rates.kind, prior.rates.steps, values)
    zeros = {name: torch.zeros_like(tensor) for name, tensor in origin.items()}
    return Start(replace(config, prior=prior.name), zeros, origin, rates)


def start_from(config: SirenConfig, components: int, fitted: FittedModel) -> Start:
    """A fitted network: its parameters, or its differences to the prior that its config names.

    Raises:
        UnsupportedError: the prior is not here.
    """
    specs = config.tensors(components)
    tensors = _tensors(specs, fitted.parameters)
    if config.prior is None:
        return Start(config, tensors)
    prior = find_prior(config.prior, packaged())
    return Start(config, tensors, _tensors(specs, split(prior, specs)))


def _tensors(specs: Sequence[TensorSpec], values: Sequence[Float32Array]) -> Tensors:
    return {
        spec.name: torch.from_numpy(np.array(array, np.float32))
        for spec, array in zip(specs, values, strict=True)
    }


def _check_found(path: str, name: bytes) -> None:
    try:
        find_prior(name, packaged())
    except UnsupportedError:
        folder = os.path.dirname(os.path.abspath(path))
        raise InvalidOptionError(
            f"{path}: is in no folder that the environment variable {VARIABLE} lists, where "
            f"decoders look for priors; set {VARIABLE}={folder}"
        ) from None


def _kind(axes: int, components: int) -> str:
    return f"{axes} axes and {components} component{'s' if components > 1 else ''}"
