"""Quantisation by steps: what `uniform`, `adaround` and `qat` have in common.

With independent rounding errors of variance step^2 / 12, the loss rises by the sum over elements of
curvature * step^2 / 24 and the rate falls by one bit per element for each doubling of a step.
Equal slopes give step ~ 1 / sqrt(mean curvature), with one common factor left for rate control.
A fixed number of levels (2^bits, from -2^(bits - 1) on) leaves nothing to rate control: the step is
then the one with the least squared error, clipping included, as AIMET's `tf_enhanced` chooses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from codec.arrays import Float64Array, Int64Array
from codec.errors import InvalidOptionError
from codec.format.headers import Quantisation
from codec.options.plugin_settings import setting

# Steps are rounded to 11 significant bits: CBOR then stores most of them in three bytes.
_STEP_BITS = 11
_MAX_INTEGER = float(2**30)
_LEAST_STEP = 1e-30
# Share of the greatest magnitude, where values are clipped.
_CLIPS = np.linspace(1.0, 0.1, 46)


@dataclass(frozen=True)
class StepSettings:
    """Settings of all of them."""

    per: str = setting(
        "tensor",
        "one step for a tensor, or for each slice of its first axis (vectors keep one)",
        choices=("tensor", "channel"),
    )
    bits: int = setting(
        0,
        "2^bits levels over the range that errs least, 2 to 16; 0: steps by rate control",
        low=0,
        high=16,
    )

    def __post_init__(self) -> None:
        refuse_one_bit(self.bits)


def refuse_one_bit(bits: int) -> None:
    """Refuse the number between 0 (rate control) and the 2 that the least range of levels takes.

    Raises:
        InvalidOptionError: it is 1.
    """
    if bits == 1:
        raise InvalidOptionError("quantise.bits=1: choose 0, or at least 2")


class Steps:
    """Chooses and applies steps.

    Args:
        per_channel: whether slices of the first axis have their own.
        bits: 2^bits levels, or 0.
    """

    def __init__(self, per_channel: bool, bits: int) -> None:
        self._per_channel = per_channel
        self._bits = bits

    def choose(
        self,
        tensors: Mapping[str, torch.Tensor],
        sensitivity: Mapping[str, torch.Tensor],
        coarseness: float,
        coded: Mapping[str, torch.Tensor],
    ) -> dict[str, Quantisation]:
        """See `codec.plugin_api.stages.Quantiser.steps`."""
        curvatures = {
            name: [
                _mean(part, keep) for part, keep in self._parts(sensitivity[name], coded.get(name))
            ]
            for name in tensors
        }
        largest = max((max(each) for each in curvatures.values()), default=0.0) or 1.0
        quantisations = {}
        for name, tensor in tensors.items():
            parts = self._parts(tensor, coded.get(name))
            if self._bits:
                steps = [_least_error(part, keep, self._bits) for part, keep in parts]
            else:
                # A tensor the loss hardly feels must not get an unbounded step.
                steps = [
                    coarseness / max(curvature, 1e-9 * largest) ** 0.5
                    for curvature in curvatures[name]
                ]
            smallest = float(tensor.abs().max()) / _MAX_INTEGER if tensor.numel() else 0.0
            rounded = tuple(round_step(max(step, smallest, _LEAST_STEP)) for step in steps)
            quantisations[name] = Quantisation(rounded, per_slice=len(rounded) > 1)
        return quantisations

    def _parts(
        self, tensor: torch.Tensor, keep: torch.Tensor | None
    ) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
        """Parts that share a step, each with its coded entries."""
        if not self._per_channel or tensor.ndim < 2:
            return [(tensor, keep)]
        keeps = [None] * len(tensor) if keep is None else list(keep)
        return list(zip(tensor, keeps, strict=True))

    def integers(self, tensor: torch.Tensor, quantisation: Quantisation) -> Int64Array:
        """The nearest integers."""
        scaled = tensor.detach().cpu().double().numpy() / broadcast(tensor, quantisation)
        low, high = self.ends()
        return np.asarray(np.clip(np.rint(scaled), low, high), dtype=np.int64)

    def straight_through(self, tensor: torch.Tensor, quantisation: Quantisation) -> torch.Tensor:
        """The nearest levels; the gradient is that of the identity, 0 beyond the levels."""
        step = torch.as_tensor(
            broadcast(tensor, quantisation), dtype=tensor.dtype, device=tensor.device
        )
        low, high = self.ends()
        inside = tensor.clamp(low * step, high * step) if self._bits else tensor
        return inside + (torch.round(inside / step) * step - inside).detach()

    def ends(self) -> tuple[float, float]:
        """The least and the greatest integer."""
        if not self._bits:
            return -_MAX_INTEGER, _MAX_INTEGER
        return -float(2 ** (self._bits - 1)), float(2 ** (self._bits - 1) - 1)


def broadcast(tensor: torch.Tensor, quantisation: Quantisation) -> Float64Array:
    """The steps, shaped to divide the tensor."""
    return np.array(quantisation.steps).reshape(-1, *[1] * (tensor.ndim - 1))


def round_step(step: float) -> float:
    """The step in 11 significant bits."""
    mantissa, exponent = np.frexp(step)
    return float(np.ldexp(np.rint(mantissa * 2**_STEP_BITS), int(exponent) - _STEP_BITS))


def _mean(values: torch.Tensor, keep: torch.Tensor | None) -> float:
    chosen = values if keep is None else values[keep]
    return float(chosen.mean()) if chosen.numel() else 0.0


def _least_error(values: torch.Tensor, keep: torch.Tensor | None, bits: int) -> float:
    """The step of 2^bits levels with the least squared error."""
    chosen = (values if keep is None else values[keep]).detach().double().cpu().numpy().ravel()
    greatest = float(np.abs(chosen).max()) if len(chosen) else 0.0
    if greatest == 0:
        return 1.0
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    errors = []
    for clip in _CLIPS:
        step = clip * greatest / -low
        restored = np.clip(np.rint(chosen / step), low, high) * step
        errors.append(float(np.square(restored - chosen).sum()))
    return float(_CLIPS[int(np.argmin(errors))]) * greatest / -low


class SteppedQuantiser:
    """A quantiser by steps; how tensors are trained under them (`phases`) is what makes one.

    Args:
        settings: of the steps.
    """

    def __init__(self, settings: StepSettings) -> None:
        self._steps = Steps(settings.per == "channel", settings.bits)
        self.adjustable = settings.bits == 0

    def steps(
        self,
        tensors: Mapping[str, torch.Tensor],
        sensitivity: Mapping[str, torch.Tensor],
        coarseness: float,
        coded: Mapping[str, torch.Tensor],
    ) -> dict[str, Quantisation]:
        return self._steps.choose(tensors, sensitivity, coarseness, coded)

    def quantise(self, tensor: torch.Tensor, quantisation: Quantisation) -> Int64Array:
        return self._steps.integers(tensor, quantisation)

    def straight_through(self, tensor: torch.Tensor, quantisation: Quantisation) -> torch.Tensor:
        return self._steps.straight_through(tensor, quantisation)
