"""Random access to the bytes of a file on disk, in memory, or behind a URL."""

from __future__ import annotations

import os
import re
import threading
import weakref
from pathlib import Path
from typing import Any, Protocol

from codec.errors import InvalidInputError, MissingDependencyError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# Bytes fetched at once, and number of such blocks in the cache: enough for the heads and an index.
_BLOCK_BYTES = 1 << 17
_BLOCKS = 256


class ByteSource(Protocol):
    """Random access to the bytes of a file."""

    @property
    def size(self) -> int: ...

    @property
    def far(self) -> bool:
        """Whether every read may be a request to another machine."""
        ...

    def read_at(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes from `offset`; fewer only where the file ends."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


def open_source(source: str | os.PathLike[str] | bytes) -> ByteSource:
    """The bytes of a file: a path, a URL that fsspec knows, or the bytes themselves.

    Raises:
        InvalidInputError: the file cannot be opened for reading.
        MissingDependencyError: fsspec, or its part for such URLs, is not installed.
    """
    if isinstance(source, bytes):
        return BytesSource(source)
    if is_url(source):
        return RemoteSource(str(source))
    return FileSource(source)


def is_url(source: object) -> bool:
    """Whether a source is a URL and not a path."""
    return isinstance(source, str) and _URL.match(source) is not None


def local_path(path: str | os.PathLike[str]) -> Path:
    """The path of a file that is to be written, or read as a whole.

    Raises:
        InvalidInputError: the path is a URL.
    """
    if is_url(path):
        raise InvalidInputError(
            f"{path}: only .inrc files are read from URLs, and nothing is written there; name a "
            "file of this machine"
        )
    return Path(path)


class BytesSource:
    """A file that is already in memory."""

    far = False

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]

    def close(self) -> None:
        """Release nothing, as there is nothing to release."""


class FileSource:
    """A file on disk, read by position, so that threads can share it.

    A file that was replaced by another under its name is read on as it was. A file that was written
    to or cut short is refused, since its bytes could be of two versions.

    Raises:
        InvalidInputError: the path cannot be opened for reading; or, when it is read, it changed.
    """

    far = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise InvalidInputError(f"{self.path}: {error.strerror or error}") from None
        self._release = weakref.finalize(self, os.close, self._descriptor)
        self._opened = self._state()

    @property
    def size(self) -> int:
        return self._opened[0]

    def _state(self) -> tuple[int, int]:
        """Size and time of the last change, which tell whether the file is still the same."""
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns

    def read_at(self, offset: int, size: int) -> bytes:
        if not self._release.alive:
            raise ValueError(f"{self.path} is closed")
        parts = []
        try:
            while size > 0:
                part = os.pread(self._descriptor, size, offset)
                if not part:
                    break
                parts.append(part)
                offset += len(part)
                size -= len(part)
            if self._state() != self._opened:
                raise InvalidInputError(
                    f"{self.path}: the file changed while it was read; open it again"
                )
        except OSError as error:
            raise InvalidInputError(f"{self.path}: {error.strerror or error}") from error
        return b"".join(parts)

    def close(self) -> None:
        """Release the file."""
        self._release()


class RemoteSource:
    """A file behind a URL, read in blocks through fsspec, which are kept for a while.

    Raises:
        InvalidInputError: the URL cannot be opened, or its server gives no parts of files.
        MissingDependencyError: fsspec, or a package it needs for such URLs, is not installed.
    """

    far = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        try:
            import fsspec

            self._file: Any = fsspec.open(
                url,
                "rb",
                block_size=_BLOCK_BYTES,
                cache_type="blockcache",
                cache_options={"maxblocks": _BLOCKS},
            ).open()
        except ImportError as error:
            raise MissingDependencyError(
                f"{url}: reading it needs a package ({error}); pip install 'inrc[remote]', and for "
                "other than http what fsspec names, s3fs for example"
            ) from None
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        if not self._file.seekable() or getattr(self._file, "size", None) is None:
            self._file.close()
            raise self._whole_only()

    @property
    def size(self) -> int:
        return int(self._file.size)

    def read_at(self, offset: int, size: int) -> bytes:
        with self._lock:
            try:
                self._file.seek(offset)
                return bytes(self._file.read(size))
            except ValueError as error:
                raise self._whole_only() from error
            except OSError as error:
                raise self._unreadable(error) from error

    def _whole_only(self) -> InvalidInputError:
        return InvalidInputError(
            f"{self._url}: the server gives no parts of files; fetch the file and open the copy"
        )

    def _unreadable(self, error: Exception) -> InvalidInputError:
        reason = str(error) or type(error).__name__
        return InvalidInputError(f"{self._url}: cannot be read: {reason}; check address and access")

    def close(self) -> None:
        """Release the connection."""
        self._file.close()
