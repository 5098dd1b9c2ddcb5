"""Numbers of the items and masks that are intact: both are counted in file order."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

from codec.errors import CorruptError
from codec.format.section_types import section_type
from codec.salvage.scan import Piece


def numbered(pieces: Sequence[Piece], name: str, total: int | None) -> dict[int, Piece]:
    """The intact sections of a type by their number, as far as the number is certain.

    Args:
        pieces: all pieces of the file.
        total: number of such sections that there were, None if it is unknown.

    Raises:
        CorruptError: there are more than the total, or fewer without any trace of others.
    """
    holes = holes_for(pieces, name)
    known = [at for at, piece in enumerate(pieces) if piece.type == name]
    missing = None if total is None else total - len(known)
    if missing is not None and (missing < 0 or (missing > 0 and not holes)):
        raise CorruptError(
            f"{len(known)} {name} sections where {total} are counted, without a trace of damage"
        )
    places = dict(enumerate(known))
    if holes and missing != 0:
        # Numbers between two holes, or behind a hole without a total, are uncertain.
        places = {number: at for number, at in places.items() if at < holes[0]}
        if total is not None:
            behind = [at for at in known if at > holes[-1]]
            places |= dict(enumerate(behind, total - len(behind)))
    return {number: pieces[at] for number, at in places.items() if pieces[at].intact}


def holes_for(pieces: Sequence[Piece], name: str) -> list[int]:
    """Places of the unknown pieces that can be, or have been, a section of this type."""
    holes = [at for at, piece in enumerate(pieces) if not piece.type]
    known = [at for at, piece in enumerate(pieces) if piece.type]
    ranks = [section_type(pieces[at].type).rank for at in known]
    if any(after < before for before, after in itertools.pairwise(ranks)):
        return holes
    fitting, rank = [], section_type(name).rank
    for at in holes:
        behind = bisect.bisect(known, at)
        before = ranks[behind - 1] if behind else 0
        after = ranks[behind] if behind < len(ranks) else section_type("ENDS").rank
        if before <= rank <= after:
            fitting.append(at)
    return fitting
