"""What must be true of INPUT and OUT before any work starts."""

from __future__ import annotations

import os

from codec import InvalidInputError
from inrc_cli.failures import usage_error

STDIN = "-"


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
    if os.path.isdir(target):
        raise InvalidInputError(f"{target}: is a directory; name a file")
    if os.path.lexists(target) and not force:
        raise InvalidInputError(f"{target}: exists already; --force replaces it")
    return target
