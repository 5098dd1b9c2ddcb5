"""Evaluation of `siren` on the CPU, with NumPy alone.

Products and phases are float64, because every layer multiplies the error of a phase. Sines are
taken in float32, after reduction of the phases, because NumPy computes them many times as fast. The
first layer, on an outer product of positions, is a sum over axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codec.arrays import Float32Array, Float64Array
from inrc_plugins.architectures.siren.config import SirenConfig
from inrc_plugins.architectures.siren.encodings import (
    axis_columns,
    encoded_axis,
    encoded_points,
    separable,
    unit_places,
)
from inrc_plugins.shared.config_map import active_axes
from inrc_plugins.shared.sample_panels import Affine, from_panels, to_panels

# Number of samples evaluated together: their activations stay in a core's cache.
_CHUNK = 4096


class SirenEvaluator:
    """Evaluator of a `siren` model on the CPU.

    Args:
        config: configuration of the model.
        shape: dims of the item.
        parameters: float32 tensors of the network, in coding order.
    """

    def __init__(
        self, config: SirenConfig, shape: tuple[int, ...], parameters: Sequence[Float32Array]
    ) -> None:
        self._config = config
        self._shape = shape
        self._axes = active_axes(shape)
        # Phases are in turns, so that their reduction is one rounding to an integer.
        turns = config.omega / (2 * np.pi)
        doubles = [tensor.astype(np.float64) for tensor in parameters]
        self._first_matrix, self._first_vector = turns * doubles[0], turns * doubles[1]
        self._first = Affine(self._first_matrix, self._first_vector)
        self._layers = [
            Affine(turns * matrix, turns * vector)
            for matrix, vector in zip(doubles[2:-2:2], doubles[3:-2:2], strict=True)
        ]
        self._last = Affine(doubles[-2], doubles[-1])
        self._components = len(doubles[-1])

    def on_axes(self, positions: Sequence[Float64Array]) -> Float32Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        active = [unit_places(positions[axis], self._shape[axis]) for axis in self._axes]
        counts = tuple(len(axis) for axis in active)
        out = np.empty((self._components, int(np.prod(counts))), np.float32)
        first = self._separate(active) if separable(self._config.encoding) else None
        for start in range(0, out.shape[1], _CHUNK):
            numbers = np.arange(start, min(start + _CHUNK, out.shape[1]))
            chosen = np.unravel_index(numbers, counts)
            if first is None:
                places = np.stack([axis[at] for axis, at in zip(active, chosen, strict=True)], 1)
                phases = self._first_phases(places)
            else:
                added = np.zeros((self._config.width, len(numbers)))
                for table, at in zip(first, chosen, strict=True):
                    added += table[:, at]
                added += self._first_vector[:, None]
                phases = to_panels(added)
            out[:, start : start + _CHUNK] = self._network(phases, len(numbers))
        # Inactive axes have one sample, and every position along them is that sample.
        computed = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        return np.broadcast_to(
            out.reshape(self._components, *computed), (self._components, *lengths)
        )

    def at(self, points: Float64Array) -> Float32Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        out = np.empty((self._components, len(points)), np.float32)
        for start in range(0, len(points), _CHUNK):
            part = points[start : start + _CHUNK]
            places = np.stack([unit_places(part[:, a], self._shape[a]) for a in self._axes], 1)
            out[:, start : start + _CHUNK] = self._network(self._first_phases(places), len(part))
        return out

    def _separate(self, active: Sequence[Float64Array]) -> list[Float64Array]:
        """Terms that each axis adds to the phases of the first layer: (width, n) per axis."""
        encoding, axes = self._config.encoding, len(active)
        return [
            Affine(self._first_matrix[:, axis_columns(encoding, axes, number)]).on_rows(
                encoded_axis(encoding, axis).T
            )
            for number, axis in enumerate(active)
        ]

    def _first_phases(self, places: Float64Array) -> Float64Array:
        """Phases of the first layer, in panels, at `places` (n, axes) in [-1, 1]."""
        return self._first(to_panels(encoded_points(self._config.encoding, places).T))

    def _network(self, phases: Float64Array, count: int) -> Float64Array:
        """Outputs (components, count) from the phases of the first layer, in turns, in panels."""
        for layer in self._layers:
            phases = layer(_sine_of_turns(phases))
        return from_panels(self._last(_sine_of_turns(phases)), count)


def _sine_of_turns(phases: Float64Array) -> Float64Array:
    """Sines of phases in turns, sin(2 pi phases); `phases` is overwritten."""
    phases -= np.rint(phases)
    reduced = (phases * (2 * np.pi)).astype(np.float32)
    return np.sin(reduced).astype(np.float64)
