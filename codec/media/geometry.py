"""Geometry: where the samples of an array lie in space, in one layout for every medium.

Normative text: format_spec/metadata.md, "Geometry".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from codec.arrays import Float64Array
from codec.errors import CorruptError

_SPACING, _ORIGIN, _DIRECTION, _UNITS, _SPACE, _AXES = range(6)
# The three ways a world axis can point, with the letter of the opposite one.
_OPPOSITE = {"R": "L", "A": "P", "S": "I", "L": "R", "P": "A", "I": "S"}

Window = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Geometry:
    """Sample i of spatial axis k lies at origin + sum over k of i_k * spacing_k * direction_k.

    Attributes:
        axes: the spatial axes of the array, ascending; one entry per axis below stands in their
            order, which is slowest first: z, y, x.
        spacing: distance of neighbouring samples, positive.
        origin: position of sample (0, ...), in world coordinates: x, y, z.
        direction: per axis a unit vector in world coordinates; () for z, y, x along themselves.
        units: of the spacing, one per axis ("mm", "" if unknown); () if none is known.
        space: what world x, y, z mean, by the letters they grow towards ("RAS", "LPS"), or "".
    """

    axes: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...] = ()
    direction: tuple[tuple[float, ...], ...] = ()
    units: tuple[str, ...] = ()
    space: str = ""

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.axes)

    def position(self) -> tuple[float, ...]:
        """The origin, zeros if it is unknown."""
        return self.origin or (0.0,) * self.rank

    def vectors(self) -> tuple[tuple[float, ...], ...]:
        """The direction of every axis."""
        if self.direction:
            return self.direction
        return tuple(
            tuple(float(world == self.rank - 1 - axis) for world in range(self.rank))
            for axis in range(self.rank)
        )

    def matrix(self) -> Float64Array:
        """(rank, rank): column k is the step from one sample to the next along spatial axis k."""
        steps: Float64Array = (
            np.array(self.vectors(), np.float64) * np.array(self.spacing, np.float64)[:, None]
        )
        return steps.T

    @property
    def is_straight(self) -> bool:
        """Whether z, y, x run along world z, y, x, upwards."""
        plain = Geometry(self.axes, self.spacing).vectors()
        return bool(np.allclose(self.vectors(), plain, atol=1e-6))

    def unit(self) -> str:
        """The unit that all spatial axes share, "" if there is none."""
        return self.units[0] if len(set(self.units)) == 1 else ""

    def cut(self, window: Window) -> Geometry:
        """The geometry of a part: per array axis (first sample, step), a step may be negative."""
        if not window or all(part == (0, 1) for part in window):
            return self
        parts = [window[axis] for axis in self.axes]
        starts = np.array([start for start, _ in parts], np.float64)
        origin = np.array(self.position()) + self.matrix() @ starts
        signs = [math.copysign(1.0, step) for _, step in parts]
        return Geometry(
            self.axes,
            tuple(
                length * abs(step) for length, (_, step) in zip(self.spacing, parts, strict=True)
            ),
            tuple(map(float, origin)),
            tuple(
                tuple(sign * value for value in vector)
                for sign, vector in zip(signs, self.vectors(), strict=True)
            )
            if self.direction or min(signs) < 0
            else (),
            self.units,
            self.space,
        )

    def on_axes(self, axes: Sequence[int]) -> Geometry:
        """The same geometry for an array whose spatial axes stand elsewhere."""
        return Geometry(
            tuple(axes), self.spacing, self.origin, self.direction, self.units, self.space
        )

    def in_space(self, space: str) -> Geometry:
        """The same places in another anatomical space, where both spaces are known."""
        same = len(space) == len(self.space) == self.rank == 3 and all(
            new in (old, _OPPOSITE.get(old)) for new, old in zip(space, self.space, strict=True)
        )
        if not same or space == self.space:
            return self
        signs = [1.0 if new == old else -1.0 for new, old in zip(space, self.space, strict=True)]
        return Geometry(
            self.axes,
            self.spacing,
            tuple(sign * value for sign, value in zip(signs, self.position(), strict=True)),
            tuple(
                tuple(sign * value + 0.0 for sign, value in zip(signs, vector, strict=True))
                for vector in self.vectors()
            ),
            self.units,
            space,
        )

    @classmethod
    def from_matrix(
        cls,
        axes: Sequence[int],
        matrix: npt.ArrayLike,
        origin: npt.ArrayLike,
        units: tuple[str, ...] = (),
        space: str = "",
    ) -> Geometry | None:
        """The inverse of `matrix`; None if an axis has no length or a value is not finite."""
        columns, start = np.asarray(matrix, np.float64), np.asarray(origin, np.float64)
        spacing = np.sqrt((columns**2).sum(axis=0))
        if not np.isfinite(columns).all() or not np.isfinite(start).all() or 0 in spacing:
            return None
        vectors = (columns / spacing).T + 0.0
        made = cls(
            tuple(axes),
            tuple(map(float, spacing)),
            tuple(float(value) + 0.0 for value in start),
            tuple(tuple(map(float, vector)) for vector in vectors),
            units,
            space,
        )
        straight = bool((vectors == np.array(cls(made.axes, made.spacing).vectors())).all())
        return cls(made.axes, made.spacing, made.origin, (), units, space) if straight else made

    def to_tree(self) -> dict[int, Any]:
        """The tree for `mETa`."""
        tree: dict[int, Any] = {
            _SPACING: list(self.spacing),
            _ORIGIN: list(self.origin),
            _DIRECTION: [value for vector in self.direction for value in vector],
            _UNITS: list(self.units),
            _SPACE: self.space,
            _AXES: list(self.axes),
        }
        return {key: value for key, value in tree.items() if value}

    @classmethod
    def from_tree(cls, tree: Any) -> Geometry:
        """The inverse of `to_tree`.

        Raises:
            CorruptError: the tree breaks a rule of `format_spec/metadata.md`.
        """
        if not isinstance(tree, dict) or not tree.keys() <= set(range(6)):
            raise _wrong("it is not a map, or has an unknown key")
        axes = _listed(tree, _AXES, int)
        rank = len(axes)
        spacing, origin = _listed(tree, _SPACING, float), _listed(tree, _ORIGIN, float)
        direction, units = _listed(tree, _DIRECTION, float), _listed(tree, _UNITS, str)
        if not 1 <= rank <= 3 or list(axes) != sorted(set(axes)) or axes[0] < 0:
            raise _wrong("its axes are not 1 to 3 ascending numbers")
        sizes = [(spacing, rank), (origin, rank), (direction, rank * rank), (units, rank)]
        if not spacing or any(values and len(values) != size for values, size in sizes):
            raise _wrong("its lists do not fit its axes")
        if not all(map(math.isfinite, (*spacing, *origin, *direction))) or min(spacing) <= 0:
            raise _wrong("a spacing is not positive, or a number is not finite")
        space = tree.get(_SPACE, "")
        if not isinstance(space, str):
            raise _wrong("its space is not text")
        rows = tuple(direction[row : row + rank] for row in range(0, len(direction), rank))
        return cls(axes, spacing, origin, rows, units, space)


def _listed(tree: dict[int, Any], key: int, kind: type) -> tuple[Any, ...]:
    values = tree.get(key, [])
    if not isinstance(values, list) or any(type(value) is not kind for value in values):
        raise _wrong(f"key {key} is not a list of {kind.__name__}")
    return tuple(values)


def _wrong(complaint: str) -> CorruptError:
    return CorruptError(f"geometry: {complaint}", section="mETa")
