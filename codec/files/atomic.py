"""Files that appear whole or not at all.

Order: a hidden folder beside the target, in it the new file, flush, fsync, rename, fsync of the
folder. The hidden folder is removed on every way out, Ctrl-C included; that of a killed process is
removed by the next process that writes the same target. The umask decides the final mode.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from codec.errors import InvalidInputError
from codec.files.byte_sources import local_path

# Arguments of `renameat2` of Linux: paths relative to the working folder; swap the two.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# Free bytes below which a failed write is explained by a full disk.
_NEARLY_FULL = 1 << 20
# Name, in the hidden folder, of a target folder that could not be swapped with the new one.
_REPLACED = "replaced"


@contextmanager
def atomic_path(target: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary path to write to; it replaces `target` when the block ends normally.

    Args:
        target: final path; a symbolic link is followed, so the link itself survives.
        overwrite: allow an existing `target`.

    Raises:
        InvalidInputError: `target` exists (without `overwrite`), is a directory, or cannot be
            written: no such folder, no permission, disk full.
    """
    final = check_writable(target, overwrite=overwrite)
    with _staged(final) as temporary:
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        yield temporary
        temporary.chmod(_mode_for(final))
        _sync(temporary)
        os.replace(temporary, final)
        _sync(final.parent)


@contextmanager
def atomic_folder(target: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Yields an empty temporary folder; it replaces the folder `target` when the block ends.

    Args:
        target: final path.
        overwrite: allow an existing `target`, file or folder.

    Raises:
        InvalidInputError: the same as for `atomic_path`; an existing folder is only refused without
            `overwrite`.
    """
    final = check_writable(target, overwrite=overwrite, folder=True)
    with _staged(final) as made:
        made.mkdir()
        yield made
        if not final.exists():
            os.replace(made, final)
        elif not _swap(made, final):
            # No target exists for a moment: the next run mends one that is killed here.
            os.replace(final, made.parent / _REPLACED)
            os.replace(made, final)
        _sync(final.parent)


@contextmanager
def _staged(final: Path) -> Iterator[Path]:
    """Yields a path of the target's name in a locked hidden folder, removed at the end."""
    # The name is known before the folder is there: an interrupt may come between.
    staging = final.parent / f".{final.name}.{secrets.token_hex(8)}.part"
    temporary = staging / final.name
    lock = -1
    try:
        staging.mkdir(0o700)
        lock = os.open(staging, os.O_RDONLY)
        _lock(lock)
        # Another process may have taken the folder for a leftover before it was locked.
        staging.mkdir(0o700, exist_ok=True)
        yield temporary
    except OSError as error:
        raise InvalidInputError(f"{final}: cannot write: {error.strerror or error}") from error
    except InvalidInputError as error:
        # Writers name the temporary file, but people know the final one.
        told = str(error).replace(str(temporary), str(final))
        raise InvalidInputError(told + _nearly_full(final.parent)) from error
    finally:
        _remove(staging, temporary)
        if lock >= 0:
            os.close(lock)


def _nearly_full(folder: Path) -> str:
    """Words for a full disk, which libraries do not say; "" if the disk is not full."""
    with suppress(OSError):
        free = shutil.disk_usage(folder).free
        return f"; the disk has {free} bytes left" if free < _NEARLY_FULL else ""
    return ""


def _lock(folder: int) -> None:
    """Lock a folder for as long as it is open; some network file systems cannot."""
    with suppress(OSError):
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove(staging: Path, temporary: Path) -> None:
    try:
        temporary.unlink(missing_ok=True)
        staging.rmdir()
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)


def remove_leftovers(final: Path) -> None:
    """Remove the hidden folders of killed processes that wrote to `final`.

    A folder that such a process had moved out of the way comes back to its place.
    """
    for staging in final.parent.glob(f".{escape(final.name)}.*.part"):
        # Folders that are locked, of another user or gone meanwhile are left alone.
        with suppress(OSError):
            lock = os.open(staging, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if (staging / _REPLACED).exists() and not final.exists():
                    os.replace(staging / _REPLACED, final)
                shutil.rmtree(staging)
            finally:
                os.close(lock)


def _swap(made: Path, final: Path) -> bool:
    """Exchange two paths in one step; False where the system cannot."""
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    paths = os.fsencode(made), os.fsencode(final)
    return bool(exchange(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0)


def check_writable(
    target: str | os.PathLike[str], *, overwrite: bool = False, folder: bool = False
) -> Path:
    """The resolved target, or `InvalidInputError` if writing to it is bound to fail.

    Leftovers of killed processes that wrote to it are removed. A `target` that is a folder may be
    replaced where a folder will be written.
    """
    final = local_path(target).resolve()
    if not final.parent.is_dir():
        raise InvalidInputError(f"{target}: there is no folder {final.parent}")
    if not os.access(final.parent, os.W_OK):
        raise InvalidInputError(f"{target}: no permission to write in {final.parent}")
    remove_leftovers(final)
    if final.is_dir() and not folder:
        raise InvalidInputError(f"{target}: is a directory; name a file")
    if final.exists() and not overwrite:
        raise InvalidInputError(f"{target}: exists already; use --force to replace it")
    return final


def _mode_for(final: Path) -> int:
    if final.exists():
        return final.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
