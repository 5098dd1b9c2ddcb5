"""The place of the grid of a shape: metadata of medium `mesh` (format_spec/metadata.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import Float64Array
from codec.errors import CorruptError

_ORIGIN, _SPACING, _UNITS, _OFFSET = 0, 1, 2, 3


@dataclass(frozen=True)
class MeshFrame:
    """The frame of the original mesh.

    Attributes:
        origin: position of the first node.
        spacing: from one node to the next along every axis, in the unit of the mesh.
        units: that unit, `""` if unknown.
        offset: 0 for signed distances; else they are unsigned, and this is the one at which the
            field has its surface.
    """

    origin: tuple[float, float, float]
    spacing: float
    units: str = ""
    offset: float = 0.0

    @classmethod
    def from_map(cls, metadata: dict[int, Any]) -> MeshFrame:
        """The frame as a file has it.

        Raises:
            CorruptError: it breaks the normative text.
        """
        origin, spacing = metadata.get(_ORIGIN), metadata.get(_SPACING)
        units = metadata.get(_UNITS, "")
        if not isinstance(origin, list) or len(origin) != 3 or not all(map(_is_number, origin)):
            raise CorruptError("the origin of a shape is not three numbers", section="mETa")
        if not isinstance(spacing, float) or not 0 < spacing < math.inf:
            raise CorruptError("the spacing of a shape is not a positive number", section="mETa")
        if not isinstance(units, str) or (_UNITS in metadata and not units):
            raise CorruptError("the unit of a shape is not a text", section="mETa")
        offset = metadata.get(_OFFSET, 0.0)
        if _OFFSET in metadata and not (isinstance(offset, float) and 0 < offset < math.inf):
            raise CorruptError("the offset of a shape is not a positive number", section="mETa")
        if set(metadata) - {_ORIGIN, _SPACING, _UNITS, _OFFSET}:
            raise CorruptError("the metadata of a shape has an unknown key", section="mETa")
        return cls((origin[0], origin[1], origin[2]), spacing, units, offset)

    def to_map(self) -> dict[int, Any]:
        """The metadata for the file."""
        tree: dict[int, Any] = {_ORIGIN: list(self.origin), _SPACING: self.spacing}
        tree |= {_UNITS: self.units} if self.units else {}
        return tree | ({_OFFSET: self.offset} if self.offset else {})

    def indices(self, positions: Float64Array) -> Float64Array:
        """Node indices of positions, (n, 3)."""
        return np.asarray((positions - np.array(self.origin)) / self.spacing, np.float64)

    def positions(self, indices: Float64Array) -> Float64Array:
        """Positions of node indices, (n, 3)."""
        return np.asarray(np.array(self.origin) + self.spacing * indices, np.float64)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)
