"""Architecture 0, `constant`: y = 0 everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import Malformed, Unsupported
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
    """Check the config and CONST-1."""
    if item.config:
        raise Unsupported("ITEM-5: constant has no config keys")
    if any(component.scale != 0 for component in item.components):
        raise Malformed("CONST-1: a scale is not 0")
    return ConstantPlan(item)
