"""Curves of a fit for TensorBoard: loss and PSNR of every stage, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from codec import InvalidInputError, MissingDependencyError
from codec.options.encode import Progress, ProgressCallback


@contextmanager
def logging_curves(folder: str) -> Iterator[ProgressCallback]:
    """The callback that writes to event files in `folder` while the block runs.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
        InvalidInputError: the folder cannot be written.
    """
    writer = _writer(folder)
    steps: Counter[str] = Counter()

    def log(progress: Progress) -> None:
        tag = f"{progress.field}/{progress.stage}" if progress.field else progress.stage
        for name, value in (("loss", progress.loss), ("psnr", progress.psnr)):
            if value is not None:
                writer.add_scalar(f"{tag}/{name}", value, steps[tag])
        steps[tag] += 1

    try:
        yield log
    finally:
        writer.close()


def _writer(folder: str) -> Any:
    try:
        from tensorboard.summary import Writer
    except ImportError:
        raise MissingDependencyError(
            "--log-dir needs tensorboard; install it with pip install 'inrc[tensorboard]'"
        ) from None
    try:
        return Writer(folder)
    except OSError as error:
        raise InvalidInputError(f"{folder}: {error.strerror or error}") from error
