"""Lines on stderr: complaints, and the warnings and log records of everything underneath."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import click

from inrc_cli.wording import one_line


def complain(line: str) -> None:
    """Write to stderr, unless whoever read it has left."""
    try:
        click.echo(line, err=True)
    except BrokenPipeError:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the exit


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Show each warning, and each record the codec logs as one, as one line of ours."""
    logger = logging.getLogger("inrc")
    handler = _LineHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    finally:
        logger.removeHandler(handler)


class _LineHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        complain(f"inrc: {record.levelname.lower()}: {one_line(record.getMessage())}")


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    complain(f"inrc: warning: {one_line(str(message))}")
