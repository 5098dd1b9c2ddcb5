"""A fit that was stopped goes on where it was, and ends with the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import codec
from codec.errors import InvalidInputError
from codec.files import fit_journal
from codec.files.fit_journal import FitJournal, Snapshot
from codec.files.journal import Journal
from codec.options.encode import Progress

ROOT = Path(__file__).parents[2]
OPTIONS = {
    "arch": "fvsrn",
    "bytes": 1500,
    "settings": {"fit.steps": 40, "fit.prune_steps": 12, "fit.finetune_steps": 10},
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    z, y, x = np.mgrid[0:12, 0:10, 0:11] / 5
    np.save(tmp_path / "a.npy", (np.sin(z) * np.cos(y) + x).astype(np.float32))
    return tmp_path / "a.npy"


@pytest.fixture
def whole(source: Path) -> bytes:
    codec.encode(source, source.with_name("whole.inrc"), **OPTIONS)  # type: ignore[arg-type]
    return source.with_name("whole.inrc").read_bytes()


class _Stop(Exception):  # noqa: N818 - stands in for an interrupt
    pass


@pytest.mark.torch
@pytest.mark.parametrize("stage", ["fit", "prune", "quantise"])
@pytest.mark.parametrize("step", [3, 8])
def test_the_result_has_the_same_bytes(
    source: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch, stage: str, step: int
) -> None:
    monkeypatch.setattr(fit_journal, "_INTERVAL", 0.0)
    seen: list[str] = []

    def stop(progress: Progress) -> None:
        seen.append(progress.stage)
        if seen.count(stage) == step:
            raise _Stop

    target = source.with_name("b.inrc")
    journal = source.with_name(".b.inrc.inrc-journal")
    with pytest.raises(_Stop):
        codec.encode(source, target, **OPTIONS, on_progress=stop)  # type: ignore[arg-type]
    assert journal.exists()
    assert not target.exists()
    again: list[str] = []
    codec.encode(
        source,
        target,
        **OPTIONS,
        on_progress=lambda progress: again.append(progress.stage),  # type: ignore[arg-type]
    )
    assert target.read_bytes() == whole
    assert not journal.exists()
    # What was done is not done again.
    assert again.count(stage) <= 40 - step + 1 if stage == "fit" else "fit" not in again[1:]


@pytest.mark.torch
def test_a_short_fit_leaves_nothing(source: Path, whole: bytes) -> None:
    assert sorted(path.name for path in source.parent.iterdir()) == ["a.npy", "whole.inrc"]


@pytest.mark.torch
def test_another_run_is_refused_unless_forced(
    source: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_journal, "_INTERVAL", 0.0)

    def stop(progress: Progress) -> None:
        if progress.stage == "prune":
            raise _Stop

    target = source.with_name("b.inrc")
    with pytest.raises(_Stop):
        codec.encode(source, target, **OPTIONS, seed=1, on_progress=stop)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="another run"):
        codec.encode(source, target, **OPTIONS)  # type: ignore[arg-type]
    codec.encode(source, target, **OPTIONS, overwrite=True)  # type: ignore[arg-type]
    assert target.read_bytes() == whole


@pytest.mark.torch
def test_a_damaged_journal_is_named(source: Path) -> None:
    journal = source.with_name(".b.inrc.inrc-journal")
    journal.write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(InvalidInputError, match="inrc-journal: is no journal"):
        codec.encode(source, source.with_name("b.inrc"), **OPTIONS)  # type: ignore[arg-type]


def test_snapshots_come_back_as_they_were(tmp_path: Path) -> None:
    target = tmp_path / "a.inrc"
    records = Journal(target, {"run": 1})
    first = FitJournal(records)
    first._written = -1e9
    assert first.begin() is None
    kept = Snapshot(
        False, {"leaf/0": np.arange(3.0)}, {"step": 7, "generators": [{"big": 1 << 90}]}
    )
    first.keep(lambda finished: kept, finished=False)
    records.close()
    with closing(Journal(target, {"run": 1})) as records:
        found = FitJournal(records).begin()
    assert found is not None
    assert not found.finished
    assert found.state == kept.state
    np.testing.assert_array_equal(found.arrays["leaf/0"], np.arange(3.0))


@pytest.mark.torch
@pytest.mark.slow
def test_a_killed_process_is_taken_up(source: Path, whole: bytes) -> None:
    code = """
import sys, codec
from codec.files import fit_journal
fit_journal._INTERVAL = 0.0
codec.encode(sys.argv[1], sys.argv[2], arch="fvsrn", bytes=1500,
    settings={"fit.steps": 40, "fit.prune_steps": 12, "fit.finetune_steps": 10},
    on_progress=lambda progress: __import__("time").sleep(0.02))
"""
    target = source.with_name("b.inrc")
    paths = os.pathsep.join(str(ROOT / name) for name in (".", "plugins", "cli"))
    running = subprocess.Popen(
        [sys.executable, "-c", code, str(source), str(target)],
        env=os.environ | {"PYTHONPATH": paths},
    )
    journal = source.with_name(".b.inrc.inrc-journal")
    for _ in range(6000):
        if journal.exists() and journal.stat().st_size:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert journal.exists()
    codec.encode(source, target, **OPTIONS)  # type: ignore[arg-type]
    assert target.read_bytes() == whole
