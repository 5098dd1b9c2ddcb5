"""`inrc tune`."""

from __future__ import annotations

import dataclasses
import os

import click

import codec
from codec.options import defaults
from codec.options.encode import MAX_EFFORT
from codec.options.plugin_settings import texts_of
from inrc_cli import arguments, failures, tables
from inrc_cli.paths import need_file
from inrc_cli.progress import watching


@click.command()
@arguments.input_argument
@click.option(
    "-o", "--output", "folder", metavar="FOLDER", type=click.Path(), help="Where results go."
)
@click.option(
    "--arch", metavar="NAME", default=defaults.AUTO, show_default=True, help="Architecture."
)
@click.option(
    "--psnr",
    metavar="DB[:DB]",
    type=arguments.BetweenType(),
    default=(defaults.PSNR, defaults.PSNR),
    help=f"Target of every trial, or two between which targets are searched [{defaults.PSNR:g}].",
)
@click.option(
    "--trials",
    metavar="N",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Encodes to make.",
)
@click.option(
    "--search",
    metavar="NAME",
    multiple=True,
    help="Search this setting; repeatable. All that have a range if none is named.",
)
@arguments.var_option
@click.option(
    "--effort", type=click.IntRange(0, MAX_EFFORT), default=0, show_default=True, help="As encode."
)
@arguments.prune_option
@arguments.quantise_option
@arguments.coder_option
@click.option("--seed", metavar="N", type=int, default=0, help="Seed of every random choice [0].")
@arguments.settings_option
@arguments.threads_option
@arguments.device_option
@arguments.force_option
@arguments.json_option
@arguments.quiet_option
@arguments.verbose_option
def tune(
    source: str,
    folder: str | None,
    arch: str,
    psnr: tuple[float, float],
    trials: int,
    search: tuple[str, ...],
    var: tuple[str, ...] | None,
    effort: int,
    prune: str,
    quantise: str,
    coder: str,
    seed: int,
    plugin_settings: tuple[tuple[str, str], ...],
    threads: int,
    device: str,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
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
        report = codec.tune(
            source,
            place,
            arch=arch,
            psnr=psnr,
            trials=trials,
            search=search,
            var=var,
            effort=effort,
            prune=prune,
            quantise=quantise,
            coder=coder,
            seed=seed,
            threads=threads,
            device=device,
            settings=dict(texts_of(plugin_settings)),
            overwrite=force,
            on_progress=on_progress,
        )
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
