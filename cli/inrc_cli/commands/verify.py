"""`inrc verify`."""

from __future__ import annotations

import dataclasses
import math

import click

import codec
from codec.reports import VerifyReport
from inrc_cli import failures, shared_options, tables
from inrc_cli.paths import need_file


@click.command()
@shared_options.input_argument
@click.argument("original", required=False, type=click.Path())
@click.option("--psnr", metavar="DB", type=float, help="Least PSNR; a field below it fails.")
@click.option(
    "--max-error",
    metavar="E",
    type=float,
    help="Greatest error; a value beyond it fails.",
)
@shared_options.device_option
@shared_options.threads_option
@shared_options.json_option
def verify(
    source: str,
    original: str | None,
    psnr: float | None,
    max_error: float | None,
    device: str,
    threads: int,
    as_json: bool,
) -> None:
    """Check INPUT, alone or against ORIGINAL.

    Alone, every checksum and the digest are checked. With ORIGINAL, INPUT is also decoded and
    compared: the command fails below --psnr, above --max-error, or where a mask differs.
    """
    need_file(source)
    if original is not None:
        need_file(original)
    _check_thresholds(original, psnr, max_error)
    with failures.about(source):
        report = codec.verify(
            source, original, psnr=psnr, max_error=max_error, threads=threads, device=device
        )
    if as_json:
        tables.show_json(dataclasses.asdict(report))
    else:
        _show(report)


def _check_thresholds(original: str | None, psnr: float | None, max_error: float | None) -> None:
    given = psnr is not None or max_error is not None
    if given and original is None:
        raise failures.usage_error("--psnr and --max-error need ORIGINAL to compare with")
    if psnr is not None and not (math.isfinite(psnr) and psnr > 0):
        raise failures.usage_error(f"psnr {psnr:g}: the threshold is a positive number of dB")
    if max_error is not None and not (math.isfinite(max_error) and max_error >= 0):
        raise failures.usage_error(f"max-error {max_error:g}: the threshold is 0 or greater")


def _show(report: VerifyReport) -> None:
    tables.show_line(
        f"{report.path}: {report.sections} sections intact, "
        f"{tables.format_bytes(report.file_bytes)}"
    )
    if report.qualities:
        tables.show_line("")
        tables.show_table(tables.QUALITY_HEADINGS, map(tables.quality_row, report.qualities))
