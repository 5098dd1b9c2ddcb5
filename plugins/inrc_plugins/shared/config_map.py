"""Keys and whole numbers of the config maps of architectures."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from codec.errors import CorruptError, UnsupportedError
from codec.plugin_api.models import Config

MOST_AXES = 4


def active_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of size > 1, in order."""
    return tuple(axis for axis, size in enumerate(shape) if size > 1)


def checked_axes(architecture: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The active axes of an item.

    Raises:
        CorruptError: there are none, or more than 4.
    """
    axes = active_axes(shape)
    if not 1 <= len(axes) <= MOST_AXES:
        raise CorruptError(f"{architecture}: {len(axes)} axes longer than 1", section="ITEM")
    return axes


def check_keys(architecture: str, config: Config, keys: Collection[int]) -> None:
    """See that a config has the keys it must have, and no others.

    Raises:
        UnsupportedError: a key is unknown.
        CorruptError: one is missing.
    """
    if unknown := config.keys() - set(keys):
        raise UnsupportedError(
            f"{architecture}: config key {min(unknown)} is unknown", section="ITEM"
        )
    if missing := set(keys) - config.keys():
        raise CorruptError(f"{architecture}: config key {min(missing)} is missing", section="ITEM")


def whole(architecture: str, value: Any, name: str, low: int, high: int) -> int:
    """A whole number of a config.

    Raises:
        CorruptError: it is none, or not within `low` to `high`.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CorruptError(
            f"{architecture}: {name} is not a whole number from {low} to {high}", section="ITEM"
        )
    return value
