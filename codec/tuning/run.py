"""A search, from its options to the files that it writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from codec.encoding.item_encoder import check_settings
from codec.errors import InvalidInputError, InvalidOptionError, TargetError
from codec.options.encode import EncodeOptions, ignore_progress
from codec.reports import TuneReport
from codec.tuning.results import BEST, write_results, write_trials
from codec.tuning.search import Trial, chosen, progress_of, resolved, search, searchable


def run(
    source: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    options: EncodeOptions,
    psnr: tuple[float, float],
    trials: int,
    names: tuple[str, ...],
    *,
    overwrite: bool,
) -> TuneReport:
    """See `codec.tune`."""
    if trials < 1:
        raise InvalidOptionError(f"trials {trials}: choose 1 or more")
    options = resolved(options)
    check_settings(options)
    settings = searchable(options, names)
    if not settings:
        raise InvalidOptionError(
            f"architecture {options.architecture} and its stages have no settings to search"
        )
    place = _place(folder, overwrite=overwrite)
    report_progress = options.on_progress

    so_far: list[Trial] = []

    def tell(trial: Trial) -> None:
        so_far.append(trial)
        write_trials(place, so_far)
        report_progress(progress_of(trial, trials))

    quiet = replace(options, on_progress=ignore_progress)
    done = search(source, quiet, psnr=psnr, trials=trials, settings=settings, on_trial=tell)
    if not done:
        raise TargetError(f"{source}: none of {trials} trials gave a file; lower --psnr")
    best = chosen(done)
    write_results(place, done, best, options)
    return _report(place, done, best)


def _report(place: Path, trials: Sequence[Trial], best: Trial) -> TuneReport:
    return TuneReport(
        folder=place,
        trials=len(trials),
        front=sum(trial.best for trial in trials),
        best=best.settings,
        file_bytes=best.file_bytes,
        psnr=best.psnr,
        seconds=best.seconds,
    )


def _place(folder: str | os.PathLike[str], *, overwrite: bool) -> Path:
    place = Path(folder)
    if (place / BEST).exists() and not overwrite:
        raise InvalidInputError(f"{place / BEST}: exists; say --force to replace it")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{place}: {error.strerror or error}") from error
    return place
