"""prune -> finetune -> quantise -> finetune, and the search for the steps that meet the target.

One number, the coarseness c, scales the steps of all tensors. With steps inversely proportional to
the root of the loss's curvature, N integers of coarseness c add about N c^2 / 24 to the loss and
take -N log2 c bits plus a constant, so one bit is worth c^2 ln 2 / 12: the price by which pruning
is judged.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from codec.arrays import BoolArray
from codec.errors import InvalidOptionError
from codec.format.headers import Quantisation
from codec.measuring.metrics import mean_squared_error
from codec.plugin_api.models import CodedTensor, Measurement, Model, TensorSpec
from codec.plugin_api.stages import EntryPruner, Pruner, UnitPruner
from codec.plugin_api.tasks import FitTask
from codec.training.fitted_network import FittedNetwork, FittedState, Units
from codec.training.fitter import Fitter, Tensors
from codec.training.progress import StageProgress
from codec.training.pruning import prune_entries, remove_units
from codec.training.quantised_training import QuantisedTraining
from codec.training.unit_removal import masking

_log = logging.getLogger("inrc")

_ROUNDS = 5
# Rounds without training take no time, and nothing moves between them.
_UNTRAINED_ROUNDS = 10
# Rounds of a quantiser whose steps do not depend on the coarseness: another only trains more.
_FIXED_ROUNDS = 2
_CLOSE_DB = 0.1
_CLOSE_BYTES = 0.01
# Gain that finetuning under quantisation is expected to bring, for the first choice of steps.
_EXPECTED_DB = 0.5
_ESTIMATE_SHARDS = 32
CURVATURE_SHARDS = 16
_REMOVAL_SHARDS = 8


@dataclass(frozen=True)
class _Result:
    model: Model
    measured: Measurement
    coarseness: float


class QuantisedFit:
    """Turns fitted float tensors into the model that meets the task's goal best.

    Args:
        task: the item.
        trainer: trains the network that the tensors belong to.
        specs: of the tensors, in coding order.
        config: config map of the file.
        finetune_steps: under quantisation, first round; later rounds take half.
        prune_steps: with gates and after them.
        rates: learning rates of the float fit.
        progress: the part of the whole that this is.
        units: what can be removed from the network, if its config can say so.
    """

    def __init__(
        self,
        task: FitTask,
        trainer: Fitter[Any],
        specs: Sequence[TensorSpec],
        config: dict[int, Any],
        *,
        finetune_steps: int,
        prune_steps: int,
        rates: Mapping[str, float],
        progress: StageProgress,
        units: Units | None = None,
    ) -> None:
        self._task = task
        if task.quantiser is None:
            raise InvalidOptionError("this architecture needs a quantiser")
        self._quantiser = task.quantiser
        self._network = FittedNetwork(specs, config, trainer, rates, units)
        self._finetune_steps = finetune_steps
        self._prune_steps = prune_steps
        self._progress = progress
        self._shards = trainer.draw(_ESTIMATE_SHARDS)

    def run(self, tensors: Tensors, masks: Mapping[str, BoolArray] | None = None) -> Model:
        """The smallest model that meets a PSNR, or the best within a number of bytes.

        Args:
            tensors: as they were fitted.
            masks: of those that are pruned already.

        Where nothing meets the goal, the model that comes nearest is returned.
        """
        state = self._state(self._network, tensors, masks or {})
        coarseness = self._first_coarseness(state)
        pruner = self._task.pruner
        if pruner is not None:
            pruned = self._prune(pruner, state, coarseness)
            if pruner.binding or self._price(pruned, coarseness) < self._price(state, coarseness):
                state = pruned
                coarseness = self._first_coarseness(state)
        results: list[_Result] = []
        rounds = _ROUNDS if self._finetune_steps else _UNTRAINED_ROUNDS
        if not self._quantiser.adjustable:
            rounds = _FIXED_ROUNDS
        for number in range(rounds):
            part = self._progress.part(
                0.3 + 0.7 * number / rounds, 0.3 + 0.7 * (number + 1) / rounds
            )
            steps = self._finetune_steps if number == 0 else self._finetune_steps // 2
            quantisations = self._quantisations(state, coarseness)
            state = self._finetune(state, quantisations, coarseness, steps, part)
            model = self._model(state, quantisations)
            results.append(_Result(model, self._task.measure(model), coarseness))
            _log.debug("coarseness %.3g: %s", coarseness, results[-1].measured)
            if self._close(results[-1].measured):
                break
            if self._quantiser.adjustable:
                coarseness = self._next_coarseness(state, results[-1])
        return min(results, key=self._rank).model

    def _state(
        self, network: FittedNetwork, tensors: Tensors, masks: Mapping[str, Any]
    ) -> FittedState:
        curvature = network.fitter.curvature(tensors, self._shards[:CURVATURE_SHARDS])
        return FittedState(network, tensors, masks, curvature)

    def _quantisations(self, state: FittedState, coarseness: float) -> dict[str, Quantisation]:
        return self._quantiser.steps(state.tensors, state.curvature, coarseness, state.coded)

    def _restored(self, state: FittedState, coarseness: float) -> Tensors:
        """The tensors as they would be decoded."""
        quantisations = self._quantisations(state, coarseness)
        apply = masking(state.tensors, state.masks)
        quantiser = self._quantiser
        return {
            name: apply(name, quantiser.straight_through(tensor, quantisations[name]))
            for name, tensor in state.tensors.items()
        }

    def _model(self, state: FittedState, quantisations: Mapping[str, Quantisation]) -> Model:
        coded = []
        for spec in state.network.specs:
            tensor, quantisation = state.tensors[spec.name], quantisations[spec.name]
            values = self._quantiser.quantise(tensor, quantisation)
            mask = state.masks.get(spec.name)
            coded.append(CodedTensor(values if mask is None else values * mask, quantisation, mask))
        return Model(state.network.config, tuple(coded))

    def _size(self, state: FittedState, coarseness: float) -> int:
        return self._task.size(self._model(state, self._quantisations(state, coarseness)))

    def _first_coarseness(self, state: FittedState) -> float:
        """The coarseness at which the estimate is short of the goal by what finetuning wins."""
        error = state.network.fitter.estimate(state.tensors, self._shards)
        guess = math.sqrt(24 * max(error, 1e-20) / state.count)
        goal = self._task.goal
        if not self._quantiser.adjustable:
            return 0.3 * guess
        if goal.psnr is None:
            return self._bisect(guess, lambda c: self._size(state, c) > (goal.file_bytes or 0))
        wanted = mean_squared_error(goal.psnr - _EXPECTED_DB)
        if error >= wanted:
            return 0.3 * guess
        return self._bisect(guess, lambda c: self._error(state, c) < wanted)

    def _error(self, state: FittedState, coarseness: float) -> float:
        return state.network.fitter.estimate(self._restored(state, coarseness), self._shards)

    @staticmethod
    def _bisect(guess: float, too_fine: Any) -> float:
        """The coarseness (to about 1 %) where `too_fine` turns from true to false."""
        low = high = math.log(guess)
        for _ in range(24):
            if too_fine(math.exp(high)):
                low, high = high, high + 1.0
            elif not too_fine(math.exp(low)):
                low, high = low - 1.0, low
            else:
                break
        for _ in range(7):
            middle = (low + high) / 2
            low, high = (middle, high) if too_fine(math.exp(middle)) else (low, middle)
        return math.exp((low + high) / 2)

    def _price(self, state: FittedState, coarseness: float) -> float:
        """Loss and rate in one number, the rate at what a bit is worth."""
        return self._error(state, coarseness) + self._rate(state, coarseness)

    def _rate(self, state: FittedState, coarseness: float) -> float:
        """The coded size, at what its bits are worth in loss."""
        return 8 * self._size(state, coarseness) * bit_price(coarseness)

    def _prune(self, pruner: Pruner, state: FittedState, coarseness: float) -> FittedState:
        price = self._rate(state, coarseness) / state.count
        network, tensors, masks = state.network, state.tensors, dict(state.masks)
        progress, steps = self._progress.part(0.0, 0.3), self._prune_steps
        if isinstance(pruner, UnitPruner):
            shards = self._shards[:_REMOVAL_SHARDS]
            network, tensors, masks = remove_units(
                pruner, network, tensors, price, steps, shards, progress
            )
        elif isinstance(pruner, EntryPruner) and any(spec.prunable for spec in network.specs):
            tensors, masks = prune_entries(
                pruner, network, tensors, state.curvature, price, steps, self._task.seed, progress
            )
        return self._state(network, tensors, masks)

    def _finetune(
        self,
        state: FittedState,
        quantisations: Mapping[str, Quantisation],
        coarseness: float,
        steps: int,
        progress: StageProgress,
    ) -> FittedState:
        """Train under the quantisation that was found."""
        training = QuantisedTraining(
            self._quantiser, state, quantisations, bit_price(coarseness), self._shards, progress
        )
        return replace(state, tensors=training.run(steps))

    def _close(self, measured: Measurement) -> bool:
        goal = self._task.goal
        if goal.psnr is not None:
            return 0 <= measured.psnr - goal.psnr <= _CLOSE_DB
        spare = (goal.file_bytes or 0) - measured.file_bytes
        return 0 <= spare <= _CLOSE_BYTES * (goal.file_bytes or 0)

    def _next_coarseness(self, state: FittedState, last: _Result) -> float:
        """A better guess, from the last round alone: finetuning moves what earlier ones saw."""
        goal = self._task.goal
        if goal.psnr is None:
            over = 8 * (last.measured.file_bytes - 0.997 * (goal.file_bytes or 0)) / state.count
            return float(last.coarseness * 2 ** max(-2.0, min(2.0, over)))
        # Rounding costs 20 dB a decade of the steps while it is small, and more when it is not.
        excess = last.measured.psnr - goal.psnr - _CLOSE_DB / 2
        return float(last.coarseness * 10 ** max(-0.5, min(0.5, excess / 30)))

    def _rank(self, result: _Result) -> tuple[bool, float]:
        """Smallest first: those that meet the goal, then by size (or quality), else by distance."""
        goal, measured = self._task.goal, result.measured
        met = goal.met_by(measured)
        if goal.psnr is not None:
            return (not met, float(measured.file_bytes) if met else -measured.psnr)
        return (not met, -measured.psnr if met else float(measured.file_bytes))


def bit_price(coarseness: float) -> float:
    """Rise of the loss that is worth one bit less."""
    return coarseness**2 * math.log(2) / 12
