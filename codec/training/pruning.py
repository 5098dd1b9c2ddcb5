"""The prune stage: gates trained with the network, then folded, then a finetune under fixed masks.

Two thirds of the steps are with gates and a third without, as in LFGC (seed 001). Rates are a share
of those of the fit, and stay while gates close, so that what is left learns to do without what
goes; they fall in the end, under fixed masks. With rates that fall twice, or with a tenth as in
LFGC, half a latent grid costs 0.1 to 0.3 dB more against a network trained on as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from codec.arrays import BoolArray
from codec.plugin_api.stages import EntryPruner, PruningTask, UnitPruner
from codec.training.fitted_network import FittedNetwork
from codec.training.fitter import Tensors, carrying
from codec.training.progress import StageProgress
from codec.training.unit_removal import RemovableNetwork, masking

_GATE_RATE = 0.02
# Share of the rates of the fit; and where the finetune ends, as a share of that.
RATE_SHARE, FINAL_SHARE = 0.3, 0.03
_GATED_SHARE = 2 / 3


def prune_entries(
    pruner: EntryPruner,
    network: FittedNetwork,
    tensors: Tensors,
    curvature: Tensors,
    price: float,
    steps: int,
    seed: int,
    progress: StageProgress,
) -> tuple[Tensors, dict[str, BoolArray]]:
    """Tensors after pruning and finetuning, and the masks of those that lost entries.

    Args:
        curvature: of the loss, per element of the tensors.
        price: rise of the loss that is worth not having to code one integer.
    """
    prunable = [spec for spec in network.specs if spec.prunable]
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    gated = steps - int(steps * (1 - _GATED_SHARE))
    gates = pruner.attach(
        PruningTask(
            {spec.name: tensors[spec.name] for spec in prunable},
            {
                spec.name: 0.5 * curvature[spec.name] * tensors[spec.name].square()
                for spec in prunable
            },
            price,
            frozenset(spec.name for spec in prunable if spec.shareable and len(spec.shape) > 1),
            gated,
            seed,
        )
    )
    report = progress.part(0.0, _GATED_SHARE).stage("prune")

    def after_step(fraction: float, loss: float) -> None:
        gates.advance(loss)
        report(fraction, loss)

    rates = {name: RATE_SHARE * rate for name, rate in network.rates.items()}
    with carrying(network.fitter, gates.carried()):
        network.fitter.run(
            tensors,
            gated,
            rates,
            final_rate=1.0,
            transform=gates.apply,
            extra=gates.parameters(),
            extra_rate=_GATE_RATE,
            penalty=gates.penalty,
            report=after_step,
        )
    masks = {name: mask for name, mask in gates.masks().items() if not mask.all()}
    apply = masking(tensors, masks)
    with torch.no_grad():
        tensors = {name: apply(name, gates.fold(name, t)) for name, t in tensors.items()}
    if steps > gated:
        network.fitter.run(
            tensors,
            steps - gated,
            rates,
            final_rate=FINAL_SHARE,
            transform=apply,
            report=progress.part(_GATED_SHARE, 1.0).stage("prune"),
        )
        with torch.no_grad():
            tensors = {name: apply(name, tensor) for name, tensor in tensors.items()}
    return tensors, masks


def remove_units(
    pruner: UnitPruner,
    network: FittedNetwork,
    tensors: Tensors,
    price: float,
    steps: int,
    batches: Sequence[Any],
    progress: StageProgress,
) -> tuple[FittedNetwork, Tensors, dict[str, BoolArray]]:
    """The network without the units that the pruner removes; arguments as of `prune_entries`."""
    copies = {name: tensor.clone() for name, tensor in tensors.items()}
    start = RemovableNetwork(network, copies, {}, batches, progress.stage("prune"))
    left = pruner.remove(start, price, steps)
    if not isinstance(left, RemovableNetwork):
        raise TypeError("a pruner of units returns a network that it was given, or one made of it")
    return left.network, left.tensors, dict(left.masks)
