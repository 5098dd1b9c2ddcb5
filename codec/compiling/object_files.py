"""Folders in which the machine code of kernels is kept, so that it is compiled once.

Read are all folders that exist, so that a package compiled by its administrator serves users who
may not write to it; written is the first that may be written to. Files appear whole by a rename,
so that processes may compile the same kernel at once, and carry a hash against damage.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from codec.compiling.machine_code import MachineCode

_HASH_BYTES = hashlib.sha256().digest_size


def folders() -> Iterator[Path]:
    """Folders for machine code, the preferred first.

    NUMBA_CACHE_DIR if it is set, and no other; else the folder beside the source that Python keeps
    its own compiled files in, and the user's cache.
    """
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(chosen) / "inrc"
        return
    yield Path(__file__).parent / "__pycache__"
    # RuntimeError: nobody knows the home of this user.
    with suppress(RuntimeError):
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inrc" / "kernels"


def read(name: str, key: str) -> MachineCode | None:
    """Machine code of a kernel by its fingerprint; None if no folder has it, or not whole."""
    for folder in folders():
        with suppress(OSError):
            data = (folder / _file_name(name, key)).read_bytes()
            if hashlib.sha256(data[_HASH_BYTES:]).digest() == data[:_HASH_BYTES]:
                return MachineCode.from_bytes(data[_HASH_BYTES:])
    return None


def write(name: str, key: str, code: MachineCode) -> None:
    """Keep machine code in the first folder that may be written to, if there is one."""
    data = code.to_bytes()
    for folder in folders():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            _write_whole(folder / _file_name(name, key), hashlib.sha256(data).digest() + data)
            return


def _file_name(name: str, key: str) -> str:
    return f"{name}-{key[:32]}.kernel"


def _write_whole(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".kernel-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
