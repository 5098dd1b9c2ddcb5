"""Evaluation of `siren` on a GPU, with torch; float64, which accuracy class F needs here."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch

from codec.contracts import Floats, Positions
from inrc_plugins.config_map import active_axes
from inrc_plugins.siren.config import SirenConfig
from inrc_plugins.siren.encodings import encoded_points, unit_places
from inrc_plugins.siren.network import after_first, smooth_sine

_POINTS = 1 << 18


class DeviceEvaluator:
    """A `siren` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: of the network, float32, in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: SirenConfig,
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

    def on_axes(self, positions: Sequence[Positions]) -> Floats:
        """See `codec.contracts.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        active = [unit_places(positions[axis], self._shape[axis]) for axis in self._axes]
        counts = tuple(len(axis) for axis in active)
        out = np.empty((self._components, int(np.prod(counts))), np.float32)
        for start in range(0, out.shape[1], _POINTS):
            chosen = np.unravel_index(np.arange(start, min(start + _POINTS, out.shape[1])), counts)
            places = np.stack([axis[at] for axis, at in zip(active, chosen, strict=True)], 1)
            out[:, start : start + _POINTS] = self._at(places)
        kept = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        return np.broadcast_to(out.reshape(self._components, *kept), (self._components, *lengths))

    def at(self, points: Positions) -> Floats:
        """See `codec.contracts.Evaluator`."""
        out = np.empty((self._components, len(points)), np.float32)
        for start in range(0, len(points), _POINTS):
            part = points[start : start + _POINTS]
            places = np.stack([unit_places(part[:, a], self._shape[a]) for a in self._axes], 1)
            out[:, start : start + _POINTS] = self._at(places)
        return out

    def _at(self, places: Positions) -> Positions:
        # One block at a time bounds the GPU's memory.
        with self._lock, torch.inference_mode():
            encoded = torch.from_numpy(encoded_points(self._config.encoding, places))
            first = torch.addmm(
                self._tensors["vector0"], encoded.to(self._device), self._tensors["matrix0"].T
            )
            values = after_first(self._config, self._tensors, first, smooth_sine)
            return np.asarray(values.cpu().numpy())
