"""Wrong evaluations of architectures 5 and 6, for deliberately wrong decoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..decoder.architectures import amgsrn, miner
from ..decoder.values import Float64Array
from .mutant import Patches

_ROTATION, _QUATERNION, _PLACE = amgsrn.rotation, amgsrn.quaternion, amgsrn.place
_INTERPOLATED = amgsrn.interpolated
_EVALUATE, _MATRICES = amgsrn.AmgsrnPlan.evaluate, amgsrn.AmgsrnPlan._block
_INPUTS, _DOUBLED = miner.inputs, miner.doubled


def _rotated_first(transform: Float64Array, x: Float64Array) -> Float64Array:
    """Rotate before scaling."""
    d = len(x)
    scales = np.exp(np.clip(transform[:d], -16, 16))
    turned = scales[:, None] * (_ROTATION(transform[d:-d], d) @ x)
    return np.asarray(transform[-d:, None] + turned, dtype=np.float64)


def _moved_first(transform: Float64Array, x: Float64Array) -> Float64Array:
    """Move before scaling and rotating."""
    d = len(x)
    still = transform.copy()
    still[-d:] = 0
    return _PLACE(still, x + transform[-d:, None])


def _inverse(transform: Float64Array, x: Float64Array) -> Float64Array:
    """Take the reciprocals of the scales."""
    d = len(x)
    return _PLACE(np.concatenate([-transform[:d], transform[d:]]), x)


def _held(grid: Float64Array, v: Float64Array) -> Float64Array:
    """Hold the values of the border instead of fading out."""
    return _INTERPOLATED(grid, np.clip(v, -1, 1))


def _cut(grid: Float64Array, v: Float64Array) -> Float64Array:
    """Be 0 at once beyond the border."""
    return np.where((np.abs(v) <= 1).all(axis=0), _INTERPOLATED(grid, v), 0)


def _centred(grid: Float64Array, v: Float64Array) -> Float64Array:
    """Have nodes in the centres of cells."""
    nodes = np.array(grid.shape[1:])[:, None]
    return _INTERPOLATED(grid, v * nodes / (nodes - 1))


def _interleaved(plan: Any, flat: Any, tensors: list[Float64Array]) -> Float64Array:
    """Take the features of all grids in turns."""
    first = tensors[2]
    order = np.arange(first.shape[1]).reshape(plan.features, plan.grids).T.reshape(-1)
    return _MATRICES(plan, flat, [*tensors[:2], first[:, order], *tensors[3:]])


def _unnormalised(numbers: Float64Array) -> tuple[float, float, float, float]:
    """Leave the quaternion as long as it is."""
    a, b, c, e = (float(number) for number in (1 + numbers[0], *numbers[1:]))
    return a, b, c, e


AMGSRNS: tuple[tuple[str, Patches], ...] = (
    ("rotations the other way", ((amgsrn, "rotation", lambda n, d: _ROTATION(n, d).T),)),
    ("rotation before scale", ((amgsrn, "place", _rotated_first),)),
    ("translation first", ((amgsrn, "place", _moved_first),)),
    ("scales that shrink", ((amgsrn, "place", _inverse),)),
    ("any scales", ((amgsrn, "_LARGEST_LOG", 600.0),)),
    ("grids do not fade", ((amgsrn, "interpolated", _held),)),
    ("grids end at once", ((amgsrn, "interpolated", _cut),)),
    ("nodes of grids in cells", ((amgsrn, "interpolated", _centred),)),
    ("features of grids in turns", ((amgsrn.AmgsrnPlan, "_block", _interleaved),)),
    ("any quaternion", ((amgsrn, "quaternion", _unnormalised),)),
    ("quaternion without 1", ((amgsrn, "quaternion", lambda n: _QUATERNION(n - [1, 0, 0, 0])),)),
    ("y is m", ((amgsrn.AmgsrnPlan, "evaluate", lambda plan, p: (_EVALUATE(plan, p) + 1) / 2),)),
)
"""Names and patches of wrong evaluations of architecture 5."""


def _nearest(y: Float64Array, lengths: Sequence[int]) -> Float64Array:
    """Repeat samples instead of interpolating."""
    for axis, length in enumerate(lengths, start=1):
        y = y.take(np.arange(length) // 2, axis=axis)
    return y


def _past_the_end(y: Float64Array, lengths: Sequence[int]) -> Float64Array:
    """Take 0 behind the last sample."""
    wide = np.pad(y, [(0, 0), *[(0, 1)] * (y.ndim - 1)])
    return _DOUBLED(wide, lengths)


def _own_size(sizes: Sequence[int], block: int, octaves: int) -> Float64Array:
    """Let x run from -1 to 1 in the last blocks, too."""
    axes = [_INPUTS([n], max(n, 2), 0)[0] for n in sizes]
    x = [axis.reshape(-1) for axis in np.meshgrid(*axes, indexing="ij")]
    phases = [2.0**f * axis for f in range(octaves) for axis in x]
    return np.array([*map(np.sin, phases), *map(np.cos, phases)] if octaves else x)


def _cosines_first(sizes: Sequence[int], block: int, octaves: int) -> Float64Array:
    out = _INPUTS(sizes, block, octaves)
    return np.roll(out, len(out) // 2, axis=0) if octaves else out


def _axes_first(sizes: Sequence[int], block: int, octaves: int) -> Float64Array:
    """Take all octaves of an axis, then those of the next."""
    out = _INPUTS(sizes, block, octaves)
    if not octaves:
        return out
    return out.reshape(2, octaves, len(sizes), -1).swapaxes(1, 2).reshape(out.shape)


def _activation(function: Callable[[Float64Array, int], Float64Array]) -> Patches:
    """Change the activation; omega is 0 where it is left out."""
    return ((miner, "activated", lambda z, omega: function(z, omega or 0)),)


MINERS: tuple[tuple[str, Patches], ...] = (
    ("levels are repeated", ((miner, "doubled", _nearest),)),
    ("levels end with 0", ((miner, "doubled", _past_the_end),)),
    ("last blocks are stretched", ((miner, "inputs", _own_size),)),
    ("cosines first", ((miner, "inputs", _cosines_first),)),
    ("octaves of an axis together", ((miner, "inputs", _axes_first),)),
    ("Gaussians of z^2", _activation(lambda z, w: np.sin(w * z) if w else np.exp(-(z**2)))),
    ("sines without omega", _activation(lambda z, w: np.sin(z) if w else np.exp(-(z**2) / 2))),
    ("always sines", _activation(lambda z, w: np.sin((w or 1) * z))),
    (
        "phases in float32",
        _activation(lambda z, w: np.sin((w * z).astype(np.float32)) if w else np.exp(-(z**2) / 2)),
    ),
)
"""Names and patches of wrong evaluations of architecture 6."""
