"""`inrc transcode`."""

from __future__ import annotations

import dataclasses
from typing import TypedDict, Unpack

import click

import codec
from codec.options.plugin_settings import texts_of
from codec.reports import TranscodeReport
from inrc_cli import failures, parameter_types, shared_options, tables
from inrc_cli.paths import need_file, need_target


class Request(TypedDict):
    """The options that are handed to `codec.transcode` as they are."""

    coder: str
    quantise: str | None
    prune: str | None
    psnr: float | None
    bytes: int | None
    seed: int
    threads: int


@click.command()
@click.argument("source", metavar="FILE", type=click.Path())
@shared_options.output_option
@shared_options.coder_option
@click.option("--quantise", metavar="NAME", help="Quantiser that replaces the one of FILE.")
@click.option("--prune", metavar="NAME", help="Pruner that prunes the models once more.")
@click.option("--psnr", metavar="DB", type=float, help="Least PSNR, against what FILE decodes to.")
@click.option(
    "--bytes",
    metavar="N",
    type=parameter_types.SizeType(),
    help="Greatest size of OUT: 20000, 20k, 1.5M.",
)
@shared_options.seed_option
@shared_options.settings_option
@shared_options.threads_option
@shared_options.force_option
@shared_options.json_option
@shared_options.quiet_option
def transcode(
    source: str,
    target: str | None,
    plugin_settings: tuple[tuple[str, str], ...],
    force: bool,
    as_json: bool,
    quiet: bool,
    **request: Unpack[Request],
) -> None:
    """Code the models of FILE anew, without what they were fitted to.

    With --coder alone every decoded value stays the same, bit for bit. With --quantise, --prune,
    a target or --set, the stages after the fit are done again.
    """
    need_file(source)
    target = need_target(target, "smaller.inrc", force=force)
    with failures.checking_options(), failures.about(source):
        settings = dict(texts_of(plugin_settings))
        report = codec.transcode(source, target, **request, settings=settings, overwrite=force)
    if as_json:
        tables.show_json(dataclasses.asdict(report))
    elif not quiet:
        _show_report(report)
    if report.shortfall:
        raise codec.TargetError(report.shortfall)


def _show_report(report: TranscodeReport) -> None:
    if report.qualities:
        rows = map(tables.quality_row, report.qualities)
        tables.show_table(tables.QUALITY_HEADINGS[:4], (row[:4] for row in rows))
    tables.show_line(
        f"{report.path}: {tables.format_bytes(report.file_bytes)}, "
        f"from {tables.format_bytes(report.source_bytes)}, {report.seconds:.1f} s"
    )
