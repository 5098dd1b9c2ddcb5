"""Config of a sum of cosines: how many terms it has along each axis longer than 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from codec.errors import CorruptError
from codec.plugin_api.models import Config, TensorSpec


@dataclass(frozen=True)
class CosinesConfig:
    """Terms along each axis longer than 1."""

    terms: tuple[int, ...]

    @classmethod
    def from_map(cls, config: Config, shape: tuple[int, ...]) -> CosinesConfig:
        """Config of a file, checked.

        Raises:
            CorruptError: it does not fit the shape.
        """
        terms, sizes = config.get(0), [size for size in shape if size > 1]
        if not isinstance(terms, list) or len(terms) != len(sizes):
            raise CorruptError("cosines: one number of terms per axis is needed", section="ITEM")
        if not all(
            isinstance(count, int) and 1 <= count <= size
            for count, size in zip(terms, sizes, strict=True)
        ):
            raise CorruptError("cosines: more terms than samples", section="ITEM")
        return cls(tuple(terms))

    def to_map(self) -> dict[int, Any]:
        return {0: list(self.terms)}

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        return (TensorSpec("coefficients", (components, *self.terms)),)

    def parameters(self, components: int) -> int:
        return components * math.prod(self.terms)

    def multiply_adds(self, components: int) -> int:
        return self.parameters(components)
