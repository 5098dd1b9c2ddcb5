"""`inrc repair`."""

from __future__ import annotations

import dataclasses

import click

import codec
from codec.reports import LostRegion, RepairReport
from inrc_cli import failures, shared_options, tables
from inrc_cli.paths import need_file, need_target

_HEADINGS = ("field", "lost", "where", "share")
_WHAT = {
    "samples": "samples",
    "bound": "the promised bound",
    "variable": "left out",
    "metadata": "metadata",
}


@click.command()
@click.argument("source", metavar="FILE", type=click.Path())
@shared_options.output_option
@shared_options.force_option
@shared_options.json_option
@shared_options.quiet_option
def repair(source: str, target: str | None, force: bool, as_json: bool, quiet: bool) -> None:
    """Write what is intact of the damaged FILE as a file again, and list what is lost.

    Damaged tiles become invalid samples. The exit code is 0 if nothing is lost, 6 if something is,
    and 3 if nothing could be saved.
    """
    need_file(source)
    target = need_target(target, "repaired.inrc", force=force)
    with failures.checking_options(), failures.about(source):
        report = codec.repair(source, target, overwrite=force)
    if as_json:
        tables.show_json(dataclasses.asdict(report))
    elif not quiet:
        _show(report)
    if report.losses:
        raise codec.VerificationError(f"{report.path}: written without what is lost of {source}")


def _show(report: RepairReport) -> None:
    tables.show_line(
        f"{report.path}: {tables.format_bytes(report.file_bytes)} from {report.intact} intact "
        f"sections, {report.seconds:.1f} s"
    )
    for kind, start, size in report.damage:
        where = f"{size} bytes from byte {start}" if size else f"the end, from byte {start}"
        tables.show_line(f"damaged: {kind or 'unknown'}, {where}")
    if report.losses:
        tables.show_line("")
        tables.show_table(_HEADINGS, map(_row, report.losses))


def _row(loss: LostRegion) -> tuple[str, ...]:
    where = ",".join(f"{start}:{stop}" for start, stop in loss.ranges)
    share = f"{loss.share:.1%}" if loss.ranges else ""
    return loss.name or "?", _WHAT[loss.kind], where, share
