"""One part of the benchmark: every case with one number of threads, in one process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import measuring
from measuring.round_trip import Inrc, Trip, round_trip, warm_up, write_source
from peers import Peer
from rate_distortion.sweep import quality

from speed.alternation import Runner, Seconds, in_turns, ours, theirs
from speed.cases import Field
from speed.contenders import Contender, contenders
from speed.equal_quality import Search, Trial
from speed.rows import Row

_MEMORY_ONCE = Path(measuring.__file__).with_name("memory_once.py")


@dataclass(frozen=True)
class Plan:
    """Settings of the measurement of every field.

    Attributes:
        ways: our settings, all with the same number of threads.
        targets: PSNRs in dB.
        repeats: number of alternating runs.
        peers: peers in the order of the table.
    """

    ways: Sequence[Inrc]
    targets: Sequence[float]
    repeats: int
    peers: Sequence[Peer]

    @property
    def threads(self) -> int:
        """Number of threads of this part."""
        return self.ways[0].threads


@dataclass(frozen=True)
class _Entry:
    """Codec of one alternation, measured but for its speed."""

    codec: str
    setting: str
    threads: int
    bytes: int
    psnr_db: float
    equal_bytes: dict[str, float]
    memory: tuple[float, float]
    run: Runner


def measure(plan: Plan, field: Field) -> Iterator[Row]:
    """All rows of a field, by target; ours first.

    Raises:
        InrcError: inrc refused.
        RuntimeError: inrc decoded something else in another process.
    """
    rivals = contenders(plan.peers, field.sample)
    with tempfile.TemporaryDirectory(prefix="inrc-speed-") as folder:
        work = Path(folder)
        for way in plan.ways:
            warm_up(way, field.sample, False, work)
        for target in plan.targets:
            entries = list(_entries(plan, field, rivals, target, work))
            seconds = in_turns([entry.run for entry in entries], plan.repeats)
            for entry, medians in zip(entries, seconds, strict=True):
                yield _row(plan, field, target, entry, medians)


def _entries(
    plan: Plan, field: Field, rivals: Sequence[Contender], target: float, work: Path
) -> Iterator[_Entry]:
    sample = field.sample
    searches = {rival.peer.name: Search(rival, sample, [target]) for rival in rivals}
    psnr = target
    for number, way in enumerate(plan.ways):
        trip = round_trip(way, sample, False, {"psnr": target}, work)
        reached, _ = quality(sample, trip.decoded, None)
        psnr = reached if number == 0 else psnr
        equal = {name: search.bytes_at(reached) for name, search in searches.items()}
        yield _entry_of_ours(way, field, target, trip, reached, equal, work)
    for rival in rivals:
        search = searches[rival.peer.name]
        trial = search.nearest(psnr)
        if trial:
            equal = {rival.peer.name: search.bytes_at(psnr)}
            yield _entry_of_peer(rival, trial, equal)


def _entry_of_ours(
    way: Inrc, field: Field, target: float, trip: Trip, psnr: float, equal: dict[str, float],
    work: Path,
) -> _Entry:  # fmt: skip
    source = write_source(way, field.sample, False, work)
    coded, back = work / "memory.inrc", work / f"memory{source.suffix}"
    samples = field.sample.values.size
    memory = (
        _memory("encode", source, coded, way, target) / samples,
        _memory("decode", coded, back, way, target) / samples,
    )
    run = ours(way, source, target, work)
    setting = f"psnr={target:g}"
    return _Entry(way.name, setting, way.threads, trip.bytes, psnr, equal, memory, run)


def _entry_of_peer(rival: Contender, trial: Trial, equal: dict[str, float]) -> _Entry:
    return _Entry(
        rival.peer.name,
        str(trial.setting),
        rival.threads,
        trial.bytes,
        trial.psnr_db,
        equal,
        (float("nan"), float("nan")),
        theirs(rival, trial.setting),
    )


def _memory(action: str, source: Path, target: Path, way: Inrc, psnr: float) -> int:
    """Bytes of memory that encoding or decoding a file takes in a fresh process."""
    command = [
        sys.executable, str(_MEMORY_ONCE), action, str(source), str(target), way.architecture,
        str(way.effort), str(way.threads), str(psnr),
    ]  # fmt: skip
    roots = [str(_MEMORY_ONCE.parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, roots))}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return int(done.stdout)


def _row(plan: Plan, field: Field, target: float, entry: _Entry, medians: Seconds) -> Row:
    samples = field.sample.values.size
    return Row(
        case=field.case,
        source=field.source,
        shape="x".join(map(str, field.sample.values.shape)),
        samples=samples,
        target_db=target,
        part_threads=plan.threads,
        threads=entry.threads,
        codec=entry.codec,
        setting=entry.setting,
        bytes=entry.bytes,
        psnr_db=entry.psnr_db,
        encode=samples / 1e6 / medians.encode,
        decode=samples / 1e6 / medians.decode,
        equal_bytes=entry.equal_bytes,
        encode_memory=entry.memory[0],
        decode_memory=entry.memory[1],
        load=os.getloadavg()[0],
    )
