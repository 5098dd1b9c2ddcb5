"""`inrc tune`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TypedDict, Unpack

import click

import codec
from codec.options import defaults
from codec.options.encode import MAX_EFFORT
from codec.options.plugin_settings import texts_of
from inrc_cli import failures, parameter_types, shared_options, tables
from inrc_cli.defaults import default_of
from inrc_cli.paths import need_file
from inrc_cli.progress import watching


class Request(TypedDict):
    """The options that are handed to `codec.tune` as they are."""

    arch: str
    psnr: tuple[float, float]
    trials: int
    search: tuple[str, ...]
    var: tuple[str, ...] | None
    effort: int
    prune: str
    quantise: str
    coder: str
    seed: int
    threads: int
    device: str
    settings: Mapping[str, str]


@click.command()
@shared_options.input_argument
@click.option(
    "-o", "--output", "folder", metavar="FOLDER", type=click.Path(), help="Folder of the results."
)
@click.option(
    "--arch",
    metavar="NAME",
    default=default_of(codec.tune, "arch"),
    show_default=True,
    help="Architecture.",
)
@click.option(
    "--psnr",
    metavar="DB[:DB]",
    type=parameter_types.BetweenType(),
    default=(defaults.PSNR, defaults.PSNR),
    help=f"Target of every trial, or two between which targets are searched [{defaults.PSNR:g}].",
)
@click.option(
    "--trials",
    metavar="N",
    type=click.IntRange(min=1),
    default=default_of(codec.tune, "trials"),
    show_default=True,
    help="Number of encodes.",
)
@click.option(
    "--search",
    metavar="NAME",
    multiple=True,
    help="Setting to search; repeatable. All that have a range if none is named.",
)
@shared_options.var_option
@click.option(
    "--effort",
    type=click.IntRange(0, MAX_EFFORT),
    default=default_of(codec.tune, "effort"),
    show_default=True,
    help="Effort of every trial, as for encode.",
)
@shared_options.prune_option
@shared_options.quantise_option
@shared_options.coder_option
@shared_options.seed_option
@shared_options.settings_option
@shared_options.threads_option
@shared_options.device_option
@shared_options.force_option
@shared_options.json_option
@shared_options.quiet_option
@shared_options.verbose_option
def tune(
    source: str,
    folder: str | None,
    plugin_settings: tuple[tuple[str, str], ...],
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **request: Unpack[Request],
) -> None:
    """Search the settings of plugins for few bytes, high PSNR and short encoding.

    Every trial encodes INPUT. FOLDER gets trials.csv, pareto.csv, pareto.png, and best.toml for
    inrc encode --config.
    """
    need_file(source)
    place = folder or f"{os.path.splitext(os.path.basename(source))[0] or 'out'}.tune"
    with (
        failures.checking_options(),
        watching(quiet=quiet, verbose=verbose) as on_progress,
    ):
        request["settings"] = dict(texts_of(plugin_settings))
        report = codec.tune(source, place, **request, overwrite=force, on_progress=on_progress)
    if as_json:
        tables.show_json(dataclasses.asdict(report) | {"best": dict(report.best)})
    elif not quiet:
        _show_report(report)


def _show_report(report: codec.TuneReport) -> None:
    tables.show_table(("setting", "best"), ((name, f"{value}") for name, value in report.best))
    tables.show_line(
        f"{report.folder}: {report.trials} trials, {report.front} on the front; best "
        f"{tables.format_bytes(report.file_bytes)}, {tables.format_psnr(report.psnr)}, "
        f"{report.seconds:.1f} s"
    )
