"""Wrong readers of metadata, for deliberately wrong decoders: rules that they do not check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..decoder import Malformed, decode, tree_arrays, tree_image, tree_netcdf, trees
from .mutant import Patches

_REQUIRE = trees.require
_PARSE = decode._parse_metadata
_CHECKED = (2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 17, 18, 19, 23, 24, 25, 26, 28, 29, 30)
"""Numbers of the ids META-n that the reference decoder checks with `require`."""


def _without(number: int) -> Callable[[bool, str], None]:
    """Check everything but one rule."""
    rule = f"META-{number}:"

    def check(holds: bool, text: str) -> None:
        if not text.startswith(rule):
            _REQUIRE(holds, text)

    return check


def _patches(number: int) -> Patches:
    check = _without(number)
    return tuple((part, "require", check) for part in (trees, tree_arrays, tree_image, tree_netcdf))


def _refusing(section: Any, parts: Any, budget: Any) -> None:
    """Refuse a file whose metadata are corrupt."""
    _PARSE(section, parts, budget)
    if parts.state == "corrupt":
        raise Malformed("the metadata are corrupt")


METADATA: tuple[tuple[str, Patches], ...] = (
    *((f"metadata that break META-{number}", _patches(number)) for number in _CHECKED),
    ("corrupt metadata are refused", ((decode, "_parse_metadata", _refusing),)),
    ("metadata are always sound", ((decode, "fault", lambda *_: None),)),
    ("metadata that nobody knows are corrupt", ((decode, "is_known", lambda _: True),)),
)
"""Names and patches."""
