"""Tiles spread over processes give the same file, also when one of these dies."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import codec
from codec.encoding import runners
from codec.errors import InvalidInputError, InvalidOptionError, MissingDependencyError
from codec.options.encode import EncodeOptions, Progress
from codec.training import devices
from tests.conftest import ROOTS
from tests.tiles.conftest import TILE

distributed = pytest.importorskip("distributed")

OPTIONS: dict[str, Any] = {"psnr": 50, "effort": 0, "tile": TILE, "threads": 2, "device": "cpu"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two real worker processes."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, ROOTS))
    try:
        with distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster:
            yield cluster
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def test_a_cluster_gives_the_same_file_although_a_worker_dies(
    cluster: Any, field_path: Path, tiled_path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "t.inrc"
    killed: list[int] = []

    def watch(progress: Progress) -> None:
        if progress.stage.startswith("tile 2 "):
            # SIGKILL, while it works on another tile; the cluster starts a new one.
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    address = cluster.scheduler_address
    report = codec.encode(field_path, target, scheduler=address, on_progress=watch, **OPTIONS)
    assert killed
    assert report.goal_met
    assert target.read_bytes() == tiled_path.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["t.inrc"]


def test_an_error_in_a_worker_is_our_error(cluster: Any, field_path: Path, tmp_path: Path) -> None:
    source = tmp_path / "t.npy"
    source.write_bytes(field_path.read_bytes())

    def watch(progress: Progress) -> None:
        if progress.stage == "range":
            source.rename(tmp_path / "gone.npy")

    with pytest.raises(InvalidInputError, match="no such file"):
        codec.encode(
            source,
            tmp_path / "t.inrc",
            scheduler=cluster.scheduler_address,
            on_progress=watch,
            **OPTIONS,
        )


def test_a_scheduler_that_is_not_there_is_one_clear_line(
    field_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codec.encoding.runners._PATIENCE", 0.5)
    with pytest.raises(InvalidInputError, match="no dask scheduler answers there"):
        codec.encode(field_path, tmp_path / "t.inrc", scheduler="tcp://127.0.0.1:9", **OPTIONS)
    with pytest.raises(InvalidOptionError, match="choose threads, processes or tcp"):
        codec.encode(field_path, tmp_path / "t.inrc", scheduler="slurm", **OPTIONS)


def test_without_dask_the_message_says_what_to_install(
    field_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'inrc\[dask\]'"):
        codec.encode(field_path, tmp_path / "t.inrc", scheduler="processes", **OPTIONS)


def test_processes_start_without_a_warning_where_another_cluster_has_the_usual_port() -> None:
    options = EncodeOptions(scheduler="processes", threads=1)
    with contextlib.closing(socket.socket()) as usual:
        with contextlib.suppress(OSError):
            # If somebody else has it already, so much the better.
            usual.bind(("", 8787))
            usual.listen()
        with runners._scheduler(distributed, options, 1) as address:
            assert address.startswith("tcp://127.0.0.1")


class _Memory:
    """`encode_tile` for whose first tile there is too little memory, a number of times."""

    def __init__(self, failures: int, error: Exception) -> None:
        self._left = failures
        self._error = error
        self._lock = threading.Lock()
        self._encode = runners.encode_tile
        self.tried: list[str] = []

    def __call__(self, task: Any, *rest: Any) -> Any:
        if task.number:
            return self._encode(task, *rest)
        with self._lock:
            where = threading.current_thread()
            with contextlib.suppress(ValueError, AttributeError):
                where = distributed.get_worker().address
            self.tried.append(str(where))
            self._left -= 1
            if self._left >= 0:
                raise self._error
        return self._encode(task, *rest)


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
    ids=["ours", "torch's"],
)
def test_a_tile_that_ran_out_of_memory_is_tried_again_alone(
    error: Exception,
    field_path: Path,
    tiled_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = _Memory(2, error)
    monkeypatch.setattr(runners, "encode_tile", memory)
    codec.encode(field_path, tmp_path / "t.inrc", **OPTIONS)
    assert (tmp_path / "t.inrc").read_bytes() == tiled_path.read_bytes()
    assert len(memory.tried) == 3


@pytest.mark.parametrize("tries", [1, 3])
def test_a_tile_is_given_up_after_the_stated_tries_and_the_others_are_kept(
    tries: int, field_path: Path, tiled_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, options = tmp_path / "t.inrc", OPTIONS | {"settings": {"tile.tries": tries}}
    with monkeypatch.context() as patch:
        memory = _Memory(100, MemoryError())
        patch.setattr(runners, "encode_tile", memory)
        with pytest.raises(InvalidInputError, match=f"tile 0 in {tries} tries; use smaller"):
            codec.encode(field_path, target, **options)
    assert len(memory.tried) == tries
    assert not target.exists()
    done: list[str] = []
    codec.encode(
        field_path, target, on_progress=lambda progress: done.append(progress.stage), **options
    )
    assert target.read_bytes() == tiled_path.read_bytes()
    assert sum(stage.startswith("tile ") for stage in done) == 1


def test_an_error_that_is_not_of_memory_is_not_tried_again(
    field_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = _Memory(100, RuntimeError("something else"))
    monkeypatch.setattr(runners, "encode_tile", memory)
    with pytest.raises(RuntimeError, match="something else"):
        codec.encode(field_path, tmp_path / "t.inrc", **OPTIONS)
    assert len(memory.tried) == 1


def test_a_tile_that_ran_out_of_memory_is_tried_again_by_another_worker(
    field_path: Path, tiled_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = _Memory(1, MemoryError())
    monkeypatch.setattr(runners, "encode_tile", memory)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        options = OPTIONS | {"scheduler": cluster.scheduler_address}
        codec.encode(field_path, tmp_path / "t.inrc", **options)
    assert (tmp_path / "t.inrc").read_bytes() == tiled_path.read_bytes()
    assert len(set(memory.tried)) == 2


def test_each_worker_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    chosen: list[int] = []
    monkeypatch.setattr("codec.training.devices.choose_device", lambda option: "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    for worker in range(5):
        devices.use_one_gpu("auto", worker)
    assert chosen == [0, 1, 2, 0, 1]
    assert devices.gpu_count("auto") == 3
