"""Evaluation of `hashgrid` on a GPU, with torch; full float32, so of accuracy class F."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch

from codec.contracts import Floats, Positions
from codec.pipeline.blocks import windows
from inrc_plugins.config_map import active_axes
from inrc_plugins.exact_products import exact_products
from inrc_plugins.hashgrid import network
from inrc_plugins.hashgrid.config import HashgridConfig

# Each has 2^axes entries per level at once, which take some 200 bytes in 3-D.
_POINTS = 1 << 18


class DeviceEvaluator:
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
        self._config = config
        self._shape = shape
        self._axes = active_axes(shape)
        self._components = components
        self._device = device
        self._lock = threading.Lock()
        self._tensors = {
            spec.name: torch.from_numpy(np.array(values)).to(device)
            for spec, values in zip(config.tensors(components), parameters, strict=True)
        }

    def on_axes(self, positions: Sequence[Positions]) -> Floats:
        """See `codec.contracts.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        counts = [lengths[axis] for axis in self._axes]
        out = np.empty((self._components, *counts), dtype=np.float32)
        for window in windows(counts, _POINTS) if out.size else ():
            units = [
                self._to_unit(positions[axis][part], axis)
                for axis, part in zip(self._axes, window, strict=True)
            ]
            with exact_products(self._lock):
                values = network.forward(self._config, self._tensors, units).cpu().numpy()
            out[(slice(None), *window)] = values.reshape(-1, *(len(axis) for axis in units))
        kept = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        full = out.reshape(self._components, *kept)
        return np.broadcast_to(full, (self._components, *lengths))

    def at(self, points: Positions) -> Floats:
        """See `codec.contracts.Evaluator`."""
        out = np.empty((self._components, len(points)), dtype=np.float32)
        for start in range(0, len(points), _POINTS):
            part = slice(start, start + _POINTS)
            units = [self._to_unit(points[part, axis], axis) for axis in self._axes]
            with exact_products(self._lock):
                values = network.forward_points(self._config, self._tensors, units)
            out[:, part] = values.cpu().numpy()
        return out

    def _to_unit(self, indices: Positions, axis: int) -> torch.Tensor:
        return torch.from_numpy(indices / (self._shape[axis] - 1)).to(self._device)
