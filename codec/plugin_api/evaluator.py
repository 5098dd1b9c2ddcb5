"""Evaluators: decoded models that give values at positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from codec.arrays import Float64Array, FloatArray

# Tolerance of a class F decoder, in units of the declared range (VAL-5).
CLASS_F_PEAK = 2.0**-16


class Evaluator(Protocol):
    """A decoded model that gives normalised values; safe to call from several threads."""

    def on_axes(self, positions: Sequence[Float64Array]) -> FloatArray:
        """y on the outer product of `positions`, one 1-D array of real indices per axis.

        Returns:
            (components, len(positions[0]), ...) float32 or float64, not clamped.
        """
        ...

    def at(self, points: Float64Array) -> FloatArray:
        """y at `points`, (n, axes) real indices: (components, n) floats, not clamped."""
        ...


@runtime_checkable
class HoldsSamples(Protocol):
    """Property that an evaluator may have besides: it holds all samples of its level.

    `on_axes` at whole indices gives nothing but these; where they are overwritten, it gives what
    was written.
    """

    @property
    def samples(self) -> FloatArray:
        """(components, ...) in the order of the field's axes, contiguous."""
        ...


@runtime_checkable
class OpenEvaluator(Evaluator, Protocol):
    """An evaluator of distances whose zero is not the surface everywhere."""

    def past_border(self, points: Float64Array) -> Float64Array | None:
        """Distances past the border of the surface, where its zero closes a hole.

        Args:
            points: (n, axes) real indices.

        Returns:
            (n,): at most 0 on the surface, greater past its border; None if it has none.
        """
        ...
