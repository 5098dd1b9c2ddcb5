"""Progress on stderr: a bar on a terminal, a line per stage elsewhere if asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from codec.options.encode import Progress, ProgressCallback, ignore_progress
from inrc_cli.fit_curves import logging_curves
from inrc_cli.wording import one_line


@contextmanager
def watching(
    *, quiet: bool, verbose: bool, log_dir: str | None = None
) -> Iterator[ProgressCallback]:
    """The callback to hand to the codec while the block runs.

    Args:
        log_dir: where curves for TensorBoard go, if anywhere.
    """
    with _shown(quiet=quiet, verbose=verbose) as show:
        if log_dir is None:
            yield show
            return
        with logging_curves(log_dir) as log:

            def both(progress: Progress) -> None:
                show(progress)
                log(progress)

            yield both


@contextmanager
def _shown(*, quiet: bool, verbose: bool) -> Iterator[ProgressCallback]:
    if quiet:
        yield ignore_progress
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bar() as callback:
            yield callback
    else:
        yield StageLines() if verbose else ignore_progress


class StageLines:
    """Writes a line whenever another field or stage begins."""

    def __init__(self) -> None:
        self._last: tuple[str, str] | None = None

    def __call__(self, progress: Progress) -> None:
        """Report one step."""
        if (progress.field, progress.stage) == self._last:
            return
        self._last = (progress.field, progress.stage)
        measured = measurements(progress)
        line = f"{progress.fraction:4.0%} {progress.field}: {progress.stage} {measured}"
        click.echo(f"inrc: {one_line(line)}", err=True)


@contextmanager
def _bar() -> Iterator[ProgressCallback]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Display

    display = Display(
        # Names come from files: no markup in them is ours.
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[measured]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
    with display:
        task = display.add_task("start", total=1.0, measured="")

        def show(progress: Progress) -> None:
            display.update(
                task,
                completed=progress.fraction,
                description=f"{one_line(progress.field)}: {progress.stage}",
                measured=measurements(progress),
            )

        yield show


def measurements(progress: Progress) -> str:
    """Loss and PSNR in words, as far as they are known."""
    known = []
    if progress.loss is not None:
        known.append(f"loss {progress.loss:.3g}")
    if progress.psnr is not None:
        known.append(f"{progress.psnr:.1f} dB")
    return ", ".join(known)
