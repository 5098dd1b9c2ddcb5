"""Quantiser `uniform`: one step per tensor, calibrated by how much the loss feels each tensor.

With independent rounding errors of variance step^2 / 12, the loss rises by the sum over elements of
curvature * step^2 / 24 and the rate falls by one bit per element for each doubling of a step.
Equal slopes give step ~ 1 / sqrt(mean curvature), with one common factor left for rate control.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from codec.container.items import Quantisation
from codec.contracts import Integers
from codec.settings import NoSettings

# Steps are rounded to 11 significant bits: CBOR then stores most of them in three bytes.
_STEP_BITS = 11
_MAX_INTEGER = float(2**30)


class Uniform:
    """Uniform mid-tread quantisation with calibrated steps."""

    name = "uniform"
    summary = "one calibrated step per tensor, rounding to nearest"
    settings = NoSettings

    def configured(self, settings: NoSettings) -> Uniform:
        return self

    def steps(
        self,
        tensors: Mapping[str, torch.Tensor],
        sensitivity: Mapping[str, torch.Tensor],
        coarseness: float,
    ) -> dict[str, Quantisation]:
        curvatures = {name: float(sensitivity[name].mean()) for name in tensors}
        largest = max(curvatures.values(), default=0.0) or 1.0
        found = {}
        for name, tensor in tensors.items():
            # A tensor the loss hardly feels must not get an unbounded step.
            curvature = max(curvatures[name], 1e-9 * largest)
            step = coarseness / curvature**0.5
            smallest = float(tensor.abs().max()) / _MAX_INTEGER
            found[name] = Quantisation((_round_step(max(step, smallest, 1e-30)),))
        return found

    def quantise(self, tensor: torch.Tensor, quantisation: Quantisation) -> Integers:
        scaled = tensor.detach().cpu().double().numpy() / _broadcast(tensor, quantisation)
        return np.asarray(np.rint(scaled) + quantisation.zero, dtype=np.int64)

    def straight_through(self, tensor: torch.Tensor, quantisation: Quantisation) -> torch.Tensor:
        step = torch.as_tensor(
            _broadcast(tensor, quantisation), dtype=tensor.dtype, device=tensor.device
        )
        return tensor + (torch.round(tensor / step) * step - tensor).detach()


def _broadcast(tensor: torch.Tensor, quantisation: Quantisation) -> npt.NDArray[np.float64]:
    """The steps, shaped to divide the tensor."""
    return np.array(quantisation.steps).reshape(-1, *[1] * (tensor.ndim - 1))


def _round_step(step: float) -> float:
    mantissa, exponent = np.frexp(step)
    return float(np.ldexp(np.rint(mantissa * 2**_STEP_BITS), int(exponent) - _STEP_BITS))
