"""Evaluation of `fvsrn` on a GPU, with torch; full float32, so of accuracy class F."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch

from codec.contracts import Floats, Positions
from inrc_plugins.block_evaluation import BlockEvaluator
from inrc_plugins.exact_products import exact_products
from inrc_plugins.fvsrn import network
from inrc_plugins.fvsrn.bands import nodal_grid
from inrc_plugins.fvsrn.config import FvsrnConfig

_POINTS = 1 << 20


class DeviceEvaluator(BlockEvaluator):
    """An `fvsrn` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: FvsrnConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Floats],
        device: str,
    ) -> None:
        super().__init__(shape, components, _POINTS)
        self._config = config.nodal
        self._device = device
        self._lock = threading.Lock()
        grid, layers = nodal_grid(config, parameters)
        self._tensors = {
            spec.name: torch.from_numpy(np.array(values)).to(device)
            for spec, values in zip(self._config.tensors(components), [grid, *layers], strict=True)
        }

    def _on_product(self, active: Sequence[Positions]) -> Floats:
        return self._computed(network.forward, active)

    def _at_points(self, active: Sequence[Positions]) -> Floats:
        return self._computed(network.forward_points, active)

    def _computed(
        self, forward: Callable[..., torch.Tensor], active: Sequence[Positions]
    ) -> Floats:
        # float64 until the features are made: the phase of high octaves needs the digits.
        units = [
            torch.from_numpy(indices / (self._shape[axis] - 1)).to(self._device)
            for axis, indices in zip(self._axes, active, strict=True)
        ]
        with exact_products(self._lock):
            found: Floats = forward(self._config, self._tensors, units).cpu().numpy()
        return found
