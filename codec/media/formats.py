"""The medium of a file, and the reader or writer that it gets.

Content decides before the suffix does, because files are renamed more often than rewritten; where
two media share their content, the row's `decide` does.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from codec.errors import InvalidInputError
from codec.media.dataset import Dataset
from codec.media.medium import Medium, Writer
from codec.media.recognise import START_BYTES, first_bytes
from codec.media.table import media, medium_of
from codec.options.encode import SIGNED
from codec.options.raw_layout import RawLayout

_GZIP = b"\x1f\x8b"


def read(
    path: Path,
    select: tuple[str, ...] | None = None,
    raw: RawLayout | None = None,
    sdf: str = SIGNED,
) -> Dataset:
    """Opens a file of any supported format.

    Args:
        path: the file, or the folder of a Zarr store.
        select: names of the variables to fit, or None for the reader's own choice.
        raw: how to read a file that is nothing but samples; then its content is not looked at.
        sdf: of a mesh, which distances are wanted (`EncodeOptions.sdf`).

    Raises:
        InvalidInputError: missing, unreadable, damaged, or of no supported format.
        MissingDependencyError: the format needs a package that is not installed.
    """
    if raw is not None:
        from codec.media.volumes import raw as raw_file

        first_bytes(path)
        return raw_file.read_as(path, raw, select)
    row = _by_content(path) or _by_suffix(path)
    if row is None:
        raise InvalidInputError(
            f"{path}: unknown file format; supported are {_supported()}; bare samples need their"
            " shape and dtype (--shape, --dtype)"
        )
    return row.read(path, select, sdf)


def is_mesh(path: Path) -> bool:
    """Whether a file that is written under this name holds a mesh."""
    row = _by_suffix(path)
    return row is not None and row.is_shape


def writer_for(path: Path) -> Writer:
    """The writer for a file name: `writer(path, dataset, history)`.

    Raises:
        InvalidInputError: no format has this suffix.
    """
    row = _by_suffix(path)
    if row is None:
        raise InvalidInputError(
            f"{path}: cannot write suffix {path.suffix!r}; supported are {_supported()}"
        )
    return row.load_writer()


def writes_folder(path: Path) -> bool:
    """Whether a file of this name is written as a folder."""
    row = _by_suffix(path)
    return row is not None and row.is_folder is not None


def uses_native_metadata(path: Path, medium: str) -> bool:
    """Whether a file of this name is written with metadata that only the given medium has."""
    row, origin = _by_suffix(path), medium_of(medium)
    return row is not None and (row is origin or origin.portable)


def may_replace(folder: Path) -> bool:
    """Whether a folder is what a writer would have made, so that it may be replaced."""
    return _folder_medium(folder) is not None


def _folder_medium(folder: Path) -> Medium | None:
    return next((row for row in media() if row.is_folder and row.is_folder(folder)), None)


def _by_content(path: Path) -> Medium | None:
    if path.is_dir() and (row := _folder_medium(path)) is not None:
        return row
    start = _unzipped(path, first_bytes(path, START_BYTES))
    row = next((row for row in media() if row.content.match(start)), None)
    if row is None or row.decide is None:
        return row
    return medium_of(row.decide(path))


def _unzipped(path: Path, start: bytes) -> bytes:
    """The first bytes of what a gzip file holds; those of any other file as they are."""
    if not start.startswith(_GZIP):
        return start
    try:
        with gzip.open(path) as file:
            return file.read(START_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInputError(
            f"{path}: the gzip file is truncated or damaged; fetch or write it again"
        ) from error


def _by_suffix(path: Path) -> Medium | None:
    name = path.name.lower()
    return next((row for row in media() if name.endswith(row.suffixes)), None)


def _supported() -> str:
    return ", ".join(f"{row.title} ({' '.join(row.suffixes)})" for row in media())
