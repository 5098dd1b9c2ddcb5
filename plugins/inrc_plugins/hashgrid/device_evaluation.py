"""Evaluation of `hashgrid` on a GPU, with torch; full float32, so of accuracy class F."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch

from codec.contracts import Floats, Positions
from inrc_plugins.block_evaluation import BlockEvaluator
from inrc_plugins.exact_products import exact_products
from inrc_plugins.hashgrid import network
from inrc_plugins.hashgrid.config import HashgridConfig

# Each has 2^axes entries per level at once, which take some 200 bytes in 3-D.
_POINTS = 1 << 18


class DeviceEvaluator(BlockEvaluator):
    """A `hashgrid` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: HashgridConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Floats],
        device: str,
    ) -> None:
        super().__init__(shape, components, _POINTS)
        self._config = config
        self._device = device
        self._lock = threading.Lock()
        self._tensors = {
            spec.name: torch.from_numpy(np.array(values)).to(device)
            for spec, values in zip(config.tensors(components), parameters, strict=True)
        }

    def _on_product(self, active: Sequence[Positions]) -> Floats:
        return self._computed(network.forward, active)

    def _at_points(self, active: Sequence[Positions]) -> Floats:
        return self._computed(network.forward_points, active)

    def _computed(
        self, forward: Callable[..., torch.Tensor], active: Sequence[Positions]
    ) -> Floats:
        units = [
            torch.from_numpy(indices / (self._shape[axis] - 1)).to(self._device)
            for axis, indices in zip(self._axes, active, strict=True)
        ]
        with exact_products(self._lock):
            found: Floats = forward(self._config, self._tensors, units).cpu().numpy()
        return found
