"""Pruner `binary-mask`: learned 0/1 gates with a straight-through gradient.

As in LFGC (after Rho et al., Masked Wavelet Representation for Compact Neural Radiance Fields,
CVPR 2023): the forward pass multiplies by [sigmoid(m) >= t], the backward pass by sigmoid(m). The
source adds l_b * sum |m| + l_w * sum grid^2 (`penalty=source`), of which the first pushes the
gates to 1/2, so that its t lies above; gates start at m = 1. `penalty=rate` prices sum sigmoid(m)
with the mean squared error that the saved integers are worth, t = 1/2, and gates start where the
importance of what is behind them says they should end. Kept values are folded with the hard gate;
the source scales them by the soft one in the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from codec.arrays import BoolArray
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import PruningTask
from inrc_plugins.pruners.gates import GateSettings, as_array, best_gates, layouts

_STEEPEST_START = 4.0
_RATE_THRESHOLD = 0.5
_SOURCE_THRESHOLD = 0.6


@dataclass(frozen=True)
class BinaryMaskSettings(GateSettings):
    """The penalty, and the threshold that goes with it."""

    penalty: str = setting(
        "rate",
        "rate: gates at what integers are worth; source: L1 on m",
        choices=("rate", "source"),
    )
    threshold: float = setting(
        0.0, "t, 0 as the penalty wants: 0.5 for rate, 0.6 for source", low=0.0, high=0.999
    )
    gates: float = setting(
        0.0, "l_b of penalty=source, in units of MSE per |m|; 0: what integers are worth", low=0.0
    )
    weight: float = setting(
        1e-8, "l_w of penalty=source, in units of MSE per squared entry", low=0.0
    )


class BinaryMask:
    """Learned gates."""

    name = "binary-mask"
    summary = "learned 0/1 gates, per grid position or per entry (straight-through)"
    settings = BinaryMaskSettings

    def __init__(self, settings: BinaryMaskSettings | None = None) -> None:
        self._settings = settings or BinaryMaskSettings()

    @property
    def binding(self) -> bool:
        return self._settings.sparsity > 0

    def configured(self, settings: BinaryMaskSettings) -> BinaryMask:
        return BinaryMask(settings)

    def attach(self, task: PruningTask) -> BinaryMaskState:
        return BinaryMaskState(task, self._settings)


class BinaryMaskState:
    """Gates in training."""

    def __init__(self, task: PruningTask, settings: BinaryMaskSettings) -> None:
        self._settings = settings
        self._layouts = layouts(task, settings.by_position)
        self._tensors = task.tensors
        self._of_source = settings.penalty == "source"
        self._threshold = settings.threshold or (
            _SOURCE_THRESHOLD if self._of_source else _RATE_THRESHOLD
        )
        self._logits = {}
        for name, layout in self._layouts.items():
            if self._of_source:
                self._logits[name] = torch.ones_like(layout.importance)
                continue
            worth = layout.importance.clamp(min=1e-30) / max(layout.price, 1e-30)
            logits = torch.log(worth).clamp(-_STEEPEST_START, _STEEPEST_START)
            self._logits[name] = logits + _logit(self._threshold)

    def parameters(self) -> list[torch.Tensor]:
        return list(self._logits.values())

    def apply(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        if name not in self._logits:
            return tensor
        soft = torch.sigmoid(self._logits[name])
        gate = (soft >= self._threshold).to(tensor.dtype)
        return tensor * (gate - soft.detach() + soft)

    def penalty(self) -> torch.Tensor:
        terms = []
        for name, logits in self._logits.items():
            if self._of_source:
                terms.append(
                    (self._settings.gates or self._layouts[name].price) * logits.abs().sum()
                )
                terms.append(self._settings.weight * self._tensors[name].square().sum())
            else:
                terms.append(self._layouts[name].price * torch.sigmoid(logits).sum())
        return torch.stack(terms).sum()

    def advance(self, loss: float) -> None:
        """Gates need no schedule."""

    def carried(self) -> list[torch.Tensor]:
        return []

    def fold(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def masks(self) -> dict[str, BoolArray]:
        soft = {name: torch.sigmoid(logits.detach()) for name, logits in self._logits.items()}
        if not self._settings.sparsity:
            return {name: (gate >= self._threshold).cpu().numpy() for name, gate in soft.items()}
        return best_gates(
            {name: as_array(gate) for name, gate in soft.items()},
            {name: as_array(layout.importance) for name, layout in self._layouts.items()},
            {name: layout.size for name, layout in self._layouts.items()},
            self._settings.sparsity,
        )


def _logit(share: float) -> torch.Tensor:
    return torch.logit(torch.tensor(share))
