"""Pruner `smallify`: gates that cannot make up their sign are not needed.

As in LFGC (seed 001, after Leclerc et al., Smallify: Learning Network Size while Training, 2018):
real gates b multiply what is behind them, the loss gets l_b * sum |b| + l_w * sum grid^2, and
after every step a tracker of each gate's sign takes, with momentum a, d = sign(b) - mean; mean +=
a d; var = (1 - a) (var + a d^2). A gate stays if var < threshold. Units are removed at the end of
the phase, as LFGC does (Smallify itself removes them on the way), and the gates are folded into
what stays. LFGC trains gates from N(0, 1) together with the grid; here the grid is fitted
already, so gates start at 1, or, with `start=normal`, at N(0, 1) with the grid divided by them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from codec.arrays import BoolArray
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import PruningTask
from inrc_plugins.pruners.gates import GateSettings, as_array, best_gates, layouts

# Scale of gates from N(0, 1): the grid is divided by them.
_SMALLEST_START = 0.05
_SOURCE_MOMENTUM = 0.025
# The variance of a sign that flips at every step reaches 0.95 after 3 / momentum steps.
_HORIZONS = 6.0


@dataclass(frozen=True)
class SmallifySettings(GateSettings):
    """Penalties and the sign tracker."""

    gates: float = setting(
        0.0, "l_b, in units of MSE per |b| (source: 1e-8); 0: what integers are worth", low=0.0
    )
    weight: float = setting(1e-8, "l_w, in units of MSE per squared entry", low=0.0)
    momentum: float = setting(
        0.0,
        "a of the sign tracker; 0: the source's 0.025, more in phases of less than 240 steps",
        low=0.0,
        high=1.0,
    )
    threshold: float = setting(
        0.75, "variance of the sign from which on a gate is closed", low=0.0, high=1.0
    )
    start: str = setting("one", "where gates start", choices=("one", "normal"))


class Smallify:
    """Gates judged by the variance of their sign."""

    name = "smallify"
    summary = "gates under an L1 penalty, closed where their sign keeps changing (Smallify)"
    settings = SmallifySettings

    def __init__(self, settings: SmallifySettings | None = None) -> None:
        self._settings = settings or SmallifySettings()

    @property
    def binding(self) -> bool:
        return self._settings.sparsity > 0

    def configured(self, settings: SmallifySettings) -> Smallify:
        return Smallify(settings)

    def attach(self, task: PruningTask) -> SmallifyState:
        return SmallifyState(task, self._settings)


class SmallifyState:
    """Gates in training, and the trackers of their signs."""

    def __init__(self, task: PruningTask, settings: SmallifySettings) -> None:
        self._settings = settings
        self._layouts = layouts(task, settings.by_position)
        self._tensors = task.tensors
        self._momentum = settings.momentum or min(
            0.5, max(_SOURCE_MOMENTUM, _HORIZONS / max(task.steps, 1))
        )
        generator = torch.Generator().manual_seed(task.seed)
        self._gates = {}
        for name, layout in self._layouts.items():
            gates = torch.ones(layout.shape)
            if settings.start == "normal":
                drawn = torch.randn(layout.shape, generator=generator)
                gates = torch.where(drawn < 0, -1.0, 1.0) * drawn.abs().clamp(min=_SMALLEST_START)
            self._gates[name] = gates.to(layout.importance.device)
            with torch.no_grad():
                task.tensors[name].div_(self._gates[name])
        self._trackers = {
            name: SignTracker(gates, self._momentum) for name, gates in self._gates.items()
        }

    def parameters(self) -> list[torch.Tensor]:
        return list(self._gates.values())

    def apply(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor * self._gates[name] if name in self._gates else tensor

    def penalty(self) -> torch.Tensor:
        terms = []
        for name, gates in self._gates.items():
            price = self._settings.gates or self._layouts[name].price
            terms.append(price * gates.abs().sum())
            terms.append(self._settings.weight * self._tensors[name].square().sum())
        return torch.stack(terms).sum()

    def advance(self, loss: float) -> None:
        for name, gates in self._gates.items():
            self._trackers[name].follow(gates)

    def carried(self) -> list[torch.Tensor]:
        return [
            part for tracker in self._trackers.values() for part in (tracker.mean, tracker.variance)
        ]

    def fold(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return self.apply(name, tensor)

    def masks(self) -> dict[str, BoolArray]:
        variances = {name: as_array(tracker.variance) for name, tracker in self._trackers.items()}
        if not self._settings.sparsity:
            return {
                name: variance < self._settings.threshold for name, variance in variances.items()
            }
        return best_gates(
            {name: -variance for name, variance in variances.items()},
            {name: as_array(gates.abs()) for name, gates in self._gates.items()},
            {name: layout.size for name, layout in self._layouts.items()},
            self._settings.sparsity,
        )


class SignTracker:
    """Moving mean and variance of the signs of gates.

    Args:
        gates: as they start.
        momentum: share of what is new.
    """

    def __init__(self, gates: torch.Tensor, momentum: float) -> None:
        self._momentum = momentum
        self.mean = torch.sign(gates.detach())
        self.variance = torch.zeros_like(self.mean)

    def follow(self, gates: torch.Tensor) -> None:
        """Take the signs after another step."""
        difference = torch.sign(gates.detach()) - self.mean
        self.mean.add_(self._momentum * difference)
        self.variance.add_(self._momentum * difference.square()).mul_(1 - self._momentum)
