"""Trainings of one run in its journal.

A fit is a fixed sequence of trainings, and everything between them follows from their results. So a
run that is taken up does the same again, but gets every training that was finished from the
journal, and the one that was not from its last snapshot: the result has the same bytes.
"""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import Array
from codec.errors import InvalidInputError
from codec.files.journal import TRAINING, Journal, Record

_log = logging.getLogger("inrc")

Arrays = Mapping[str, Array]
# Seconds between two snapshots. What takes less than this leaves no journal.
_INTERVAL = 30.0


@dataclass(frozen=True)
class Snapshot:
    """A training at some step.

    Attributes:
        finished: whether it was the last one.
        arrays: tensors and the optimiser's, by name.
        state: numbers and states of random generators, as JSON holds them.
    """

    finished: bool
    arrays: Arrays
    state: Mapping[str, Any]


class FitJournal:
    """The trainings of one run.

    Args:
        journal: of the run, or None to keep nothing.
    """

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._snapshots: list[Snapshot] = []
        if journal is not None:
            self._snapshots = [_snapshot(journal, entry) for entry in journal.records(TRAINING)]
        self._next = 0
        self._written = time.monotonic()

    @property
    def count(self) -> int:
        """Number of trainings that were begun."""
        return len(self._snapshots)

    def begin(self) -> Snapshot | None:
        """State in which the training that begins was stopped, or its end; None if it is new."""
        number = self._next
        self._next += 1
        return self._snapshots[number] if number < len(self._snapshots) else None

    def keep(self, snapshot: Callable[[bool], Snapshot], *, finished: bool) -> None:
        """Take note of the training in progress: its end, or, once in a while, its state."""
        if self._journal is None:
            return
        due = time.monotonic() - self._written >= _INTERVAL
        if not (finished or due):
            return
        self._snapshots[self._next - 1 :] = [snapshot(finished)]
        if due:
            self._write(self._journal)

    def flush(self) -> None:
        """Write what was finished since the last snapshot, if there is any."""
        if self._journal is not None and self._journal.begun and self._snapshots:
            self._write(self._journal)

    def _write(self, journal: Journal) -> None:
        try:
            journal.replace(TRAINING, map(_content, self._snapshots))
        except InvalidInputError as error:
            _log.warning("what was fitted cannot be kept: %s", error)
        self._written = time.monotonic()


def no_journal() -> FitJournal:
    """A journal that keeps nothing."""
    return FitJournal(None)


def _content(snapshot: Snapshot) -> tuple[bytes, list[bytes]]:
    """Header and blobs of a record."""
    header = json.dumps({"finished": snapshot.finished, "state": snapshot.state}).encode()
    packed = io.BytesIO()
    np.savez(packed, **snapshot.arrays)  # type: ignore[arg-type]
    return header, [packed.getvalue()]


def _snapshot(journal: Journal, record: Record) -> Snapshot:
    header = json.loads(record.header)
    with np.load(io.BytesIO(journal.blobs(record)), allow_pickle=False) as stored:
        arrays = dict(stored)
    return Snapshot(header["finished"], arrays, header["state"])
