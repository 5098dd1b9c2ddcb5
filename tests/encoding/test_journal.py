"""A journal gives back what was written to it, whatever was written after it or cut off."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from codec.errors import InvalidInputError
from codec.files.journal import RANGES, TILE, TRAINING, Journal, Record, journal_path

RUN = {"seed": 1, "source": ["a", 2]}


def contents(journal: Journal, kind: int) -> list[tuple[bytes, bytes]]:
    return [(record.header, journal.blobs(record)) for record in journal.records(kind)]


def test_nothing_is_written_before_there_is_something(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "t", RUN)) as journal:
        assert not journal.begun
        journal.close(remove=True)
    assert not list(tmp_path.iterdir())


def test_kinds_of_records_share_one_file(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "t", RUN)) as journal:
        journal.append(RANGES, b"ranges")
        tile = journal.append(TILE, b"tile 0", [b"mask", b"integers"])
        journal.replace(TRAINING, [(b"first", [b"x" * 100]), (b"second", [b"y"])])
        later = journal.append(TILE, b"tile 1", [b"more"])
        journal.replace(TRAINING, [(b"first", [b"z"])])
        # A record that moved is read where it is now.
        assert journal.read(tile, 4, 8) == b"integers"
        assert journal.read(later, 0, 4) == b"more"
    assert [path.name for path in tmp_path.iterdir()] == [".t.inrc-journal"]
    with closing(Journal(tmp_path / "t", RUN)) as journal:
        assert contents(journal, RANGES) == [(b"ranges", b"")]
        assert contents(journal, TILE) == [(b"tile 0", b"maskintegers"), (b"tile 1", b"more")]
        assert contents(journal, TRAINING) == [(b"first", b"z")]
        journal.close(remove=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_record_that_is_not_whole_is_dropped_with_those_behind_it(
    tmp_path: Path, damage: str
) -> None:
    with closing(Journal(tmp_path / "t", RUN)) as journal:
        records = [journal.append(TILE, b"tile %d" % number, [b"bytes"]) for number in range(3)]
    path = journal_path(tmp_path / "t")
    data = bytearray(path.read_bytes())
    if damage == "cut":
        del data[records[1].end - 1 :]
    else:
        data[records[1].blobs] ^= 1
    path.write_bytes(data)
    with closing(Journal(tmp_path / "t", RUN)) as journal:
        assert [record.header for record in journal.records(TILE)] == [b"tile 0"]
        # What comes next follows what was whole.
        journal.append(TILE, b"again", [b"other"])
    with closing(Journal(tmp_path / "t", RUN)) as journal:
        assert contents(journal, TILE) == [(b"tile 0", b"bytes"), (b"again", b"other")]


def test_records_that_cannot_be_written_anew_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> Record:
        raise OSError(28, "No space left on device")

    with closing(Journal(tmp_path / "t", RUN)) as journal:
        journal.replace(TRAINING, [(b"first", [b"x"])])
        monkeypatch.setattr("codec.files.journal._write", full)
        with pytest.raises(InvalidInputError, match="No space left"):
            journal.replace(TRAINING, [(b"first", [b"y"])])
        assert contents(journal, TRAINING) == [(b"first", b"x")]
    assert [path.name for path in tmp_path.iterdir()] == [".t.inrc-journal"]


def test_another_run_and_another_process_are_kept_out(tmp_path: Path) -> None:
    target = tmp_path / "t"
    with closing(Journal(target, RUN)) as journal:
        journal.replace(TRAINING, [(b"first", [b"x"])])
        with pytest.raises(InvalidInputError, match="another process"):
            Journal(target, RUN)
    with pytest.raises(InvalidInputError, match="journal of another run"):
        Journal(target, {"seed": 2})
    with closing(Journal(target, {"seed": 2}, anew=True)) as journal:
        assert journal.records(TRAINING) == []
    with pytest.raises(InvalidInputError, match="journal of another run"):
        Journal(target, RUN)
