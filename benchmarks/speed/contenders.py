"""The peers of the speed benchmark, and the threads that each of them really has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from peers import Peer, choose_from, sz3
from peers.sperr import Sperr
from peers.sz3 import Sz3
from peers.tthresh import Tthresh
from peers.zfp import Zfp
from peers.zstd import Zstd
from rate_distortion.masked import filled, mask_bytes
from sources.source import Sample

from codec.arrays import Array

REFERENCE = "SPERR"
"""Name of the peer whose speed and bytes are the unit of the table."""


@dataclass(frozen=True)
class Contender:
    """Peer with what it codes.

    Attributes:
        peer: the peer, told how many threads to use.
        threads: number of threads that it has: 1 where its package offers no more.
        values: finite float32 samples that it is given.
        charged: bytes of the mask that are added to its own.
    """

    peer: Peer
    threads: int
    values: Array
    charged: int


def choose_peers(threads: int, names: Sequence[str] | None) -> list[Peer]:
    """Peers of these names that can run here, SPERR first; all if None."""
    return choose_from([Sperr(), Sz3(threads), Zfp(), Tthresh(threads), Zstd(threads)], names)


def contenders(peers: Sequence[Peer], sample: Sample) -> list[Contender]:
    """Peers with a sample; lossy ones are given a masked sample filled in smoothly."""
    smooth, charged = sample.values, 0
    if sample.valid is not None and peers:
        smooth, charged = filled(sample.values, sample.valid), mask_bytes(sample.valid)
    return [
        Contender(
            peer,
            threads_of(peer),
            sample.values if isinstance(peer, Zstd) else smooth,
            charged,
        )
        for peer in peers
    ]


def threads_of(peer: Peer) -> int:
    """Threads of a peer: the wheels of SPERR, of ZFP, and of most builds of SZ3 have no more."""
    if isinstance(peer, Sz3):
        return peer.threads if sz3.has_threads() else 1
    return peer.threads if isinstance(peer, Tthresh | Zstd) else 1


def about(peers: Sequence[Peer]) -> list[str]:
    """Lines on settings and versions of the peers for the head of the table."""
    return [f"{peer.name}: {peer.how} ({peer.version()})" for peer in peers]


def limited(peers: Sequence[Peer], threads: int) -> list[str]:
    """Line that names the peers without so many threads; none if there are no such peers."""
    names = [peer.name for peer in peers if threads_of(peer) < threads]
    return [f"one thread where {threads} are allowed: {', '.join(names)}"] if names else []
