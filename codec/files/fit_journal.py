"""Trainings of one encode in a file beside the target, so that a run that was killed can go on.

A fit is a fixed sequence of trainings, and everything between them follows from their results. So a
run that is taken up does the same again, but gets every training that was finished from the
journal, and the one that was not from its last snapshot: the result has the same bytes.
"""

from __future__ import annotations

import json
import logging
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Array, UInt8Array
from codec.errors import InvalidInputError, TargetError
from codec.files.atomic import atomic_path, remove_leftovers

_log = logging.getLogger("inrc")

Arrays = Mapping[str, Array]
# Seconds between two snapshots. What takes less than this leaves no journal.
_INTERVAL = 30.0
_FINGERPRINT, _STATE = "fingerprint", "state"


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
        target: the file that is being made, or None to keep nothing.
        fingerprint: what the result depends on.
        anew: drop the journal of another run instead of refusing it.

    Raises:
        InvalidInputError: there is a journal of another run, or one that cannot be read.
    """

    def __init__(
        self, target: Path | None, fingerprint: Mapping[str, Any], *, anew: bool = False
    ) -> None:
        self._path = None if target is None else target.parent / f".{target.name}.inrc-fit"
        self._fingerprint = json.dumps(fingerprint, sort_keys=True)
        self._done: list[Snapshot] = []
        self._next = 0
        self._written = time.monotonic()
        if self._path is not None:
            remove_leftovers(self._path)
        if self._path is not None and self._path.exists():
            self._done = self._read(self._path, anew=anew)
            if self._done:
                _log.warning("%s: an earlier run is taken up where it was stopped", target)

    def begin(self) -> Snapshot | None:
        """Where the training that begins now was stopped, or its end; None if it is new."""
        number = self._next
        self._next += 1
        return self._done[number] if number < len(self._done) else None

    def keep(self, snapshot: Callable[[bool], Snapshot], *, finished: bool) -> None:
        """Take note of the training in progress: its end, or, once in a while, its state."""
        if self._path is None:
            return
        due = time.monotonic() - self._written >= _INTERVAL
        if not (finished or due):
            return
        self._done[self._next - 1 :] = [snapshot(finished)]
        if due:
            self._write(self._path)

    def close(self, *, remove: bool) -> None:
        """Leave the journal for another run, or remove it."""
        if self._path is None:
            return
        if remove:
            self._path.unlink(missing_ok=True)
        elif self._path.exists():
            self._write(self._path)
            _log.warning(
                "what was fitted so far is kept in %s; the same command goes on", self._path
            )

    def _write(self, path: Path) -> None:
        arrays: dict[str, Array] = {_FINGERPRINT: _text(self._fingerprint)}
        for number, one in enumerate(self._done):
            state = {"finished": one.finished, "state": one.state}
            arrays[f"{number}/{_STATE}"] = _text(json.dumps(state))
            arrays |= {f"{number}/array/{name}": array for name, array in one.arrays.items()}
        try:
            with atomic_path(path, overwrite=True) as temporary, temporary.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
        except InvalidInputError as error:
            _log.warning("what was fitted cannot be kept: %s", error)
        self._written = time.monotonic()

    def _read(self, path: Path, *, anew: bool) -> list[Snapshot]:
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                same = _of_text(stored[_FINGERPRINT]) == self._fingerprint
                if not same and not anew:
                    raise InvalidInputError(
                        f"{path}: is the journal of another run (its input, options or version "
                        "differ); repeat that command to finish it, or start anew with --force"
                    )
                return _snapshots(stored) if same else []
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            if anew:
                return []
            raise InvalidInputError(
                f"{path}: is no journal of a fit ({error}); remove it, or say --force"
            ) from error


@contextmanager
def kept_fit(target: Path, fingerprint: Mapping[str, Any], *, anew: bool) -> Iterator[FitJournal]:
    """The journal of a run, which stays if the block fails; where a target cannot be reached, to go
    on would not help."""
    journal = FitJournal(target, fingerprint, anew=anew)
    done = False
    try:
        yield journal
        done = True
    except TargetError:
        done = True
        raise
    finally:
        journal.close(remove=done)


def no_journal() -> FitJournal:
    """A journal that keeps nothing."""
    return FitJournal(None, {})


def _snapshots(stored: Mapping[str, Array]) -> list[Snapshot]:
    found: list[Snapshot] = []
    while (key := f"{len(found)}/{_STATE}") in stored:
        read = json.loads(_of_text(stored[key]))
        prefix = f"{len(found)}/array/"
        arrays = {
            name.removeprefix(prefix): stored[name] for name in stored if name.startswith(prefix)
        }
        found.append(Snapshot(read["finished"], arrays, read["state"]))
    return found


def _text(text: str) -> UInt8Array:
    return np.frombuffer(text.encode(), np.uint8)


def _of_text(array: Array) -> str:
    return array.astype(np.uint8).tobytes().decode()
