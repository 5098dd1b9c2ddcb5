"""Training in which the grids move: features follow the error, transforms the density loss.

The reconstruction has no say in the transforms, whose gradient comes from the density alone, by an
optimiser of their own that starts late, slows down along a cosine and then leaves them for good.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from codec.arrays import Array
from codec.files.fit_journal import FitJournal, Snapshot
from codec.training.batches import sample_count
from codec.training.fitter import Batches, ShardResult, Tensors, Transform, identity
from codec.training.trainer import Trainer
from inrc_plugins.architectures.amgsrn.settings import AmgsrnSettings
from inrc_plugins.architectures.amgsrn.training.network import GridsNetwork, density_loss, variation
from inrc_plugins.architectures.amgsrn.training.sampling import PointSampler

# The source waits for 500 of 30,000 steps, and then moves the grids for a fifth of all.
_DELAY, _SHARE = 500 / 30000, 1 / 5
# The source's weights are for errors of values in [0, 1]; ours are in [-1, 1], their squares 4
# times as large.
_UNIT = 4.0
# Before the names of the placement's tensors in a journal.
_KEPT = "placement/"


class Placement:
    """The transforms' own optimiser.

    Args:
        transforms: leaf tensor.
        steps: of the whole training.
        rate: at the start of the cosine.
    """

    def __init__(self, transforms: torch.Tensor, steps: int, rate: float) -> None:
        self._first = max(1, round(_DELAY * steps))
        self._count = round(_SHARE * steps) if rate > 0 else 0
        self._rate = rate
        self._done = 0
        self._optimiser = torch.optim.Adam([transforms], lr=rate, betas=(0.9, 0.99), eps=1e-15)

    @property
    def moving(self) -> bool:
        """Whether the grids move in the coming step."""
        return self._first <= self._done < self._first + self._count

    def snapshot(self) -> tuple[dict[str, Array], int]:
        """State to go on from: the optimiser's tensors, and the steps done."""
        moments = self._optimiser.state_dict()["state"].get(0, {})
        return {name: value.cpu().numpy().copy() for name, value in moments.items()}, self._done

    def restore(self, moments: Mapping[str, Array], done: int) -> None:
        """Go on from there."""
        self._done = done
        if moments:
            state = {name: torch.from_numpy(value) for name, value in moments.items()}
            groups = self._optimiser.state_dict()["param_groups"]
            self._optimiser.load_state_dict({"state": {0: state}, "param_groups": groups})

    def step(self) -> None:
        """Move the grids, if it is their time."""
        if self.moving:
            share = (self._done - self._first) / self._count
            self._optimiser.param_groups[0]["lr"] = self._rate * (1 + math.cos(math.pi * share)) / 2
            self._optimiser.step()
        self._done += 1


class PlacingTrainer(Trainer):
    """Fits grids, network and, in the float fit alone, where the grids lie.

    Args:
        network: the function.
        settings: rates and weights.
        sampler: draws the shards.
        seed, threads, journal: as of `Trainer`.
    """

    _epsilon = 1e-15

    def __init__(
        self,
        network: GridsNetwork,
        settings: AmgsrnSettings,
        sampler: PointSampler,
        seed: int,
        threads: int,
        journal: FitJournal | None = None,
    ) -> None:
        super().__init__(network, sampler, seed, threads, journal)
        self._grids_network = network
        self._settings = settings
        self._placement: Placement | None = None

    def run(
        self,
        tensors: Tensors,
        steps: int,
        rates: Mapping[str, float],
        *,
        transform: Transform = identity,
        **stage: Any,
    ) -> float:
        """Training, see `Trainer.run`; grids of plain tensors move and stay smooth."""
        if transform is identity:
            rate = self._settings.transform_rate
            self._placement = Placement(tensors["transforms"], steps, rate)
            stage["penalty"] = partial(self._roughness, tensors["grids"])
        try:
            return super().run(tensors, steps, rates, transform=transform, **stage)
        finally:
            self._placement = None

    def _roughness(self, grids: torch.Tensor) -> torch.Tensor:
        settings = self._settings
        return _UNIT * (
            settings.variation * variation(grids) + settings.magnitude * grids.abs().mean()
        )

    def _snapshot(self, *arguments: Any) -> Snapshot:
        snapshot = super()._snapshot(*arguments)
        if self._placement is None or snapshot.finished:
            return snapshot
        moments, done = self._placement.snapshot()
        arrays = {f"{_KEPT}{name}": value for name, value in moments.items()}
        return Snapshot(False, {**snapshot.arrays, **arrays}, {**snapshot.state, "placed": done})

    def _restore(self, snapshot: Snapshot, *arguments: Any) -> tuple[float, int]:
        moments = {
            name.removeprefix(_KEPT): value
            for name, value in snapshot.arrays.items()
            if name.startswith(_KEPT)
        }
        if self._placement is not None and not snapshot.finished:
            self._placement.restore(moments, snapshot.state["placed"])
        others = {
            name: value for name, value in snapshot.arrays.items() if not name.startswith(_KEPT)
        }
        return super()._restore(Snapshot(snapshot.finished, others, snapshot.state), *arguments)

    def _step(self, tensors: Tensors, *arguments: Any) -> float:
        loss = super()._step(tensors, *arguments)
        if self._placement is not None:
            self._placement.step()
        # The optimiser of all other tensors passes over what has no gradient.
        tensors["transforms"].grad = None
        return loss

    def _gradients(
        self, inputs: Tensors, generator: np.random.Generator, batches: Batches
    ) -> ShardResult:
        shard = batches.draw(generator)
        transforms = inputs["transforms"]
        moving = self._placement is not None and self._placement.moving
        local = self._grids_network.local(
            transforms if moving else transforms.detach(), shard.indices
        )
        difference = self._grids_network.at(inputs, local.detach()) - shard.target
        if shard.valid is not None:
            difference = difference * shard.valid
        squares = difference.square()
        squared = squares.sum()
        others = [tensor for name, tensor in inputs.items() if name != "transforms"]
        gradients = dict(
            zip(
                (name for name in inputs if name != "transforms"),
                torch.autograd.grad(squared, others),
                strict=True,
            )
        )
        count = sample_count(shard)
        gradients["transforms"] = torch.zeros_like(transforms)
        if moving:
            loss = density_loss(transforms, local, squares.detach().mean(dim=0))
            # Sums of all shards are divided by the number of samples, which is in here already.
            gradients["transforms"] = count * torch.autograd.grad(loss, transforms)[0]
        return ShardResult(
            float(squared.detach()), count, tuple(gradients[name] for name in inputs)
        )
