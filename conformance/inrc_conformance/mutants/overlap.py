"""Wrong tiles, codebooks and borders, for deliberately wrong decoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..decoder import DecodeError, Malformed, Unsupported, blending, decode, provenance, values
from ..decoder.architectures import shell, shell_border
from ..decoder.octree import Place
from ..decoder.provenance import parse_provenance
from ..decoder.values import Float64Array
from .mutant import Patches

_RAMP, _BOOK_ENTRIES = blending.ramp, values.book_entries
_BORDER, _CORNERS, _NEXT = shell_border.border, shell_border.corners, shell_border._next


def _cut(p: Float64Array, meeting: int, before: int, after: int) -> Float64Array:
    """Take each sample from the tile whose core it lies in."""
    return (p >= meeting).astype(np.float64)


def _wide(p: Float64Array, meeting: int, before: int, after: int) -> Float64Array:
    """Give the outermost samples a weight."""
    return (p - (meeting - before) + 1) / (before + after + 1)


def _halves(p: Float64Array, meeting: int, before: int, after: int) -> Float64Array:
    """Take means of the tiles."""
    return np.full(p.shape, 0.5)


def _smooth(p: Float64Array, meeting: int, before: int, after: int) -> Float64Array:
    """Blend with a cubic."""
    w = _RAMP(p, meeting, before, after)
    return np.asarray(w * w * (3 - 2 * w))


def _unmasked(values: Any, mask: Any) -> None:
    """Leave out bit patterns."""


OVERLAPS: tuple[tuple[str, Patches], ...] = (
    ("tiles are not blended", ((decode, "overlaps", lambda _: False),)),
    ("cores are put side by side", ((blending, "ramp", _cut),)),
    ("weights that are never 0", ((blending, "ramp", _wide),)),
    ("means of tiles", ((blending, "ramp", _halves),)),
    ("smooth weights", ((blending, "ramp", _smooth),)),
    ("as much before as after", ((blending, "ramp", lambda p, m, b, a: _RAMP(p, m, b, b)),)),
    ("infinite values are blended", ((blending, "_LARGEST", np.inf),)),
    ("no patterns where tiles overlap", ((blending, "put_patterns", _unmasked),)),
)
"""Names and patches of wrong blending."""


def _unsigned(q: Any, coded: Any, codebook: Sequence[int], first: int) -> Any:
    return _BOOK_ENTRIES(q, coded, tuple(value % 65536 for value in codebook), first)


def _swapped(q: Any, coded: Any, codebook: Sequence[int], first: int) -> Any:
    swapped = np.array(codebook, dtype="<i2").byteswap().tolist()
    return _BOOK_ENTRIES(q, coded, tuple(swapped), first)


def _sorted(q: Any, coded: Any, codebook: Sequence[int], first: int) -> Any:
    return _BOOK_ENTRIES(q, coded, tuple(sorted(codebook)), first)


def _clipped(q: Any, coded: Any, codebook: Sequence[int], first: int) -> Any:
    """Take the nearest entry for integers that have none."""
    inside = np.clip(q, first, first + len(codebook) - 1)
    return _BOOK_ENTRIES(inside, None, tuple(codebook), first)


def _all_coded(q: Any, coded: Any, codebook: Sequence[int], first: int) -> Any:
    """Ask for entries for what is not coded, too."""
    return _BOOK_ENTRIES(q, None, tuple(codebook), first)


CODEBOOKS: tuple[tuple[str, Patches], ...] = tuple(
    (name, ((values, "book_entries", function),))
    for name, function in (
        ("codebooks without sign", _unsigned),
        ("big-endian codebooks", _swapped),
        ("sorted codebooks", _sorted),
        ("the nearest entry of a codebook", _clipped),
        ("codebooks for all entries", _all_coded),
    )
)
"""Names and patches of wrong codebooks."""


def _along_axes(known: dict[Place, int], place: Place) -> int:
    """Guess from single neighbours."""
    near = [known.get(shell_border.before(place, (axis,))) for axis in range(3)]
    some = [number for number in near if number is not None]
    return sum(some) // len(some) if some else 0


def _kept_last(flags: dict[Place, int], flag: int) -> list[Place]:
    return _CORNERS(flags, flag if flag == shell_border.MIXED else -flag)


BORDERS: tuple[tuple[str, Patches], ...] = (
    ("guesses along axes", ((shell_border, "guess", _along_axes),)),
    ("no guesses", ((shell_border, "guess", lambda *_: 0),)),
    ("values without bounds", ((shell_border, "LARGEST", 2**40),)),
    ("kept and dropped exchanged", ((shell_border, "corners", _kept_last),)),
    ("other values of whole cells", ((shell_border, "_SIDE", 16),)),
    ("no border somewhere", ((shell_border, "_NOWHERE", 1.0),)),
    ("borders of one sign", ((shell, "past", lambda *given: abs(shell_border.past(*given))),)),
)
"""Names and patches of wrong borders, which only decoders that write them show."""


def _strict(*given: Any) -> Any:
    try:
        return parse_provenance(*given)
    except DecodeError as error:
        raise Unsupported(str(error)) from None


def _unknown(_: Any) -> Any:
    raise Malformed("an unknown key in pROv")


PROVENANCES: tuple[tuple[str, Patches], ...] = (
    ("a wrong pROv is refused", ((decode, "parse_provenance", _strict),)),
    ("pROv is taken as it is", ((decode, "parse_provenance", lambda *_: {}),)),
    ("losses are unknown", ((provenance, "loss", _unknown),)),
    ("losses are taken as they are", ((provenance, "loss", list),)),
    ("losses have any edges", ((provenance, "check_edges", lambda _: None),)),
    ("losses of another order", ((provenance, "KINDS", provenance.KINDS[::-1]),)),
)
"""Names and patches of wrong readers of pROv."""

UNCHECKED_OVERLAPS: tuple[tuple[str, str, str], ...] = (
    ("overlaps for some dims", "TILE-1: not one", "malformed/overlap/*"),
    ("cores without samples", "TILE-1: a core", "malformed/overlap/*"),
    ("overlaps of the same core differ", "TILE-1: tiles with", "malformed/overlap/*"),
    ("samples beyond the field", "TILE-2: samples", "malformed/overlap/*"),
    ("one-sided overlaps", "TILE-2: only one", "malformed/overlap/*"),
    ("three tiles at one place", "TILE-2: other tiles", "malformed/overlap/*"),
    ("overlap with any keys", "TILE-3", "malformed/overlap/*"),
    ("any first integer of a codebook", "ITEM-13: first is not -", "malformed/codebook/*"),
    ("codebooks of any length", "ITEM-13: the codebook is not 1", "malformed/codebook/*"),
    ("codebooks with any entries", "ITEM-13: [2", "malformed/codebook/*"),
    ("integers outside a codebook", "ITEM-13: an integer", "malformed/codebook/*"),
    ("some keys of a border", "SHELL-2: only some", "malformed/border/*"),
    ("any level of a border", "SHELL-2: level", "malformed/border/*"),
    ("any number of flags", "SHELL-2: flags", "malformed/border/*"),
    ("any number of values", "SHELL-2: values", "malformed/border/*"),
    ("any step of a border", "SHELL-3: the", "malformed/border/*"),
    ("borders with masks", "SHELL-3: a border", "malformed/border/*"),
    ("any flag", "SHELL-4: a flag", "malformed/border/*"),
    ("too few integers of a border", "SHELL-4: a border asks", "malformed/border/*"),
    ("too many integers of a border", "SHELL-4: more", "malformed/border/*"),
    ("octrees behind an octree", "STR-8: a stream of coder 6 does not begin", "malformed/border/*"),
    ("amgsrn with some keys", "AMGSRN-1: a config", "malformed/amgsrn/*"),
    ("amgsrn with any numbers", "AMGSRN-1: grids", "malformed/amgsrn/*"),
    ("amgsrn of any axes", "AMGSRN-1: 4 active", "malformed/amgsrn/*"),
    ("miner with some keys", "MINER-1: a config", "malformed/miner/*"),
    ("miner with any omega", "MINER-1: omega", "malformed/miner/*"),
    ("miner of any axes", "MINER-1: 5 active", "malformed/miner/*"),
)
"""Names, beginnings of refusals that are taken for ok, and cases that are tried first."""
