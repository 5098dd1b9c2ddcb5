"""Architecture 4, `neurcomp`: one network of sines with residual blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..headers import Item
from .coordinate_networks import Indices, active_axes, by_blocks, check_keys, in_range
from .plan import Float32Array, Float64Array, Plan

_RULE = "NEURCOMP-1"


class NeurcompPlan(Plan):
    """Config of an item and its evaluation in float64."""

    def __init__(self, item: Item) -> None:
        self.components = len(item.components)
        self.active = active_axes(item, _RULE)
        self.width = in_range(item.config[0], 1, 4096, f"{_RULE}: width")
        self.blocks = in_range(item.config[1], 0, 64, f"{_RULE}: blocks")
        self.frequency = in_range(item.config[2], 1, 1000, f"{_RULE}: frequency")
        middle = [(self.width, self.width), (self.width,)] * (2 * self.blocks)
        self.shapes = (
            (self.width, len(self.active)),
            (self.width,),
            *middle,
            (self.components, self.width),
            (self.components,),
        )
        self.multiply_adds = sum(shape[0] * shape[1] for shape in self.shapes[::2])

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Evaluate all samples block by block."""
        network = [tensor.astype(np.float64) for tensor in parameters]
        widest = max(self.width, self.components)
        return by_blocks(
            self.active,
            widest,
            self.components,
            lambda indices: self._block(places(indices, self.active), network),
        )

    def _block(self, p: Float64Array, network: Sequence[Float64Array]) -> Float64Array:
        """Evaluate steps 1 to 3 at some places."""
        w = self.frequency
        h = np.sin(w * _affine(network[0:2], p))
        for block in range(1, self.blocks + 1):
            first, second = network[4 * block - 2 : 4 * block], network[4 * block :][:2]
            before, after = factors(block, self.blocks)
            u = np.sin(w * _affine(first, before * h))
            h = after * (h + np.sin(w * _affine(second, u)))
        return _affine(network[-2:], h)


def places(indices: Indices, active: Sequence[int]) -> Float64Array:
    """Return p of some samples: the longest axes run from -1 to 1, all with the same step."""
    longest = max(active)
    return np.array(
        [(2 * i - (n - 1)) / (longest - 1) for i, n in zip(indices, active, strict=True)],
        dtype=np.float64,
    )


def factors(block: int, blocks: int) -> tuple[float, float]:
    """Return s and r of a block, counted from 1."""
    return (1.0 if block == 1 else 0.5), (0.5 if block == blocks else 1.0)


def _affine(layer: Sequence[Float64Array], h: Float64Array) -> Float64Array:
    return np.asarray(layer[0] @ h + layer[1][:, None], dtype=np.float64)


def plan(item: Item) -> Plan:
    """Check the config keys and return the plan."""
    check_keys(item.config, 3, 3, _RULE, "neurcomp")
    return NeurcompPlan(item)
