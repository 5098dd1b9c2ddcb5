"""Pruner `variational`: multiplicative noise that a gate tolerates tells how little it is needed.

As in LFGC (seed 001), after Molchanov et al. (Variational Dropout Sparsifies Deep Neural
Networks, 2017): gates w = theta + sigma * noise, both learned as logarithms; alpha = sigma^2 /
theta^2, drop rate alpha / (1 + alpha), and a gate stays if that is below the threshold. The
approximate divergence of each gate is KL = k1 - k1 sigmoid(k2 + k3 ln alpha) + softplus(-ln
alpha) / 2. The source minimises -sum LL + w_kl sum KL + w_w sum grid^2 per batch with LL = -(y -
mu)^2 / (2 s^2) - ln s + const; times 2 s^2 / samples, that is a penalty in units of MSE. s is
given (`noise=static`) or learned (`noise=dynamic`; the source has a network of the coordinates
for ln s, which is thrown away afterwards; here s^2 is the present mean squared error, its optimum
among constants). w_kl grows by a factor per step up to 30. `noise=rate` (default) needs no s: the
weight of KL is such that a gate whose loss is worth just its integers ends at the threshold, and
noise fades over the phase, so that what stays is not left in the state that noise asks for.
Gates of a fitted grid start at their equilibrium, or with a given drop rate, as the source's do
(0.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from codec.arrays import BoolArray
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import PruningTask
from inrc_plugins.pruners.gates import GateLayout, GateSettings, as_array, best_gates, layouts

_K1, _K2, _K3 = 0.63576, 1.87320, 1.48695
_MOST_KL = 30.0
_SOURCE_THRESHOLD = 0.9
_RATE_THRESHOLD = 0.5
# Logarithms of alpha between which gates start.
_LEAST_START, _GREATEST_START = -16.0, 4.0


@dataclass(frozen=True)
class VariationalSettings(GateSettings):
    """The noise model, and the weights of the penalty."""

    noise: str = setting(
        "rate",
        "what the squared error is measured against: rate, or s of the source's likelihood",
        choices=("rate", "static", "dynamic"),
    )
    threshold: float = setting(
        0.0,
        "drop rate from which on a gate is closed, 0: 0.5 for rate, else 0.9",
        low=0,
        high=0.999,
    )
    start: float = setting(
        0.0,
        "drop rate of all gates at the start (source: 0.1); 0: at equilibrium",
        low=0,
        high=0.999,
    )
    log_sigma: float = setting(-5.0, "ln s of noise=static (source: -7 to -3)", low=-20, high=5)
    kl: float = setting(1.0, "w_kl at the start, of static and dynamic", low=0.0)
    ramp: float = setting(4e-5, "growth of w_kl per step", low=0.0, high=1.0)
    weight: float = setting(2.0, "w_w of the squared entries, of static and dynamic", low=0.0)
    samples: int = setting(32768, "samples whose likelihood one KL is weighed against", low=1)


class Variational:
    """Gates judged by their drop rate."""

    name = "variational"
    summary = "gates with learned noise, closed where the drop rate is high (variational dropout)"
    settings = VariationalSettings

    def __init__(self, settings: VariationalSettings | None = None) -> None:
        self._settings = settings or VariationalSettings()

    @property
    def binding(self) -> bool:
        return self._settings.sparsity > 0

    def configured(self, settings: VariationalSettings) -> Variational:
        return Variational(settings)

    def attach(self, task: PruningTask) -> VariationalState:
        return VariationalState(task, self._settings)


class VariationalState:
    """Noisy gates in training."""

    def __init__(self, task: PruningTask, settings: VariationalSettings) -> None:
        self._settings = settings
        self._layouts = layouts(task, settings.by_position)
        self._tensors = task.tensors
        self._by_rate = settings.noise == "rate"
        self._threshold = settings.threshold or (
            _RATE_THRESHOLD if self._by_rate else _SOURCE_THRESHOLD
        )
        self._variance = torch.tensor(math.exp(2 * settings.log_sigma), dtype=torch.float64)
        self._kl = torch.tensor(settings.kl, dtype=torch.float64)
        self._step = torch.zeros((), dtype=torch.int64)
        self._seed, self._steps = task.seed, max(task.steps, 1)
        self._log_theta, self._log_variance = {}, {}
        for name, layout in self._layouts.items():
            self._log_theta[name] = torch.zeros_like(layout.importance)
            self._log_variance[name] = self._start(layout)

    def _start(self, layout: GateLayout) -> torch.Tensor:
        rate = self._settings.start
        if rate:
            return torch.full_like(layout.importance, math.log(rate / (1 - rate)))
        return _equilibrium(layout.importance, self._weight(layout))

    def _weight(self, layout: GateLayout) -> float:
        """Price of a KL of 1, in units of MSE."""
        if not self._by_rate:
            return 2 * float(self._variance) / self._settings.samples * float(self._kl)
        log_alpha = math.log(self._threshold / (1 - self._threshold))
        return layout.price * math.exp(log_alpha) / -_kl_slope(log_alpha)

    def parameters(self) -> list[torch.Tensor]:
        return [*self._log_theta.values(), *self._log_variance.values()]

    def apply(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        if name not in self._log_theta:
            return tensor
        theta, log_variance = torch.exp(self._log_theta[name]), self._log_variance[name]
        # A generator of its own for every step has no state that a journal would have to keep.
        place = list(self._log_theta).index(name) + len(self._log_theta) * int(self._step)
        generator = torch.Generator().manual_seed((self._seed << 32) + place)
        noise = torch.randn(theta.shape, generator=generator).to(theta.device)
        return tensor * (theta + self._noise_share * torch.exp(0.5 * log_variance) * noise)

    @property
    def _noise_share(self) -> float:
        """Falls to 0: what stays is used without noise."""
        return max(0.0, 1 - int(self._step) / self._steps) if self._by_rate else 1.0

    def penalty(self) -> torch.Tensor:
        terms = []
        for name, layout in self._layouts.items():
            terms.append(self._weight(layout) * divergence(self._log_alpha(name)).sum())
            if not self._by_rate:
                scale = 2 * float(self._variance) / self._settings.samples * self._settings.weight
                terms.append(scale * self._tensors[name].square().sum())
        return torch.stack(terms).sum()

    def advance(self, loss: float) -> None:
        self._step += 1
        self._kl.mul_(1 + self._settings.ramp).clamp_(max=max(_MOST_KL, self._settings.kl))
        if self._settings.noise == "dynamic":
            self._variance.fill_(loss)

    def carried(self) -> list[torch.Tensor]:
        return [self._step, self._kl, self._variance]

    def fold(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor * torch.exp(self._log_theta[name]) if name in self._log_theta else tensor

    def masks(self) -> dict[str, BoolArray]:
        rates = {name: as_array(torch.sigmoid(self._log_alpha(name))) for name in self._log_theta}
        if not self._settings.sparsity:
            return {name: rate < self._threshold for name, rate in rates.items()}
        return best_gates(
            {name: -rate for name, rate in rates.items()},
            {name: as_array(layout.importance) for name, layout in self._layouts.items()},
            {name: layout.size for name, layout in self._layouts.items()},
            self._settings.sparsity,
        )

    def _log_alpha(self, name: str) -> torch.Tensor:
        return self._log_variance[name] - 2 * self._log_theta[name]


def divergence(log_alpha: torch.Tensor) -> torch.Tensor:
    """The approximate divergence of a gate from the log-uniform prior, falling to 0."""
    bend = _K1 * (1 - torch.sigmoid(_K2 + _K3 * log_alpha))
    return bend + 0.5 * functional.softplus(-log_alpha)


def _kl_slope(log_alpha: float) -> float:
    """Derivative of `divergence`."""
    share = 1 / (1 + math.exp(-(_K2 + _K3 * log_alpha)))
    return -_K1 * _K3 * share * (1 - share) - 0.5 / (1 + math.exp(log_alpha))


def _equilibrium(importance: torch.Tensor, weight: float) -> torch.Tensor:
    """ln alpha where noise costs as much (importance * alpha) as the divergence falls by."""
    grid = torch.linspace(_LEAST_START, _GREATEST_START, 257, dtype=torch.float64)
    slopes = torch.tensor([-_kl_slope(float(at)) for at in grid], dtype=torch.float64)
    # The importance at which a gate rests at each point of the grid; it falls along it.
    at_rest = torch.log(max(weight, 1e-300) * slopes) - grid
    wanted = torch.log(importance.double().clamp(min=1e-300))
    index = torch.searchsorted(-at_rest, -wanted.cpu().contiguous()).clamp(max=len(grid) - 1)
    return grid[index].to(importance.dtype).to(importance.device)
