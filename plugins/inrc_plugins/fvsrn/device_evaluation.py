"""Evaluation of `fvsrn` on a GPU, with torch; full float32, so of accuracy class F."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch

from codec.contracts import Floats, Positions
from inrc_plugins.config_map import active_axes
from inrc_plugins.exact_products import exact_products
from inrc_plugins.fvsrn import network
from inrc_plugins.fvsrn.bands import nodal_grid
from inrc_plugins.fvsrn.config import FvsrnConfig

_POINTS = 1 << 20


class DeviceEvaluator:
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
        self._config = config.nodal
        self._shape = shape
        self._axes = active_axes(shape)
        self._components = components
        self._device = device
        self._lock = threading.Lock()
        grid, layers = nodal_grid(config, parameters)
        self._tensors = {
            spec.name: torch.from_numpy(np.array(values)).to(device)
            for spec, values in zip(self._config.tensors(components), [grid, *layers], strict=True)
        }

    def on_axes(self, positions: Sequence[Positions]) -> Floats:
        """See `codec.contracts.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        active = [self._to_unit(positions[axis], axis) for axis in self._axes]
        with exact_products(self._lock):
            values = network.forward(self._config, self._tensors, active).cpu().numpy()
        full = values.reshape(
            self._components, *(n if axis in self._axes else 1 for axis, n in enumerate(lengths))
        )
        return np.broadcast_to(full, (self._components, *lengths))

    def at(self, points: Positions) -> Floats:
        """See `codec.contracts.Evaluator`."""
        out = np.empty((self._components, len(points)), dtype=np.float32)
        for start in range(0, len(points), _POINTS):
            part = slice(start, start + _POINTS)
            active = [self._to_unit(points[part, axis], axis) for axis in self._axes]
            with exact_products(self._lock):
                values = network.forward_points(self._config, self._tensors, active)
            out[:, part] = values.cpu().numpy()
        return out

    def _to_unit(self, indices: Positions, axis: int) -> torch.Tensor:
        # float64 until the features are made: the phase of high octaves needs the digits.
        return torch.from_numpy(indices / (self._shape[axis] - 1)).to(self._device)
