"""Evaluation of `amgsrn` on the CPU, with NumPy alone.

Coordinates of a sample in a grid are affine functions of the sample's index, so on an outer product
of positions they are sums of one term per axis. Each grid is surrounded by a border of zeros, and
coordinates beyond the border are clipped to it, so that no corner of a cell has to be tested for
being inside. Nodes are stored in pairs along the last axis, which halves the number of look-ups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from codec.arrays import Float32Array, Float64Array, Int64Array
from inrc_plugins.architectures.amgsrn.config import AmgsrnConfig
from inrc_plugins.shared.config_map import active_axes
from inrc_plugins.shared.sample_panels import Affine, from_panels, ordered_sum, to_panels

# Number of samples evaluated together; their looked-up features take a few megabytes.
_CHUNK = 4096
# Bound on the magnitude of a logarithm of a scale.
_STEEPEST = 16.0


class AmgsrnEvaluator:
    """Evaluator of an `amgsrn` model on the CPU.

    Args:
        config: configuration of the model.
        shape: dims of the item.
        parameters: float32 tensors of the model, in coding order.
    """

    def __init__(
        self, config: AmgsrnConfig, shape: tuple[int, ...], parameters: Sequence[Float32Array]
    ) -> None:
        self._config = config
        self._axes = active_axes(shape)
        transforms, grids, *layers = parameters
        step = 1 + config.bias
        matrices = layers[0::step]
        vectors = layers[1::step] if config.bias else [None] * len(matrices)
        self._layers = [Affine(*layer) for layer in zip(matrices, vectors, strict=True)]
        self._components = matrices[-1].shape[0]
        sizes = np.array([shape[axis] for axis in self._axes], np.float64)
        self._slopes, self._starts = _places(transforms.astype(np.float64), sizes, config.nodes)
        border = ((0, 0), *((1, 1),) * config.axes, (0, 0))
        nodes = np.pad(np.moveaxis(grids, 0, -1), border)
        self._strides = _strides((*nodes.shape[1:-2], nodes.shape[-2] - 1))
        pairs = np.concatenate([nodes[..., :-1, :], nodes[..., 1:, :]], axis=-1)
        self._pairs = pairs.reshape(-1, 2 * config.features)
        self._per_grid = len(self._pairs) // config.grids

    def on_axes(self, positions: Sequence[Float64Array]) -> Float32Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        lengths = tuple(len(axis) for axis in positions)
        active = [positions[axis] for axis in self._axes]
        counts = [len(axis) for axis in active]
        out = np.empty((self._components, int(np.prod(counts))), np.float32)
        terms = self._terms(active)
        for start in range(0, out.shape[1], _CHUNK):
            part = np.arange(start, min(start + _CHUNK, out.shape[1]))
            indices = np.unravel_index(part, counts)
            places = self._starts[:, :, None] + sum(
                term[:, :, index] for term, index in zip(terms, indices, strict=True)
            )
            out[:, part] = self._values(places)
        # Inactive axes have one sample, and every position along them is that sample.
        computed = [n if axis in self._axes else 1 for axis, n in enumerate(lengths)]
        return np.broadcast_to(
            out.reshape(self._components, *computed), (self._components, *lengths)
        )

    def at(self, points: Float64Array) -> Float32Array:
        """See `codec.plugin_api.evaluator.Evaluator`."""
        active = points[:, list(self._axes)]
        out = np.empty((self._components, len(points)), np.float32)
        for start in range(0, len(points), _CHUNK):
            part = slice(start, start + _CHUNK)
            places = self._starts[:, :, None] + ordered_sum(self._terms(active[part].T))
            out[:, part] = self._values(places)
        return out

    def _terms(self, active: Iterable[Float64Array]) -> list[Float64Array]:
        """Terms that positions along each active axis add to the places: (K, d, n) per axis."""
        return [self._slopes[:, :, a, None] * axis for a, axis in enumerate(active)]

    def _values(self, places: Float64Array) -> Float32Array:
        """Output (components, n) of the network at places (K, d, n) in units of nodes."""
        hidden = to_panels(self._features(places))
        for layer in self._layers[:-1]:
            hidden = layer(hidden)
            np.maximum(hidden, 0, out=hidden)
        return 2 * from_panels(self._layers[-1](hidden), places.shape[2]) - 1

    def _features(self, places: Float64Array) -> Float32Array:
        """Features of all grids, (K F, n), at places (K, d, n) in units of nodes."""
        config = self._config
        most = np.array(config.nodes, np.float64)[:, None]
        moved = np.clip(places, -1, most) + 1
        lower = np.minimum(np.floor(moved), most)
        share = (moved - lower).astype(np.float32)
        cells = np.tensordot(lower.astype(np.int64), self._strides, axes=(1, 0))
        cells += self._per_grid * np.arange(config.grids)[:, None]
        features = np.zeros((*cells.shape, 2 * config.features), np.float32)
        for corner in np.ndindex(*(2,) * (config.axes - 1)):
            weight = np.ones(cells.shape, np.float32)
            for axis, up in enumerate(corner):
                weight *= share[:, axis] if up else 1 - share[:, axis]
            offset = sum(up * int(step) for up, step in zip(corner, self._strides, strict=False))
            features += self._pairs[cells + offset] * weight[..., None]
        last = share[:, -1, :, None]
        low, high = features[..., : config.features], features[..., config.features :]
        mixed = (1 - last) * low + last * high
        return np.ascontiguousarray(mixed.transpose(0, 2, 1)).reshape(-1, cells.shape[1])


def linear_parts(transforms: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Matrices R S (K, d, d) and translations (K, d) of transforms (P, K)."""
    axes = {2: 1, 5: 2, 10: 3}[len(transforms)]
    scales = np.exp(np.clip(transforms[:axes], -_STEEPEST, _STEEPEST))
    rotations = _rotations(transforms[axes:-axes], axes)
    return rotations * scales.T[:, None, :], transforms[-axes:].T


def _rotations(numbers: Float64Array, axes: int) -> Float64Array:
    """Rotation matrices (K, d, d) from angles (1, K) in 2-D or quaternions (4, K) in 3-D.

    The first component of a quaternion is stored less 1, so that zeros are the identity.
    """
    count = numbers.shape[1]
    if axes == 1:
        return np.ones((count, 1, 1))
    if axes == 2:
        cosine, sine = np.cos(numbers[0]), np.sin(numbers[0])
        return np.stack([cosine, -sine, sine, cosine], axis=-1).reshape(count, 2, 2)
    quaternion = numbers.copy()
    quaternion[0] += 1
    length = np.sqrt(np.square(quaternion).sum(axis=0))
    quaternion[0, length == 0], length[length == 0] = 1, 1
    w, x, y, z = quaternion / length
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def _places(
    transforms: Float64Array, sizes: Float64Array, nodes: Sequence[int]
) -> tuple[Float64Array, Float64Array]:
    """Slopes (K, d, d) and starts (K, d) of places in the grids as functions of sample indices."""
    matrices, translations = linear_parts(transforms)
    cells = (np.array(nodes, np.float64) - 1) / 2
    slopes = cells[:, None] * matrices * (2 / (sizes - 1))
    starts = cells * (1 + translations - matrices.sum(axis=2))
    return slopes, starts


def _strides(shape: tuple[int, ...]) -> Int64Array:
    """Strides, in elements, of a C-contiguous array of this shape."""
    return np.cumprod([1, *shape[:0:-1]], dtype=np.int64)[::-1]
