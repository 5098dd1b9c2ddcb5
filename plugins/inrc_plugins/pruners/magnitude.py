"""Pruner `magnitude`: the smallest entries go, more of them step by step.

The share of zeros follows the cubic schedule of Zhu and Gupta (To prune, or not to prune, 2017):
s(t) = s_f (1 - (1 - t)^3), t from 0 to 1 over `ramp` of the phase, each time judged anew by the
present values, so that an entry may come back. The source prunes every tensor to the same
sparsity; so does `score=magnitude`. Importance (rise of the loss, to second order) sees entries one
by one, though many go together, and so thinks too little of large ones that the network hardly
listens to; `score=both` is the geometric mean of the two. Without a sparsity, entries go whose
importance is below what their integers cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from codec.arrays import BoolArray
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import PruningTask
from inrc_plugins.pruners.gates import GateSettings, as_array, best_gates, layouts


@dataclass(frozen=True)
class MagnitudeSettings(GateSettings):
    """Judgement of entries, and its schedule."""

    score: str = setting(
        "both",
        "what a given sparsity is judged by: magnitude (sum of squares behind a gate, per tensor), "
        "importance, or both (their geometric mean), over all tensors",
        choices=("both", "importance", "magnitude"),
    )
    ramp: float = setting(0.75, "part of the phase in which the sparsity rises", low=0.0, high=1.0)
    updates: int = setting(20, "how often masks are made anew in that time", low=1)


class Magnitude:
    """Smallest entries first."""

    name = "magnitude"
    summary = "smallest entries to a given sparsity or by rate, on a cubic schedule"
    settings = MagnitudeSettings

    def __init__(self, settings: MagnitudeSettings | None = None) -> None:
        self._settings = settings or MagnitudeSettings()

    @property
    def binding(self) -> bool:
        return self._settings.sparsity > 0

    def configured(self, settings: MagnitudeSettings) -> Magnitude:
        return Magnitude(settings)

    def attach(self, task: PruningTask) -> MagnitudeState:
        return MagnitudeState(task, self._settings)


class MagnitudeState:
    """Masks that grow."""

    def __init__(self, task: PruningTask, settings: MagnitudeSettings) -> None:
        self._settings = settings
        self._layouts = layouts(task, settings.by_position)
        self._tensors = task.tensors
        self._curvature = {
            name: task.importance[name] / tensor.square().clamp(min=1e-30)
            for name, tensor in task.tensors.items()
        }
        self._final = settings.sparsity or self._worthless()
        self._ramp_steps = max(1, round(settings.ramp * task.steps))
        self._every = max(1, self._ramp_steps // settings.updates)
        self._step = torch.zeros((), dtype=torch.int64)
        self._masks = {
            name: torch.ones(layout.shape).to(layout.importance)
            for name, layout in self._layouts.items()
        }

    def _worthless(self) -> float:
        """Share of the entries that cost more than they are worth."""
        closed: int = sum(
            int((layout.importance < layout.price).sum()) * layout.size
            for layout in self._layouts.values()
        )
        entries: int = sum(tensor.numel() for tensor in self._tensors.values())
        return closed / max(entries, 1)

    def _masks_at(self, sparsity: float) -> dict[str, BoolArray]:
        score = self._settings.score if self._settings.sparsity else "importance"
        scores, sizes = {}, {}
        for name, layout in self._layouts.items():
            squares = self._tensors[name].detach().square()
            if score != "magnitude":
                curvature = self._curvature[name]
                squares = squares * (curvature if score == "importance" else curvature.sqrt())
            if squares.shape != layout.shape:
                squares = squares.sum(dim=0)
            scores[name], sizes[name] = as_array(squares), layout.size
        ties = {name: np.zeros(entries.shape) for name, entries in scores.items()}
        if score != "magnitude":
            return best_gates(scores, ties, sizes, sparsity)
        return {
            name: best_gates({name: scores[name]}, ties, sizes, sparsity)[name] for name in scores
        }

    def parameters(self) -> list[torch.Tensor]:
        return []

    def apply(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor * self._masks[name] if name in self._masks else tensor

    def penalty(self) -> torch.Tensor:
        return torch.zeros(())

    def advance(self, loss: float) -> None:
        self._step += 1
        step = int(self._step)
        if step <= self._ramp_steps and (step % self._every == 0 or step == self._ramp_steps):
            masks = self._masks_at(sparsity_at(step / self._ramp_steps, self._final))
            for name, mask in masks.items():
                self._masks[name].copy_(torch.from_numpy(mask))

    def carried(self) -> list[torch.Tensor]:
        return [self._step, *self._masks.values()]

    def fold(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def masks(self) -> dict[str, BoolArray]:
        return self._masks_at(self._final)


def sparsity_at(time: float, final: float) -> float:
    """The cubic schedule: share of zeros at `time`, from 0 to 1."""
    return final * (1 - (1 - time) ** 3)
