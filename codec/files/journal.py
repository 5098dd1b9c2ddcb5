"""Finished parts of a run, in a hidden file beside its target, so that a killed run can go on.

    journal = "inrc journal" record*
    record  = length:u64 crc:u32 body[length]                       ; the crc is that of zlib
    body    = kind:u8 header_length:u32 header blobs

The first record says which run it is: what the result depends on. A record that is not whole is
where the run was killed; it and what follows are dropped.
"""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from codec.errors import InvalidInputError
from codec.files.atomic import atomic_path, remove_leftovers

# Kinds of records.
RUN, RANGES, TILE, TRAINING = range(4)

_MAGIC = b"inrc journal"
_HEAD_BYTES = 12
# Kind and length of the header.
_PREFIX_BYTES = 5


@dataclass
class Record:
    """A record of a journal.

    Attributes:
        kind: one of the kinds above.
        header: bytes that whoever wrote it understands.
        blobs: where its other bytes begin in the file.
        end: where the next record begins.
    """

    kind: int
    header: bytes
    blobs: int
    end: int


class Journal:
    """The journal of one run, which no other process can write until it is closed.

    There is no file before something is written to it.

    Args:
        target: the file that is being made.
        run: plain values that say which run this is.
        anew: drop the journal of another run instead of refusing it.

    Raises:
        InvalidInputError: there is a journal of another run, it is in use, cannot be written, or is
            none at all.
    """

    def __init__(self, target: Path, run: Mapping[str, Any], *, anew: bool = False) -> None:
        self.path = journal_path(target)
        self._run = json.dumps(run, sort_keys=True).encode()
        self._records: list[Record] = []
        self._file: FileIO | None = None
        drop_finished(target)
        remove_leftovers(self.path)
        if self.path.exists():
            self._open(anew=anew)

    @property
    def begun(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def records(self, kind: int) -> list[Record]:
        """The records of a kind, in the order they were written."""
        return [record for record in self._records if record.kind == kind]

    def begin(self) -> None:
        """Make the file, if there is none: no other process can have the same target now."""
        if self._file is None:
            self._open(anew=False)

    def append(self, kind: int, header: bytes, blobs: Sequence[bytes] = ()) -> Record:
        """Write a record behind the others."""
        self.begin()
        record = _write(self._opened, kind, header, blobs)
        self._records.append(record)
        return record

    def replace(self, kind: int, contents: Iterable[tuple[bytes, Sequence[bytes]]]) -> None:
        """Write all records of a kind anew, given as (header, blobs).

        A process that is killed meanwhile leaves those that were there.

        Raises:
            InvalidInputError: they cannot be written; those that were there stay.
        """
        others = [record for record in self._records if record.kind not in (RUN, kind)]
        with ExitStack() as stack:
            with atomic_path(self.path, overwrite=True) as temporary:
                file = stack.enter_context(temporary.open("r+b", buffering=0))
                self._lock(file)
                written = self._first(file)
                shifts = [_copy(self._opened, record, file) for record in others]
                written += [_write(file, kind, header, blobs) for header, blobs in contents]
            stack.pop_all()
        if self._file is not None:
            self._file.close()
        for record, shift in zip(others, shifts, strict=True):
            record.blobs += shift
            record.end += shift
        self._file, self._records = file, [*others, *written]

    def read(self, record: Record, offset: int, length: int) -> bytes:
        """Bytes of a record, counted from the beginning of its blobs."""
        return os.pread(self._opened.fileno(), length, record.blobs + offset)

    def blobs(self, record: Record) -> bytes:
        """All bytes behind the header of a record."""
        return self.read(record, 0, record.end - record.blobs)

    def close(self, *, remove: bool = False) -> None:
        """Let go of the journal, and of the file if it is not needed any more."""
        if self._file is not None:
            if remove:
                self.path.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    @property
    def _opened(self) -> FileIO:
        if self._file is None:
            raise ValueError(f"{self.path}: the journal is closed")
        return self._file

    def _open(self, *, anew: bool) -> None:
        try:
            self._file = open(self.path, "a+b", buffering=0)  # noqa: SIM115 - until close()
            self._lock(self._file)
            self._resume(anew=anew)
        except OSError as error:
            raise InvalidInputError(
                f"{self.path}: cannot write: {error.strerror or error}"
            ) from error
        except InvalidInputError:
            self.close()
            raise

    def _lock(self, file: FileIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInputError(
                f"{self.path}: another process is encoding to the same file; wait for it"
            ) from None

    def _resume(self, *, anew: bool) -> None:
        """Take up the records of an earlier run, or begin."""
        file = self._opened
        begins = os.pread(file.fileno(), len(_MAGIC), 0)
        if not _MAGIC.startswith(begins) and not anew:
            raise InvalidInputError(
                f"{self.path}: is no journal of a run; remove it, or say --force"
            )
        first = _read(file, len(_MAGIC)) if begins == _MAGIC else None
        if first is not None and first.header != self._run:
            if not anew:
                raise another_run(self.path)
            first = None
        if first is None:
            file.truncate(0)
            self._records = self._first(file)
            return
        self._records = [first]
        while (record := _read(file, self._records[-1].end)) is not None:
            self._records.append(record)
        file.truncate(self._records[-1].end)

    def _first(self, file: FileIO) -> list[Record]:
        """Begin a file."""
        _write_all(file, _MAGIC)
        return [_write(file, RUN, self._run, ())]


def journal_path(target: Path) -> Path:
    """Path of the journal of a run with this target."""
    return target.parent / f".{target.name}.inrc-journal"


def drop_finished(target: Path) -> None:
    """Remove the journal of a run that was killed when its file was there already."""
    path = journal_path(target)
    try:
        finished = target.stat().st_mtime_ns > path.stat().st_mtime_ns
    except FileNotFoundError:
        return
    if finished:
        path.unlink(missing_ok=True)


def another_run(path: Path) -> InvalidInputError:
    """Message for a user where a journal is in the way."""
    return InvalidInputError(
        f"{path}: is the journal of another run (its input, options or version differ); repeat "
        "that command to finish it, or start anew with --force"
    )


def _read(file: FileIO, start: int) -> Record | None:
    """The record at an offset; None if it is not whole."""
    head = os.pread(file.fileno(), _HEAD_BYTES, start)
    if len(head) < _HEAD_BYTES:
        return None
    length, crc = int.from_bytes(head[:8], "little"), int.from_bytes(head[8:], "little")
    begins = start + _HEAD_BYTES
    if begins + length > os.fstat(file.fileno()).st_size:
        return None
    body = os.pread(file.fileno(), length, begins)
    if len(body) < length or length < _PREFIX_BYTES or zlib.crc32(body) != crc:
        return None
    header_end = _PREFIX_BYTES + int.from_bytes(body[1:_PREFIX_BYTES], "little")
    header = body[_PREFIX_BYTES:header_end]
    return Record(body[0], header, begins + header_end, begins + length)


def _write(file: FileIO, kind: int, header: bytes, blobs: Sequence[bytes]) -> Record:
    """Append a record to a file."""
    pieces = [bytes([kind]) + len(header).to_bytes(4, "little") + header, *blobs]
    length, crc = sum(map(len, pieces)), 0
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
    begins = file.seek(0, os.SEEK_END) + _HEAD_BYTES
    for piece in (length.to_bytes(8, "little") + crc.to_bytes(4, "little"), *pieces):
        _write_all(file, piece)
    return Record(kind, header, begins + len(pieces[0]), begins + length)


def _copy(source: FileIO, record: Record, target: FileIO) -> int:
    """Append a record of one file to another; returns by how much it moved."""
    length = record.end - record.blobs
    blobs = os.pread(source.fileno(), length, record.blobs)
    return _write(target, record.kind, record.header, [blobs]).blobs - record.blobs


def _write_all(file: FileIO, data: bytes) -> None:
    remaining = memoryview(data)
    while remaining:
        remaining = remaining[file.write(remaining) :]
