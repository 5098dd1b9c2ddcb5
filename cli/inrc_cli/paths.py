"""Checks of INPUT and OUT before any work starts."""

from __future__ import annotations

import os

from codec import InvalidInputError
from inrc_cli.failures import usage_error

STDIN = "-"
# Suffixes of what is written as a folder, which --force may replace.
FOLDERS = (".zarr",)


def need_file(source: str) -> None:
    """Refuse `-` where only a file will do."""
    if source == STDIN:
        raise usage_error("standard input cannot be read here; give the name of a file")


def need_target(target: str | None, example: str, *, force: bool) -> str:
    """`target`, if it was given and may be written.

    Raises:
        UsageError: it was not given, or is standard output.
        InvalidInputError: it is a directory, or it exists and `force` is not set.
    """
    if target is None:
        raise usage_error(f"there is no file to write to; add '-o {example}'")
    if target == STDIN:
        raise usage_error(f"standard output cannot be written to; say '-o {example}'")
    if os.path.isdir(target) and not target.rstrip("/").lower().endswith(FOLDERS):
        raise InvalidInputError(f"{target}: is a directory; name a file")
    if os.path.lexists(target) and not force:
        raise InvalidInputError(f"{target}: exists already; --force replaces it")
    return target


def size_on_disk(target: str) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not os.path.isdir(target):
        return os.stat(target).st_size
    return sum(
        os.stat(os.path.join(folder, name)).st_size
        for folder, _, names in os.walk(target)
        for name in names
    )
