"""Errors as a line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from codec import (
    CorruptError,
    FormatError,
    InrcError,
    InvalidOptionError,
    LimitError,
    TargetError,
    TruncatedError,
    UnsupportedError,
    VerificationError,
)
from inrc_cli.stderr import complain, warnings_as_lines
from inrc_cli.wording import one_line

OTHER = 1
USAGE = 2
INTERRUPTED = 130

STANDARD_INPUT = "standard input"
_READING = frozenset({"append", "decode", "info", "transcode", "verify"})

# The first class that fits decides, so subclasses stand before FormatError.
_EXIT_CODES: tuple[tuple[type[InrcError], int], ...] = (
    (UnsupportedError, 4),
    (LimitError, 5),
    (FormatError, 3),
    (VerificationError, 6),
    (TargetError, 6),
)


class TerminatedError(KeyboardInterrupt):
    """A signal asked the process to end; handled as Ctrl-C is, but for the exit code."""

    def __init__(self, number: int):
        super().__init__()
        self.code = 128 + number


def terminate(number: int, frame: object) -> None:
    """The handler of such a signal."""
    raise TerminatedError(number)


class ReportedError(Exception):
    """An error that already knows its line and its exit code."""

    def __init__(self, line: str, code: int):
        super().__init__(line)
        self.code = code


def exit_code(error: BaseException) -> int:
    """The exit code for anything but an interrupt."""
    if isinstance(error, ReportedError):
        return error.code
    if isinstance(error, click.ClickException):
        return error.exit_code
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), OTHER)


@contextmanager
def about(file: str) -> Iterator[None]:
    """Name `file` in the line of every FormatError raised inside."""
    try:
        yield
    except FormatError as error:
        raise ReportedError(f"{file}: {error}{_way_out(file, error)}", exit_code(error)) from error


def _way_out(file: str, error: FormatError) -> str:
    """Advice about damage inside a file."""
    context = click.get_current_context(silent=True)
    damaged = isinstance(error, CorruptError | TruncatedError) and (error.section or error.offset)
    if not damaged or file == STANDARD_INPUT or context is None:
        return ""
    reads = context.info_name in _READING
    return "; 'inrc repair' writes a file of what is intact" if reads else ""


@contextmanager
def checking_options() -> Iterator[None]:
    """Report every InvalidOptionError raised inside as a mistake on the command line."""
    try:
        yield
    except InvalidOptionError as error:
        raise usage_error(str(error)) from error


def usage_error(message: str) -> click.UsageError:
    """A usage error of the command that is running."""
    return click.UsageError(message, click.get_current_context())


def run(command: Callable[[], object]) -> int:
    """Call `command` and return the exit code, after a line on stderr for whatever went wrong."""
    with warnings_as_lines():
        try:
            result = command()
        except (KeyboardInterrupt, click.Abort) as error:
            # click turns the first into the second.
            for cause in (error, error.__cause__):
                if isinstance(cause, TerminatedError):
                    complain("inrc: terminated")
                    return cause.code
            # A terminal has just echoed "^C" where our line would start.
            complain("\ninrc: interrupted" if sys.stderr.isatty() else "inrc: interrupted")
            return INTERRUPTED
        except click.exceptions.NoArgsIsHelpError as error:
            complain(error.format_message())
            return USAGE
        except Exception as error:  # noqa: BLE001 - nobody should meet a traceback
            if os.environ.get("INRC_DEBUG") == "1":
                traceback.print_exc()
            complain(f"inrc: {one_line(describe(error))}")
            return exit_code(error)
    return result if isinstance(result, int) else 0


def describe(error: Exception) -> str:
    """Description of an error, with a pointer to the help for usage errors."""
    if isinstance(error, click.ClickException):
        return _describe_usage(error)
    if isinstance(error, InrcError | ReportedError):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    detail = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"internal error, INRC_DEBUG=1 shows where: {detail}"


def _describe_usage(error: click.ClickException) -> str:
    message = error.format_message().strip().removesuffix(".")
    if message[1:2].islower():
        message = message[0].lower() + message[1:]
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else "inrc"
    return f"{message} (try '{path} --help')"
