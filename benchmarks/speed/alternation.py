"""Codecs run in turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measuring.round_trip import Inrc, decode_file, encode_file
from peers import Setting

from speed.contenders import Contender


@dataclass(frozen=True)
class Seconds:
    """Wall-clock time of one run, or medians of several."""

    encode: float
    decode: float


Runner = Callable[[], Seconds]


def ours(way: Inrc, source: Path, psnr: float, work: Path) -> Runner:
    """Run of inrc from file to file: to encode is to verify as well."""
    coded = work / f"turn-e{way.effort}.inrc"
    back = work / f"turn-e{way.effort}{source.suffix}"

    def run() -> Seconds:
        return Seconds(
            encode_file(way, source, coded, {"psnr": psnr}), decode_file(way, coded, back)
        )

    return run


def theirs(contender: Contender, setting: Setting) -> Runner:
    """Run of a peer in memory."""
    peer, values = contender.peer, contender.values

    def run() -> Seconds:
        started = time.perf_counter()
        data = peer.encode(values, setting)
        encoded = time.perf_counter()
        peer.decode(data, values.shape, setting)
        return Seconds(encoded - started, time.perf_counter() - encoded)

    return run


def in_turns(runners: Sequence[Runner], repeats: int) -> list[Seconds]:
    """Medians of each runner; every repeat runs all of them, one after the other."""
    runs = [[run() for run in runners] for _ in range(repeats)]
    return [
        Seconds(median(each.encode for each in column), median(each.decode for each in column))
        for column in zip(*runs, strict=True)
    ]
