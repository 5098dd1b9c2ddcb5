"""Training of a network of sines in the later stages."""

from __future__ import annotations

import numpy as np

from codec.files.fit_journal import FitJournal
from codec.training.batches import Sampler, sample_count
from codec.training.fitter import Batches, ShardResult, Tensors
from codec.training.trainer import Trainer
from inrc_plugins.architectures.siren.training.network import AnyNetwork


class SirenTrainer(Trainer):
    """A `Trainer` whose gradients are the network's own; its loss is the squared error.

    Args:
        network: the function, with its gradients.
        sampler, seed, threads, journal: as of `Trainer`.
    """

    def __init__(
        self, network: AnyNetwork, sampler: Sampler, seed: int, threads: int, journal: FitJournal
    ) -> None:
        super().__init__(network, sampler, seed, threads, journal)
        self._differentiated = network

    def _gradients(
        self, inputs: Tensors, generator: np.random.Generator, batches: Batches
    ) -> ShardResult:
        shard = batches.draw(generator)
        squared, gradients = self._differentiated.squared_error(inputs, shard)
        return ShardResult(squared, sample_count(shard), gradients)
