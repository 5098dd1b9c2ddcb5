"""Finished tiles in a file beside the target, so that a run that was killed can go on.

    journal = record*
    record  = length:u64 crc:u32 body[length]
    body    = header_length:u32 header blobs             ; the header is CBOR, the crc that of zlib

The first record is the fingerprint of the run: what the result depends on. A record that is not
whole is where a run was killed; it and what follows are dropped.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from codec.coding.normalise import FieldRange
from codec.coding.write_file import IntegerSection
from codec.encoding.encoded_tile import CodedSection, EncodedTile, placed_integers
from codec.errors import CorruptError, InvalidInputError
from codec.format import cbor
from codec.measuring.quality import Deviation

_HEAD_BYTES = 12
_RUN, _RANGES, _TILE = range(3)


@dataclass(frozen=True)
class StoredTile:
    """A finished tile, its sections still in the journal.

    Attributes:
        item: as in `EncodedTile`.
        masks, integers: (type, digest, offset in the journal, length) of the other sections.
        multiply_adds, parameters, deviations: as in `EncodedTile`.
    """

    item: bytes
    masks: tuple[tuple[str, bytes, int, int], ...]
    integers: tuple[tuple[str, bytes, int, int], ...]
    multiply_adds: int
    parameters: int
    deviations: tuple[Deviation, ...]


class TileJournal:
    """The journal of one run, which no other process can use until it is closed.

    Args:
        target: the file that is being made.
        fingerprint: plain values that say which run this is.
        anew: drop the journal of another run instead of refusing it.

    Attributes:
        tiles: the finished ones, by number.
        ranges: of the fields, by name; None before they are known.
        resumed: number of tiles that an earlier run had finished.

    Raises:
        InvalidInputError: there is a journal of another run, it is in use, or it cannot be written.
    """

    def __init__(self, target: Path, fingerprint: Mapping[str, Any], *, anew: bool) -> None:
        drop_finished(target)
        self.path = journal_path(target)
        self.tiles: dict[int, StoredTile] = {}
        self.ranges: dict[str, FieldRange] | None = None
        self._fingerprint = cbor.encode(dict(fingerprint))
        try:
            self._file = open(self.path, "a+b", buffering=0)  # noqa: SIM115 - until close()
            self._lock()
            self._resume(anew)
        except OSError as error:
            raise InvalidInputError(
                f"{self.path}: cannot write: {error.strerror or error}"
            ) from error
        self.resumed = len(self.tiles)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise InvalidInputError(
                f"{self.path}: another process is encoding to the same file; wait for it"
            ) from None

    def _resume(self, anew: bool) -> None:
        size = os.fstat(self._file.fileno()).st_size
        end = 0
        while (found := self._record(end, size)) is not None:
            header, blobs = found
            if end == 0 and header.get(1) != self._fingerprint:
                if anew:
                    break
                self._file.close()
                raise another_run(self.path)
            self._take(header, blobs)
            end = self._end_of(end)
        self._file.truncate(end)
        if end == 0:
            self._append({0: _RUN, 1: self._fingerprint}, [])

    def _end_of(self, start: int) -> int:
        length = int.from_bytes(os.pread(self._file.fileno(), 8, start), "little")
        return start + _HEAD_BYTES + length

    def _record(self, start: int, size: int) -> tuple[dict[int, Any], int] | None:
        """Header of the record at `start` and offset of its blobs; None if it is not whole."""
        head = os.pread(self._file.fileno(), _HEAD_BYTES, start)
        if len(head) < _HEAD_BYTES:
            return None
        length, crc = int.from_bytes(head[:8], "little"), int.from_bytes(head[8:], "little")
        if start + _HEAD_BYTES + length > size:
            return None
        body = os.pread(self._file.fileno(), length, start + _HEAD_BYTES)
        if len(body) < length or zlib.crc32(body) != crc:
            return None
        header_bytes = int.from_bytes(body[:4], "little")
        try:
            header = cbor.decode(body[4 : 4 + header_bytes])
        except CorruptError:
            return None
        return header, start + _HEAD_BYTES + 4 + header_bytes

    def _take(self, header: dict[int, Any], blobs: int) -> None:
        if header[0] == _RANGES:
            self.ranges = {name: FieldRange(*values) for name, values in header[1].items()}
        elif header[0] == _TILE:
            self.tiles[header[1]] = _stored_tile(header, blobs)

    def _append(self, header: dict[int, Any], blobs: list[bytes]) -> int:
        """Write a record; returns the offset of its blobs."""
        encoded = cbor.encode(header)
        body = b"".join([len(encoded).to_bytes(4, "little"), encoded, *blobs])
        head = len(body).to_bytes(8, "little") + zlib.crc32(body).to_bytes(4, "little")
        start = self._file.seek(0, os.SEEK_END)
        written = memoryview(head + body)
        while written:
            written = written[self._file.write(written) :]
        return start + _HEAD_BYTES + 4 + len(encoded)

    def add_ranges(self, ranges: dict[str, FieldRange]) -> None:
        """Keep the ranges of the fields, which took a pass over all samples."""
        values = {
            name: [span.low, span.high, span.offset, span.scale, span.half_range]
            for name, span in ranges.items()
        }
        self._append({0: _RANGES, 1: values}, [])
        self.ranges = ranges

    def add(self, number: int, tile: EncodedTile) -> None:
        """Keep a finished tile."""
        sections = [*tile.masks, *tile.integers]
        header = {
            0: _TILE,
            1: number,
            2: tile.item,
            3: [_described(section) for section in tile.masks],
            4: [_described(section) for section in tile.integers],
            5: [tile.multiply_adds, tile.parameters],
            6: [
                [one.squared, one.greatest, one.unit, one.count, one.low, one.high, one.intact]
                for one in tile.deviations
            ],
        }
        blobs = self._append(header, [section.payload for section in sections])
        self.tiles[number] = _stored_tile(header, blobs)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the journal."""
        return os.pread(self._file.fileno(), length, offset)

    def integers_of(self, tile: StoredTile, number: int) -> list[IntegerSection]:
        """The sections of a tile's integers, as those of item `number`."""

        def stored(offset: int, length: int) -> bytes:
            return placed_integers(self.read(offset, length), number)

        return [
            IntegerSection(kind, partial(stored, offset, length), digest)
            for kind, digest, offset, length in tile.integers
        ]

    def close(self, *, remove: bool = False) -> None:
        """Let go of the journal, and of the file if it is not needed any more."""
        if remove:
            self.path.unlink(missing_ok=True)
        self._file.close()


def journal_path(target: Path) -> Path:
    """Where the journal of a run with this target is."""
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
    """What to say where a journal is in the way."""
    return InvalidInputError(
        f"{path}: is the journal of another run (its input, options or version differ); repeat "
        "that command to finish it, or start anew with --force"
    )


def refuse_journal(target: Path, *, anew: bool) -> None:
    """For a run that keeps no journal: there is none of another one, or it is removed.

    Raises:
        InvalidInputError: there is one, and `anew` is not set.
    """
    drop_finished(target)
    path = journal_path(target)
    if path.exists() and not anew:
        raise another_run(path)
    path.unlink(missing_ok=True)


def _described(section: CodedSection) -> list[Any]:
    return [section.type, section.digest, len(section.payload)]


def _stored_tile(header: dict[int, Any], blobs: int) -> StoredTile:
    placed: list[list[tuple[str, bytes, int, int]]] = []
    for entries in (header[3], header[4]):
        placed.append([])
        for kind, digest, length in entries:
            placed[-1].append((kind, digest, blobs, length))
            blobs += length
    return StoredTile(
        header[2],
        tuple(placed[0]),
        tuple(placed[1]),
        header[5][0],
        header[5][1],
        tuple(Deviation(*values) for values in header[6]),
    )
