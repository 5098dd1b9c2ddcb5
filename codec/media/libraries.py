"""The libraries behind optional formats: imported on use, and named with their extra when missing.

Libraries raise whatever damage makes them stumble over; `reading` turns it into one line.
"""

from __future__ import annotations

import importlib
import logging
import re
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codec.errors import InrcError, InvalidInputError, MissingDependencyError

# Extra of pyproject.toml -> top-level modules that it brings.
EXTRAS = {
    "medical": ("nibabel", "nrrd"),
    "microscopy": ("mrcfile", "tifffile", "imagecodecs"),
    "astronomy": ("astropy",),
    "zarr": ("zarr",),
}
_DAMAGE: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    SyntaxError,
    AssertionError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
# Loggers that report what a library lives with, and those reports that mean damage all the same:
# tifffile goes on with the pages that it finds, and without its description (270).
_TALKATIVE = ("tifffile", "nibabel.global")
_SEVERE = re.compile(r"invalid page offset|failed to reshape|missing data offset|TiffTag 270 ")


def library(module: str) -> Any:
    """An optional module, imported now.

    Raises:
        MissingDependencyError: it is not installed; the message names the extra that brings it.
    """
    top = module.partition(".")[0]
    extra = next(name for name, modules in EXTRAS.items() if top in modules)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            f"this format needs the package {error.name or top}: pip install 'inrc[{extra}]'"
        ) from error


class _Complaints(logging.Filter):
    """Keeps log records from people, and the severe ones for us."""

    def __init__(self) -> None:
        super().__init__()
        self.severe: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if _SEVERE.search(message):
            self.severe.append(message)
        return False


@contextmanager
def _heard() -> Iterator[_Complaints]:
    complaints = _Complaints()
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    for logger in loggers:
        logger.addFilter(complaints)
    try:
        yield complaints
    finally:
        for logger in loggers:
            logger.removeFilter(complaints)


@contextmanager
def reading(path: Path, title: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn errors of a library, `errors` included, into one line about the file."""
    with warnings.catch_warnings(), _heard() as complaints:
        # Libraries warn of what they can live with; what they cannot, they raise.
        warnings.simplefilter("ignore")
        try:
            yield
            if complaints.severe:
                raise ValueError(complaints.severe[0])
        except InrcError:
            raise
        except (*_DAMAGE, *errors) as error:
            raise InvalidInputError(
                f"{path}: cannot be read as {title}, probably truncated or damaged;"
                f" fetch or write it again ({_first_line(error)})"
            ) from error


@contextmanager
def writing(path: Path, title: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn errors of a library that writes into one line with a way out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except InrcError:
            raise
        except (*_DAMAGE, *errors) as error:
            raise InvalidInputError(
                f"{path}: cannot be written as {title} ({_first_line(error)});"
                " try another place or suffix"
            ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
