"""Random access to the bytes of a file on disk or in memory."""

from __future__ import annotations

import os
from pathlib import Path

from codec.errors import InvalidInputError


class BytesSource:
    """A file that is already in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]

    def close(self) -> None:
        """Nothing to release."""


class FileSource:
    """A file on disk, read by position, so that threads can share it.

    Raises:
        InvalidInputError: the path cannot be opened for reading.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self._handle = open(self.path, "rb")  # noqa: SIM115 - held open until close()
        except OSError as error:
            raise InvalidInputError(f"{self.path}: {error.strerror or error}") from None
        self._size = os.fstat(self._handle.fileno()).st_size

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, size: int) -> bytes:
        parts = []
        while size > 0:
            part = os.pread(self._handle.fileno(), size, offset)
            if not part:
                break
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Release the file handle."""
        self._handle.close()
