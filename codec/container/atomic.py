"""Files that appear whole or not at all.

Order: temporary file in the target's folder, write, flush, fsync, rename, fsync of the folder. The
temporary file is removed on every way out, Ctrl-C included; the umask decides the final mode.
"""

from __future__ import annotations

import os
import shutil
import tempfile
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
    temporary = None
    try:
        descriptor, name = tempfile.mkstemp(
            dir=final.parent, prefix=f".{final.name}.", suffix=f".part{final.suffix}"
        )
        os.close(descriptor)
        temporary = Path(name)
        yield temporary
        temporary.chmod(_mode_for(final))
        _sync(temporary)
        os.replace(temporary, final)
        temporary = None
        _sync(final.parent)
    except OSError as error:
        raise InvalidInputError(f"{final}: cannot write: {error.strerror or error}") from error
    except InvalidInputError as error:
        # A writer only knows the temporary name; people know the other.
        raise InvalidInputError(str(error).replace(str(temporary), str(final))) from error
    finally:
        if temporary is not None:
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
    staging = None
    try:
        staging = Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{final.name}.", suffix=".part"))
        made = staging / final.name
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
        hidden = str(staging / final.name) if staging is not None else str(final)
        raise InvalidInputError(str(error).replace(hidden, str(final))) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


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
