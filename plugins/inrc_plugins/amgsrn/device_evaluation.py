"""Evaluation of `amgsrn` on a GPU, with torch; of accuracy class F."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from codec.contracts import Floats, Positions
from inrc_plugins.amgsrn.config import AmgsrnConfig
from inrc_plugins.amgsrn.network import GridsNetwork, features, perceptron
from inrc_plugins.config_map import active_axes
from inrc_plugins.exact_products import exact_products

# Samples evaluated together, for each of which there is a place in every grid.
_PLACES = 1 << 22


class DeviceEvaluator:
    """An `amgsrn` model on a torch device.

    Args:
        config: its shape.
        shape: the item's dims.
        components: outputs.
        parameters: float32 tensors in coding order.
        device: a torch device, "cuda" for example.
    """

    def __init__(
        self,
        config: AmgsrnConfig,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Floats],
        device: str,
    ) -> None:
        self._config = config
        self._axes = active_axes(shape)
        self._components = components
        self._device = device
        self._lock = threading.Lock()
        self._tensors = {
            spec.name: torch.from_numpy(np.array(values)).to(device)
            for spec, values in zip(config.tensors(components), parameters, strict=True)
        }
        # Places in the grids need more digits than float32 has.
        self._transforms = self._tensors["transforms"].double()
        self._grids = self._tensors["grids"].double()
        self._network = GridsNetwork(config, [shape[axis] for axis in self._axes])

    def on_axes(self, positions: Sequence[Positions]) -> Floats:
        """See `codec.contracts.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        active = [positions[axis] for axis in self._axes]
        counts = [len(axis) for axis in active]
        out = np.empty((self._components, int(np.prod(counts))), np.float32)
        for part in self._parts(out.shape[1]):
            places = np.unravel_index(np.arange(part.start, part.stop), counts)
            out[:, part] = self._values(
                [axis[place] for axis, place in zip(active, places, strict=True)]
            )
        kept = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        return np.broadcast_to(out.reshape(self._components, *kept), (self._components, *lengths))

    def at(self, points: Positions) -> Floats:
        """See `codec.contracts.Evaluator`."""
        out = np.empty((self._components, len(points)), np.float32)
        for part in self._parts(len(points)):
            out[:, part] = self._values([points[part, axis] for axis in self._axes])
        return out

    def _parts(self, count: int) -> Iterator[slice]:
        step = max(1, _PLACES // self._config.grids)
        for start in range(0, count, step):
            yield slice(start, min(start + step, count))

    def _values(self, indices: Sequence[Positions]) -> Floats:
        with exact_products(self._lock):
            moved = [torch.from_numpy(np.ascontiguousarray(axis)) for axis in indices]
            local = self._network.local(self._transforms, [axis.to(self._device) for axis in moved])
            found = features(self._grids, local).float()
            values: Floats = perceptron(self._config, self._tensors, found).cpu().numpy()
            return values
