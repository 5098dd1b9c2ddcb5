"""Arguments that several public functions take, and their forms inside the package."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from codec.errors import InvalidOptionError

PathLike = str | os.PathLike[str]
# Dim name, or position as text -> index or slice.
Region = Mapping[str, slice | int]


def names_of(var: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Names that were given; a lone one is not a sequence of letters."""
    if var is None:
        return None
    return (var,) if isinstance(var, str) else tuple(var)


def groups_of(joint: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Groups of names that share a model.

    Raises:
        InvalidOptionError: a name stands where a group must.
    """
    if isinstance(joint, str) or any(isinstance(group, str) for group in joint):
        raise InvalidOptionError(f"joint {joint!r}: give groups of names, say [['u', 'v']]")
    return tuple(tuple(group) for group in joint)
