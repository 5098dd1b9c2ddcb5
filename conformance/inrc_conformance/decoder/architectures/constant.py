"""Architecture 0, `constant`: y = 0 everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import Unsupported
from ..headers import Item
from .plan import Float32Array, Float64Array, Plan


class ConstantPlan(Plan):
    """No tensors, no work."""

    def __init__(self, item: Item) -> None:
        self.shapes = ()
        self.multiply_adds = 0
        self._result_shape = (len(item.components), item.samples)

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Return zeros."""
        return np.zeros(self._result_shape, dtype=np.float64)


def plan(item: Item) -> Plan:
    """Check the config; offset and scale may be anything."""
    if item.config:
        raise Unsupported("ITEM-5: constant has no config keys")
    return ConstantPlan(item)
