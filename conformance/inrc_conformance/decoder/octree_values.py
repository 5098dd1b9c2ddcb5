"""Coding of the values at the nodes of an octree (section 7.5, "Values")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from .magnitudes import MagnitudeChances
from .mixing import BitCoder, DirectChances
from .octree import ROOT_CLASS, Node, Octree, Place, Tree
from .octree_features import FEATURES, Integers, features_of

_HEAVIEST = 2**20
_LARGEST = 2**31
_LARGEST_RESIDUAL = 2**30
_LARGEST_ERROR = 2**20
_MOST = 255
_RATE = 300
_TWO_AROUND = range(-2, 3)


def _weight_of(offset: Place) -> int:
    """Return the weight of a node around another."""
    return {1: 4, 2: 2}.get(sum(map(abs, offset)), 1)


AROUND: tuple[tuple[Place, int], ...] = tuple(
    (offset, _weight_of(offset))
    for offset in product(_TWO_AROUND, _TWO_AROUND, _TWO_AROUND)
    if any(offset)
)
"""The offsets of nodes whose magnitudes count, with their weights."""


def half(x: int) -> int:
    """Return HALF(x)."""
    size = abs(x)
    if size == 0:
        return 0
    b = size.bit_length() - 1
    return min(31, 1 + (b << 1) + ((size << 1) >> b) - 2)


def first_gains(kind: int) -> list[int]:
    """Return the gains of a class at the start."""
    gains = [0] * FEATURES
    if 1 <= kind < ROOT_CLASS:
        gains[0:3] = [-4900] * 3
        gains[3:6] = [6500] * 3
        gains[9:12] = [5200] * 3
        gains[18] = 7900
    return gains


@dataclass(frozen=True)
class Activity:
    """Size of the magnitudes around a node (step 3): a, e and W."""

    mean: int
    nearest: int
    weight: int


def activity(magnitudes: Integers, node: Node) -> Activity:
    """Return a, e and W of a node."""
    total = weights = 0
    for offset, weight in AROUND:
        magnitude = magnitudes.get(node.at(1, offset), 0)
        if magnitude:
            total += weight * (magnitude - 1)
            weights += weight
    near = [magnitudes[place] - 1 for place in nearest_of(node) if place in magnitudes]
    return Activity(16 * total // max(weights, 1), 16 * sum(near) // max(len(near), 1), weights)


def nearest_of(node: Node) -> list[Place]:
    """Return the places of the nodes that make up e."""
    times = -1 if node.kind == ROOT_CLASS else -2
    out = [node.along(times, axis) for axis in range(3)]
    if len(node.odd_axes) > 1:
        out += [node.along(times, axis) for axis in node.odd_axes for times in (-1, 1)]
    return out


class ValueModel:
    """Codes values and remembers what it learned."""

    def __init__(self, octree: Octree) -> None:
        self._unit = octree.unit
        self._magnitude = MagnitudeChances()
        self._sign = DirectChances(4160, 2**21)
        self._gains = [first_gains(kind) for kind in range(ROOT_CLASS + 1)]
        self._residuals: dict[Place, int] = {}
        self._magnitudes: dict[Place, int] = {}

    def code(self, coder: BitCoder, tree: Tree, node: Node, wanted: int) -> int:
        """Code the value at a node."""
        base, features, bend = features_of(tree.values, self._residuals, node)
        gains = self._gains[node.kind]
        change = sum(g * f for g, f in zip(gains, features, strict=True))
        f = min(max(base + (change >> 16), -_LARGEST), _LARGEST)
        pred = (f + 8) >> 4
        near = activity(self._magnitudes, node)
        some = contexts(node, near, bend, change, 32 * abs(f) // self._unit // node.stride)
        e = (2 * near.mean + near.nearest) // 3
        r = self._magnitude.code(coder, some, row_of(node, near), e, 0, abs(wanted - pred))
        size = r
        if r:
            context = 4096 + f - 16 * pred + 8 + 16 * min(r, 3)
            r = -r if self._sign.code(coder, context, int(wanted < pred)) else r
        value = pred + r
        residual = 16 * value - base
        self._residuals[node.place] = min(max(residual, -_LARGEST_RESIDUAL), _LARGEST_RESIDUAL)
        self._magnitudes[node.place] = min(size + 1, _MOST)
        learn(gains, features, 16 * value - f)
        return value


def row_of(node: Node, near: Activity) -> int:
    """Return the row of weights of a node."""
    return min(half(near.mean) >> 1, 7) + (8 if node.level == 0 else 0)


def contexts(node: Node, near: Activity, bend: int, change: int, distance: int) -> tuple[int, ...]:
    """Return the five contexts of a node (step 4); `distance` is `(32 |f| // U) // s`."""
    a, e = half(near.mean), half(near.nearest)
    return (
        min(a, 23) + 24 * min(e, 23),
        min(a, 23) + 24 * min(half(bend), 23),
        half(2 * near.mean + near.nearest) + 32 * (node.kind % 8) + 256 * min(node.level, 3),
        min(e, 15) + 16 * min(half(distance), 15) + 256 * len(node.odd_axes),
        min(half(change >> 16), 15) + 16 * min(a, 15) + 256 * min(near.weight >> 5, 3),
    )


def learn(gains: list[int], features: Sequence[int], error: int) -> None:
    """Move the gains of a class towards what would have been right (step 5)."""
    energy = sum(feature**2 for feature in features)
    if energy == 0:
        return
    x = (min(max(error, -_LARGEST_ERROR), _LARGEST_ERROR) * _RATE << 20) // (energy + 256)
    for m, feature in enumerate(features):
        gains[m] = min(max(gains[m] + (x * feature >> 20), -_HEAVIEST), _HEAVIEST)
