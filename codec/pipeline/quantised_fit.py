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

import torch

from codec.container.items import Quantisation
from codec.contracts import CodedTensor, FitTask, Mask, Measurement, Model, Pruner, TensorSpec
from codec.errors import InvalidOptionError
from codec.pipeline.metrics import mean_squared_error
from codec.pipeline.progress import StageProgress
from codec.pipeline.trainer import Fitter, Tensors

_log = logging.getLogger("inrc")

_ROUNDS = 5
_CLOSE_DB = 0.1
_CLOSE_BYTES = 0.01
# What finetuning under quantisation is expected to win back, for the first choice of steps.
_EXPECTED_DB = 0.5
_GATE_RATE = 0.05
# The finetune moves a parameter by at most about this share of its step at once.
_STEP_SHARE = 0.1
_ESTIMATE_SHARDS = 32
_CURVATURE_SHARDS = 16


@dataclass(frozen=True)
class _State:
    """A point of the search: float tensors, what is pruned, and the curvature of the loss."""

    tensors: Tensors
    masks: Mapping[str, Mask]
    curvature: Tensors

    @property
    def count(self) -> int:
        """Parameters in all."""
        return sum(tensor.numel() for tensor in self.tensors.values())


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
        prune_steps: with gates.
        rates: learning rates of the float fit.
        progress: the part of the whole that this is.
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
    ) -> None:
        self._task = task
        if task.quantiser is None:
            raise InvalidOptionError("this architecture needs a quantiser")
        self._quantiser = task.quantiser
        self._trainer = trainer
        self._specs = specs
        self._config = config
        self._finetune_steps = finetune_steps
        self._prune_steps = prune_steps
        self._rates = rates
        self._progress = progress
        self._shards = trainer.draw(_ESTIMATE_SHARDS)

    def run(self, tensors: Tensors) -> Model:
        """The smallest model that meets a PSNR, or the best within a number of bytes.

        Where nothing meets the goal, the model that comes nearest is returned.
        """
        state = _State(tensors, {}, self._curvature(tensors))
        coarseness = self._first_coarseness(state)
        pruner = self._task.pruner
        if pruner is not None and any(spec.prunable for spec in self._specs):
            pruned = self._prune(pruner, state, coarseness)
            if self._price(pruned, coarseness) < self._price(state, coarseness):
                state = pruned
                coarseness = self._first_coarseness(state)
        results: list[_Result] = []
        for number in range(_ROUNDS):
            part = self._progress.part(
                0.3 + 0.7 * number / _ROUNDS, 0.3 + 0.7 * (number + 1) / _ROUNDS
            )
            steps = self._finetune_steps if number == 0 else self._finetune_steps // 2
            state = self._finetune(state, coarseness, steps, part)
            model = self._model(state, coarseness)
            results.append(_Result(model, self._task.measure(model), coarseness))
            _log.debug("coarseness %.3g: %s", coarseness, results[-1].measured)
            if self._close(results[-1].measured):
                break
            coarseness = self._next_coarseness(state, results[-1])
        return min(results, key=self._rank).model

    def _curvature(self, tensors: Tensors) -> Tensors:
        return self._trainer.curvature(tensors, self._shards[:_CURVATURE_SHARDS])

    def _quantisations(self, state: _State, coarseness: float) -> dict[str, Quantisation]:
        return self._quantiser.steps(state.tensors, state.curvature, coarseness)

    def _restored(self, state: _State, coarseness: float) -> Tensors:
        """The tensors as they would be decoded."""
        found = self._quantisations(state, coarseness)
        quantiser = self._quantiser
        return {
            name: quantiser.straight_through(tensor, found[name])
            for name, tensor in state.tensors.items()
        }

    def _model(self, state: _State, coarseness: float) -> Model:
        found = self._quantisations(state, coarseness)
        coded = []
        for spec in self._specs:
            tensor, quantisation = state.tensors[spec.name], found[spec.name]
            values = self._quantiser.quantise(tensor, quantisation)
            mask = state.masks.get(spec.name)
            coded.append(CodedTensor(values, quantisation, mask))
        return Model(self._config, tuple(coded))

    def _first_coarseness(self, state: _State) -> float:
        """The coarseness at which the estimate is short of the goal by what finetuning wins."""
        error = self._trainer.estimate(state.tensors, self._shards)
        guess = math.sqrt(24 * max(error, 1e-20) / state.count)
        goal = self._task.goal
        if goal.psnr is None:
            return self._bisect(
                guess, lambda c: self._task.size(self._model(state, c)) > (goal.file_bytes or 0)
            )
        wanted = mean_squared_error(goal.psnr - _EXPECTED_DB)
        if error >= wanted:
            return 0.3 * guess
        return self._bisect(guess, lambda c: self._error(state, c) < wanted)

    def _error(self, state: _State, coarseness: float) -> float:
        return self._trainer.estimate(self._restored(state, coarseness), self._shards)

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

    def _price(self, state: _State, coarseness: float) -> float:
        """Loss and rate in one number, the rate at what a bit is worth."""
        return self._error(state, coarseness) + self._rate(state, coarseness)

    def _rate(self, state: _State, coarseness: float) -> float:
        """The coded size, at what its bits are worth in loss."""
        bits = 8 * self._task.size(self._model(state, coarseness))
        return bits * coarseness**2 * math.log(2) / 12

    def _prune(self, pruner: Pruner, state: _State, coarseness: float) -> _State:
        tensors = {name: tensor.clone() for name, tensor in state.tensors.items()}
        prunable = {spec.name: tensors[spec.name] for spec in self._specs if spec.prunable}
        importance = {
            name: 0.5 * state.curvature[name] * tensor.square() for name, tensor in prunable.items()
        }
        price = self._rate(state, coarseness) / state.count
        gates = pruner.attach(prunable, importance, price)
        self._trainer.run(
            tensors,
            self._prune_steps,
            {name: 0.1 * rate for name, rate in self._rates.items()},
            final_rate=0.1,
            transform=gates.apply,
            extra=gates.parameters(),
            extra_rate=_GATE_RATE,
            penalty=gates.penalty,
            report=self._progress.part(0.0, 0.3).stage("prune"),
        )
        with torch.no_grad():
            tensors = {name: gates.apply(name, tensor) for name, tensor in tensors.items()}
        masks = {name: mask for name, mask in gates.masks().items() if not mask.all()}
        for name, mask in masks.items():
            kept = torch.from_numpy(mask).to(tensors[name].device)
            tensors[name] = tensors[name] * kept
        return _State(tensors, masks, self._curvature(tensors))

    def _finetune(
        self, state: _State, coarseness: float, steps: int, progress: StageProgress
    ) -> _State:
        """Train with the steps of `coarseness` in place and gradients passed straight through."""
        found = self._quantisations(state, coarseness)
        kept = {
            name: torch.from_numpy(mask).to(state.tensors[name].device)
            for name, mask in state.masks.items()
        }
        quantiser = self._quantiser

        def transform(name: str, tensor: torch.Tensor) -> torch.Tensor:
            masked = tensor * kept[name] if name in kept else tensor
            return quantiser.straight_through(masked, found[name])

        tensors = {name: tensor.clone() for name, tensor in state.tensors.items()}
        rates = {
            name: min(0.1 * self._rates[name], _STEP_SHARE * min(found[name].steps))
            for name in tensors
        }
        self._trainer.run(
            tensors,
            steps,
            rates,
            final_rate=0.05,
            transform=transform,
            report=progress.stage("quantise"),
        )
        for name, keep in kept.items():
            tensors[name] = tensors[name] * keep
        return replace(state, tensors=tensors)

    def _close(self, measured: Measurement) -> bool:
        goal = self._task.goal
        if goal.psnr is not None:
            return 0 <= measured.psnr - goal.psnr <= _CLOSE_DB
        spare = (goal.file_bytes or 0) - measured.file_bytes
        return 0 <= spare <= _CLOSE_BYTES * (goal.file_bytes or 0)

    def _next_coarseness(self, state: _State, last: _Result) -> float:
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
