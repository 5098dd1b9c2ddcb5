"""Error bounds that were asked for: per field, and once more on what was decoded."""

from __future__ import annotations

from collections.abc import Sequence

from codec.errors import TargetError
from codec.options import Goal
from codec.pipeline.normalise import NormalisedField
from codec.reports import FieldQuality

# What was scaled to a field's unit and back may differ by so much.
_ROUNDING = 1e-9


def bounds_of(goal: Goal, fields: Sequence[NormalisedField]) -> tuple[float, ...]:
    """Per field, how far stored values may be from the original ones; empty without such a goal."""
    if not goal.bounded:
        return ()
    found = []
    for entry in fields:
        factor = abs(entry.field.packing[0]) if entry.field.packing else 1.0
        if goal.max_error is not None:
            found.append(goal.max_error / factor)
        else:
            found.append((goal.rel_error or 0.0) * entry.value_range)
    return tuple(found)


def check_bounds(qualities: Sequence[FieldQuality], goal: Goal) -> None:
    """See that what was decoded keeps the bounds.

    Raises:
        TargetError: it does not, and must not be written.
    """
    if not goal.bounded:
        return
    for quality in qualities:
        limit = goal.max_error
        if limit is None:
            limit = (goal.rel_error or 0.0) * quality.value_range
        if quality.max_error > limit * (1 + _ROUNDING):
            raise TargetError(
                f"{quality.name}: error {quality.max_error:g} where {limit:g} was asked for; "
                "nothing is written"
            )
