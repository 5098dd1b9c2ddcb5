"""Pruner `taylor` (oracle rank): whole units go, those first whose removal matters least.

After Molchanov et al. (Pruning Convolutional Neural Networks for Resource Efficient Inference,
2017) and Valada, Mohan, Burgard (AdapNet++, 2020; seed 004). A unit is a hidden unit, a latent
channel or a block. To first order, the error at a sample changes by h dD/dh without the unit that
gives h; saliency is its mean square over the samples, divided by the l2 norm of its layer. (The
seed averages h dD/dh with its sign, so that units that help in one place and harm in another look
useless, and sets negative ones, whose removal harms, to 0.) The least salient units are
candidates; each is taken out for a try, its mean added to the next biases, and the best goes for
good where the rise of the error is below what its parameters cost. What is left is trained, and
ranked again, until nothing is worth removing or the budget of quality is spent: the last round is
then undone. Where a share of the parameters is asked for, a unit that would overshoot it by more
than the network is short of it stays, and smaller ones may make up the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from codec.arrays import FloatArray
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import UnitKind, UnitNetwork


@dataclass(frozen=True)
class TaylorSettings:
    """Extent of the removal, and its pace."""

    sparsity: float = setting(
        0.0,
        "share of all parameters that goes with units, whatever the budget; 0: by rate",
        low=0.0,
        high=0.95,
    )
    budget: float = setting(
        0.5,
        "dB that the trained float network may lose in all, where no sparsity is asked for",
        low=0.0,
    )
    rounds: int = setting(4, "removals, each followed by training", low=1)
    share: float = setting(
        0.15, "part of the units of a kind that one round may remove", low=0.0, high=1.0
    )
    candidates: int = setting(
        4, "least salient units that are tried out for each removal; 0: all", low=0
    )


class Taylor:
    """Units in the order of their saliency."""

    name = "taylor"
    summary = "removes whole units by Taylor saliency and exact ablation (oracle rank)"
    settings = TaylorSettings

    def __init__(self, settings: TaylorSettings | None = None) -> None:
        self._settings = settings or TaylorSettings()

    @property
    def binding(self) -> bool:
        return self._settings.sparsity > 0

    def configured(self, settings: TaylorSettings) -> Taylor:
        return Taylor(settings)

    def remove(self, network: UnitNetwork, price: float, steps: int) -> UnitNetwork:
        settings = self._settings
        limit = network.error() * 10 ** (settings.budget / 10)
        parameters = network.parameters
        for number in range(settings.rounds):
            done = (number + 1) / settings.rounds
            wanted = round(parameters * (1 - done * settings.sparsity))
            final = round(parameters * (1 - settings.sparsity))
            smaller = self._round(network, price, wanted, final)
            if smaller.parameters == network.parameters:
                if self.binding:
                    continue
                break
            smaller = smaller.trained(max(1, steps // settings.rounds))
            if not self.binding and smaller.error() > limit:
                break
            network = smaller
        return network

    def _round(self, network: UnitNetwork, price: float, wanted: int, final: int) -> UnitNetwork:
        """The network after some removals: with a sparsity, down to the parameters `wanted`, and
        never farther from those wanted in the end, `final`."""
        removed: dict[str, int] = {}
        allowed = {
            kind.name: max(1, math.ceil(self._settings.share * kind.count))
            for kind in network.kinds()
        }
        error = network.error()
        while not self.binding or network.parameters > wanted:
            kinds = [
                kind
                for kind in network.kinds()
                if self.binding or removed.get(kind.name, 0) < allowed.get(kind.name, 0)
            ]
            best: tuple[float, str, UnitNetwork, float] | None = None
            for kind, chosen in self._candidates(network, kinds):
                without = network.without(kind, chosen)
                if self.binding and not _nearer(without.parameters, network.parameters, final):
                    continue
                freed = network.parameters - without.parameters
                left = without.error()
                worth = (left - error) / max(freed, 1) - price
                if best is None or worth < best[0]:
                    best = worth, kind.name, without, left
            if best is None or (best[0] >= 0 and not self.binding):
                break
            _, name, network, error = best
            removed[name] = removed.get(name, 0) + 1
        return network

    def _candidates(
        self, network: UnitNetwork, kinds: list[UnitKind]
    ) -> list[tuple[UnitKind, tuple[int, ...]]]:
        """Units to be tried, one of each layer of a kind together, the least salient first."""
        candidates: list[tuple[UnitKind, tuple[int, ...]]] = []
        for kind in kinds:
            layers = network.saliency(kind)
            if layers is None:
                candidates += [(kind, (unit,) * len(kind.layers)) for unit in range(kind.count)]
                continue
            orders = [np.argsort(layer, kind="stable") for layer in map(normalise, layers)]
            ranked = [tuple(map(int, chosen)) for chosen in zip(*orders, strict=True)]
            candidates += [(kind, chosen) for chosen in ranked[: self._settings.candidates or None]]
        return candidates


def _nearer(after: int, before: int, wanted: int) -> bool:
    """Whether a removal leads nearer to the parameters that are wanted."""
    return abs(after - wanted) < before - wanted


def normalise(layer: FloatArray) -> FloatArray:
    """Saliencies divided by their l2 norm, so that layers can be compared."""
    norm = float(np.sqrt(np.square(layer).sum()))
    return layer / norm if norm > 0 else layer
