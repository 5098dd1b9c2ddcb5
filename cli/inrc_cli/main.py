"""The group `inrc` and the entry point of the console script."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

import codec
from inrc_cli import failures
from inrc_cli.commands.append import append
from inrc_cli.commands.completion import completion
from inrc_cli.commands.decode import decode
from inrc_cli.commands.encode import encode
from inrc_cli.commands.info import info
from inrc_cli.commands.meta_train import meta_train
from inrc_cli.commands.plugins import plugins
from inrc_cli.commands.repair import repair
from inrc_cli.commands.transcode import transcode
from inrc_cli.commands.tune import tune
from inrc_cli.commands.verify import verify

_EPILOG = """\b
Exit codes: 0 ok, 1 other errors, 2 usage, 3 damaged file, 4 unsupported file,
5 over the limits, 6 target missed, verification failed or something lost in
a repair, 130 interrupted, 143 terminated.

\b
Environment: INRC_DEVICE and INRC_THREADS stand in for --device and --threads,
INRC_PRIORS lists folders of priors, NO_COLOR turns colours off, INRC_DEBUG=1 shows tracebacks."""


class InrcGroup(click.Group):
    """A group whose errors are all reported by `failures.run`, in the order commands are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands as they were added, not by alphabet."""
        return list(self.commands)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line and exit; click's own reports and exit codes are not used."""
        parent: Callable[..., Any] = super().main
        if not extra.pop("standalone_mode", True):
            return parent(*args, standalone_mode=False, **extra)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A name that the terminal's encoding lacks is shown escaped.
                stream.reconfigure(errors="backslashreplace")
        sys.exit(failures.run(lambda: parent(*args, standalone_mode=False, **extra)))

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke the command; an interrupt is an Abort at once, before click prints a line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise click.Abort from error


@click.group(
    cls=InrcGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(codec.__version__, prog_name="inrc", message="%(prog)s %(version)s")
def inrc() -> None:
    """Scientific volumes, images and shapes stored as fitted functions."""


for _command in (
    encode,
    append,
    decode,
    info,
    verify,
    repair,
    transcode,
    tune,
    meta_train,
    plugins,
    completion,
):
    inrc.add_command(_command)


def main() -> None:
    """Run `inrc` with the arguments of the process, and exit."""
    _interrupt_on_termination()
    inrc.main(prog_name="inrc")


def _interrupt_on_termination() -> None:
    """Let SIGTERM and SIGHUP end the process as Ctrl-C does: temporary files are removed."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, failures.terminate)
