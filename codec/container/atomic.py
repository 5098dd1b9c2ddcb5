"""Files that appear whole or not at all.

Order: temporary file in the target's folder, write, flush, fsync, rename, fsync of the folder. The
temporary file is removed on every way out, Ctrl-C included; the umask decides the final mode.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codec.container.byte_sources import local_path
from codec.errors import InvalidInputError


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
    temporary = _unused_name(final, final.suffix)
    try:
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        yield temporary
        temporary.chmod(_mode_for(final))
        _sync(temporary)
        os.replace(temporary, final)
        _sync(final.parent)
    except OSError as error:
        raise InvalidInputError(f"{final}: cannot write: {error.strerror or error}") from error
    except InvalidInputError as error:
        # A writer only knows the temporary name; people know the other.
        raise InvalidInputError(str(error).replace(str(temporary), str(final))) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Yields an empty temporary folder; it replaces the folder `target` when the block ends.

    Args:
        target: final path.
        overwrite: allow an existing `target`, file or folder.

    Raises:
        InvalidInputError: as `atomic_path` does; an existing folder is only refused without
            `overwrite`.
    """
    final = check_writable(target, overwrite=overwrite, folder=True)
    staging = _unused_name(final)
    made = staging / final.name
    try:
        staging.mkdir(0o700)
        made.mkdir()
        yield made
        if final.exists():
            # Both renames stay in one folder; what was there goes when the staging folder does.
            os.replace(final, staging / "replaced")
        os.replace(made, final)
        _sync(final.parent)
    except OSError as error:
        raise InvalidInputError(f"{final}: cannot write: {error.strerror or error}") from error
    except InvalidInputError as error:
        raise InvalidInputError(str(error).replace(str(made), str(final))) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _unused_name(final: Path, suffix: str = "") -> Path:
    """A hidden name beside the target, known before it is there: an interrupt may come between."""
    return final.parent / f".{final.name}.{secrets.token_hex(8)}.part{suffix}"


def check_writable(
    target: str | os.PathLike[str], *, overwrite: bool = False, folder: bool = False
) -> Path:
    """The resolved target, or `InvalidInputError` if writing to it is bound to fail.

    A `target` that is a folder may be replaced where a folder will be written.
    """
    final = local_path(target).resolve()
    if final.is_dir() and not folder:
        raise InvalidInputError(f"{target}: is a directory; name a file")
    if final.exists() and not overwrite:
        raise InvalidInputError(f"{target}: exists already; use --force to replace it")
    if not final.parent.is_dir():
        raise InvalidInputError(f"{target}: there is no folder {final.parent}")
    if not os.access(final.parent, os.W_OK):
        raise InvalidInputError(f"{target}: no permission to write in {final.parent}")
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
