"""The classical codecs that inrc is measured against: a file each, and a row here."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .avif import Avif
from .jpeg import Jpeg
from .jpeg2000 import Jpeg2000
from .jpegxl import JpegXl
from .peer import Kind, Peer, Setting
from .sperr import Sperr
from .sz3 import Sz3
from .tthresh import Tthresh
from .webp import Webp
from .zfp import Zfp

__all__ = ["PEERS", "Peer", "Setting", "choose", "choose_from"]

PEERS: tuple[Peer, ...] = (
    Sz3(),
    Zfp(),
    Sperr(),
    Tthresh(),
    Jpeg("4:2:0"),
    Jpeg("4:4:4"),
    Jpeg2000(),
    Webp(),
    JpegXl(),
    Avif(),
    Avif(6),
    Avif(4),
)


def choose(kind: Kind, names: Sequence[str] | None) -> list[Peer]:
    """The peers of a kind that can run here; see `choose_from`."""
    return choose_from([peer for peer in PEERS if peer.kind == kind], names)


def choose_from(peers: Sequence[Peer], names: Sequence[str] | None) -> list[Peer]:
    """Peers that can run here; those that cannot are named on stderr.

    Args:
        peers: all that may be named.
        names: None for all, or their names in any case; "none" for none of them.

    Raises:
        SystemExit: no peer has such a name.
    """
    known = {peer.name.lower(): peer for peer in peers}
    wanted = list(known) if names is None else [name.lower() for name in names if name != "none"]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"no such peer: {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = []
    for name in wanted:
        reason = known[name].available()
        if reason:
            print(f"SKIPPED: {known[name].name}: {reason}", file=sys.stderr)
        else:
            chosen.append(known[name])
    return chosen
