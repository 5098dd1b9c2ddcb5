"""Training of float tensors under a fixed quantisation, in the phases its quantiser asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from codec.format.headers import Quantisation
from codec.plugin_api.stages import Quantiser, QuantisingPhase, QuantisingState
from codec.training.fitted_network import FittedState
from codec.training.fitter import Fitter, Tensors, carrying
from codec.training.progress import StageProgress
from codec.training.unit_removal import masking

# A parameter moves by at most about this share of its step at once.
_STEP_SHARE = 0.1
_RATE_SHARE = 0.1
_FINAL_RATE = 0.05


@runtime_checkable
class LayeredFitter(Protocol):
    """A `Fitter` that can fit one layer after the other to given outputs."""

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """Layers, see `LayeredNetwork`; empty if the network shows none."""
        ...

    def layer_fitter(self, layer: int, reference: Tensors) -> Fitter[Any]:
        """A fitter of the tensors up to a layer, whose targets are the layer's outputs with
        `reference`."""
        ...


class QuantisedTraining:
    """One round of training.

    Args:
        quantiser: of all tensors.
        state: what is trained; its tensors stay.
        quantisations: codes of each tensor.
        bit_price: rise of the loss that is worth one bit less.
        batches: to judge by.
        progress: the part of the whole that this is.
    """

    def __init__(
        self,
        quantiser: Quantiser,
        state: FittedState,
        quantisations: Mapping[str, Quantisation],
        bit_price: float,
        batches: Sequence[Any],
        progress: StageProgress,
    ) -> None:
        self._quantiser = quantiser
        self._state = state
        self._quantisations = quantisations
        self._bit_price = bit_price
        self._batches = batches
        self._progress = progress
        self._masked = masking(state.tensors, state.masks)

    def run(self, steps: int) -> Tensors:
        """The tensors after about so many steps."""
        tensors = {name: tensor.clone() for name, tensor in self._state.tensors.items()}
        phases = self._quantiser.phases(steps)
        total, done = sum(phase.steps for phase in phases) or 1, 0
        fitter = self._state.network.fitter
        for phase in phases:
            part = self._progress.part(done / total, (done + phase.steps) / total)
            if phase.layered and isinstance(fitter, LayeredFitter) and fitter.layers:
                self._train_layers(phase, fitter, tensors, part)
            else:
                attached = phase.attach(
                    tensors, self._quantisations, self._state.coded, self._bit_price, phase.steps
                )
                self._train(attached, fitter, tensors, phase.steps, part)
            done += phase.steps
        return tensors

    def _train_layers(
        self,
        phase: QuantisingPhase,
        fitter: LayeredFitter,
        tensors: Tensors,
        progress: StageProgress,
    ) -> None:
        """Each layer on what it gave before, behind layers that are quantised already."""
        reference = {name: tensor.clone() for name, tensor in tensors.items()}
        names: list[str] = []
        for number, added in enumerate(fitter.layers):
            names += added
            alone = fitter.layer_fitter(number, reference)
            added_tensors = {name: tensors[name] for name in added}
            price = self._layer_bit_price(alone, tensors, names, added_tensors)
            steps = phase.steps // len(fitter.layers)
            attached = phase.attach(
                added_tensors, self._quantisations, self._state.coded, price, steps
            )
            share = 1 / len(fitter.layers)
            part = progress.part(share * number, share * (number + 1))
            reached = {name: tensors[name] for name in names}
            self._train(attached, alone, reached, steps, part, settled=added)
            tensors.update(reached)

    def _layer_bit_price(
        self, fitter: Fitter[Any], tensors: Tensors, names: Sequence[str], added_tensors: Tensors
    ) -> float:
        """Worth of a bit in the error of a layer's outputs.

        Rounding N integers adds N c^2 / 24, and a bit is worth c^2 ln 2 / 12.
        """
        rounded = {
            name: self._masked(
                name, self._quantiser.straight_through(tensors[name], self._quantisations[name])
            )
            for name in names
        }
        error = fitter.estimate(rounded, fitter.draw(len(self._batches)))
        return 2 * math.log(2) * error / sum(tensor.numel() for tensor in added_tensors.values())

    def _train(
        self,
        attached: QuantisingState,
        fitter: Fitter[Any],
        tensors: Tensors,
        steps: int,
        progress: StageProgress,
        settled: Sequence[str] | None = None,
    ) -> None:
        """Train `tensors` in place; those not `settled` (all are, if None) are seen rounded."""
        mine = set(tensors if settled is None else settled)

        def transform(name: str, tensor: torch.Tensor) -> torch.Tensor:
            if name in mine:
                return self._masked(name, attached.apply(name, self._masked(name, tensor)))
            rounded = self._quantiser.straight_through(tensor, self._quantisations[name])
            return self._masked(name, rounded)

        report = progress.stage("quantise")

        def after_step(fraction: float, loss: float) -> None:
            attached.advance(loss)
            report(fraction, loss)

        parameters = attached.parameters()
        with carrying(fitter, attached.carried()):
            fitter.run(
                tensors,
                steps,
                dict.fromkeys(tensors, 0.0)
                if parameters
                else {name: self._rate(name) for name in tensors},
                final_rate=_FINAL_RATE,
                transform=transform,
                extra=parameters,
                extra_rate=attached.rate,
                penalty=attached.penalty,
                report=after_step,
            )
        with torch.no_grad():
            for name in mine:
                tensors[name] = self._masked(name, attached.settled(name, tensors[name]))

    def _rate(self, name: str) -> float:
        layer_rate = _RATE_SHARE * self._state.network.rates[name]
        return min(layer_rate, _STEP_SHARE * _spacing(self._quantisations[name]))


def _spacing(quantisation: Quantisation) -> float:
    """Distance between neighbouring values that a parameter can have."""
    if not quantisation.codebook:
        return min(quantisation.steps)
    between = np.diff(np.unique(quantisation.codebook))
    return quantisation.steps[0] * (float(np.median(between)) if len(between) else 1.0)
