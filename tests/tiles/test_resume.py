"""A run that was killed is taken up by the same command, and gives the same file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import codec
from codec.encoding import runners
from codec.errors import InvalidInputError
from codec.files.journal import journal_path
from codec.options.encode import Progress
from tests.conftest import ROOTS
from tests.tiles.conftest import TILE


class Killed(BaseException):
    """What ends a run in these tests."""


def encode(source: Path, target: Path, **options: Any) -> codec.api.EncodeReport:
    chosen: dict[str, Any] = {"psnr": 50, "effort": 0, "tile": TILE, "device": "cpu", "threads": 1}
    return codec.encode(source, target, **(chosen | options))


def kill_after(tiles: int, source: Path, target: Path) -> None:
    def watch(progress: Progress) -> None:
        if progress.stage.startswith(f"tile {tiles} "):
            raise Killed

    with pytest.raises(Killed):
        encode(source, target, on_progress=watch)


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the tiles that are encoded."""
    found: list[int] = []
    original = runners.encode_tile

    def counted(task: Any, *rest: Any) -> Any:
        found.append(task.number)
        return original(task, *rest)

    monkeypatch.setattr(runners, "encode_tile", counted)
    return found


def test_finished_tiles_are_taken_up_and_the_file_is_the_same(
    field_path: Path, tiled_path: Path, tmp_path: Path, count: list[int], caplog: Any
) -> None:
    target = tmp_path / "t.inrc"
    kill_after(7, field_path, target)
    assert [path.name for path in tmp_path.iterdir()] == [".t.inrc.inrc-journal"]
    before = len(count)
    report = encode(field_path, target)
    assert count[before:] == list(range(7, 12))
    assert target.read_bytes() == tiled_path.read_bytes()
    assert "7 finished tiles are kept" in caplog.text
    assert "7 finished tiles of an earlier run are taken up" in caplog.text
    # Also what was measured before.
    assert report.qualities[0].psnr >= 50
    assert [path.name for path in tmp_path.iterdir()] == ["t.inrc"]


@pytest.mark.parametrize("cut", [1, 5, 12, 100])
def test_a_record_that_is_not_whole_is_done_again(
    field_path: Path, tiled_path: Path, tmp_path: Path, count: list[int], cut: int
) -> None:
    target = tmp_path / "t.inrc"
    kill_after(5, field_path, target)
    journal = journal_path(target)
    journal.write_bytes(journal.read_bytes()[:-cut])
    before = len(count)
    encode(field_path, target)
    assert count[before] == 4
    assert target.read_bytes() == tiled_path.read_bytes()


def test_a_damaged_record_is_done_again(
    field_path: Path, tiled_path: Path, tmp_path: Path, count: list[int]
) -> None:
    target = tmp_path / "t.inrc"
    kill_after(5, field_path, target)
    journal = journal_path(target)
    data = bytearray(journal.read_bytes())
    data[-20] ^= 1
    journal.write_bytes(data)
    before = len(count)
    encode(field_path, target)
    assert count[before] == 4
    assert target.read_bytes() == tiled_path.read_bytes()


@pytest.mark.parametrize("cut", [1, 30])
def test_a_journal_that_was_just_begun_is_begun_again(
    field_path: Path, tmp_path: Path, cut: int
) -> None:
    target = tmp_path / "t.inrc"
    kill_after(1, field_path, target)
    journal = journal_path(target)
    journal.write_bytes(journal.read_bytes()[:cut])
    assert encode(field_path, target).goal_met


@pytest.mark.parametrize(
    "options", [{"psnr": 40}, {"tile": (16, 40, 36)}, {"tile": "none"}], ids=str
)
def test_another_run_starts_anew_only_by_force(
    field_path: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    target = tmp_path / "t.inrc"
    kill_after(3, field_path, target)
    with pytest.raises(InvalidInputError, match=r"journal of another run.*--force"):
        encode(field_path, target, **options)
    assert journal_path(target).exists()
    assert encode(field_path, target, **options, overwrite=True).goal_met
    assert [path.name for path in tmp_path.iterdir()] == ["t.inrc"]


def test_a_changed_input_is_another_run(field_path: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "t.npy", tmp_path / "t.inrc"
    source.write_bytes(field_path.read_bytes())
    kill_after(3, source, target)
    os.utime(source, ns=(1, 1))
    with pytest.raises(InvalidInputError, match="another run"):
        encode(source, target)


def test_two_runs_do_not_share_a_journal(field_path: Path, tmp_path: Path) -> None:
    target = tmp_path / "t.inrc"

    def watch(progress: Progress) -> None:
        if progress.stage.startswith("tile 2 "):
            with pytest.raises(InvalidInputError, match="another process"):
                encode(field_path, target)

    encode(field_path, target, on_progress=watch)
    assert target.exists()


def test_a_run_that_finished_no_tile_leaves_nothing(field_path: Path, tmp_path: Path) -> None:
    def watch(progress: Progress) -> None:
        raise Killed

    with pytest.raises(Killed):
        encode(field_path, tmp_path / "t.inrc", on_progress=watch)
    assert not list(tmp_path.iterdir())


def test_a_process_that_was_killed_is_taken_up(
    field_path: Path, tiled_path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "t.inrc"
    options = ["--psnr", "50", "--effort", "0", "--tile", "32x16x18", "--device", "cpu"]
    arguments = ["-m", "codec", "encode", str(field_path), "-o", str(target), *options]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, ROOTS))}
    command = [sys.executable, *arguments]
    process = subprocess.Popen([*command, "--threads", "1"], env=environment)
    deadline = time.monotonic() + 300
    journal = journal_path(target)
    while not (journal.exists() and journal.stat().st_size > 2000):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not target.exists()
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "finished tiles of an earlier run are taken up" in done.stderr
    assert target.read_bytes() == tiled_path.read_bytes()
    assert not journal.exists()
