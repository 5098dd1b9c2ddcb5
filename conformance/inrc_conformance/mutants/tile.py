"""Wrong checks of tiles, indexes and digests, for deliberately wrong decoders."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ..decoder import Malformed, decode, tiles
from ..decoder.headers import Item
from .mutant import Patches


def _nothing(*_: object) -> None:
    """Check nothing."""


def _intervals_only(boxes: Sequence[tiles.Box]) -> None:
    """Let combinations of intervals be missing or occur twice."""
    for intervals in zip(*boxes, strict=True):
        end = 0
        for start, stop in sorted(set(intervals)):
            if start != end:
                raise Malformed("ITEM-11: a gap or an overlap")
            end = stop


def _as_many_as_combinations(boxes: Sequence[tiles.Box]) -> None:
    """Count tiles, but do not look whether two are the same."""
    _intervals_only(boxes)
    combinations = 1
    for intervals in zip(*boxes, strict=True):
        combinations *= len(set(intervals))
    if combinations != len(boxes):
        raise Malformed("ITEM-11: a tile is missing or occurs twice")


def _volume_only(boxes: Sequence[tiles.Box]) -> None:
    """Compare how many samples there are with how many there should be."""
    whole, covered = 1, 0
    for intervals in zip(*boxes, strict=True):
        whole *= max(stop for _, stop in intervals)
    for box in boxes:
        samples = 1
        for start, stop in box:
            samples *= stop - start
        covered += samples
    if covered != whole:
        raise Malformed("ITEM-11: a field has more or fewer samples than its tiles")


def _all_names_differ(fields: Sequence[Sequence[Item]]) -> None:
    names = [part.name for items in fields for item in items for part in item.components]
    if len(set(names)) != len(names):
        raise Malformed("ITEM-10: two components have the same name")


TILES: tuple[tuple[str, Patches, str], ...] = (
    ("any items of a field", ((decode, "check_tiles", _nothing),), "malformed/tiles/*"),
    ("any grid of tiles", ((tiles, "_check_grid", _nothing),), "malformed/tiles/*"),
    ("any combination of tiles", ((tiles, "_check_grid", _intervals_only),), "malformed/tiles/*"),
    (
        "as many tiles as combinations",
        ((tiles, "_check_grid", _as_many_as_combinations),),
        "malformed/tiles/*",
    ),
    ("as many samples as the field", ((tiles, "_check_grid", _volume_only),), "malformed/tiles/*"),
    ("tiles that differ", ((tiles, "_check_alike", _nothing),), "malformed/tiles/*"),
    ("no tiles", ((decode, "check_names", _all_names_differ),), "valid/tiles/*"),
    ("any index", ((decode, "check_index", _nothing),), "malformed/index/*"),
    ("any offset of the index", ((decode, "check_offset", _nothing),), "malformed/index/*"),
    (
        "the digest is that of the integers",
        ((decode, "section_digest", lambda layer: layer),),
        "valid/index/*",
    ),
    (
        "digests of sections are whole",
        ((decode, "section_digest", lambda layer: hashlib.sha256(layer).digest()),),
        "valid/masks/*",
    ),
)
"""Names, patches, and the cases that are tried first."""

UNCHECKED: tuple[tuple[str, str, str], ...] = (
    ("an index anywhere", "IDX-1", "malformed/index/*"),
    ("two indexes", "SEC-6: tIDX", "malformed/index/*"),
    ("any digest in the index", "IDX-2: the index has another digest", "malformed/index/*"),
    ("any item in the index", "IDX-2: the index has another item", "malformed/index/*"),
    ("any section in the index", "IDX-2: the index has other bytes", "malformed/index/*"),
    ("origins for some dims", "ITEM-11: not one origin", "malformed/tiles/*"),
    ("any bounds", "ITEM-12: a bound", "malformed/residuals/*"),
    ("any number of bounds", "ITEM-12: not one bound", "malformed/residuals/*"),
    ("any residual steps", "ITEM-12: a residual step", "malformed/residuals/*"),
    ("any number of residual steps", "ITEM-12: not one residual", "malformed/residuals/*"),
    ("residuals without key 7", "RESD-1: item", "malformed/residuals/*"),
    ("residuals of items that are not there", "RESD-1: there", "malformed/residuals/*"),
)
"""Names, beginnings of refusals that are taken for ok, and cases that are tried first."""
