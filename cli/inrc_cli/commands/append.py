"""`inrc append`."""

from __future__ import annotations

import dataclasses
from typing import TypedDict, Unpack

import click

import codec
from codec.options import defaults
from codec.options.encode import MAX_EFFORT
from codec.reports import AppendReport
from inrc_cli import failures, parameter_types, shared_options, tables
from inrc_cli.defaults import default_of
from inrc_cli.paths import need_file
from inrc_cli.progress import watching


class Request(TypedDict):
    """The options that are handed to `codec.append` as they are."""

    dim: str
    psnr: float | None
    ratio: float | None
    bytes: int | None
    max_error: float | None
    rel_error: float | None
    effort: int | None
    arch: str
    var: tuple[str, ...] | None
    coder: str
    seed: int
    scheduler: str
    threads: int
    device: str


@click.command()
@click.argument("target", metavar="FILE", type=click.Path())
@shared_options.input_argument
@click.option("--dim", metavar="NAME", required=True, help="Dim that grows, or its position.")
@click.option(
    "--psnr",
    metavar="DB",
    type=float,
    help="Least PSNR of the new samples, whose peak is the range of all samples "
    f"[without any goal that of FILE, or {defaults.PSNR:g}].",
)
@click.option(
    "--ratio",
    metavar="X",
    type=float,
    help="Least ratio of the new samples to the bytes added.",
)
@click.option("--bytes", metavar="N", type=parameter_types.SizeType(), help="Most bytes to add.")
@click.option("--max-error", metavar="E", type=float, help="Greatest error of any new value.")
@click.option(
    "--rel-error", metavar="R", type=float, help="Greatest error, as a share of the range."
)
@click.option(
    "--effort",
    type=click.IntRange(0, MAX_EFFORT),
    help=f"Effort, as for encode [FILE's, or {defaults.EFFORT}].",
)
@click.option(
    "--arch",
    metavar="NAME",
    default=default_of(codec.append, "arch"),
    help="Architecture [FILE's, or pyramid].",
)
@shared_options.var_option
@shared_options.coder_option
@shared_options.seed_option
@shared_options.scheduler_option
@shared_options.threads_option
@shared_options.device_option
@click.option("--force", is_flag=True, help="Drop the tiles that an interrupted run has finished.")
@shared_options.json_option
@shared_options.quiet_option
@shared_options.verbose_option
def append(
    target: str,
    source: str,
    force: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **request: Unpack[Request],
) -> None:
    """Put the samples of INPUT behind those of FILE along a dim.

    INPUT must have all fields of FILE along that dim. What FILE holds is copied, not encoded again;
    FILE is replaced when all is done, and stays as it is where anything fails. Without a goal the
    one that FILE was encoded with holds, as far as FILE says so.
    """
    need_file(target)
    need_file(source)
    with (
        failures.checking_options(),
        failures.about(target),
        watching(quiet=quiet, verbose=verbose) as on_progress,
    ):
        report = codec.append(target, source, **request, overwrite=force, on_progress=on_progress)
    if as_json:
        tables.show_json(dataclasses.asdict(report))
    elif not quiet:
        _show_report(report)
    if not report.goal_met:
        raise codec.TargetError(report.shortfall)


def _show_report(report: AppendReport) -> None:
    rows = map(tables.quality_row, report.qualities)
    tables.show_table(tables.QUALITY_HEADINGS[:4], (row[:4] for row in rows))
    tables.show_line(
        f"{report.path}: {report.dim} {report.before} -> {report.after}, "
        f"{tables.format_bytes(report.added_bytes)} more, "
        f"{tables.format_bytes(report.file_bytes)}, {report.seconds:.1f} s"
    )
