"""Values of a decoded shell, on a grid and at arbitrary points.

Normative text: format_spec/architectures/shell.md, "Evaluation".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from codec.arrays import Float32Array, Float64Array
from codec.entropy.mixing.octree import place
from codec.entropy.mixing.octree_cells import INSIDE, SURFACE
from inrc_plugins.architectures.shell import spline
from inrc_plugins.architectures.shell.border import from_integers
from inrc_plugins.architectures.shell.config import BAND, ShellConfig

# Number of points evaluated at once.
_BATCH = 1 << 20
# Largest float32 below 2^31.
_MOST = np.nextafter(np.float32(2**31), np.float32(0))


class ShellEvaluator:
    """Evaluator of signed distances in units of the band's half width.

    Values come from the spline near the surface; elsewhere they are 1 outside and -1 inside.
    """

    def __init__(self, config: ShellConfig, parameters: Sequence[Float32Array]) -> None:
        # The integer 2^31 - 1 rounds to 2^31 in float32, which int32 cannot hold. Distances that
        # large all clip to the same value.
        integers = np.minimum(parameters[0], _MOST).astype(np.int32)
        placed = place(config.octree, integers)
        surface = placed.cells == SURFACE
        inside = placed.cells == INSIDE
        beside = spline.dilated(surface) & ~surface
        self._regions = np.where(beside, np.where(inside, np.int8(4), np.int8(3)), placed.cells)
        values = placed.values.astype(np.float64) * config.step
        self._coefficients = spline.continued(values, placed.corners, inside)
        self._border = None
        if config.border is not None:
            flags, residuals = (tensor.astype(np.int64) for tensor in parameters[1:])
            self._border = from_integers(
                config.border, surface, config.octree.depth, flags, residuals
            )

    def on_axes(self, positions: Sequence[Float64Array]) -> Float32Array:
        shape = tuple(len(axis) for axis in positions)
        out = np.empty(shape, np.float32)
        rows = max(1, _BATCH // max(shape[1] * shape[2], 1))
        for start in range(0, shape[0], rows):
            part = [positions[0][start : start + rows], *positions[1:]]
            grid = np.meshgrid(*part, indexing="ij")
            points = np.stack([axis.ravel() for axis in grid], 1)
            out[start : start + rows] = self.at(points).reshape(-1, *shape[1:])
        return out[None]

    def at(self, points: Float64Array) -> Float32Array:
        distances = np.empty(len(points), np.float32)
        places = np.ascontiguousarray(points, np.float64)
        spline.evaluate(places, self._regions, self._coefficients, np.float32(BAND), distances)
        return distances[None] / np.float32(BAND)

    def past_border(self, points: Float64Array) -> Float64Array | None:
        """See `codec.plugin_api.evaluator.OpenEvaluator`."""
        return None if self._border is None else self._border.at(points)
