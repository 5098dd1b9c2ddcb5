"""Evaluation of `neurcomp` on a GPU, with torch; float64 for the reason that the CPU's is."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch

from codec.contracts import Floats, Positions
from codec.pipeline.blocks import windows
from inrc_plugins.config_map import active_axes
from inrc_plugins.neurcomp import network
from inrc_plugins.neurcomp.config import NeurcompConfig
from inrc_plugins.neurcomp.evaluation import Doubles, coordinates

# Bounds the activations: 128 MB of them for 64 units.
_POINTS = 1 << 18


class DeviceEvaluator:
    """A `neurcomp` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: NeurcompConfig,
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
            spec.name: torch.from_numpy(values.astype(np.float64)).to(device)
            for spec, values in zip(config.tensors(components), parameters, strict=True)
        }

    def on_axes(self, positions: Sequence[Positions]) -> Doubles:
        """See `codec.contracts.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        counts = [lengths[axis] for axis in self._axes]
        out = np.empty((self._components, *counts))
        for window in windows(counts, _POINTS) if out.size else ():
            places = [
                self._place(positions[axis][part], axis)
                for axis, part in zip(self._axes, window, strict=True)
            ]
            with self._lock, torch.inference_mode():
                values = network.forward(self._config, self._tensors, places).cpu().numpy()
            out[(slice(None), *window)] = values.reshape(-1, *(len(axis) for axis in places))
        kept = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        return np.broadcast_to(out.reshape(-1, *kept), (self._components, *lengths))

    def at(self, points: Positions) -> Doubles:
        """See `codec.contracts.Evaluator`."""
        out = np.empty((self._components, len(points)))
        for start in range(0, len(points), _POINTS):
            part = slice(start, start + _POINTS)
            places = [self._place(points[part, axis], axis) for axis in self._axes]
            with self._lock, torch.inference_mode():
                values = network.forward_points(self._config, self._tensors, places)
            out[:, part] = values.cpu().numpy()
        return out

    def _place(self, indices: Positions, axis: int) -> torch.Tensor:
        found = coordinates(indices, self._shape[axis], max(self._shape))
        return torch.from_numpy(found).to(self._device)
