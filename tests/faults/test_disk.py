"""A full disk or one that cannot be written to is one line, and leaves what was there."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.errors import InvalidInputError
from tests.conftest import Process

FAST: dict[str, Any] = {"threads": 1, "device": "cpu"}
# A child whose files may not grow beyond a size (EFBIG, as ENOSPC in every other way).
_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv = ["inrc", *sys.argv[2:]]
from inrc_cli.main import main
main()
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, where the test may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(options, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("NO FULL DISK WAS TRIED: there is no `mount`")
    if done.returncode:
        pytest.skip(f"NO FULL DISK WAS TRIED: may not mount one: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """200 kB of integers that do not get smaller."""
    path = tmp_path / "noise.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (50, 64, 64), np.uint8))
    return path


@pytest.fixture
def constant(tmp_path: Path) -> Path:
    """A small file of 200 kB of samples."""
    np.save(tmp_path / "c.npy", np.full((50, 64, 64), 7, np.uint8))
    codec.encode(tmp_path / "c.npy", tmp_path / "c.inrc", effort=0, **FAST)
    return tmp_path / "c.inrc"


SUFFIXES = [".npy", ".nc", ".h5", ".npz"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_is_one_line_and_the_old_file_stays(
    small_disk: Path, constant: Path, suffix: str
) -> None:
    if suffix in (".h5", ".npz"):
        # These would compress; what is left is too small even so.
        (small_disk / "filler").write_bytes(bytes(60 << 10))
    target = small_disk / f"out{suffix}"
    target.write_bytes(b"old")
    with pytest.raises(InvalidInputError, match=f"out{suffix}: cannot .*(No space|bytes left)"):
        codec.decode(constant, target, overwrite=True, **FAST)
    assert target.read_bytes() == b"old"
    assert set(os.listdir(small_disk)) <= {target.name, "filler"}


def test_a_full_disk_while_encoding_is_one_line(small_disk: Path, constant: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(64 << 10))
    with pytest.raises(InvalidInputError, match=r"out\.inrc: cannot write: No space"):
        codec.transcode(constant, small_disk / "out.inrc", threads=1)
    assert os.listdir(small_disk) == ["filler"]


def test_a_file_that_may_not_grow_is_one_line_and_exit_code_1(
    process: Process, tmp_path: Path, constant: Path
) -> None:
    before = sorted(os.listdir(tmp_path))
    result = process("-c", _LIMITED, "65536", "decode", str(constant), "-o", "out.npy")
    assert result.returncode == 1, result.stderr
    assert result.stderr.count("\n") == 1
    assert "out.npy: cannot be written: File too large" in result.stderr
    assert sorted(os.listdir(tmp_path)) == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.fixture
def read_only(tmp_path: Path, constant: Path) -> Iterator[Path]:
    """A folder that is mounted to be read only: permission bits do not hold for root."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    (folder / "old.npy").write_bytes(b"old")
    for options in (["--bind", str(folder)], ["-o", "remount,ro,bind"]):
        try:
            done = subprocess.run(
                ["mount", *options, str(folder)], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            pytest.skip("NO READ-ONLY FOLDER WAS TRIED: there is no `mount`")
        if done.returncode:
            subprocess.run(["umount", str(folder)], capture_output=True, check=False)
            pytest.skip(f"NO READ-ONLY FOLDER WAS TRIED: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_is_read_only_is_told(read_only: Path, constant: Path) -> None:
    for name in ("old.npy", "new.npy"):
        with pytest.raises(InvalidInputError, match=f"{name}: no permission to write in"):
            codec.decode(constant, read_only / name, overwrite=True, **FAST)
    assert (read_only / "old.npy").read_bytes() == b"old"
    assert os.listdir(read_only) == ["old.npy"]


def test_a_folder_that_becomes_read_only_is_told(
    tmp_path: Path, constant: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where nothing can be mounted: what the system calls would answer."""

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    before = sorted(os.listdir(tmp_path))
    original = os.open

    def refuse_new(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        return refuse() if flags & os.O_CREAT else original(path, flags, *rest, **options)

    for name, call in (("mkdir", refuse), ("open", refuse_new)):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, call)
            with pytest.raises(InvalidInputError, match="Read-only file system"):
                codec.decode(constant, tmp_path / "out.npy", **FAST)
        assert sorted(os.listdir(tmp_path)) == before
