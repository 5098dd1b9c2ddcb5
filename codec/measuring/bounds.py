"""Error bounds that were asked for: per field, and checked on decoded values."""

from __future__ import annotations

from collections.abc import Sequence

from codec.coding.normalise import NormalisedField
from codec.errors import TargetError
from codec.options.encode import Goal
from codec.reports import FieldQuality

# Relative difference that scaling to the unit of a field and back may make.
_ROUNDING = 1e-9


def bounds_of(goal: Goal, fields: Sequence[NormalisedField]) -> tuple[float, ...]:
    """Largest error of stored values, per field; empty without a bounded goal."""
    if not goal.bounded:
        return ()
    bounds = []
    for entry in fields:
        if goal.max_error is not None:
            bounds.append(goal.max_error / entry.field.unit_factor)
        else:
            bounds.append((goal.rel_error or 0.0) * entry.value_range)
    return tuple(bounds)


def exceeds(error: float, bound: float) -> bool:
    """Whether a measured error, in a field's unit, is above a bound, and not by its rounding."""
    return error > bound * (1 + _ROUNDING)


def met_fill(name: str) -> TargetError:
    """Error for a field with valid samples that were decoded to its fill value."""
    return TargetError(
        f"{name}: its fill value lies among its values, and valid samples would become it; "
        "nothing is written; use --max-error or --rel-error, or leave it out of --var"
    )


def check_bounds(qualities: Sequence[FieldQuality], goal: Goal) -> None:
    """Check that decoded values keep the bounds, and that invalid samples are the same.

    Raises:
        TargetError: they do not, and the file must not be written.
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
