"""Cases tried in processes of their own, so that one that dies or hangs is counted, too."""

from __future__ import annotations

import faulthandler
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from robustness.tally import Tally

# Counts are handed over this often.
_SECONDS = 2.0


class Part(Protocol):
    """One part of the benchmark: numbered cases.

    Attributes:
        patience: seconds after which a case is stopped and counted as escaped.
    """

    patience: float

    def prepare(self) -> None:
        """Called once in each process, before the first case."""
        ...

    def try_case(self, number: int) -> Tally:
        """Try one case."""
        ...


@dataclass
class _Lane:
    """One process and the cases that it has still to do."""

    numbers: list[int]
    process: Any
    pipe: Connection
    current: Any
    since: float


def run(part: Part, numbers: Sequence[int], jobs: int, deadline: float) -> Tally:
    """The sum over cases, in `jobs` processes; none is begun after `deadline` (monotonic)."""
    context = multiprocessing.get_context("spawn")
    total = Tally()
    lanes = [
        _start(context, part, list(numbers[lane::jobs]), deadline)
        for lane in range(jobs)
        if len(numbers) > lane
    ]
    while lanes:
        ready = wait([lane.pipe for lane in lanes], timeout=1.0)
        for lane in list(lanes):
            if lane.pipe in ready:
                alive = _receive(lane, total)
            else:
                alive = time.monotonic() - lane.since < part.patience + _SECONDS
            if alive:
                continue
            lanes.remove(lane)
            lane.process.terminate()
            lane.process.join()
            if lane.numbers:
                # It died of the case it was at, or that took too long: go on behind it.
                culprit = lane.current.value
                total.inputs += 1
                total.escaped.append(f"case {culprit}: exit code {lane.process.exitcode}")
                lane.numbers.remove(culprit)
                if lane.numbers:
                    lanes.append(_start(context, part, lane.numbers, deadline))
    return total


def _receive(lane: _Lane, total: Tally) -> bool:
    """Take over counts; False when the process is done or dead."""
    try:
        done, tally = lane.pipe.recv()
    except EOFError:
        return False
    total.add(tally)
    lane.numbers = lane.numbers[done:] if tally is not None else []
    lane.since = time.monotonic()
    return bool(lane.numbers)


def _start(context: Any, part: Part, numbers: list[int], deadline: float) -> _Lane:
    here, there = context.Pipe(duplex=False)
    current = context.Value("q", numbers[0])
    process = context.Process(
        target=_work, args=(part, numbers, there, current, deadline), daemon=True
    )
    process.start()
    there.close()
    return _Lane(numbers, process, here, current, time.monotonic())


def _work(part: Part, numbers: list[int], pipe: Connection, current: Any, deadline: float) -> None:
    part.prepare()
    tally, done, sent = Tally(), 0, time.monotonic()
    for number in numbers:
        if time.monotonic() > deadline:
            break
        current.value = number
        # Before it is ended for its time, it says where it is.
        faulthandler.dump_traceback_later(part.patience)
        tally.add(part.try_case(number))
        done += 1
        if time.monotonic() - sent > _SECONDS:
            pipe.send((done, tally))
            tally, done, sent = Tally(), 0, time.monotonic()
    faulthandler.cancel_dump_traceback_later()
    # All numbers count as done: those after the deadline are not tried.
    pipe.send((len(numbers), tally))
