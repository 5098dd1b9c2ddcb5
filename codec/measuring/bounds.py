"""Error bounds that were asked for: per field, and once more on what was decoded."""

from __future__ import annotations

from collections.abc import Sequence

from codec.coding.normalise import NormalisedField
from codec.errors import TargetError
from codec.options.encode import Goal
from codec.reports import FieldQuality

# What was scaled to a field's unit and back may differ by so much.
_ROUNDING = 1e-9


def bounds_of(goal: Goal, fields: Sequence[NormalisedField]) -> tuple[float, ...]:
    """Per field, how far stored values may be from the original ones; empty without such a goal."""
    if not goal.bounded:
        return ()
    found = []
    for entry in fields:
        if goal.max_error is not None:
            found.append(goal.max_error / entry.field.unit_factor)
        else:
            found.append((goal.rel_error or 0.0) * entry.value_range)
    return tuple(found)


def exceeds(error: float, bound: float) -> bool:
    """Whether a measured error, in a field's unit, is above a bound, and not by its rounding."""
    return error > bound * (1 + _ROUNDING)


def met_fill(name: str) -> TargetError:
    """The refusal of a field of which valid samples were decoded to its fill value."""
    return TargetError(
        f"{name}: its fill value lies among its values, and valid samples would become it; "
        "nothing is written; use --max-error or --rel-error, or leave it out of --var"
    )


def check_bounds(qualities: Sequence[FieldQuality], goal: Goal) -> None:
    """See that what was decoded keeps the bounds, and has invalid samples where they were.

    Raises:
        TargetError: it does not, and must not be written.
    """
    for quality in qualities:
        if not quality.mask_intact:
            raise met_fill(quality.name)
        if not goal.bounded:
            continue
        limit = goal.max_error
        if limit is None:
            limit = (goal.rel_error or 0.0) * quality.value_range
        if exceeds(quality.max_error, limit):
            raise TargetError(
                f"{quality.name}: error {quality.max_error:g} where {limit:g} was asked for; "
                "nothing is written"
            )
