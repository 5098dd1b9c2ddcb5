"""A file appears whole or not at all, and nothing is left lying about."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from codec.errors import InvalidInputError
from codec.files.atomic import atomic_folder, atomic_path, check_writable


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def write(
    target: Path, data: bytes, *, fail: BaseException | type[BaseException] | None = None
) -> None:
    """Writes `data` to `target`, or a part of it and then fails."""
    with atomic_path(target, overwrite=True) as temporary:
        temporary.write_bytes(data)
        if fail is not None:
            raise fail


def test_the_file_appears_when_all_is_written(tmp_path: Path) -> None:
    target = tmp_path / "out.inrc"
    with atomic_path(target) as temporary:
        assert temporary.parent.parent == tmp_path
        temporary.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["out.inrc"]


def test_the_temporary_name_keeps_the_suffix(tmp_path: Path) -> None:
    """Writers look at it."""
    with atomic_path(tmp_path / "out.nc") as temporary:
        assert temporary.suffix == ".nc"
        assert temporary.parent.name.startswith(".")


@pytest.mark.parametrize(("call", "atomic"), [("open", atomic_path), ("mkdir", atomic_folder)])
def test_an_interrupt_just_after_the_temporary_name_appears_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, atomic: Any
) -> None:
    original = getattr(os, call)

    def interrupted(path: Any, *arguments: Any, **options: Any) -> Any:
        original(path, *arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, call, interrupted)
    with pytest.raises(KeyboardInterrupt), atomic(tmp_path / "out.inrc"):
        pass
    monkeypatch.undo()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, MemoryError])
def test_after_an_interruption_nothing_is_left(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        write(tmp_path / "out.inrc", b"half", fail=error)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_after_an_interruption_the_old_file_is_as_it_was(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "out.inrc"
    target.write_bytes(b"old")
    before = target.stat()
    with pytest.raises(error):
        write(target, b"half", fail=error)
    assert target.read_bytes() == b"old"
    assert target.stat().st_mtime_ns == before.st_mtime_ns
    assert os.listdir(tmp_path) == ["out.inrc"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_follows_the_umask(tmp_path: Path, mask: int, mode: int) -> None:
    target = tmp_path / "out.inrc"
    with umask(mask):
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"x")
        assert os.umask(mask) == mask
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_the_mode_of_a_replaced_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "out.inrc"
    target.write_bytes(b"old")
    target.chmod(0o640)
    with umask(0o022), atomic_path(target, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "out.inrc"
    target.write_bytes(b"old")
    with pytest.raises(InvalidInputError, match=r"out\.inrc: exists"), atomic_path(target):
        pytest.fail("must not begin")
    assert target.read_bytes() == b"old"


def test_an_existing_file_is_replaced_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "out.inrc"
    target.write_bytes(b"old")
    with atomic_path(target, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_no_target(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidInputError, match="directory"):
        check_writable(tmp_path / "folder", overwrite=overwrite)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"no folder .*missing"):
        check_writable(tmp_path / "missing" / "out.inrc")


def test_a_folder_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(InvalidInputError, match="permission"):
        check_writable(tmp_path / "out.inrc")


def full_disk(*args: Any, **options: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", ["os.open", "os.fsync", "os.replace"])
def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    target = tmp_path / "out.inrc"
    target.write_bytes(b"old")
    monkeypatch.setattr(place, full_disk)
    with pytest.raises(InvalidInputError, match=r"out\.inrc: cannot write: No space left"):
        write(target, b"new")
    assert os.listdir(tmp_path) == ["out.inrc"]
    assert target.read_bytes() == b"old"


def test_a_full_disk_while_writing_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="No space left"):
        write(tmp_path / "out.inrc", b"half", fail=OSError(errno.ENOSPC, "No space left"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_is_followed(tmp_path: Path, exists: bool) -> None:
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / "real.inrc"
    if exists:
        real.write_bytes(b"old")
    link = tmp_path / "link.inrc"
    link.symlink_to(real)
    with atomic_path(link, overwrite=exists) as temporary:
        assert temporary.parent.parent == real.parent
        temporary.write_bytes(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert os.listdir(real.parent) == ["real.inrc"]


def test_the_data_is_synced_before_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("sync"), fsync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("rename"), replace(a, b))[1])
    with atomic_path(tmp_path / "out.inrc") as temporary:
        temporary.write_bytes(b"x")
    assert order == ["sync", "rename", "sync"]
